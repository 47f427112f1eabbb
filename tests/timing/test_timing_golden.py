"""The verdict beside a time: what a candidate answers to golden pictures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.inspection import Port
from levit_mobile.recipe import RECIPES, Tolerance
from levit_mobile.timing.candidates import Candidate, opened
from levit_mobile.timing.feeding import Answer
from levit_mobile.timing.golden import SAME_MODEL, Golden, Subject, judged, shared_golden


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


def by_contract(logits: NDArray[np.float32]) -> dict[str, list[Answer]]:
    return {"as its contract says": [Answer(logits)]}


def test_right_answers_are_proven_with_their_figures(known: Candidate, golden: Golden) -> None:
    found = judged(Subject.of(known), golden.expected, by_contract(golden.expected.logits + np.float32(1e-6)))
    assert (found.verdict, found.pictures, found.top1_agreement) == ("proven", len(golden.expected.names), 1.0)
    assert found.sqnr_db is not None
    assert found.sqnr_db > 100
    assert found.against == f"{len(golden.expected.names)} golden vectors of bundle"


def test_answers_without_any_error_have_no_decibels(known: Candidate, golden: Golden) -> None:
    found = judged(Subject.of(known), golden.expected, by_contract(golden.expected.logits))
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
    found = judged(Subject.of(known), golden.expected, by_contract(wrong(golden.expected.logits)))  # type: ignore[operator]
    assert found.verdict == "broken"
    assert words in " ".join(found.reasons)


def test_a_stranger_that_computes_the_same_is_proven_by_the_better_way(stranger: Candidate, golden: Golden) -> None:
    answers = {
        "pixels in [0,1]": [Answer(-golden.expected.logits)],
        "normalised pixels": [Answer(1.05 * golden.expected.logits)],
    }
    found = judged(Subject.of(stranger), golden.expected, answers)
    assert found.verdict == "proven"
    assert found.against.endswith("golden vectors of bundle, given normalised pixels")
    assert found.sqnr_db == pytest.approx(26.0, abs=0.1)


def test_a_stranger_that_computes_something_else_is_not_known(stranger: Candidate, golden: Golden) -> None:
    answers = {
        "pixels in [0,1]": [Answer(golden.expected.logits + np.nan)],
        "normalised pixels": [Answer(-golden.expected.logits)],
    }
    found = judged(Subject.of(stranger), golden.expected, answers)
    assert found.verdict == "not run"
    assert "not those of bundle with pixels in [0,1] or normalised pixels" in found.reasons[0]
    assert "the closest are those given normalised pixels" in found.reasons[0]


def test_a_stranger_of_low_precision_is_not_called_another_model(stranger: Candidate, golden: Golden) -> None:
    """17.5 dB is the same model, 0.5 dB below what the loosest recipe accepts."""
    error = np.float32(10 ** (-17.5 / 20))
    found = judged(
        Subject.of(stranger), golden.expected, {"pixels in [0,1]": [Answer((1 + error) * golden.expected.logits)]}
    )
    assert found.verdict == "not run"
    assert found.sqnr_db == pytest.approx(17.5, abs=0.01)
    assert "is closest to bundle when given pixels in [0,1]" in found.reasons[0]
    assert "SQNR is 17.5 dB, expected at least 18 dB" in found.reasons[1]
    assert "not those" not in " ".join(found.reasons)


def test_an_output_without_a_value_per_class_is_named(stranger: Candidate, golden: Golden) -> None:
    found = judged(
        Subject.of(stranger),
        golden.expected,
        {"pixels in [0,1]": [Answer(golden.expected.logits[:, :-1]), Answer(golden.expected.logits[:, :1])]},
    )
    assert found.verdict == "not run"
    classes = golden.expected.logits.shape[1]
    assert f"its outputs have {classes - 1} and 1 values for each picture" in found.reasons[0]
    assert f"expected the {classes} of bundle" in found.reasons[0]


def test_a_stranger_whose_input_is_no_picture_is_not_known(stranger: Candidate, golden: Golden) -> None:
    found = judged(Subject.of(stranger), golden.expected, {}, Port("tokens", "int32", (1, 128)))
    assert found.verdict == "not run"
    assert "its input is int32 [1, 128], expected one or more pictures of 3 colours and 64 px" in found.reasons[0]


def test_without_golden_vectors_nothing_is_proven(stranger: Candidate, known: Candidate) -> None:
    assert judged(Subject.of(stranger), None, {}).reasons == ("no bundle of this run has golden vectors",)
    assert judged(Subject.of(known), None, {}).reasons == ("the bundle holds no golden vectors",)


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
    assert found["two"].expected.title == "2 golden vectors of two"
    assert found["two"].expected.names == ("0", "1")
    assert found["vendor.tflite"].spec == found["one"].spec == ImageSpec.for_side(3)
    assert found["two"].pixels[:, 0, 0, 0].tolist() == [0, 1]
    assert found["two"].expected.logits[:, 0].tolist() == [0.0, 1.0]
    assert found["two"].expected.logits.dtype == np.float32


def test_no_number_is_never_the_best_way_of_a_stranger(stranger: Candidate, golden: Golden) -> None:
    answers = {
        "pixels in [0,1]": [Answer(golden.expected.logits + np.nan)],
        "normalised pixels": [Answer(-golden.expected.logits)],
    }
    found = judged(Subject.of(stranger), golden.expected, answers)
    assert found.sqnr_db == pytest.approx(-6.02, abs=0.01)


def test_a_stranger_may_be_of_any_recipe() -> None:
    assert Tolerance(18, 0.0) == SAME_MODEL
