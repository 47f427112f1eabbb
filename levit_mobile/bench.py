"""How long calls take beside each other: samples first, then what they say. Numpy only."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Call = Callable[[], object]
Samples = tuple[float, ...]  # ms, in the order in which they were taken
ROUNDS, WARMUP = 40, 5
NOISY = 0.10  # interquartile range / median


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
            elapsed_ms = _timed_ms(call)
            if number >= warmup:
                samples[name].append(elapsed_ms)
    return {name: tuple(kept) for name, kept in samples.items()}


def _timed_ms(call: Call) -> float:
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6


def spread(samples: Sequence[float]) -> float:
    """Interquartile range / median; above NOISY the run was disturbed."""
    low, middle, high = statistics.quantiles(samples, n=4)
    return (high - low) / middle


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ratio of two medians, and its 95 % interval."""

    middle: float
    low: float
    high: float


def ratio(ours: Sequence[float], against: Sequence[float], *, draws: int = 2000) -> Ratio:
    """Of the medians of two candidates of one run; the interval is a bootstrap over its rounds."""
    pairs = np.array([ours, against])
    picks = np.random.default_rng(0).integers(pairs.shape[1], size=(draws, pairs.shape[1]))
    medians = np.median(pairs[:, picks], axis=2)
    low, high = np.quantile(medians[0] / medians[1], [0.025, 0.975])
    return Ratio(float(np.median(pairs[0]) / np.median(pairs[1])), float(low), float(high))
