"""Every bound of a tolerance as reports write it, and the verdict over several validations."""

from __future__ import annotations

import dataclasses

import pytest
from support import validations as made

from levit_mobile.arm64.counting import TITLES as CLASSES
from levit_mobile.recipe import FP32, Tolerance, Verdict
from levit_mobile.reporting.verdicts import (
    TITLES,
    bounds,
    counted,
    flip_count,
    flips,
    kernels,
    name,
    overall,
    top1_agreement,
)
from levit_mobile.validation.results import Emulation, Validation

# Bound -> the hardest that `bounded` holds, and one that it just misses.
HARDEST: dict[str, tuple[float, float]] = {
    "min_sqnr_db": (124.6, 124.6001),
    "min_top1_agreement": (0.998, 0.9981),
    "min_top5_agreement": (0.999, 0.9991),
    "min_cosine": (0.99, 0.990001),
    "max_abs_error": (8.3e-06, 8.29e-06),
    "max_mean_abs_error": (9.4e-07, 9.39e-07),
    "max_kl": (3.1e-13, 3.09e-13),
    "min_top1_accuracy": (0.872, 0.8721),
    "max_accuracy_drop": (0.968 - 0.872, 0.0959),
}


def bounded(**asked: float) -> Validation:
    """`proven` with labels, of which these bounds are asked."""
    shares = {"top1_agreement": 0.998, "top5_agreement": 0.999, "cosine": 0.99}
    report = made.parity(dataclasses.replace(FP32, **asked), **shares)
    return made.proven(report=report, accuracy=made.broken().accuracy)


def test_every_bound_of_a_tolerance_has_a_title() -> None:
    fields = [field.name for field in dataclasses.fields(Tolerance)]
    assert list(HARDEST) == list(TITLES) == fields
    assert [bound.check.name for bound in bounds(made.broken())] == fields


@pytest.mark.parametrize("bound", HARDEST)
def test_a_bound_holds_up_to_itself(bound: str) -> None:
    at, beyond = ({b.check.name: b for b in bounds(bounded(**{bound: value}))}[bound] for value in HARDEST[bound])
    assert (at.check.holds, beyond.check.holds) == (True, False)
    assert at.expected.startswith("at least" if bound.startswith("min_") else "at most")


def test_a_bound_that_is_missed_by_less_than_it_is_written_shows_all_digits() -> None:
    (sqnr, *_) = bounds(made.proven(report=made.parity(sqnr_db=99.99)))
    assert (sqnr.found, sqnr.expected, sqnr.check.holds) == ("99.99", "at least 100.0 dB", False)
    (sqnr, *_) = bounds(made.proven(report=made.parity(sqnr_db=99.9)))
    assert sqnr.found == "99.9 dB"


def test_nan_holds_no_bound() -> None:
    assert [bound.check.holds for bound in bounds(made.not_a_number())] == [False, False]
    without_labels = bounds(made.broken(accuracy=None))
    assert [(bound.found, bound.check.holds) for bound in without_labels[-2:]] == [("NaN", False)] * 2


def test_nothing_run_nothing_bound() -> None:
    assert bounds(made.not_run()) == ()


def test_verdicts_are_counted() -> None:
    assert counted(made.everything()) == "1 of 5 proven, 3 broken, 1 not run"
    assert counted([made.proven()]) == "1 of 1 proven"
    assert counted([]) == "0 of 0 proven"


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ([], "not run"),
        (["proven"], "proven"),
        (["proven", "proven"], "proven"),
        (["proven", "not run"], "not run"),
        (["not run", "broken", "proven"], "broken"),
    ],
)
def test_the_verdict_over_several_is_the_worst(verdicts: list[str], worst: str) -> None:
    assert overall([made.proven(verdict=Verdict(verdict)) for verdict in verdicts]) == worst


def test_flips_are_listed_by_their_margin_and_counted_where_logits_could_be_compared() -> None:
    pictures = tuple(made.picture(index, 0.1, flip=True) for index in (3, 9, 1))
    assert [flip.name for flip in flips(made.proven(flips=pictures))] == ["digit-0009", "digit-0003", "digit-0001"]
    assert flip_count(made.proven(flips=pictures)) == "3"
    assert flip_count(made.proven()) == "0"
    assert flip_count(made.not_run()) is None
    assert flip_count(made.not_a_number()) is None


def test_an_agreement_comes_with_its_interval_where_it_has_one() -> None:
    assert top1_agreement(made.proven()) == "100.00% (99.24 to 100.00%)"
    assert top1_agreement(made.proven(top1_interval=None)) == "100.00%"
    assert top1_agreement(made.not_run()) is None


def test_a_name_is_the_bundles_and_what_ran_it() -> None:
    assert name(made.proven()) == "levit_128s-tflite-fp32 on LiteRT"
    assert name(made.not_run()) == "levit_128s-coreml-fp16"


def test_kernels_of_less_than_a_twentieth_of_a_million_are_left_out() -> None:
    def shown(**instructions: float) -> str:
        made_up = Emulation(
            cpu="cortex-a76",
            host=made.LITERT,
            relative_error=0,
            max_relative_error=None,
            host_sqnr_db=1,
            difference_db=0,
            max_difference_db=None,
            flips=(),
            max_margin=0,
            instructions={CLASSES[short]: count for short, count in instructions.items()},
        )
        return kernels(made_up)

    assert shown(fmla=50_000, dot=49_999, mmla=1_250_000) == "fmla 0.1 M; smmla 1.2 M"
    assert shown(load=9e6, store=9e6, branch=9e6, integer=9e6, simd=9e6) == "-"
    assert shown(dot=49_999) == "-"


@pytest.mark.parametrize(
    ("limit", "found", "expected"),
    [(1e-4, "7.1e-02", "at most 1.0e-04"), (0.05, "0.0713", "at most 0.05")],
)
def test_a_figure_is_written_as_its_bound(limit: float, found: str, expected: str) -> None:
    report = made.parity(dataclasses.replace(FP32, max_kl=limit), kl=0.0713)
    (bound,) = (one for one in bounds(made.proven(report=report)) if one.check.name == "max_kl")
    assert (bound.found, bound.expected) == (found, expected)
