"""The order of versions in the build of the Android demo."""

from __future__ import annotations

import itertools

import pytest
from versions import order

ASCENDING = [
    "1.0-dev",
    "1.0-alpha01",
    "1.0-alpha02",
    "1.0-beta01",
    "1.0-rc01",
    "1.0-rc02",
    "1.0-SNAPSHOT",
    "1.0-final",
    "1.0-release",
    "1.0",
    "1.0.1",
    "1.2",
    "1.10",
    "2026.09.00",
]


@pytest.mark.parametrize(("lower", "higher"), list(itertools.combinations(ASCENDING, 2)))
def test_versions_have_gradles_order(lower: str, higher: str) -> None:
    assert order(lower) < order(higher)


def test_the_android_variant_of_a_version_is_lower_than_that_for_java() -> None:
    assert order("33.6.0-android") < order("33.6.0-jre")


def test_separators_and_leading_zeros_do_not_count() -> None:
    assert order("1.0.01") == order("1_0-1")
