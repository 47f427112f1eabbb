"""What was wrong with the device while it was timed: marks that every row of a run has, computed where it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from levit_mobile.timing.record import App, Conditions, Device, Kilohertz, Platform, Thermal, TimingRun

# Thermal states from cool to hot, in each system's words.
APPLE: tuple[Thermal, ...] = ("nominal", "fair", "serious", "critical")
ANDROID: tuple[Thermal, ...] = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
HEAT: dict[Platform, tuple[Thermal, ...]] = {"host": APPLE, "ios": APPLE, "android": ANDROID}
SEVERE_HEADROOM = 1.0  # PowerManager.getThermalHeadroom: severe throttling begins here
LEAST_BATTERY = 25.0  # percent, below which androidx.benchmark reports an error too
# Clocks are compared where the core was at work: an idle one is near its minimum, 10% to 30% of the maximum of phones.
AT_WORK_BEFORE, AT_WORK_AFTER = 0.5, 1 / 3  # of the maximum
LEAST_CLOCK = 0.75  # of the clock before the run
# Runnable processes per core before the run. Android counts threads that wait for a device, and idle phones have many.
MOST_LOAD: dict[Platform, float] = {"host": 0.5, "ios": 0.5, "android": 1.0}
GIGA = 1e6  # kHz in a GHz


@dataclass(frozen=True, slots=True)
class TimingWarning:
    """A reason to doubt a time: one or two words, and the sentence."""

    word: str
    sentence: str


# Words of marks, which every row of a run has.
OF_A_RUN = frozenset(
    (
        "INCOMPLETE",
        "SIMULATED",
        "EMULATED",
        "DEBUGGABLE",
        "WARM",
        "HOTTER",
        "CAPPED",
        "THROTTLED",
        "CHARGING",
        "ON BATTERY",
        "LOW BATTERY",
        "LOW POWER",
        "SCREEN OFF",
        "BUSY",
    )
)


def marks(run: TimingRun) -> tuple[TimingWarning, ...]:
    """Judge the device and its conditions during a run.

    Args:
        run: The run, of any schema. An unknown condition has no mark.

    Returns:
        One mark per fault, each with one or two words and a sentence; empty for a run without any.
    """
    return (
        *of_course(run),
        *of_device(run.device),
        *of_app(run.app),
        *(of_conditions(run) if any(one.samples_ms for one in run.timings) else ()),
    )


def of_course(run: TimingRun) -> Iterator[TimingWarning]:
    """Whether the run came to its end."""
    if run.incomplete is not None:
        yield TimingWarning("INCOMPLETE", f"the run ended early: {run.incomplete}")


def of_device(device: Device) -> Iterator[TimingWarning]:
    """Whether the times are those of a real device."""
    if device.simulated:
        yield TimingWarning("SIMULATED", "the times are from a simulator or an emulator, not from a phone")
    if device.emulated_cores:
        yield TimingWarning("EMULATED", "an emulator executed the instructions, so the times are not a processor's")


def of_app(app: App) -> Iterator[TimingWarning]:
    """Whether the app was built to be debugged."""
    if app.debuggable:
        yield TimingWarning("DEBUGGABLE", f"{app.name} is a debuggable build, whose own code is slower")


def of_conditions(run: TimingRun) -> Iterator[TimingWarning]:
    """Whether the state of the device disturbed the times."""
    yield from _of_heat(run.device.platform, run.moments)
    yield from _of_clocks(run)
    yield from _of_power(run.device.platform, run.moments)
    if run.device.platform != "host" and any(one.screen_on is False for one in run.moments):
        yield TimingWarning("SCREEN OFF", "the screen was off, where some phones stop their fast cores")
    most, load = MOST_LOAD[run.device.platform], run.before.load
    if load is not None and load > most:
        yield TimingWarning(
            "BUSY", f"the load before the run was {load:.2f} processes per core, expected at most {most:.2f}"
        )


def heat(platform: Platform, conditions: Conditions) -> int | None:
    """How hot, 0 for cool, among the words of its own system; None where it is unknown."""
    words = HEAT[platform]
    return words.index(conditions.thermal) if conditions.thermal in words else None


def _of_heat(platform: Platform, moments: Sequence[Conditions]) -> Iterator[TimingWarning]:
    levels = [level for one in moments if (level := heat(platform, one)) is not None]
    words, start, most = HEAT[platform], heat(platform, moments[0]), max(levels, default=0)
    if start:
        yield TimingWarning("WARM", f"the thermal state was {words[start]} when the run began")
    if start is None and most:
        yield TimingWarning("WARM", f"the thermal state was {words[most]} during the run")
    if start is not None and most > start:
        yield TimingWarning("HOTTER", f"the thermal state went from {words[start]} to {words[most]} during the run")
    headroom = max((one.thermal_headroom for one in moments if one.thermal_headroom is not None), default=0.0)
    if not most and headroom >= SEVERE_HEADROOM:
        limit = f"severe throttling begins at {SEVERE_HEADROOM}"
        yield TimingWarning("WARM", f"the thermal headroom was {headroom:.2f}, and {limit}")


def _of_clocks(run: TimingRun) -> Iterator[TimingWarning]:
    """A limit below the hardware's, unless it was asked for; and a limit or a clock that fell."""
    asked = any(one.fixed_performance_mode for one in run.moments)
    moments = [one for one in run.moments if bool(one.fixed_performance_mode) == asked]
    cores = run.cores or range(len(run.device.core_max_khz))  # the run was pinned to, or else all
    limited = [pair for core in cores if (pair := _limited(run.device, moments, core))]
    if limited and not asked:
        core, limit, most = min(limited, key=lambda one: one[1] / one[2])
        yield TimingWarning("CAPPED", f"core {core} was limited to {_ghz(limit)} of its {_ghz(most)} GHz")
    if fallen := [pair for core in cores if (pair := _fallen(run.device, moments, core))]:
        core, was, now = min(fallen, key=lambda one: one[2] / one[1])
        yield TimingWarning("THROTTLED", f"the clock of core {core} fell from {_ghz(was)} to {_ghz(now)} GHz")


def _limited(device: Device, moments: Sequence[Conditions], core: int) -> tuple[int, int, int] | None:
    """The core, its lowest limit of all moments, and its maximum, where the limit is lower."""
    most = _of(device.core_max_khz, core)
    limits = [limit for one in moments if (limit := _of(one.core_limit_khz, core))]
    least = min(limits, default=None)
    return (core, least, most) if most and least and least < most else None


def _fallen(device: Device, moments: Sequence[Conditions], core: int) -> tuple[int, int, int] | None:
    """The core, its limit or clock at the start, and a lower one of a later moment."""
    limit, *later = [_of(one.core_limit_khz, core) for one in moments]
    least = min((one for one in later if one), default=None)
    if limit and least and least < limit:
        return core, limit, least
    most, was, now = (_of(clocks, core) for clocks in (device.core_max_khz, moments[0].core_khz, moments[-1].core_khz))
    if not (most and was and now):
        return None
    at_work = was >= AT_WORK_BEFORE * most and now >= AT_WORK_AFTER * most
    return (core, was, now) if at_work and now < LEAST_CLOCK * was else None


def _of(clocks: Kilohertz, core: int) -> int | None:
    return clocks[core] if 0 <= core < len(clocks) else None


def _ghz(khz: int) -> str:
    return f"{khz / GIGA:.2f}"


def _of_power(platform: Platform, moments: Sequence[Conditions]) -> Iterator[TimingWarning]:
    """A charger warms a phone, and a computer without one slows down."""
    if platform != "host" and any(one.charging for one in moments):
        yield TimingWarning("CHARGING", "the device was charging, which warms it")
    if platform == "host" and any(one.charging is False and one.battery_percent is not None for one in moments):
        yield TimingWarning("ON BATTERY", "the computer ran on its battery, where many lower their clocks")
    lowest = min((one.battery_percent for one in moments if one.battery_percent is not None), default=100.0)
    if lowest < LEAST_BATTERY:
        yield TimingWarning("LOW BATTERY", f"the battery was at {lowest:.0f}%, expected {LEAST_BATTERY:.0f}% or more")
    if any(one.low_power_mode for one in moments):
        yield TimingWarning("LOW POWER", "the device was in low power mode")
