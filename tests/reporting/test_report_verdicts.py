"""Every bound of a tolerance as reports write it, and the verdict over several validations."""

from __future__ import annotations

import dataclasses

import pytest
from support import validations as made

from levit_mobile.recipe import FP32, Tolerance
from levit_mobile.reporting.verdicts import TITLES, bounds, counted
from levit_mobile.validation.results import Validation

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


@pytest.mark.parametrize("name", HARDEST)
def test_a_bound_holds_up_to_itself(name: str) -> None:
    at, beyond = ({b.check.name: b for b in bounds(bounded(**{name: value}))}[name] for value in HARDEST[name])
    assert (at.check.holds, beyond.check.holds) == (True, False)
    assert at.expected.startswith("at least" if name.startswith("min_") else "at most")


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
