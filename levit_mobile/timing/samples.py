"""How long calls take beside each other: samples first, then what they say. Numpy only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Call = Callable[[], object]
Samples = tuple[float, ...]  # ms, in the order in which they were taken
ROUNDS, WARMUP = 40, 5
NOISY = 0.10  # interquartile range / median
TAIL = 100  # samples without which a 99th percentile is the largest one by another name


def interleaved(candidates: Mapping[str, Call], *, rounds: int = ROUNDS, warmup: int = WARMUP) -> dict[str, Samples]:
    """Every sample of each candidate in ms, by the monotonic clock: each round calls all of them once, in turn.

    What slows the machine down for a while so slows all of them. The `warmup` rounds before are not kept. Raises
    ValueError for no rounds.
    """
    if rounds < 1:
        raise ValueError(f"{rounds} rounds, expected 1 or more")
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(warmup + rounds):
        for name, call in candidates.items():
            elapsed_ms = timed_ms(call)
            if number >= warmup:
                samples[name].append(elapsed_ms)
    return {name: tuple(kept) for name, kept in samples.items()}


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


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ratio of two medians, and its 95 % interval."""

    middle: float
    low: float
    high: float


def ratio(ours: Sequence[float], against: Sequence[float], *, draws: int = 2000) -> Ratio:
    """Of the medians of two candidates; the interval is a bootstrap.

    Samples of one run are drawn by rounds, both of a round together; other numbers of samples each for themselves.
    """
    drawn = np.random.default_rng(0)
    first, second = np.asarray(ours, np.float64), np.asarray(against, np.float64)
    picks = drawn.integers(len(first), size=(draws, len(first)))
    others = picks if len(first) == len(second) else drawn.integers(len(second), size=(draws, len(second)))
    medians = np.median(first[picks], axis=1) / np.median(second[others], axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return Ratio(float(np.median(first) / np.median(second)), float(low), float(high))
