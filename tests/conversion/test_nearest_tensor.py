"""Tensors of a network that amplifies rounding are found by their values, unless two are in question."""

from __future__ import annotations

import math

import numpy as np
import pytest
from levit_mobile.conversion.tflite_int8 import Seen, _nearest

from levit_mobile.model.fake_quant import QParams

VALUES = np.linspace(-1.0, 2.0, 50, dtype=np.float32)
EDGE = Seen("edge", VALUES, QParams(0.1, 0))


def off(share: float) -> np.ndarray:
    return VALUES + np.float32(share * 2.0)


def test_a_distance_is_a_share_of_the_largest_value() -> None:
    assert EDGE.distance(VALUES) == 0
    assert EDGE.distance(off(0.01)) == pytest.approx(0.01, rel=1e-3)
    assert EDGE.distance(VALUES[1:]) == math.inf
    zeros = Seen("zeros", np.zeros(50, np.float32), QParams(0.1, 0))
    assert (zeros.distance(np.zeros(50, np.float32)), zeros.distance(VALUES)) == (0, math.inf)


@pytest.mark.parametrize(
    ("shares", "found"),
    [
        ({"a": 0.01, "b": 0.2}, "a"),
        ({"b": 0.2, "a": 0.01}, "a"),
        ({"a": 0.01}, "a"),
        ({"a": 0.01, "b": 0.03}, None),  # either may be it
        ({"a": 0.06}, None),  # too far
        ({}, None),
    ],
)
def test_the_nearest_is_taken_if_no_other_is_in_question(shares: dict[str, float], found: str | None) -> None:
    assert _nearest(EDGE, [(name, off(share)) for name, share in shares.items()]) == found
