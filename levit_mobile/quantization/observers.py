"""From the values that a tensor took on pictures to the range that its int8 grid covers: numpy only.

A histogram is filled once its ends are known; `choose` narrows its range by one of five rules. Sources: percentile and
entropy after Migacz, "8-bit inference with TensorRT" (2017); mean squared error as in Nagel et al., arXiv:2106.08295,
section 3.1. The error of the output is our own sum of two known terms: evenly spread rounding errors (Bennett, "Spectra
of Quantized Signals", 1948), and the first-order effect of what is clipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from levit_mobile.errors import RecipeError

Floats = NDArray[np.float64]
BINS = 2048
LEVELS = 256  # of int8
OUTSIDE = 1e-5  # share of values that the percentile rule leaves outside, on either side
STEPS = 80  # candidate ends between a tenth of the range and all of it
SHARES = np.linspace(1.0, 0.1, STEPS)


class Observer(StrEnum):
    """The rule that chooses a range from the values seen.

    Sources: percentile and entropy follow Migacz, "8-bit Inference with TensorRT", 2017; mean squared error is in Nagel
    et al., "A White Paper on Neural Network Quantization", 2021, arXiv:2106.08295, section 3.1.
    """

    MIN_MAX = "min-max"
    """The smallest and the largest value."""
    PERCENTILE = "percentile"
    """All values but a share of 1e-5 on either side."""
    MSE = "mse"
    """The range of the least mean squared error after rounding and clipping."""
    ENTROPY = "entropy"
    """The range of the least Kullback-Leibler divergence of the clipped values from the rounded ones."""
    OUTPUT = "output"
    """The range of the least squared error of the logits, to first order, after rounding and clipping."""


def observer_of(name: str) -> Observer:
    """Return the observer of that name.

    Raises:
        RecipeError: There is no such observer (``recipe.unknown-observer``); the message lists the known ones.
    """
    if name not in list(Observer):
        raise RecipeError(f"unknown observer {name!r}, expected one of {', '.join(Observer)}", fault="unknown-observer")
    return Observer(name)


@dataclass(slots=True)
class Response:
    """What rounding and clipping a tensor changes in the output, to first order, summed over pictures.

    Of one number that the output gives, a value's slope is the derivative. `rounding` sums the squares of all slopes.
    Clipping at a candidate end changes that number by the sum of (end - value) * slope over what is beyond the end:
    `clipping` sums the squares of those changes, [low ends, high ends], both ends clipped at once.
    """

    pictures: int = 0
    rounding: float = 0.0
    clipping: Floats = field(default_factory=lambda: np.zeros((STEPS, STEPS)))


@dataclass(slots=True)
class Histogram:
    """Counts of values between `low` and `high`, in BINS bins of equal width, and the output's response to them."""

    low: float
    high: float
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    response: Response = field(default_factory=Response)

    def add(self, counts: NDArray[np.int64]) -> None:
        """More values, already counted in these bins. int64 [BINS]."""
        self.counts += counts

    def respond(self, slopes: Floats, squares: float) -> None:
        """One more picture: the sum of slopes of each bin's values [BINS], and the sum of the squares of all slopes."""
        lows, highs = (_changes(self.centres, slopes, ends) for ends in _ends(self))
        self.response.pictures += 1
        self.response.rounding += squares
        self.response.clipping += (lows[:, None] + highs[None, :]) ** 2

    @property
    def centres(self) -> Floats:
        """The middle of each bin."""
        width = (self.high - self.low) / BINS
        middles: Floats = self.low + width * (np.arange(BINS, dtype=np.float64) + 0.5)
        return middles


Range = tuple[float, float]


def choose(histogram: Histogram, observer: Observer) -> Range:
    """Return the range that an observer keeps.

    Args:
        histogram: Counts of the values seen, at least one.
        observer: The rule; its source is in ``Observer``.

    Returns:
        The lower and the upper end; 0.0 is always between them.

    Raises:
        ValueError: The histogram is empty.
    """
    if not histogram.counts.sum():
        raise ValueError("the histogram is empty, expected at least one value")
    return RULES[observer](histogram)


def _min_max(histogram: Histogram) -> Range:
    return min(histogram.low, 0.0), max(histogram.high, 0.0)


def _percentile(histogram: Histogram) -> Range:
    share = np.cumsum(histogram.counts) / histogram.counts.sum()
    first, last = int(np.searchsorted(share, OUTSIDE)), min(int(np.searchsorted(share, 1 - OUTSIDE)), BINS - 1)
    return min(float(histogram.centres[first]), 0.0), max(float(histogram.centres[last]), 0.0)


def _mse(histogram: Histogram) -> Range:
    return _narrowed(histogram, _squared_error)


def _entropy(histogram: Histogram) -> Range:
    return _narrowed(histogram, _divergence)


def _output(histogram: Histogram) -> Range:
    """The pair of ends of the least error: step^2 / 12 for each squared slope, and what clipping changes."""
    response = histogram.response
    if not response.pictures:
        raise ValueError("the output's response was not measured, expected at least one image")
    lows, highs = _ends(histogram)
    step = (highs[None, :] - lows[:, None]) / (LEVELS - 1)
    cost = response.rounding * step**2 / 12 + response.clipping
    low, high = np.unravel_index(int(cost.argmin()), cost.shape)
    return float(lows[low]), float(highs[high])


def _ends(histogram: Histogram) -> tuple[Floats, Floats]:
    """The candidates, the widest first: low ends and high ends, float64 [STEPS] each."""
    low, high = _min_max(histogram)
    return low * SHARES, high * SHARES


def _changes(centres: Floats, slopes: Floats, ends: Floats) -> Floats:
    """By what clipping at each of these ends, all on one side of 0, changes the output. float64, as `ends`."""
    if ends[0] == 0:
        return np.zeros_like(ends)  # nothing was seen on this side
    sign = -1.0 if ends[0] < 0 else 1.0
    order = slice(None, None, int(sign))  # beyond the end is behind it
    distance, slope = sign * centres[order], slopes[order]
    behind = np.searchsorted(distance, sign * ends)
    totals, moments = (np.append(np.cumsum(each[::-1])[::-1], 0.0) for each in (slope, slope * distance))
    changes: Floats = sign * (sign * ends * totals[behind] - moments[behind])
    return changes


def _narrowed(histogram: Histogram, cost: Callable[[Histogram, float, float], float]) -> Range:
    """The cheapest high end for the full low end, then the cheapest low end for that."""
    low, high = _min_max(histogram)
    high = min((high * share for share in SHARES), key=lambda end: cost(histogram, low, end)) if high > 0 else high
    low = min((low * share for share in SHARES), key=lambda end: cost(histogram, end, high)) if low < 0 else low
    return float(low), float(high)


def _squared_error(histogram: Histogram, low: float, high: float) -> float:
    """Mean squared distance of the values to the grid of LEVELS between the ends, clipping included."""
    step = (high - low) / (LEVELS - 1)
    centres = histogram.centres
    stored = np.clip(np.round((centres - low) / step), 0, LEVELS - 1)
    # Inside a bin values are spread evenly: rounding costs step^2 / 12 wherever the grid is finer than the bins.
    inside = (centres >= low) & (centres <= high)
    distance = np.where(inside, step**2 / 12, (low + stored * step - centres) ** 2)
    return float((histogram.counts * distance).sum() / histogram.counts.sum())


def _divergence(histogram: Histogram, low: float, high: float) -> float:
    """Kullback-Leibler divergence, in nats, of the values clipped to the ends from the same at LEVELS levels."""
    centres, counts = histogram.centres, histogram.counts.astype(np.float64)
    kept = (centres >= low) & (centres <= high)
    true = counts[kept].copy()
    if len(true) < 2:
        return float("inf")
    true[0] += counts[centres < low].sum()
    true[-1] += counts[centres > high].sum()
    return _kl(true, _coarse(counts[kept]))


def _coarse(counts: Floats) -> Floats:
    """The counts after LEVELS levels: each level's count spread evenly over its bins that held something."""
    level = np.arange(len(counts)) * LEVELS // max(len(counts), LEVELS)
    filled = counts > 0
    total, bins = np.bincount(level, counts, LEVELS), np.bincount(level, filled, LEVELS)
    spread: Floats = np.where(filled, (total / np.maximum(bins, 1))[level], 0.0)
    return spread


def _kl(true: Floats, approximate: Floats) -> float:
    smallest = 1e-12
    p, q = true / true.sum(), np.maximum(approximate / max(approximate.sum(), smallest), smallest)
    held = p > 0
    return float((p[held] * np.log(p[held] / q[held])).sum())


RULES: dict[Observer, Callable[[Histogram], Range]] = {
    Observer.MIN_MAX: _min_max,
    Observer.PERCENTILE: _percentile,
    Observer.MSE: _mse,
    Observer.ENTROPY: _entropy,
    Observer.OUTPUT: _output,
}
