"""Apple's `devicectl`: which iPhones are there, and how an app is installed, started and given files.

Only its JSON is stable, and each of its fields may be missing: cargo-mobile2, issue 443, shows a phone without a name.
Source of the commands: `xcrun devicectl help` of Xcode 26.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levit_mobile.errors import DeviceError, RunnerUnavailable
from levit_mobile.system.printable import printable

CALL_S = 120.0
INSTALL_S = 600.0


@dataclass(frozen=True, slots=True)
class Iphone:
    """An iPhone or iPad that `devicectl` lists.

    Attributes:
        identifier: What `devicectl` calls it.
        name: Its name for sentences.
        fault: Why it cannot be used, as a fault of DeviceError; None where it can.
        why: The same in words.
    """

    identifier: str
    name: str
    fault: str | None = None
    why: str = ""


class Devicectl:
    """The program on this Mac."""

    def __init__(self) -> None:
        """Raises RunnerUnavailable off a Mac (``runner.platform``) and without Xcode (``runner.not-installed``)."""
        if not is_mac():
            raise RunnerUnavailable(
                f"devicectl, by which Xcode reaches iPhones, runs on macOS only; this machine runs {sys.platform}",
                fault="platform",
            )
        found = shutil.which("xcrun")
        if found is None:
            raise RunnerUnavailable("xcrun was not found: install Xcode 15 or newer", fault="not-installed")
        self._xcrun = found

    def devices(self) -> list[Iphone]:
        """All iPhones and iPads that this Mac knows."""
        listed = self.call("list", "devices").get("devices")
        return [_iphone(one) for one in _mappings(listed) if _is_ios(one)]

    def chosen(self, identifier: str | None) -> Iphone:
        """The phone with an identifier, a UDID or a name, or the only one that is ready.

        Raises:
            DeviceError: None is there, or it cannot be used; several are ready (``device.several``).
        """
        there = self.devices()
        ready = [phone for phone in there if phone.fault is None]
        if identifier is not None:
            named = [phone for phone in there if identifier in (phone.identifier, phone.name)]
            if not named:
                raise DeviceError(
                    f"no iPhone is called {printable(identifier)}; there {_listed(there)}", fault="unknown-serial"
                )
            return _usable(named[0])
        if len(ready) > 1:
            raise DeviceError(
                f"several iPhones are ready: choose one with --serial; there {_listed(ready)}", fault="several"
            )
        if ready:
            return ready[0]
        if len(there) == 1:
            return _usable(there[0])
        raise DeviceError(
            f"no iPhone is ready: connect one by cable and unlock it; there {_listed(there)}", fault="none"
        )

    def call(self, *words: str, timeout_s: float = CALL_S) -> Mapping[str, Any]:
        """Run a command and return the ``result`` of its JSON.

        Raises:
            DeviceError: It failed (``device.failed``, or what its words mean), or did not end (``device.hung``).
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "out.json")
            command = [self._xcrun, "devicectl", *words, "--json-output", str(file)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
            except subprocess.TimeoutExpired as error:
                raise DeviceError(f"devicectl {words[0]} did not end within {timeout_s:g} s", fault="hung") from error
            made = _read(file)
        result = made.get("result")
        if done.returncode or _at(made, "info", "outcome") == "failed":
            raise _failure(words, made, done.stderr)
        return result if isinstance(result, Mapping) else {}


def is_mac() -> bool:
    """Whether this machine runs macOS."""
    return sys.platform == "darwin"


def _usable(phone: Iphone) -> Iphone:
    if phone.fault is not None:
        raise DeviceError(f"{phone.name} cannot be used: {phone.why}", fault=phone.fault)
    return phone


def _listed(phones: list[Iphone]) -> str:
    if not phones:
        return "is none"
    return "are " + ", ".join(f"{phone.name} ({phone.why or 'ready'})" for phone in phones)


def _is_ios(device: Mapping[str, Any]) -> bool:
    """Xcode 27 lists simulators and other devices too; what states no platform may be a phone."""
    platform = _at(device, "hardwareProperties", "platform")
    return platform in (None, "iOS") and _at(device, "hardwareProperties", "reality") != "simulated"


def _iphone(device: Mapping[str, Any]) -> Iphone:
    identifier = str(device.get("identifier") or _at(device, "hardwareProperties", "udid") or "")
    stated = _at(device, "deviceProperties", "name") or _at(device, "hardwareProperties", "marketingName")
    name = printable(str(stated or identifier or "an iPhone without a name"))
    return Iphone(identifier, name, *_trouble(device))


def _trouble(device: Mapping[str, Any]) -> tuple[str | None, str]:
    """A field that is missing is no trouble: the next command shows it."""
    pairing = _at(device, "connectionProperties", "pairingState")
    if pairing not in (None, "paired"):
        return "unauthorised", "it does not trust this Mac: unlock it, connect it by cable and choose Trust"
    if _at(device, "connectionProperties", "tunnelState") == "unavailable":
        return "offline", "it is not connected: connect it by cable and unlock it"
    if _at(device, "deviceProperties", "developerModeStatus") not in (None, "enabled"):
        return "unauthorised", "its developer mode is off: switch it on in Settings, Privacy & Security"
    version = str(_at(device, "deviceProperties", "osVersionNumber") or "")
    major = version.partition(".")[0]
    if major.isdigit() and int(major) < 17:
        return "state", f"it runs iOS {version}, and devicectl and the app need iOS 17"
    return None, ""


def _failure(words: tuple[str, ...], made: Mapping[str, Any], stderr: str) -> DeviceError:
    told = _at(made, "error", "userInfo", "NSLocalizedDescription", "string")
    lines = [line for line in stderr.splitlines() if line.strip()]
    why = printable(str(told or (lines[-1] if lines else "nothing was printed")))[:300]
    if "locked" in why.lower():
        return DeviceError(f"the iPhone is locked: unlock it and keep it on ({why})", fault="state")
    fault = "install" if "install" in words else "failed"
    return DeviceError(f"devicectl {' '.join(words[:3])} failed: {why}", fault=fault)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        made = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, Mapping) else {}


def _at(data: object, *keys: str) -> object:
    for key in keys:
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


def _mappings(data: object) -> Iterator[Mapping[str, Any]]:
    for one in data if isinstance(data, list) else []:
        if isinstance(one, Mapping):
            yield one
