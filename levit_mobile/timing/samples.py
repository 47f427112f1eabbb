"""How long calls take beside each other: samples, and their summaries; `ratios` compares them. Numpy only."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Name = TypeVar("Name", bound=Hashable)
Call = Callable[[], object]
Samples = tuple[float, ...]  # ms, in the order in which they were taken
INFERENCE, END_TO_END = "inference", "end to end"  # what is timed: the runtime's call, and all from a decoded picture
ROUNDS, WARMUP = 150, 5
NOISY = 0.10  # interquartile range / median
TAIL = 100  # samples without which a 99th percentile is the largest one by another name


def interleaved(
    candidates: Mapping[Name, Call],
    *,
    rounds: int = ROUNDS,
    warmup: int = WARMUP,
    drawn: np.random.Generator | None = None,
) -> dict[Name, Samples]:
    """Every sample of each candidate in ms, by the monotonic clock: each round calls all of them once.

    What slows the machine down for a while so slows all of them. The order of each round is drawn, because a candidate
    finds the caches as the one before has left them: in a fixed order the same file twice differed by 5 %. The `warmup`
    rounds before are not kept. Raises ValueError for no rounds.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}, expected 1 or more")
    drawn = drawn or np.random.default_rng(0)
    names = list(candidates)
    samples: dict[Name, list[float]] = {name: [] for name in names}
    for number in range(warmup + rounds):
        for place in drawn.permutation(len(names)):
            elapsed_ms = timed_ms(candidates[names[place]])
            if number >= warmup:
                samples[names[place]].append(elapsed_ms)
    return {name: tuple(kept) for name, kept in samples.items()}


def shares(rounds: int, processes: int) -> list[int]:
    """The rounds of each process, as equal as they can be; a process without any is left out."""
    return [share for place in range(processes) if (share := (rounds + place) // processes)]


def timed_ms(call: Call) -> float:
    """One call, by the monotonic clock."""
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6


@dataclass(frozen=True, slots=True)
class Summary:
    """What samples come to, in ms; percentiles are interpolated, `p99_ms` is None for fewer than TAIL samples."""

    minimum_ms: float
    median_ms: float
    p90_ms: float
    p99_ms: float | None
    iqr_ms: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Summary | None:
        """None for no samples."""
        if not len(samples):
            return None
        low, middle, high, p90, p99 = np.quantile(samples, (0.25, 0.5, 0.75, 0.9, 0.99)).tolist()
        return cls(min(samples), middle, p90, p99 if len(samples) >= TAIL else None, high - low)

    @property
    def spread(self) -> float:
        """Interquartile range / median."""
        return self.iqr_ms / self.median_ms if self.median_ms else 0.0

    @property
    def noisy(self) -> bool:
        """Was the machine busy with other things?"""
        return not self.spread <= NOISY

    @property
    def pictures_per_second(self) -> float:
        """At batch 1, one after the other."""
        return 1000 / self.median_ms if self.median_ms else 0.0


def spread(samples: Sequence[float]) -> float:
    """Interquartile range / median; above NOISY the run was disturbed."""
    found = Summary.of(samples)
    return found.spread if found else 0.0
