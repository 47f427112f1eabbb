"""What float16 loses on a core, and what of it is chance: by hand and by numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from levit_mobile.parity.cores import IN_FLOAT32, MAX_LOSS_DB, Apart, Bounds, Loss, bounds
from levit_mobile.parity.logit_stats import ImageStats, LogitStats
from levit_mobile.recipe import RECIPES


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


RELATIVE, EITHER_WAY, LOSS = Bounds(relative_error=1e-5), Bounds(difference_db=1.0), Bounds(loss_db=0.3)
ON_CORES = {name: recipe for name, recipe in RECIPES.items() if recipe.target != "coreml"}


def test_where_a_core_computes_in_float32_every_recipe_has_its_bounds() -> None:
    asked = {name: bounds(recipe, in_half=False) for name, recipe in ON_CORES.items()}
    assert set(IN_FLOAT32) <= set(asked)
    assert {name for name, one in asked.items() if one == RELATIVE} == set(IN_FLOAT32)
    assert {name for name, one in asked.items() if one == Bounds()} == {"executorch-fp16"}
    assert asked["tflite-int8"] == asked["executorch-int8-dynamic"] == EITHER_WAY


def test_where_a_core_computes_in_float16_integers_lose_nothing_beyond_chance() -> None:
    asked = {name: bounds(recipe, in_half=True) for name, recipe in ON_CORES.items() if recipe.allows_half}
    assert asked.pop("tflite-fp16") == Bounds()
    assert set(asked.values()) == {LOSS}
    assert len(asked) == 3


@pytest.mark.parametrize(("recipe", "by"), [("tflite-fp16", 6.0), ("tflite-int8", 2.0)])
def test_a_flip_is_let_pass_within_the_error_that_is_expected(recipe: str, by: float) -> None:
    core, host = rows(9.0), rows(1.0)
    assert Apart.of(RECIPES[recipe], core, host, rows(4.0), in_half=True).max_margin == pytest.approx(by)
    assert Apart.of(RECIPES[recipe], core, host, rows(4.0), in_half=False).max_margin == pytest.approx(2.0)
