"""The demo app on an iPhone: how it is installed, started and given files, and what one start of it writes.

Apps cannot be reached while they run; a computer only copies files out of the app's container, again and again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from levit_mobile.demo.ios.devicectl import Devicectl, at, mappings
from levit_mobile.demo.ios.phones import Iphone
from levit_mobile.errors import DeviceError

FOLDER = "Documents/levit"  # as HostFolder of LevitMobileKit has it
INSTALL_S = 600.0
# With "true", devicectl empties the whole container of the app, whatever the destination is.
OVERLAY = ("--remove-existing-content", "false")


@dataclass(frozen=True, slots=True)
class IosApp:
    """The demo app on one iPhone."""

    devicectl: Devicectl
    phone: Iphone
    identifier: str

    def install(self, app: Path) -> None:
        """Install or update it. Raises DeviceError (``device.install``)."""
        self.devicectl.call("device install app", *self._device(), str(app), timeout_s=INSTALL_S)

    def start(self, *arguments: str) -> int | None:
        """End the running app and start it anew with these arguments. Raises DeviceError.

        Returns:
            Number of the process; None where it is not stated.
        """
        words = (*self._device(), "--terminate-existing", self.identifier, *arguments)
        process = at(self.devicectl.call("device process launch", *words), "process", "processIdentifier")
        return process if isinstance(process, int) else None

    def clean(self, paths: Sequence[str]) -> None:
        """Start the app so that it removes files and folders below its folder for computers. Raises DeviceError."""
        self.start("--levit-clean", json.dumps(list(paths)))

    def has_process(self, number: int) -> bool:
        """Whether a process runs on the phone. Raises DeviceError."""
        listed = self.devicectl.call("device info processes", *self._device()).get("runningProcesses")
        return not isinstance(listed, list) or number in [one.get("processIdentifier") for one in mappings(listed)]

    def copy_to(self, source: Path, place: str) -> None:
        """Copy a file or a folder below its folder; files of the same names are replaced. Raises DeviceError."""
        words = (*self._container(), *OVERLAY, "--source", str(source), "--destination", f"{FOLDER}/{place}")
        self.devicectl.call("device copy to", *words, timeout_s=INSTALL_S)

    def copy_from(self, place: str, target: Path) -> None:
        """Copy a file from below its folder to a path where nothing is. Raises DeviceError."""
        words = (*self._container(), "--source", f"{FOLDER}/{place}", "--destination", str(target))
        self.devicectl.call("device copy from", *words)

    def text(self, place: str) -> str:
        """The text of a file below its folder; empty where it is missing."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "text")
            try:
                self.copy_from(place, file)
                return file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                return ""
            except DeviceError as error:
                if error.fault == "failed":  # a missing file has no error of its own
                    return ""
                raise

    def _device(self) -> tuple[str, str]:
        return "--device", self.phone.identifier

    def _container(self) -> tuple[str, ...]:
        return (*self._device(), "--domain-type", "appDataContainer", "--domain-identifier", self.identifier)


@dataclass(frozen=True, slots=True)
class IosStart:
    """One start of the app with a plan.

    Attributes:
        app: The app.
        run: Name of its record.
        process: Number of its process; None if unknown.
    """

    app: IosApp
    run: str
    process: int | None = None

    @property
    def name(self) -> str:
        """Name of the phone."""
        return self.app.phone.name

    @property
    def files(self) -> tuple[str, str]:
        """What it leaves below the app's folder: the record and the lines."""
        return f"records/{self.run}.json", f"records/{self.run}.progress.jsonl"

    def lines(self) -> str:
        """The lines that it has written down until now."""
        return self.app.text(self.files[1])

    def is_running(self) -> bool:
        """Whether its process lives; False where the phone does not answer."""
        try:
            return self.process is None or self.app.has_process(self.process)
        except DeviceError:
            return False

    def log_tail(self) -> tuple[str, ...]:
        """Nothing: devicectl does not show the phone's log."""
        return ()

    def too_old(self, why: str) -> DeviceError:
        """The error of an app that does not know what it is asked."""
        return DeviceError(
            f"the demo app on {self.name} cannot be used: {why}; keep the phone unlocked and the app on the screen, "
            "and install the app of this version of levit-mobile",
            fault="no-app",
        )
