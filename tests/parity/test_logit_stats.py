"""Counting a few pictures at a time comes to the same as all at once, and nothing bad is counted."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from levit_mobile.parity import metrics
from levit_mobile.parity.compare import Figures, report_of
from levit_mobile.parity.logit_stats import LogitStats
from levit_mobile.recipe import Tolerance

Array = NDArray[np.float64]
COUNT, CLASSES = 23, 12
FIGURES = [field.name for field in fields(Figures)]


@pytest.fixture(scope="module")
def pair() -> tuple[Array, Array]:
    random = np.random.default_rng(5)
    reference = random.normal(scale=4, size=(COUNT, CLASSES))
    return reference, reference + random.normal(scale=0.8, size=reference.shape)


def tallied(reference: Array, candidate: Array, size: int) -> LogitStats:
    tally = LogitStats()
    for start in range(0, len(reference), size):
        part = slice(start, start + size)
        tally.add([f"p{i}" for i in range(len(reference))[part]], reference[part], candidate[part])
    return tally


def figures(tally: LogitStats, images: int = COUNT) -> dict[str, float]:
    report = report_of(
        tally,
        reference="a",
        candidate="b",
        images=images,
        images_digest="",
        floor_sqnr_db=130,
        tolerance=Tolerance(1, 0),
    )
    return {name: getattr(report, name) for name in FIGURES} | {"defect": report.defect}


@pytest.mark.parametrize("size", [1, 4, COUNT])
def test_parts_come_to_what_the_pooled_formulas_give(pair: tuple[Array, Array], size: int) -> None:
    pooled = {
        "max_abs_error": metrics.max_abs_error(*pair),
        "mean_abs_error": metrics.mean_abs_error(*pair),
        "sqnr_db": metrics.sqnr_db(*pair),
        "judged_sqnr_db": metrics.sqnr_db(*(logits - logits.mean(1, keepdims=True) for logits in pair)),
        "cosine": metrics.cosine(*pair),
        "kl": metrics.kl(*pair),
        "top1_agreement": metrics.top_k_agreement(*pair, k=1),
        "top5_agreement": metrics.top_k_agreement(*pair, k=5),
    }
    assert 0.3 < pooled["top1_agreement"] < 1  # the noise flips some
    found = figures(tallied(*pair, size))
    assert found.pop("defect") is None
    assert found == pytest.approx(pooled, rel=1e-12)


def test_a_row_knows_both_guesses(pair: tuple[Array, Array]) -> None:
    rows = tallied(*pair, 4).rows
    assert [row.name for row in rows] == [f"p{i}" for i in range(COUNT)]
    for row, reference, candidate in zip(rows, *pair, strict=True):
        for guess, logits in ((row.reference, reference), (row.candidate, candidate)):
            ranked = np.argsort(-logits)
            assert guess.classes == tuple(ranked[:5])
            shares = np.exp(logits) / np.exp(logits).sum()
            assert guess.probabilities == pytest.approx(shares[ranked[:5]])
            assert guess.margin == pytest.approx(logits[ranked[0]] - logits[ranked[1]])
        assert row.same_top1 == (reference.argmax() == candidate.argmax())


def test_fewer_classes_than_five_are_all_kept() -> None:
    tally = LogitStats()
    tally.add(["a"], np.array([[1.0, 3.0, 2.0]]), np.array([[1.0, 2.0, 3.0]]))
    (row,) = tally.rows
    assert (row.reference.classes, row.candidate.classes) == ((1, 2, 0), (2, 1, 0))
    assert not row.same_top1
    assert row.in_top5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_picture_that_is_not_finite_breaks_the_whole_report(pair: tuple[Array, Array], value: float) -> None:
    reference, candidate = pair[0], pair[1].copy()
    candidate[[2, 9], 3] = value
    tally = tallied(reference, candidate, 4)
    assert (tally.not_finite, len(tally.rows), tally.pictures) == (2, COUNT - 2, COUNT)
    found = figures(tally)
    assert found["defect"] == f"the artifact gave NaN or infinite logits on 2 of {COUNT} images"
    assert all(math.isnan(found[name]) for name in FIGURES)


def test_a_missing_picture_breaks_the_report(pair: tuple[Array, Array]) -> None:
    tally = tallied(pair[0][:-1], pair[1][:-1], 4)
    assert figures(tally)["defect"] == f"the artifact gave logits of {COUNT - 1} images, expected {COUNT}"


@pytest.mark.parametrize("shape", [(3, CLASSES), (4, CLASSES - 1), (4,), (4, CLASSES, 1)])
def test_shapes_that_differ_are_no_rows(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \[4,classes\]"):
        LogitStats().add(list("abcd"), np.zeros((4, CLASSES)), np.zeros(shape))


@pytest.mark.parametrize(
    ("names", "shape"), [("abc", (4, CLASSES)), ("abcd", (3, CLASSES)), ("abcd", (4,)), ("abcd", (4, CLASSES, 1))]
)
def test_names_and_dimensions_that_do_not_fit_are_no_rows(names: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"expected \[{len(names)},classes\] for both"):
        LogitStats().add(list(names), np.zeros(shape), np.zeros(shape))


def test_a_part_without_one_finite_picture_leaves_no_row() -> None:
    tally = LogitStats()
    tally.add(["a", "b"], np.zeros((2, 3)), np.full((2, 3), math.nan))
    assert (tally.rows, tally.not_finite, tally.pictures) == ([], 2, 2)
    tally.add([], np.zeros((0, 3)), np.zeros((0, 3)))
    assert (tally.rows, tally.pictures) == ([], 2)


def test_the_rows_of_finite_pictures_keep_their_names() -> None:
    candidate = np.eye(4)
    candidate[1, 0] = math.inf
    tally = LogitStats()
    tally.add(["a", "b", "c", "d"], np.eye(4), candidate)
    assert [(row.name, row.max_abs_error) for row in tally.rows] == [("a", 0.0), ("c", 0.0), ("d", 0.0)]


@pytest.mark.parametrize(("rank", "within"), [(0, True), (4, True), (5, False)])
def test_the_fifth_class_is_within_the_best_five_and_the_sixth_is_not(rank: int, within: bool) -> None:
    reference, candidate = np.zeros((1, 8)), np.arange(8.0, 0, -1)[None]
    reference[0, rank] = 1.0
    tally = LogitStats()
    tally.add(["a"], reference, candidate)
    assert (tally.rows[0].in_top5, tally.rows[0].same_top1) == (within, rank == 0)
    assert len(tally.rows[0].candidate.classes) == len(tally.rows[0].candidate.probabilities) == 5
