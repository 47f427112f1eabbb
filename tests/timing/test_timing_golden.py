"""The verdict beside a time: what a candidate answers to golden pictures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.images.spec import ImageSpec
from levit_mobile.recipe import RECIPES, Tolerance
from levit_mobile.timing.candidates import Candidate, opened
from levit_mobile.timing.golden import SAME_MODEL, Golden, judged, shared_golden


@pytest.fixture
def golden(bundle: Path) -> Golden:
    found = Golden.of(open_bundle(bundle))
    assert found is not None
    return found


@pytest.fixture
def known(bundle: Path) -> Candidate:
    """A TFLite bundle of float32."""
    return opened([bundle])[0]


@pytest.fixture
def stranger(tmp_path: Path) -> Candidate:
    """A file that no contract describes."""
    (tmp_path / "vendor.tflite").write_bytes(bytes(4) + b"TFL3")
    return opened([tmp_path / "vendor.tflite"])[0]


def test_right_answers_are_proven_with_their_figures(known: Candidate, golden: Golden) -> None:
    found = judged(known, golden, {"as its contract says": golden.logits + np.float32(1e-6)})
    assert (found.verdict, found.pictures, found.top1_agreement) == ("proven", len(golden.names), 1.0)
    assert found.sqnr_db is not None
    assert found.sqnr_db > 100
    assert found.against == f"{len(golden.names)} golden vectors of bundle"


def test_answers_without_any_error_have_no_decibels(known: Candidate, golden: Golden) -> None:
    found = judged(known, golden, {"as its contract says": golden.logits})
    assert (found.verdict, found.sqnr_db, found.max_abs_error) == ("proven", None, 0.0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda logits: -logits, "SQNR is -6.0 dB, expected at least 100 dB"),
        (lambda logits: logits + np.nan, "NaN or infinite logits"),
        (lambda logits: logits[:, :-1], "gave logits of shape"),
    ],
)
def test_wrong_answers_are_broken_with_the_reason(known: Candidate, golden: Golden, wrong: object, words: str) -> None:
    found = judged(known, golden, {"as its contract says": wrong(golden.logits)})  # type: ignore[operator]
    assert found.verdict == "broken"
    assert words in " ".join(found.reasons)


def test_a_stranger_that_computes_the_same_is_proven_by_the_better_way(stranger: Candidate, golden: Golden) -> None:
    answers = {"pixels in [0,1]": -golden.logits, "normalised pixels": 1.05 * golden.logits}
    found = judged(stranger, golden, answers)
    assert found.verdict == "proven"
    assert found.against.endswith("golden vectors of bundle, given normalised pixels")
    assert found.sqnr_db == pytest.approx(26.0, abs=0.1)


def test_a_stranger_that_computes_something_else_is_not_known(stranger: Candidate, golden: Golden) -> None:
    answers = {"pixels in [0,1]": golden.logits + np.nan, "normalised pixels": -golden.logits}
    found = judged(stranger, golden, answers)
    assert found.verdict == "not run"
    assert "not those of bundle with pixels in [0,1] and with normalised pixels" in found.reasons[0]


def test_a_stranger_whose_input_is_no_picture_is_not_known(stranger: Candidate, golden: Golden) -> None:
    found = judged(stranger, golden, {})
    assert found.verdict == "not run"
    assert "its input is not a float image of 64 px" in found.reasons[0]


def test_without_golden_vectors_nothing_is_proven(stranger: Candidate, known: Candidate) -> None:
    assert judged(stranger, None, {}).reasons == ("no bundle of this run has golden vectors",)
    assert judged(known, None, {}).reasons == ("the bundle holds no golden vectors",)


def test_strangers_are_lent_the_first_bundles_vectors(known: Candidate, stranger: Candidate) -> None:
    found = shared_golden([stranger, known])
    assert found[stranger.name].owner == found[known.name].owner == "bundle"
    assert shared_golden([stranger]) == {}


def test_the_bound_of_strangers_is_the_loosest_of_all() -> None:
    assert SAME_MODEL.min_sqnr_db == 18 == min(recipe.tolerance.min_sqnr_db for recipe in RECIPES.values())


def lender(name: str, count: int) -> Candidate:
    """A candidate whose bundle has that many golden vectors."""
    vectors = {str(i): (np.full((2, 2, 3), i, np.uint8), np.arange(5.0) + i) for i in range(count)}
    stored = SimpleNamespace(path=Path(name), golden=lambda: vectors, spec=ImageSpec.for_side(2 + count))
    return cast(Candidate, SimpleNamespace(name=name, stored=stored))


def test_every_bundle_has_its_own_vectors_and_only_a_stranger_borrows_the_first(stranger: Candidate) -> None:
    found = shared_golden([lender("without", 0), stranger, lender("one", 1), lender("two", 2)])
    assert {name: golden.owner for name, golden in found.items()} == {
        "vendor.tflite": "one",
        "one": "one",
        "two": "two",
    }
    assert found["two"].title == "2 golden vectors of two"
    assert found["two"].names == ("0", "1")
    assert found["vendor.tflite"].spec == found["one"].spec == ImageSpec.for_side(3)
    assert found["two"].pixels[:, 0, 0, 0].tolist() == [0, 1]
    assert found["two"].logits[:, 0].tolist() == [0.0, 1.0]
    assert found["two"].logits.dtype == np.float32


def test_no_number_is_never_the_best_way_of_a_stranger(stranger: Candidate, golden: Golden) -> None:
    found = judged(stranger, golden, {"pixels in [0,1]": golden.logits + np.nan, "normalised pixels": -golden.logits})
    assert found.sqnr_db == pytest.approx(-6.02, abs=0.01)


def test_a_stranger_may_be_of_any_recipe() -> None:
    assert Tolerance(18, 0.0) == SAME_MODEL
