"""Metrics of a few logits whose result follows by hand: ties, one class, shared logits, shares of none and of all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from levit_mobile.parity import metrics
from levit_mobile.parity.metrics import cosine, margins, max_abs_error, top_k_agreement, wilson_interval


def test_wilson_of_no_success_and_of_nothing_else_ends_exactly() -> None:
    low, high = wilson_interval(0, 10)
    assert (low, high) == (0.0, pytest.approx(1.96**2 / (10 + 1.96**2)))
    low, high = wilson_interval(10, 10)
    assert (low, high) == (pytest.approx(10 / (10 + 1.96**2)), 1.0)


@pytest.mark.parametrize("count", range(1, 30))
def test_wilson_never_leaves_the_shares_that_are_possible(count: int) -> None:
    for successes in range(count + 1):
        low, high = wilson_interval(successes, count)
        assert 0 <= low < high <= 1
        assert (low > 0) == (successes > 0)
        assert (high < 1) == (successes < count)


def test_top_k_takes_the_first_of_equals_in_both() -> None:
    equal = np.zeros((1, 4))
    assert top_k_agreement(np.array([[0.0, 1.0, 0.0, 0.0]]), equal, 1) == 0.0
    assert top_k_agreement(np.array([[0.0, 1.0, 0.0, 0.0]]), equal, 2) == 1.0
    assert top_k_agreement(equal, np.array([[1.0, 0.0, 0.0, 0.0]]), 1) == 1.0


def test_margins_of_two_classes_and_of_many_pictures() -> None:
    assert margins([[1.0, 4.0], [4.0, 1.0], [2.0, 2.0]]).tolist() == [3.0, 3.0, 0.0]
    assert margins([[7.0], [8.0]]).tolist() == [math.inf, math.inf]


def test_softmax_of_large_logits_and_of_one_class() -> None:
    assert metrics.softmax([[1e4, 1e4]]).tolist() == [[0.5, 0.5]]
    assert metrics.softmax([[-1e4], [3.0]]).tolist() == [[1.0], [1.0]]


def test_several_values_that_are_not_finite_are_counted() -> None:
    with pytest.raises(ValueError, match=r"candidate holds 3 values that are not finite.*nan at \(0, 1\)"):
        max_abs_error(np.zeros((2, 2)), np.array([[0, math.nan], [math.inf, math.nan]]))


def test_cosine_of_pictures_that_share_a_logit_by_hand() -> None:
    reference, candidate = np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [3.0, 0.0]])
    assert cosine(reference, candidate) == pytest.approx((math.sqrt(0.5) + 0.6) / 2)
    assert cosine(np.zeros((1, 2)), np.array([[0.0, 2.0]])) == 0.0


@pytest.mark.parametrize(("successes", "count"), [(0, 1), (1, 1), (0, 2), (2, 2)])
def test_wilson_takes_no_and_every_success_of_a_few(successes: int, count: int) -> None:
    low, high = wilson_interval(successes, count)
    assert (low == 0.0, high == 1.0) == (successes == 0, successes == count)
