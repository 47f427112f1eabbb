"""Is an artifact slower than it was? A run against an earlier one, in milliseconds or by a baseline of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from levit_mobile.errors import TimingError
from levit_mobile.timing.record import Device, Timing, TimingRun
from levit_mobile.timing.samples import Ratio, change, ratio

Pair = tuple[Timing, Timing]  # one artifact now and then


@dataclass(frozen=True, slots=True)
class Slowdown:
    """One artifact's median now as a share of what it was. `baseline` is what both were divided by, if so."""

    name: str
    ratio: Ratio
    baseline: str | None

    def broken(self, most: float) -> str | None:
        """The sentence of it, above `most`; NaN is above everything."""
        if self.ratio.middle <= most:
            return None
        times = f"{self.ratio.middle:.3f} ({self.ratio.low:.3f} to {self.ratio.high:.3f}) times its time"
        measured = f", both relative to {self.baseline}" if self.baseline else ""
        return f"{self.name} takes {times} in the baseline{measured}, expected at most {most:.3f}"


def slowdowns(now: TimingRun, then: TimingRun) -> tuple[Slowdown, ...]:
    """Every artifact of `now` that is no baseline, against the one of its name in `then`.

    Where both runs have timed the very same baseline, ratios to it are compared, and the machines may differ. Raises
    TimingError when they do and there is none, and for an artifact that `then` has not timed.
    """
    before = {timing.name: timing for timing in then.timings}
    baseline = _baseline(now, before)
    if baseline is None:
        _require_one_machine(now, then)
    return tuple(_slowdown(pair, baseline) for pair in _pairs(now, before))


def _pairs(now: TimingRun, before: Mapping[str, Timing]) -> Iterator[Pair]:
    for timing in now.timings:
        if timing.name in now.against or not timing.samples_ms:
            continue
        if timing.name not in before or not before[timing.name].samples_ms:
            raise TimingError(
                f"the baseline holds no times of {timing.name}: time it once with --out and keep that file",
                fault="not-timed",
            )
        yield timing, before[timing.name]


def _baseline(now: TimingRun, before: Mapping[str, Timing]) -> Pair | None:
    """The first one that both have timed, the same to the byte and set up alike."""
    ours = [timing for timing in now.timings if timing.name in now.against and timing.samples_ms]
    pairs = [(timing, before[timing.name]) for timing in ours if timing.name in before]
    return next((pair for pair in pairs if pair[1].samples_ms and _same(*pair)), None)


def _same(one: Timing, other: Timing) -> bool:
    return (one.sha256, _set_up(one)) == (other.sha256, _set_up(other))


def _set_up(timing: Timing) -> tuple[object, ...]:
    return timing.threads, timing.compute_units, timing.accelerator


def _slowdown(pair: Pair, baseline: Pair | None) -> Slowdown:
    now, then = pair
    if _set_up(now) != _set_up(then):
        raise TimingError(
            f"{now.name} ran on {_placed(now)}, expected {_placed(then)} as in the baseline: use the same options",
            fault="other-set-up",
        )
    if baseline is None:
        return Slowdown(now.name, ratio(now.samples_ms, then.samples_ms), None)
    by, by_then = baseline
    found = change((now.samples_ms, by.samples_ms), (then.samples_ms, by_then.samples_ms))
    return Slowdown(now.name, found, by.name)


def _require_one_machine(now: TimingRun, then: TimingRun) -> None:
    here, there = now.device, then.device
    if (here.model, here.soc, here.cores) != (there.model, there.soc, there.cores):
        raise TimingError(
            f"the baseline is from {_named(there)}, this run from {_named(here)}: time both runs with the same "
            "--against ARTIFACT to compare the ratios to it",
            fault="other-machine",
        )


def _placed(timing: Timing) -> str:
    plural = "" if timing.threads == 1 else "s"
    units = f"{timing.threads} thread{plural}" if timing.threads else f"the compute units {timing.compute_units}"
    return f"{timing.accelerator} with {units}"


def _named(device: Device) -> str:
    return f"{device.soc} ({device.model}, {device.cores} cores)"
