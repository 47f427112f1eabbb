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
    """How an artifact's median time changed between two runs.

    Attributes:
        name: Name of the artifact in both runs.
        ratio: The time now divided by the time then, with its interval; above 1 is slower.
        baseline: Name of the artifact by whose time both were divided first; None if there was none.
    """

    name: str
    ratio: Ratio
    baseline: str | None

    def broken(self, most: float) -> str | None:
        """Return the sentence that says so if the slowdown is above ``most``, else None.

        Args:
            most: Largest allowed ratio; NaN is above every bound.

        Returns:
            One sentence with the ratio and its interval, or None.
        """
        if self.ratio.middle <= most:
            return None
        by = f"{self.ratio.middle:.3f} ({self.ratio.low:.3f} to {self.ratio.high:.3f}) of what it was"
        measured = f" beside {self.baseline}" if self.baseline else ""
        return f"{self.name} takes {by} in the baseline{measured}, expected at most {most:.3f}"


def slowdowns(now: TimingRun, then: TimingRun) -> tuple[Slowdown, ...]:
    """Compare every artifact of a run, except its baselines, with the artifact of the same name in an earlier run.

    If both runs timed the same baseline artifact with the same options, ratios to it are compared, so the machines may
    differ. Otherwise both runs must be from the same kind of machine.

    Args:
        now: The later run.
        then: The earlier run.

    Returns:
        One slowdown per artifact of ``now`` that has samples and is not a baseline.

    Raises:
        TimingError: ``then`` did not time an artifact (``timing.not-timed``), timed it with other threads or compute
            units (``timing.other-set-up``), or ran on another machine without a common baseline
            (``timing.other-machine``).

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
    return tuple(_slowdown(pair, baseline) for pair in _pairs(now, before))


def _pairs(now: TimingRun, before: Mapping[str, Timing]) -> Iterator[Pair]:
    for timing in now.timings:
        if timing.name in now.against or not timing.samples_ms:
            continue
        if timing.name not in before or not before[timing.name].samples_ms:
            raise TimingError(
                f"the baseline has not timed {timing.name}: time it once with --out, and keep that file",
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
            f"{now.name} ran on {now.threads or now.compute_units} now and on {then.threads or then.compute_units} in "
            "the baseline (threads or compute units): time it as the baseline did",
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
            f"the baseline is of {_named(there)} and this is {_named(here)}: give both runs the same "
            "--against ARTIFACT, and what is compared is the ratio to it",
            fault="other-machine",
        )


def _named(device: Device) -> str:
    return f"{device.soc} ({device.model}, {device.cores} cores)"
