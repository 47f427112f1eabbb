"""Ranges from histograms: each rule on distributions whose best range is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from support.refusals import refused

from levit_mobile.errors import RecipeError
from levit_mobile.quantization.observers import BINS, Histogram, Observer, Response, choose, observer_of

PICTURES = 250  # that the values of a histogram come from
RULES = pytest.mark.parametrize("observer", list(Observer))


def seen(values: np.ndarray) -> Histogram:
    """A histogram of the values, and of an output to which each of them is added with a sign drawn at random."""
    histogram = Histogram(float(values.min()), float(values.max()))
    histogram.add(np.histogram(values, BINS, (histogram.low, histogram.high))[0])
    slopes = np.random.default_rng(1).choice([-1.0, 1.0], len(values))
    for picture in range(PICTURES):
        respond(histogram, values[picture::PICTURES], slopes[picture::PICTURES])
    return histogram


def respond(histogram: Histogram, values: np.ndarray, slopes: np.ndarray) -> None:
    """One picture more, by numpy's own histogram."""
    binned = np.histogram(values, BINS, (histogram.low, histogram.high), weights=slopes)[0]
    histogram.respond(binned, float((slopes**2).sum()))


def squared_error(values: np.ndarray, ends: tuple[float, float]) -> float:
    """The real thing, value by value."""
    low, high = ends
    step = (high - low) / 255
    rounded = np.clip(np.round((values - low) / step), 0, 255) * step + low
    return float(((rounded - values) ** 2).mean())


def bell(count: int = 100_000) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(count)


def with_outlier() -> np.ndarray:
    return np.append(bell(), 60.0)


@RULES
def test_a_range_lies_within_what_was_seen_and_holds_zero(observer: Observer) -> None:
    for values in (bell(), bell() + 9, -np.abs(bell()) - 1, with_outlier()):
        low, high = choose(seen(values), observer)
        assert min(values.min(), 0) <= low <= 0 <= high <= max(values.max(), 0)


@pytest.mark.parametrize("observer", [Observer.PERCENTILE, Observer.ENTROPY])
def test_a_lone_outlier_below_is_left_outside_as_one_above_is(observer: Observer) -> None:
    values = with_outlier()
    low, high = choose(seen(values), observer)
    mirrored_low, mirrored_high = choose(seen(-values), observer)
    assert -30 < mirrored_low < -2
    assert mirrored_low == pytest.approx(-high, rel=0.15)
    assert mirrored_high == pytest.approx(-low, rel=0.15)


def test_min_max_keeps_everything() -> None:
    values = with_outlier()
    assert choose(seen(values), Observer.MIN_MAX) == (pytest.approx(values.min()), 60.0)


@pytest.mark.parametrize("observer", [Observer.PERCENTILE, Observer.ENTROPY])
def test_the_others_leave_a_lone_outlier_outside(observer: Observer) -> None:
    values = with_outlier()
    low, high = choose(seen(values), observer)
    assert 2 < high < 30
    assert low == pytest.approx(values.min(), rel=0.5)


def test_mse_has_the_least_error_of_all_rules() -> None:
    values = np.append(bell(), np.full(3, 40.0))
    errors = {rule: squared_error(values, choose(seen(values), rule)) for rule in Observer}
    assert errors[Observer.MSE] == min(errors.values())
    assert errors[Observer.MSE] < errors[Observer.MIN_MAX]


@RULES
def test_evenly_spread_values_are_kept_whole(observer: Observer) -> None:
    values = np.random.default_rng(0).uniform(-1, 2, 200_000)
    low, high = choose(seen(values), observer)
    assert (low, high) == (pytest.approx(-1, abs=0.05), pytest.approx(2, abs=0.05))


# Each rule against the same written out value by value

SHAPES = {
    "bell": [-3.0, 3.0],
    "tail above": [-1.0, 9.0],
    "tail below": [-9.0, 1.0],
    "all above zero": [0.5, 8.0],
    "all below zero": [-8.0, -0.5],
}


def histogram_of(shape: str) -> Histogram:
    """A bell with a long thin tail to one side, in few enough values that many bins are empty."""
    low, high = SHAPES[shape]
    drawn = np.random.default_rng(5)
    middle = (min(max(low, -1.0), 1.0) + min(max(high, -1.0), 1.0)) / 2
    values = np.concatenate([drawn.normal(middle, 0.4, 3000), drawn.uniform(low, high, 12), [low, high]])
    return seen(values[(values >= low) & (values <= high)])


def candidates(end: float) -> list[float]:
    """80 ends from the whole one to a tenth of it."""
    return [end * (1 - 0.9 * step / 79) for step in range(80)]


def mean_squared_error(histogram: Histogram, low: float, high: float) -> float:
    centres, counts = histogram.centres, histogram.counts
    step = (high - low) / 255
    rounded = counts[(low <= centres) & (centres <= high)].sum() * step**2 / 12
    below = (counts * (low - centres) ** 2)[centres < low].sum()
    above = (counts * (centres - high) ** 2)[centres > high].sum()
    return float(rounded + below + above) / int(counts.sum())


def divergence(histogram: Histogram, low: float, high: float) -> float:
    """The clipped distribution against the one whose 256 levels are spread evenly over their filled bins."""
    inside = (low <= histogram.centres) & (histogram.centres <= high)
    kept = histogram.counts[inside].astype(float)
    if len(kept) < 2:
        return math.inf
    true, even = kept.copy(), np.zeros(len(kept))
    true[0] += histogram.counts[histogram.centres < low].sum()
    true[-1] += histogram.counts[histogram.centres > high].sum()
    for level in range(256):
        first, last = (-(-edge * max(len(kept), 256) // 256) for edge in (level, level + 1))
        bins = kept[first:last]
        even[first:last] = np.where(bins > 0, bins.sum() / max((bins > 0).sum(), 1), 0)
    p, q = true / true.sum(), np.maximum(even / even.sum(), 1e-12)
    return float((p * np.log(np.where(p > 0, p, 1) / q))[p > 0].sum())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("observer", "cost"), [(Observer.MSE, mean_squared_error), (Observer.ENTROPY, divergence)], ids=["mse", "entropy"]
)
def test_the_cheapest_high_end_is_kept_and_then_the_cheapest_low_end(
    observer: Observer, cost: Callable[[Histogram, float, float], float], shape: str
) -> None:
    histogram = histogram_of(shape)
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    if high > 0:
        high = min(candidates(high), key=lambda end: cost(histogram, low, end))
    if low < 0:
        low = min(candidates(low), key=lambda end: cost(histogram, end, high))
    assert choose(histogram, observer) == (pytest.approx(low, rel=1e-9), pytest.approx(high, rel=1e-9))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_output_has_the_cheapest_pair_of_ends_clipped_picture_by_picture(shape: str) -> None:
    """Against each bin's middle, clipped: an output that adds values up, with slopes that differ."""
    histogram = histogram_of(shape)
    drawn, centres = np.random.default_rng(3), histogram.centres
    slopes = drawn.standard_normal((8, BINS)) * (histogram.counts > 0)
    histogram.response = Response()
    for picture in slopes:
        histogram.respond(picture, float((picture**2).sum()))
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)

    def cost(ends: tuple[float, float]) -> float:
        changes = slopes @ (np.clip(centres, *ends) - centres)
        return float((slopes**2).sum() * ((ends[1] - ends[0]) / 255) ** 2 / 12 + (changes**2).sum())

    best = min(product(candidates(low), candidates(high)), key=cost)
    assert choose(histogram, Observer.OUTPUT) == pytest.approx(best, rel=1e-9)


def test_the_output_keeps_an_outlier_that_matters_and_cuts_one_that_does_not() -> None:
    values, ends = with_outlier(), []
    for slope in (0.0, 1.0):
        histogram = seen(values)
        histogram.response = Response()
        slopes = np.append(np.random.default_rng(1).choice([-1.0, 1.0], len(values) - 1), slope)
        for picture in range(PICTURES):
            respond(histogram, values[picture::PICTURES], slopes[picture::PICTURES])
        ends.append(choose(histogram, Observer.OUTPUT)[1])
    assert ends == [pytest.approx(6, abs=1.5), pytest.approx(52, abs=8)]


def test_the_output_wants_its_response() -> None:
    histogram = Histogram(0.0, 1.0)
    histogram.add(np.ones(BINS, np.int64))
    with pytest.raises(ValueError, match="response was not measured"):
        choose(histogram, Observer.OUTPUT)


@pytest.mark.parametrize("below", [0, 1, 2])
@pytest.mark.parametrize("above", [0, 1, 2])
def test_the_percentile_leaves_one_of_a_hundred_thousand_outside_on_either_side(below: int, above: int) -> None:
    """One value is as much as may be left out, and the range then begins where the others do."""
    histogram = Histogram(-4.0, 4.0)
    histogram.counts[[0, 600, 1500, BINS - 1]] = [below, 50_000, 50_000 - below - above, above]
    low, high = choose(histogram, Observer.PERCENTILE)
    centres = histogram.centres
    assert low == centres[0 if below else 600]
    assert high == centres[BINS - 1 if above > 1 else 1500]


def test_the_middle_of_each_bin_is_half_a_bin_above_its_lower_end() -> None:
    centres = Histogram(-1.0, 3.0).centres
    assert (len(centres), centres[0], centres[-1]) == (BINS, -1 + 2 / BINS, 3 - 2 / BINS)


def test_counts_are_added_up() -> None:
    histogram = Histogram(0.0, 1.0)
    for counts in (np.arange(BINS), np.ones(BINS, np.int64)):
        histogram.add(counts)
    assert histogram.counts.tolist() == list(range(1, BINS + 1))


@RULES
def test_values_on_one_side_of_zero_keep_zero_as_the_other_end(observer: Observer) -> None:
    assert choose(histogram_of("all above zero"), observer)[0] == 0.0
    assert choose(histogram_of("all below zero"), observer)[1] == 0.0


@RULES
def test_an_empty_histogram_is_refused(observer: Observer) -> None:
    with pytest.raises(ValueError, match="the histogram is empty"):
        choose(Histogram(0.0, 1.0), observer)


def test_an_unknown_observer_lists_the_known_ones() -> None:
    assert observer_of("mse") is Observer.MSE
    with refused(RecipeError, "recipe.unknown-observer", "'max'", "min-max, percentile, mse, entropy, output"):
        observer_of("max")
