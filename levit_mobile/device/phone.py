"""One phone: commands, files, its log, and the lock that keeps a second run away."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from levit_mobile.device import refusals, transfer
from levit_mobile.device.program import Done, Program
from levit_mobile.device.stream import Stream
from levit_mobile.device.transfer import Pushed
from levit_mobile.errors import DeviceError
from levit_mobile.system.printable import printable
from levit_mobile.system.progress import Progress, silent

STORAGE = "/data/local/tmp"
ROOT = f"{STORAGE}/levit-mobile"
TIMEOUT_S = 60.0
LOG_LINES = 40
_CODE = re.compile(rb"\r?\n@levit-mobile code (\d+)\r?\n\Z")
# It holds the lock until it is ended. A lock is stale where its process is gone, or is a different program by now.
HOLD = """lock={root}/lock
take() {{ mkdir -p {root} && mkdir $lock 2>/dev/null && echo $$ > $lock/pid; }}
held() {{ pid=$(cat $lock/pid 2>/dev/null); [ -n "$pid" ] && grep -q levit-mobile /proc/$pid/cmdline 2>/dev/null; }}
trap 'rm -rf $lock; rmdir {root} 2>/dev/null; exit 143' TERM HUP
if ! take; then
    [ -d $lock ] || exit 1
    held || sleep 1
    if held; then echo "busy $pid"; exit 0; fi
    rm -rf $lock
    take || {{ held; echo "busy $pid"; exit 0; }}
fi
echo taken
while :; do sleep 3600 & wait $!; done"""


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone that was ready when it was chosen.

    Attributes:
        adb: The program that reaches it.
        serial: Its serial number.
        name: How sentences call it.
    """

    adb: Program
    serial: str
    name: str

    def shell(self, command: str, *, timeout_s: float = TIMEOUT_S, check: bool = False) -> Done:
        """Run a command to its end.

        Args:
            command: For the phone's shell; `shlex.quote` is for words of it that are not known.
            timeout_s: Longest time in seconds.
            check: Raise for an exit code that is not 0.

        Raises:
            DeviceError: The phone went away (``device.gone``), or did not answer in time (``device.hung``); with
                `check` also ``device.full``, ``device.read-only``, ``device.not-executable``, ``device.failed``.
        """
        line = f'( {command}\n)\ncode=$?; echo; echo "@levit-mobile code $code"'  # adb's own code may be its own
        what = f"`{printable(command)[:60]}` on {self.name}"
        done = self.adb.run("shell", line, serial=self.serial, timeout_s=timeout_s, what=what)
        found = _CODE.search(done.stdout)
        if found is None and not 1 < done.returncode < 255:
            raise refusals.of_connection(self.name, done.stderr) or self._gone()
        stdout = done.stdout[: found.start()] if found else done.stdout
        answer = Done(int(found[1]) if found else done.returncode, stdout, done.stderr)
        if check and answer.code:
            raise self._refused(command, answer)
        return answer

    def _gone(self) -> DeviceError:
        return DeviceError(f"the connection to {self.name} ended in the middle of a command", fault="gone")

    def _refused(self, command: str, done: Done) -> DeviceError:
        printed = done.stderr or done.stdout
        return refusals.of_command(self.name, printed) or DeviceError(
            f"`{printable(command)[:60]}` failed on {self.name} with exit status {done.code}: "
            f"{refusals.last_line(printed)}",
            fault="failed",
        )

    def stream(self, command: str, *, silence_s: float | None = None) -> Stream:
        """Start a command and read its lines as they come; see `Stream`."""
        return Stream(self, command, silence_s=silence_s)

    # Files

    def push(self, source: Path, target: str, progress: Progress = silent, *, executable: bool = True) -> Pushed:
        """Copy a file, or the files in a folder, to the phone, and check the digest of each there.

        A file that is there with the right digest is not copied again.

        Args:
            source: A file or a folder.
            target: The path on the phone that it gets; missing folders are made.
            progress: Called with bytes.
            executable: Make all files executable; the shared storage has no such files.

        Returns:
            How many files and bytes were copied, and how many were there.

        Raises:
            DeviceError: ``device.full``, ``device.read-only``, ``device.gone``, ``device.damaged``, ``device.failed``.
        """
        return transfer.push(self, source, target, progress, executable=executable)

    def pull(self, source: str, target: Path) -> None:
        """Copy a file or a folder from the phone. Raises DeviceError."""
        transfer.pull(self, source, target)

    def digests(self, folder: str, names: Sequence[str]) -> dict[str, str]:
        """The SHA-256 of those files in a folder on the phone that are there. Raises DeviceError."""
        return transfer.digests(self, folder, names)

    def remove(self, path: str) -> None:
        """Delete a file or folder below this tool's own. Raises DeviceError, and ValueError for a different path."""
        if not path.startswith(f"{ROOT}/") or ".." in path.split("/"):
            raise ValueError(f"{path} is not below {ROOT}")
        self.shell(f"rm -rf {shlex.quote(path)}", check=True)

    # What else is asked

    def require_arm64(self) -> None:
        """Raise DeviceError (``device.not-executable``) for a phone that has no 64-bit system."""
        answer = self.shell("getprop ro.product.cpu.abilist64; getprop ro.product.cpu.abilist").text
        kinds = [line.strip() for line in answer.splitlines() if line.strip()]
        if kinds and "arm64-v8a" not in ",".join(kinds).split(","):  # without any, its loader decides
            raise DeviceError(
                f"{self.name} cannot run 64-bit ARM programs, which this tool needs; it runs {printable(kinds[-1])}",
                fault="not-executable",
            )

    def logcat_tail(self, lines: int = LOG_LINES) -> tuple[str, ...]:
        """The last lines of the phone's log, oldest first; none where it cannot be read."""
        try:
            text = self.shell(f"logcat -d -t {lines}", timeout_s=10.0).text
        except DeviceError:
            return ()
        return tuple(printable(line) for line in text.splitlines()[-lines:] if line.strip())

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Inside, no second run can claim the phone. Raises DeviceError (``device.busy``) where one has.

        The lock is a folder on the phone, `lock` in `ROOT`, that a process there holds. It goes away with the block and
        with the connection; one that was left behind is recognised by its process, which no longer runs.
        """
        with self.stream(HOLD.format(root=ROOT), silence_s=TIMEOUT_S) as holder:
            word, _, process = next(holder, b"").decode().partition(" ")
            if word != "taken":
                raise DeviceError(
                    f"{self.name} is in use by a different run of levit-mobile (process {process or 'unknown'} on "
                    f"the device): wait until it ends",
                    fault="busy",
                )
            yield
