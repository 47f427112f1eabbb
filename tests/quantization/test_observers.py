"""Ranges from histograms: each rule on distributions whose best range is known."""

from __future__ import annotations

import numpy as np
import pytest
from support.refusals import refused

from levit_mobile.errors import RecipeError
from levit_mobile.quantization.observers import BINS, Histogram, Observer, choose, observer_of

RULES = pytest.mark.parametrize("observer", list(Observer))


def seen(values: np.ndarray) -> Histogram:
    histogram = Histogram(float(values.min()), float(values.max()))
    histogram.add(np.histogram(values, BINS, (histogram.low, histogram.high))[0])
    return histogram


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


@RULES
def test_an_empty_histogram_is_refused(observer: Observer) -> None:
    with pytest.raises(ValueError, match="the histogram is empty"):
        choose(Histogram(0.0, 1.0), observer)


def test_an_unknown_observer_lists_the_known_ones() -> None:
    assert observer_of("mse") is Observer.MSE
    with refused(RecipeError, "recipe.unknown-observer", "'max'", "min-max, percentile, mse, entropy"):
        observer_of("max")
