"""Ops of the MIL reference from saved packages, in both modes: against PyTorch, against loops where PyTorch computes
the reference too, and against coremltools' own folding.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from support.installed import needs
from support.mil_cases.families import FAMILIES
from support.mil_programs import MODES, Case, Suite, expected, require_close

needs("coremltools")

NAMED = [pytest.param(name, one, id=one.name) for name, family in FAMILIES.items() for one in family.cases]
FOLDED = [each for each in NAMED if FAMILIES[str(each.values[0])].folds]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Suite]:
    """The programs of a family, saved when they are first asked for."""
    return cache(lambda name: Suite(FAMILIES[name].cases, FAMILIES[name].ios, tmp_path_factory.mktemp(name)))


@pytest.mark.parametrize(("family", "one"), NAMED)
def test_float32_is_what_is_expected(suite: Callable[[str], Suite], family: str, one: Case) -> None:
    suite(family).require_float32(one)


@pytest.mark.parametrize(("family", "one"), FOLDED)
def test_coremltools_folds_to_the_same(suite: Callable[[str], Suite], family: str, one: Case) -> None:
    suite(family).require_folded(one)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "one"), NAMED)
def test_float16_is_what_is_expected_rounded(suite: Callable[[str], Suite], family: str, one: Case) -> None:
    suite(family).require_float16(one)


def test_both_modes_are_one_in_a_float32_program(suite: Callable[[str], Suite]) -> None:
    found = suite("elementwise")
    for one in found.cases:
        for a, b in zip(*(found.results("fp32", mode)[one.name] for mode in MODES), strict=True):
            assert np.array_equal(a, b)


def test_float32_mode_rounds_nothing_but_constants(suite: Callable[[str], Suite]) -> None:
    found = suite("elementwise").results("fp16", "float32")
    cases = FAMILIES["elementwise"].cases
    for one in cases:
        require_close(found[one.name], expected(one), 0 if one.exact else 1e-3)
    (exp,) = [c for c in cases if c.name == "exp_x"]
    require_close(found["exp_x"], expected(exp), exp.within)
