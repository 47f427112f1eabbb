"""An image as an artifact's input takes it."""

from __future__ import annotations

import numpy as np
import pytest

from levit_mobile.contract import Input, Quantization
from levit_mobile.runners.adapters import adapted


@pytest.mark.parametrize(("zero_point", "black", "white"), [(-128, -128, 127), (-127, -127, 127), (-140, -128, 115)])
def test_levels_beyond_int8_stop_at_its_ends(zero_point: int, black: int, white: int) -> None:
    to = Input(
        name="image",
        shape=(1, 1, 2, 3),
        layout="NHWC",
        dtype="int8",
        range=(0.0, 1.0),
        quantization=Quantization(scale=1 / 255, zero_point=zero_point),
    )
    image = np.array([[[0, 1]]] * 3, np.float32)
    assert adapted(image, to).tolist() == [[[[black] * 3, [white] * 3]]]
