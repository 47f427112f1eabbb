"""What float16 loses on a core, and what of it is chance: by hand and by numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from levit_mobile.parity.cores import MAX_LOSS_DB, Loss
from levit_mobile.parity.logit_stats import ImageStats, LogitStats


def rows(*noises: float) -> list[ImageStats]:
    """Pictures with a signal of 10,000 and this noise each, both as sums of squares."""
    stats = LogitStats()
    for noise in noises:
        stats.add(["a"], np.array([[100.0, 0.0]]), np.array([[100.0, math.sqrt(noise)]]))
    return stats.rows


def test_a_loss_is_the_difference_of_the_pooled_ratios() -> None:
    found = Loss.of(rows(4.0, 16.0), rows(1.0, 4.0))
    assert found.lost_db == pytest.approx(10 * math.log10(20 / 5))
    assert Loss.of(rows(1.0, 4.0), rows(4.0, 16.0)).lost_db == pytest.approx(-found.lost_db)


def test_its_error_is_the_jackknifes() -> None:
    core, host = np.array([2.0, 1.0, 5.0, 3.0]), np.array([1.0, 2.0, 3.0, 3.0])
    keep = [np.arange(4) != left for left in range(4)]
    without = np.array([10 * np.log10(core[k].sum() / host[k].sum()) for k in keep])
    expected = math.sqrt(3 / 4 * np.square(without - without.mean()).sum())
    assert Loss.of(rows(*core), rows(*host)).error_db == pytest.approx(expected)


def test_a_loss_that_is_alike_on_all_pictures_is_no_chance() -> None:
    found = Loss.of(rows(2.0, 2.0, 2.0), rows(1.0, 1.0, 1.0))
    assert (found.error_db, found.certain_db) == (pytest.approx(0.0), pytest.approx(10 * math.log10(2)))
    check = found.check(34.4, "LiteRT on this machine")
    assert not check.holds
    assert check.sentence.startswith("SQNR is 3.01 dB below the 34.4 dB of LiteRT on this machine, of which chance")


def test_one_picture_says_nothing_and_a_gain_is_no_loss() -> None:
    assert Loss.of(rows(9.0), rows(1.0)).certain_db == 0
    assert Loss.of(rows(1.0, 1.0), rows(9.0, 9.0)).certain_db == 0
    assert Loss.of(rows(0.0, 0.0), rows(0.0, 0.0)).check(math.inf, "").holds


@pytest.mark.parametrize("found", [Loss(math.nan, 0.1), Loss(1.0, math.nan)])
def test_what_is_no_number_never_holds(found: Loss) -> None:
    assert not found.check(34.4, "").holds
    assert Loss(MAX_LOSS_DB, 0.0).check(34.4, "").holds
