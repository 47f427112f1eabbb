"""What Android's services print, from Android 8 to 16: `dumpsys thermalservice`, `battery` and `power`.

The forms are those of the services' `dump()` in AOSP's frameworks/base; tests/support/phone/replies/ names the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from levit_mobile.device import values
from levit_mobile.timing.marks import ANDROID
from levit_mobile.timing.record import Thermal

SKIN = 3  # android.os.Temperature.TYPE_SKIN
NO_TEMPERATURES = (6, 7, 8)  # voltage, current and charge of the battery, which the service lists among temperatures
CURRENT, CACHED = "Current temperatures from HAL:", "Cached temperatures:"
SEVERE = 3  # index among the thresholds: none, light, moderate, severe
HEADROOM_CELSIUS = 30.0  # ThermalManagerService: headroom is 1.0 at the severe threshold and 0.0 that many below it
CHARGING = {2: True, 3: False, 4: False, 5: False}  # BatteryManager: charging, discharging, not charging, full
SOURCES = ("AC powered", "USB powered", "Wireless powered", "Dock powered")
AWAKE = {"Awake": True, "Dreaming": True, "Asleep": False, "Dozing": False}
DISPLAY = {"ON": True, "ON_SUSPEND": True, "VR": True, "OFF": False, "DOZE": False, "DOZE_SUSPEND": False}
_TEMPERATURE = re.compile(r"Temperature\{mValue=([^,}\n]*), mType=([^,}\n]*), mName=([^\n]*?), mStatus=")
# Android 14's class, and the HIDL type that Android 10 to 13 print.
_THRESHOLDS = re.compile(
    r"(?:\{mType=3, mName=(?P<name>[^\n]*?), mHotThrottlingThresholds=|"
    r"\{\.type = SKIN, \.name = (?P<hidl>[^\n]*?), \.hotThrottlingThresholds = )\[(?P<hot>[^]\n]*)\]"
)


@dataclass(frozen=True, slots=True)
class Heat:
    """What `thermalservice` reports; None for what it does not."""

    status: Thermal | None
    hottest_celsius: float | None
    headroom: float | None


@dataclass(frozen=True, slots=True)
class Battery:
    """What `battery` reports; None for what it does not."""

    percent: float | None = None
    charging: bool | None = None
    celsius: float | None = None


def heat(dumped: str, forecast: str) -> Heat:
    """The thermal state.

    Args:
        dumped: What `dumpsys thermalservice` printed. Before Android 10 it cannot find the service.
        forecast: What `cmd thermalservice headroom 0` printed, which knows its answer since Android 15.

    Returns:
        The state. A status that was set by hand is not the device's, and is None. The headroom is computed from the
        sensors of the skin where Android does not print it.
    """
    status = None if "IsStatusOverride: true" in dumped else values.matched(r"Thermal Status: ([0-9]{1,2})\s*$", dumped)
    found = list(_temperatures(dumped, CURRENT)) or list(_temperatures(dumped, CACHED))
    printed = values.decimal(values.matched(r"Headroom in 0 seconds: (\S+)", forecast), 0.0, 100.0)
    return Heat(
        status=ANDROID[int(status)] if status and int(status) < len(ANDROID) else None,
        hottest_celsius=max((degrees for _, _, degrees in found), default=None),
        headroom=_headroom(dumped, found) if printed is None else printed,
    )


def _temperatures(dumped: str, heading: str) -> Iterator[tuple[int, str, float]]:
    """Type, name and °C of each sensor below a heading, which ends at the next line that is not indented."""
    _, _, rest = dumped.partition(f"{heading}\n")
    block = re.split(r"^(?=\S)", rest, maxsplit=1, flags=re.MULTILINE)[0]
    for value, kind, name in _TEMPERATURE.findall(block):
        degrees, number = values.celsius(value), values.whole(kind, -1)
        if degrees is not None and number is not None and number not in NO_TEMPERATURES:
            yield number, name, degrees


def _headroom(dumped: str, found: list[tuple[int, str, float]]) -> float | None:
    """As ThermalManagerService computes it: the highest over the sensors of the skin that have a severe threshold."""
    severe: dict[str, float] = {}
    for match in _THRESHOLDS.finditer(dumped):
        hot = match["hot"].split(",")
        limit = values.celsius(hot[SEVERE]) if len(hot) > SEVERE else None
        if limit is not None:
            severe[match["name"] or match["hidl"]] = limit
    near = [
        max(0.0, 1.0 - (severe[name] - degrees) / HEADROOM_CELSIUS)
        for kind, name, degrees in found
        if kind == SKIN and name in severe
    ]
    return round(max(near), 4) if near else None


def battery(dumped: str) -> Battery:
    """The battery; nothing is known where `dumpsys battery unplug` or `set` replaced its values."""
    facts: dict[str, str] = {}
    for name, value in re.findall(r"^[ \t]+([A-Za-z ]+): (.*)$", dumped, re.MULTILINE):
        facts.setdefault(name, value.strip())
    if "(UPDATES STOPPED" in dumped or values.truth(facts.get("present")) is False:
        return Battery()
    level, scale = values.whole(facts.get("level")), values.whole(facts.get("scale"), 1)
    return Battery(
        percent=100 * level / scale if level is not None and scale and level <= scale else None,
        charging=_charging(facts),
        celsius=values.celsius(facts.get("temperature"), 10),
    )


def _charging(facts: dict[str, str]) -> bool | None:
    """By the battery's status; by its sources where the status is unknown."""
    status = values.whole(facts.get("status"))
    if status in CHARGING:
        return CHARGING[status]
    powered = [one for source in SOURCES if (one := values.truth(facts.get(source))) is not None]
    return any(powered) if powered else None


def screen_on(power: str) -> bool | None:
    """By the display, which later versions do not print, or else by whether the device is awake."""
    display = DISPLAY.get(values.matched(r"Display Power: state=(\w+)", power) or "")
    return AWAKE.get(values.matched(r"mWakefulness=(\w+)", power) or "") if display is None else display


def low_power(setting: str, power: str) -> bool | None:
    """By `settings get global low_power`: a setting that was never made is "null", which Android takes for 0."""
    stated = {"0": False, "null": False, "1": True}.get(setting.strip())
    return values.truth(values.matched(r"mLowPowerModeEnabled=(\w+)", power)) if stated is None else stated
