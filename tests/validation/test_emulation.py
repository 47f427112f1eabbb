"""The figures of an artifact on an ARM64 core, from made-up logits: which sum goes where, and how far each may go."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.validations import LITERT, picture

from levit_mobile.arm64.counting import TITLES
from levit_mobile.parity.cores import Bounds, bounds
from levit_mobile.parity.logit_stats import ImageStats, LogitStats
from levit_mobile.parity.metrics import sqnr_db
from levit_mobile.recipe import RECIPES
from levit_mobile.runtimes.registry import RuntimeId
from levit_mobile.validation.emulation import emulation
from levit_mobile.validation.results import Emulation, Picture
from levit_mobile.validation.run_pair import PairStats

Logits = NDArray[np.float64]
NAMES = ("p0", "p1", "p2")
# The margins are 2, 1 and 3.
REFERENCE = np.array([[5.0, 3.0, 1.0], [2.0, 4.0, 3.0], [0.0, 1.0, 4.0]])
HOST = REFERENCE + np.array([[0.1, 0.0, 0.0], [0.0, -0.4, 0.0], [0.0, 0.0, 0.2]])
CORE = HOST + np.array([[0.03, 0.0, 0.0], [0.0, -0.2, 0.6], [0.0, 0.0, -0.06]])  # flips p1


def counted(reference: Logits, candidate: Logits) -> LogitStats:
    found = LogitStats()
    found.add(NAMES[: len(reference)], reference, candidate)
    return found


def seen(host: Logits = HOST, core: Logits = CORE) -> PairStats:
    """What a run over all pictures leaves."""
    return PairStats(counted(REFERENCE, core), {}, host=counted(REFERENCE, host), between=counted(host, core))


def case(recipe: str = "tflite-int8", **changes: object) -> Any:
    """The fields of a ValidationSetup that are read."""
    contract = SimpleNamespace(recipe=recipe, made_by=RECIPES[recipe])
    facts: dict[str, object] = {
        "runtime": RuntimeId("litert", "cortex-a76"),
        "host": RuntimeId("litert"),
        "pictures": NAMES,
        "stored": SimpleNamespace(contract=contract),
    }
    return SimpleNamespace(**(facts | changes))


def shown(row: ImageStats) -> Picture:
    return picture(0, row.max_abs_error).model_copy(update={"name": row.name, "reference_margin": row.reference.margin})


def found(of: PairStats, recipe: str = "tflite-int8") -> Emulation:
    made = emulation(case(recipe), of, shown)
    assert made is not None
    return made


def test_each_figure_is_of_its_own_pair_of_logits() -> None:
    made = found(seen())
    assert made.cpu == "cortex-a76"
    assert made.host.title == LITERT.title
    assert made.relative_error == pytest.approx(np.linalg.norm(CORE - HOST) / np.linalg.norm(HOST), rel=1e-12)
    assert made.host_sqnr_db == pytest.approx(sqnr_db(REFERENCE, HOST), rel=1e-12)
    assert made.difference_db == pytest.approx(sqnr_db(REFERENCE, CORE) - sqnr_db(REFERENCE, HOST), rel=1e-12)
    assert made.max_margin == pytest.approx(0.8)


def test_a_core_with_less_noise_than_the_host_has_a_positive_difference() -> None:
    better, worse = REFERENCE + (HOST - REFERENCE) / 10, REFERENCE + (HOST - REFERENCE) * 10
    assert found(seen(core=better)).difference_db == pytest.approx(20.0)
    assert found(seen(core=worse)).difference_db == pytest.approx(-20.0)
    assert found(seen(core=HOST)).difference_db == 0.0


def test_flips_are_the_pictures_with_another_top_class_than_on_the_host() -> None:
    (flip,) = found(seen()).flips
    assert (flip.name, flip.reference_margin) == ("p1", pytest.approx(0.6))
    assert found(seen(core=HOST)).flips == ()
    # The host itself flips p1; the core agrees with the host.
    both = REFERENCE[:, [0, 2, 1]]
    assert found(seen(host=both, core=both)).flips == ()


def test_a_host_without_any_error_is_no_measure_in_decibels() -> None:
    made = found(seen(host=REFERENCE))
    assert (made.host_sqnr_db, made.difference_db, made.max_margin) == (math.inf, 0.0, 0.0)


def test_instructions_are_those_of_one_picture_and_classes_that_never_ran_are_left_out() -> None:
    made = found(replace(seen(), executed=Counter({"fmla": 600, "dot": 0, "branch": 1})))
    assert made.instructions == {TITLES["fmla"]: 200.0, TITLES["branch"]: pytest.approx(1 / 3)}


@pytest.mark.parametrize(
    "changes", [{"runtime": RuntimeId("litert")}, {"host": None}, {"pictures": NAMES[:2]}, {"pictures": (*NAMES, "p3")}]
)
def test_without_a_core_a_host_and_every_picture_there_are_no_figures(changes: dict[str, object]) -> None:
    assert emulation(case(**changes), seen(), shown) is None


@pytest.mark.parametrize("name", ["tally", "host", "between"])
def test_a_picture_that_one_of_the_three_lacks_leaves_no_figures(name: str) -> None:
    one_less = counted(REFERENCE[:2], HOST[:2])
    assert emulation(case(), replace(seen(), **{name: one_less}), shown) is None


def test_no_picture_at_all_leaves_no_figures() -> None:
    nothing = PairStats(LogitStats(), {})
    assert emulation(case(pictures=()), nothing, shown) is None


@pytest.mark.parametrize("recipe", [name for name, one in RECIPES.items() if one.target != "coreml"])
def test_the_bounds_of_the_recipe_are_the_ones_that_are_asked(recipe: str) -> None:
    made, asked = found(seen(), recipe), bounds(RECIPES[recipe], in_half=RECIPES[recipe].allows_half)
    assert Bounds(made.max_relative_error, made.max_difference_db, made.max_loss_db) == asked
    assert sum(bound is not None for bound in (asked.relative_error, asked.difference_db, asked.loss_db)) <= 1


def flip(margin: float) -> Picture:
    return picture(0, 0.1, flip=True).model_copy(update={"reference_margin": margin})


@pytest.mark.parametrize(
    ("name", "at", "beyond"),
    [
        ("max_relative_error", {"relative_error": 1e-5}, {"relative_error": 1.001e-5}),
        ("max_difference_db", {"difference_db": -1.0}, {"difference_db": -1.001}),
        ("max_difference_db", {"difference_db": 1.0}, {"difference_db": 1.001}),
        ("max_margin", {"flips": (flip(0.5), flip(0.1))}, {"flips": (flip(0.1), flip(0.501), flip(0.2))}),
    ],
)
def test_a_bound_holds_at_itself_and_breaks_beyond(name: str, at: dict[str, object], beyond: dict[str, object]) -> None:
    base = found(seen(core=HOST), "executorch-int8").model_copy(
        update={"max_relative_error": 1e-5, "max_difference_db": 1.0, "max_margin": 0.5}
    )
    assert [check.name for check in base.checks()] == ["max_relative_error", "max_difference_db", "max_margin"]
    assert all(check.holds for check in base.model_copy(update=at).checks())
    assert [check.name for check in base.model_copy(update=beyond).checks() if not check.holds] == [name]


def test_without_a_flip_the_margin_found_is_zero() -> None:
    checks = {check.name: check for check in found(seen(core=HOST)).checks()}
    assert checks["max_margin"].found == 0.0


def test_a_bound_of_none_asks_nothing() -> None:
    free = found(seen(), "executorch-fp16")
    assert [check.name for check in free.checks()] == ["max_margin"]
