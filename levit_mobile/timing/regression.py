"""Is an artifact slower than it was? A run against an earlier one, in milliseconds or by a baseline of both.

A slowdown counts when the whole interval lies above the bound. The ratio itself would fail a run by noise alone: of two
runs of one file, half lie above 1. The interval's upper end would fail a good run whenever the machine is busy and the
interval is wide. What lies above the bound in part only is undecided, which is reported, and fails where that is asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from levit_mobile.errors import TimingError
from levit_mobile.timing.ratios import PROCESSES, Ratio, across, change, told
from levit_mobile.timing.record import Device, Timing, TimingRun

Pair = tuple[Timing, Timing]  # one artifact now and then


@dataclass(frozen=True, slots=True)
class Slowdown:
    """An artifact's time now as a ratio to its time in an earlier run.

    Attributes:
        name: Name of the artifact in both runs.
        ratio: The time now divided by the time then, with its 95% interval; 1.10 is 10% slower.
        baseline: Name of the artifact by whose time both were divided first; None if there was none.
    """

    name: str
    ratio: Ratio
    baseline: str | None

    def broken(self, most: float) -> str | None:
        """Return the sentence for an interval that is above ``most`` as a whole, else None.

        Args:
            most: Largest allowed ratio; NaN is above every bound.

        Returns:
            One sentence with the ratio and its interval, or None.
        """
        low, _ = self._interval
        return None if low <= most else f"{self._measured}, expected at most {most:.3f}"

    def undecided(self, most: float) -> str | None:
        """Return the sentence for an interval that begins at or below ``most`` and ends above it, else None.

        Args:
            most: Largest allowed ratio.

        Returns:
            One sentence with the ratio and its interval, or None.
        """
        low, high = self._interval
        if low <= most < high:
            return f"{self._measured}; at most {most:.3f} is neither met nor missed: use more --rounds or --starts"
        return None

    @property
    def _interval(self) -> tuple[float, float]:
        """Without an interval every ratio is possible; a ratio that is no number breaks every bound."""
        if not math.isfinite(self.ratio.middle):
            return math.nan, math.nan
        low, high = self.ratio.low, self.ratio.high
        return (0.0, math.inf) if low is None or high is None else (low, high)

    @property
    def _measured(self) -> str:
        low, high = self._interval
        over = f"95% interval over {told(self.ratio.processes)}"
        beside = f" beside {self.baseline}" if self.baseline else ""
        taken = f"{self.ratio.middle:.3f} ({low:.3f} to {high:.3f}, {over})"
        return f"{self.name} takes {taken} of its time in the baseline{beside}"


def slowdowns(now: TimingRun, then: TimingRun) -> tuple[Slowdown, ...]:
    """Compare every artifact of a run, except its baselines, with the artifact of the same name in an earlier run.

    If both runs timed the same baseline artifact with the same options, ratios to it are compared, so the machines may
    differ. Otherwise both runs must be from the same kind of machine.

    Args:
        now: The later run.
        then: The earlier run.

    Returns:
        One slowdown per artifact of ``now`` that has samples and is not a baseline, in their order.

    Raises:
        TimingError: ``then`` did not time an artifact (``timing.not-timed``), timed it with other threads or compute
            units or on other cores of a phone (``timing.other-set-up``), ran on another machine without a common
            baseline (``timing.other-machine``), or one of the runs has one process only, which gives no interval
            (``timing.one-process``).

    Example:
        >>> from pathlib import Path
        >>> then = levit_mobile.TimingRun.read(Path("bench.json"))
        >>> now = levit_mobile.bench(["build/levit_128s-tflite-fp32"])
        >>> [found.name for found in levit_mobile.slowdowns(now, then)]
        ['levit_128s-tflite-fp32']
    """
    before = {timing.name: timing for timing in then.timings}
    baseline = _baseline(now, before)
    if baseline is None:
        _require_one_machine(now, then)
    _require_same_cores(now, then)
    return tuple(_slowdown(pair, baseline) for pair in _pairs(now, before))


def _pairs(now: TimingRun, before: Mapping[str, Timing]) -> list[Pair]:
    asked = [timing for timing in now.timings if timing.samples_ms and timing.name not in now.against]
    if missing := [timing.name for timing in asked if not _timed(before.get(timing.name))]:
        raise TimingError(
            f"the baseline holds no times of {', '.join(missing)}: time them once with --out and keep that file",
            fault="not-timed",
        )
    return [(timing, before[timing.name]) for timing in asked]


def _timed(timing: Timing | None) -> bool:
    return timing is not None and bool(timing.samples_ms)


def _baseline(now: TimingRun, before: Mapping[str, Timing]) -> Pair | None:
    """The first one that both have timed, the same to the byte and set up alike."""
    ours = [timing for timing in now.timings if timing.name in now.against and timing.samples_ms]
    pairs = [(timing, before[timing.name]) for timing in ours if _timed(before.get(timing.name))]
    return next((pair for pair in pairs if _same(*pair)), None)


def _same(one: Timing, other: Timing) -> bool:
    return (one.sha256, _set_up(one)) == (other.sha256, _set_up(other)) and _at_one_shape(one, other)


def _at_one_shape(one: Timing, other: Timing) -> bool:
    """Sizes that are set at run time may differ between two runs; earlier records do not have them."""
    return not one.input_shape or not other.input_shape or one.input_shape == other.input_shape


def _set_up(timing: Timing) -> tuple[object, ...]:
    return timing.threads, timing.compute_units, timing.accelerator


def _slowdown(pair: Pair, baseline: Pair | None) -> Slowdown:
    now, then = pair
    if _set_up(now) != _set_up(then):
        raise TimingError(
            f"{now.name} ran on {_placed(now)}, expected {_placed(then)} as in the baseline: use the same options",
            fault="other-set-up",
        )
    if not _at_one_shape(now, then):
        raise TimingError(
            f"{now.name} was timed at {list(now.input_shape)}, expected {list(then.input_shape)} as in the baseline",
            fault="other-set-up",
        )
    found = _ratio(pair, baseline)
    if found.low is None:
        raise TimingError(
            f"{now.name} was timed in {told((len(now.by_process),))} now and in {told((len(then.by_process),))} in the "
            f"baseline, and one process gives no interval: time both with --starts {PROCESSES}",
            fault="one-process",
        )
    return Slowdown(now.name, found, baseline[0].name if baseline else None)


def _ratio(pair: Pair, baseline: Pair | None) -> Ratio:
    now, then = (timing.by_process for timing in pair)
    if baseline is None:
        return across(now, then)
    by, by_then = (timing.by_process for timing in baseline)
    return change((now, by), (then, by_then))


def _require_one_machine(now: TimingRun, then: TimingRun) -> None:
    here, there = now.device, then.device
    if _machine(here) != _machine(there):
        raise TimingError(
            f"the baseline is from {_named(there)}, this run from {_named(here)}: time both runs with the same "
            "--against ARTIFACT to compare the ratios to it",
            fault="other-machine",
        )


def _require_same_cores(now: TimingRun, then: TimingRun) -> None:
    """A phone's cores differ, and so do the ratios on them."""
    here, there = now.chosen_cores, then.chosen_cores
    if here != there and now.device.platform == then.device.platform:
        raise TimingError(
            f"this run was pinned to {_cores(here)}, and the baseline to {_cores(there)}: use the same --cores",
            fault="other-set-up",
        )


def _cores(numbers: tuple[int, ...]) -> str:
    return f"core {', '.join(map(str, numbers))}" if numbers else "no core"


def _placed(timing: Timing) -> str:
    plural = "" if timing.threads == 1 else "s"
    units = f"{timing.threads} thread{plural}" if timing.threads else f"the compute units {timing.compute_units}"
    return f"{timing.accelerator} with {units}"


def _machine(device: Device) -> tuple[object, ...]:
    return device.model, device.soc, device.cores, device.emulated_cores


def _named(device: Device) -> str:
    cores = f"{device.cores} {'emulated ' * device.emulated_cores}cores"
    return f"{device.soc} ({device.model}, {cores})"
