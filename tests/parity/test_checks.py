"""A bound holds up to itself, and NaN holds none."""

from __future__ import annotations

import math

import pytest

from levit_mobile.parity.checks import Check, broken


@pytest.mark.parametrize(
    ("name", "found", "limit", "holds"),
    [
        ("min_cosine", 0.9, 0.9, True),
        ("min_cosine", math.nextafter(0.9, 0), 0.9, False),
        ("min_sqnr_db", math.inf, 100.0, True),
        ("max_kl", 0.1, 0.1, True),
        ("max_kl", math.nextafter(0.1, 1), 0.1, False),
        ("max_kl", -math.inf, 0.0, True),
        ("min_cosine", math.nan, -1.0, False),
        ("max_kl", math.nan, math.inf, False),
        ("min_cosine", 1.0, math.nan, False),
        ("max_kl", 0.0, math.nan, False),
    ],
)
def test_a_bound_holds_up_to_itself_and_nan_holds_none(name: str, found: float, limit: float, holds: bool) -> None:
    check = Check(name, found, limit, "a sentence")
    assert check.holds is holds
    assert check.is_least == name.startswith("min_")
    assert broken([check]) == (() if holds else ("a sentence",))


def test_what_is_broken_keeps_its_order() -> None:
    checks = [Check("max_kl", found, 1.0, f"found {found}") for found in (2.0, 0.0, math.nan, 3.0)]
    assert broken(checks) == ("found 2.0", "found nan", "found 3.0")
    assert broken([]) == ()
