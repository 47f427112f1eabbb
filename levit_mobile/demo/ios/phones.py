"""The iPhones that this Mac knows, and which of them is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from levit_mobile.demo.ios.devicectl import Devicectl, at, mappings
from levit_mobile.errors import DeviceError
from levit_mobile.system.printable import printable


@dataclass(frozen=True, slots=True)
class Iphone:
    """An iPhone or iPad that `devicectl` lists.

    Attributes:
        identifier: What `devicectl` calls it.
        name: Its name for sentences.
        udid: The identifier that Apple's developer site knows; empty where it is not stated.
        fault: Why it cannot be used, as a fault of DeviceError; None where it can.
        why: The same in words.
    """

    identifier: str
    name: str
    udid: str = ""
    fault: str | None = None
    why: str = ""


def iphones(devicectl: Devicectl) -> list[Iphone]:
    """All iPhones and iPads that this Mac knows; what has no identifier cannot be addressed, and is left out."""
    listed = devicectl.call("list devices").get("devices")
    found = [_iphone(one) for one in mappings(listed) if _is_ios(one)]
    return [phone for phone in found if phone.identifier]


def chosen(devicectl: Devicectl, identifier: str | None) -> Iphone:
    """The phone with an identifier, a UDID or a name, or the only one that is ready.

    Raises:
        DeviceError: None is there, or it cannot be used; several are ready, or several have the name
            (``device.several``).
    """
    there = iphones(devicectl)
    if identifier is not None:
        return _usable(_named(there, identifier))
    ready = [phone for phone in there if phone.fault is None]
    if len(ready) > 1:
        raise DeviceError(
            f"several iPhones are ready: choose one with --serial; there {_listed(ready)}", fault="several"
        )
    if ready:
        return ready[0]
    if len(there) == 1:
        return _usable(there[0])
    raise DeviceError(f"no iPhone is ready: connect one by cable and unlock it; there {_listed(there)}", fault="none")


def _named(there: list[Iphone], identifier: str) -> Iphone:
    """An identifier comes before a name, which two phones may share."""
    found = [phone for phone in there if identifier in (phone.identifier, phone.udid)]
    found = found or [phone for phone in there if identifier == phone.name]
    if not found:
        raise DeviceError(
            f"no iPhone is called {printable(identifier)}; there {_listed(there)}", fault="unknown-serial"
        )
    if len(found) > 1:
        same = ", ".join(phone.identifier for phone in found)
        raise DeviceError(
            f"several iPhones are called {printable(identifier)}: choose one by its identifier with --serial; theirs "
            f"are {same}",
            fault="several",
        )
    return found[0]


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
    platform = at(device, "hardwareProperties", "platform")
    return platform in (None, "iOS") and at(device, "hardwareProperties", "reality") != "simulated"


def _iphone(device: Mapping[str, Any]) -> Iphone:
    udid = str(at(device, "hardwareProperties", "udid") or "")
    identifier = str(device.get("identifier") or udid)
    stated = at(device, "deviceProperties", "name") or at(device, "hardwareProperties", "marketingName")
    name = printable(str(stated or identifier))
    return Iphone(identifier, name, udid, *_trouble(device))


def _trouble(device: Mapping[str, Any]) -> tuple[str | None, str]:
    """A field that is missing is no trouble: the next command shows it."""
    pairing = at(device, "connectionProperties", "pairingState")
    if pairing not in (None, "paired"):
        return "unauthorised", "it does not trust this Mac: unlock it, connect it by cable and choose Trust"
    if at(device, "connectionProperties", "tunnelState") == "unavailable":
        return "offline", "it is not connected: connect it by cable and unlock it"
    if at(device, "deviceProperties", "developerModeStatus") not in (None, "enabled"):
        return "unauthorised", "its developer mode is off: switch it on in Settings, Privacy & Security"
    version = str(at(device, "deviceProperties", "osVersionNumber") or "")
    major = version.partition(".")[0]
    if major.isdigit() and int(major) < 17:
        return "state", f"it runs iOS {version}, and devicectl and the app need iOS 17"
    return None, ""
