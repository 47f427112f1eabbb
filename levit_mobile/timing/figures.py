"""What one timing of a run comes to: its samples' summaries, its ratios, and why its times may be doubted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from levit_mobile.timing.marks import TimingWarning, of_conditions, of_course, of_device
from levit_mobile.timing.ratios import Ratio, ratio
from levit_mobile.timing.record import Block, Device, Profile, Timing, TimingRun
from levit_mobile.timing.samples import Summary

FEWEST_HALVED = 20  # samples, below which the halves of a run say nothing
SLOWED = 1.05  # the median of late samples over that of early ones


@dataclass(frozen=True, slots=True)
class Against:
    """The ratio of this timing to another of the same run, and the other's name."""

    name: str
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one timing, medians over its processes; None where nothing was measured.

    `added_bytes` is what a process grew by from its start.
    """

    inference: Summary | None
    end_to_end: Summary | None
    load_ms: float | None
    first_run_ms: float | None
    peak_bytes: float | None
    added_bytes: float | None
    slowed: float | None
    against: tuple[Against, ...]


def figures(run: TimingRun, timing: Timing) -> Figures:
    """What its samples come to."""
    return Figures(
        inference=Summary.of(timing.samples_ms),
        end_to_end=Summary.of(timing.end_to_end_samples_ms),
        load_ms=_median(timing.load_ms),
        first_run_ms=_median(timing.first_run_ms),
        peak_bytes=_median(timing.peak_memory_bytes),
        added_bytes=_median(added_bytes(timing)),
        slowed=slowed(timing),
        against=tuple(compared(timing, _named(run))),
    )


def compared(timing: Timing, others: Iterable[Timing]) -> Iterator[Against]:
    """Its ratio to each of the others; a time of zero has none, and neither has a timing to itself."""
    for other in others:
        if other is timing or not comparable(timing, other):
            continue
        if timing.samples_ms and min(other.samples_ms, default=0) > 0:
            yield Against(other.name, ratio(timing.by_process, other.by_process))


def comparable(one: Timing, other: Timing) -> bool:
    """Whether a ratio of their times means anything: a call computes as many pictures, which are equally large.

    Bundles may take pictures of different sizes, because their contracts say so. What was not recorded is no obstacle.
    """
    if not one.input_shape or not other.input_shape:
        return True
    if one.contract_sha256 and other.contract_sha256:
        return True
    return math.prod(one.input_shape) == math.prod(other.input_shape)


def block_medians(profile: Profile) -> list[tuple[Block, float]]:
    """Blocks in the order in which they run, and the median of each in ms; one without samples is left out."""
    return [(block, median) for block in profile.blocks if (median := _median(block.samples_ms)) is not None]


def added_bytes(timing: Timing) -> tuple[int, ...]:
    """What each process grew by from before it loaded; () where that is not known of all."""
    peaks, before = timing.peak_memory_bytes, timing.memory_before_bytes
    return tuple(peak - start for peak, start in zip(peaks, before, strict=True)) if len(peaks) == len(before) else ()


def called(device: Device) -> str:
    """What people call it: a phone by its model, another machine by its processor."""
    return device.soc if device.platform == "host" else device.model


def slowed(timing: Timing) -> float | None:
    """The median of the second halves of its processes over that of the first halves; None for few samples."""
    first: list[float] = []
    second: list[float] = []
    for samples in timing.by_process:
        middle = len(samples) // 2
        first += samples[:middle]
        second += samples[middle:]
    cool, warm = _median(first), _median(second)
    return None if len(timing.samples_ms) < FEWEST_HALVED or not cool or warm is None else warm / cool


def doubts(run: TimingRun, timing: Timing, found: Figures) -> Iterator[TimingWarning]:
    """Every reason to doubt the times."""
    yield from of_course(run)
    yield from of_device(run.device)
    if found.inference and found.inference.noisy:
        spread = f"the interquartile range is {found.inference.spread:.0%} of the median"
        yield TimingWarning("NOISY", f"{spread}: the device was probably busy with other work")
    if found.slowed is not None and found.slowed > SLOWED:
        yield TimingWarning(
            "SLOWED", f"the median of the later samples is {found.slowed:.2f} times that of the earlier ones"
        )
    if timing.samples_ms:
        yield from of_conditions(run)


def _median(samples: Sequence[float]) -> float | None:
    found = Summary.of(samples)
    return found.median_ms if found else None


def _named(run: TimingRun) -> list[Timing]:
    by_name = {other.name: other for other in run.timings}
    return [by_name[name] for name in run.against]
