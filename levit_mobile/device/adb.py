"""adb and its devices: which it lists, and which of them is used.

Source of the states: AOSP, packages/modules/adb/adb.cpp and transport.cpp.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from levit_mobile.device import refusals
from levit_mobile.device.phone import Phone
from levit_mobile.device.program import Program
from levit_mobile.errors import DeviceError
from levit_mobile.system.printable import printable

HEADING = "List of devices attached"
_LINE = re.compile(
    r"(?P<serial>\S.*?)\s+"
    r"(?P<state>no permissions.*?|[a-z]+)"
    r"(?P<about>(?:\s+[a-z_]+:\S+|\s+\d+-[\d.]+)*)\s*"
)
READY = "device"


@dataclass(frozen=True, slots=True)
class Listed:
    """One device as `adb devices -l` lists it.

    Attributes:
        serial: What `--on android:SERIAL` is given.
        state: adb's own word: device, offline, unauthorized, no permissions, recovery, sideload, bootloader, ...
        model: The model, such as ``Pixel 7``; empty where adb does not know it.
    """

    serial: str
    state: str
    model: str = ""

    @property
    def ready(self) -> bool:
        """Can commands be run on it?"""
        return self.state == READY

    @property
    def name(self) -> str:
        """How sentences call it: the model and the serial number."""
        return f"{self.model} ({self.serial})" if self.model else self.serial

    def __str__(self) -> str:
        return self.name if self.ready else f"{self.name}: {self.state}"


class Adb(Program):
    """The user's adb; `Adb.found` looks for it."""

    def devices(self) -> tuple[Listed, ...]:
        """Every device that adb lists, ready or not. Raises DeviceError where adb does not work."""
        done = self.run("devices", "-l")
        if done.returncode:
            raise DeviceError(f"`adb devices` failed: {refusals.last_line(done.stderr)}", fault="adb-server")
        return tuple(parsed(done.stdout.decode(errors="replace")))

    def device(self, serial: str | None = None) -> Phone:
        """The device to use.

        Args:
            serial: Its serial number. Default: ``ANDROID_SERIAL``, or else the only device that is ready.

        Raises:
            DeviceError: No device is connected, several are ready, or the one is not ready; the sentence lists them.
        """
        environ = os.environ if self.environ is None else self.environ
        listed = chosen(self.devices(), serial or environ.get("ANDROID_SERIAL") or None)
        return Phone(self, listed.serial, listed.name)


def parsed(text: str) -> Iterator[Listed]:
    """The lines of `adb devices -l`, without what adb prints about its server."""
    for line in text.partition(HEADING)[2].splitlines():
        if found := _LINE.fullmatch(line.strip()):
            about = dict(pair.split(":", 1) for pair in found["about"].split() if ":" in pair)
            yield Listed(found["serial"], found["state"], printable(about.get("model", "").replace("_", " ")))


def chosen(devices: Sequence[Listed], serial: str | None) -> Listed:
    """The device of that serial number, or the only one that is ready. Raises DeviceError."""
    if not devices:
        raise DeviceError(
            "no device is connected: plug in a phone, switch on USB debugging in its developer options, and check "
            "that `adb devices` lists it",
            fault="none",
        )
    named = [device for device in devices if serial in (None, device.serial)]
    if not named:
        raise DeviceError(
            f"no device has the serial number {printable(str(serial))}; connected: {_list(devices)}",
            fault="unknown-serial",
        )
    ready = [device for device in named if device.ready]
    if len(ready) > 1:
        raise DeviceError(
            f"{len(ready)} devices are ready, choose one with --on android:SERIAL: {_list(ready)}", fault="several"
        )
    if not ready:
        raise refusals.not_ready(named[0].name, named[0].state, others=_list(named[1:]))
    return ready[0]


def _list(devices: Sequence[Listed]) -> str:
    return ", ".join(str(device) for device in devices)
