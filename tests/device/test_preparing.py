"""The words that describe a preparation, and the order in memory that they name."""

from __future__ import annotations

import numpy as np
import pytest
from support.contracts import FIELDS
from support.preparations import source, tensor_bytes

from levit_mobile.contract import Contract, Quantization
from levit_mobile.device.preparing import words
from levit_mobile.images.spec import ImageSpec


def test_the_words_of_the_papers_preparation() -> None:
    assert words(ImageSpec(), source(ImageSpec())) == (
        "resize=shortest:256x256 crop=224x224 rounding=half-even interpolation=bicubic layout=NHWC dtype=float32 "
        "range=0.0:1.0"
    )


def test_a_width_comes_before_a_height() -> None:
    spec = ImageSpec("squash", 10, 20, 30, 40, "bilinear", crop_rounding="down")
    assert words(spec, source(spec)).startswith(
        "resize=squash:20x10 crop=40x30 rounding=down interpolation=bilinear layout=NHWC"
    )
    assert words(ImageSpec("none"), source(spec)).startswith("resize=none crop=")


def test_integers_have_a_scale_and_a_zero_point_that_read_back_exactly() -> None:
    to = source(ImageSpec(), dtype="int8", range=(-1, 0.1), quantization=Quantization(scale=1 / 255, zero_point=-128))
    line = words(ImageSpec(), to)
    assert line.endswith("dtype=int8 range=-1.0:0.1 scale=0.00392156862745098 zero_point=-128")
    assert float(line.partition("scale=")[2].split()[0]) == 1 / 255


def test_a_contract_gives_the_words_of_its_input() -> None:
    contract = Contract.model_validate(FIELDS)
    line = words(ImageSpec(), contract.input)
    assert f"dtype={contract.input.dtype}" in line


@pytest.mark.parametrize(
    ("layout", "order", "expected"),
    [
        ("NHWC", "contiguous", "NHWC"),
        ("NCHW", "contiguous", "NCHW"),
        ("NCHW", "channels last", "NHWC"),
    ],
)
def test_the_layout_is_the_order_in_memory(layout: str, order: str, expected: str) -> None:
    spec = ImageSpec("none", 1, 1, 2, 2)
    to = source(spec, layout=layout, memory_order=order)
    image = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    values = image if expected == "NCHW" else image.transpose(1, 2, 0)
    assert f"layout={expected} " in words(spec, to)
    assert tensor_bytes(image, to) == np.ascontiguousarray(values).tobytes()
