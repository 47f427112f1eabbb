"""The table of ops: nothing in it is without a test, and it knows what each iOS version changed."""

from __future__ import annotations

from inspect import signature

import numpy as np
import pytest
from support.installed import needs
from support.mil_cases.families import FAMILIES
from support.mil_cases.quantize import OLD
from support.mil_programs import Case, function

from levit_mobile.mil.kernels import CONSTANT, KERNELS, SINCE, kernels_of
from levit_mobile.mil.package import OPSETS

needs("coremltools")

SUITES = [*((family.cases, family.ios) for family in FAMILIES.values()), (OLD, 16)]
ELSEWHERE = {
    "classify": "test_mil_program.py",
    "constexpr_blockwise_shift_scale": "test_mil_networks.py",
    "constexpr_lut_to_sparse": "test_mil_networks.py",
    "constexpr_sparse_blockwise_shift_scale": "test_mil_networks.py",
}


def test_every_op_of_the_table_is_in_a_tested_program() -> None:
    seen = {operation.op_type for cases, ios in SUITES for operation in function(cases, ios).operations}
    assert seen - {"const"} | set(ELSEWHERE) == set(kernels_of(18))
    assert not seen & set(ELSEWHERE)


def test_defaults_are_those_that_coremltools_declares() -> None:
    """Its builder writes every default into the file, so that no saved program shows ours."""
    seen = set()
    for cases, ios in SUITES:
        for operation in (o for o in function(cases, ios).operations if o.op_type != "const"):
            parameters = signature(kernels_of(ios)[operation.op_type]).parameters
            for role, value in operation.default_inputs().items():
                if isinstance(value, bool | int | float | str | np.generic):
                    assert type(value)(parameters[role].default) == value, (operation.op_type, role)
                    seen.add((operation.op_type, role))
                else:
                    assert parameters[role].default is None, (operation.op_type, role)
    assert {("inverse", "epsilon"), ("softmax", "axis"), ("conv", "groups"), ("gelu", "mode")} <= seen


def test_each_opset_adds_to_the_one_before() -> None:
    assert list(OPSETS.values()) == [16, 17, 18]
    assert kernels_of(16) == KERNELS | CONSTANT
    for ios in (17, 18):
        before, found = kernels_of(ios - 1), kernels_of(ios)
        assert {name for name in found if found[name] is not before.get(name)} == set(SINCE[ios])


@pytest.mark.parametrize("cases", [cases for cases, _ in SUITES])
def test_names_of_cases_are_one_each(cases: list[Case]) -> None:
    assert len({one.name for one in cases}) == len(cases)
