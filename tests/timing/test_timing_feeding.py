"""How an artifact without a contract is fed: the sizes, layouts, ranges, scales and batches that it can have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.inspection import Port
from levit_mobile.interfaces.runner import InputForm, Loaded
from levit_mobile.timing.feeding import Foreign, answers, form_of, no_picture

SPEC = ImageSpec(mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 2, 4, 3), np.uint8)
UNIT = PIXELS.astype(np.float32) / 255
WAYS = ("pixels in [0,1]", "pixels in [-1,1]", "pixels in [0,255]", "normalised pixels")


def fed(port: Port, dtype: Any = np.float32) -> dict[str, list[NDArray[Any]]]:
    """What an artifact is given for PIXELS, by the way."""
    given: list[NDArray[Any]] = []

    def run(values: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        given.append(values)
        return (values.reshape(len(values), -1),)

    form = form_of(port, (2, 4), "ours")
    assert isinstance(form, InputForm)
    assert form.shape is not None
    loaded = Loaded(form.shape, np.dtype(dtype), lambda: None, run)
    ways = list(answers(Foreign(port, (), form), loaded, PIXELS, SPEC))
    each = len(given) // len(ways) if ways else 0
    return {way: given[each * place : each * (place + 1)] for place, way in enumerate(ways)}


def joined(batches: Iterable[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(list(batches))


def test_a_float_input_is_given_every_range() -> None:
    found = fed(Port("image", "float32", (1, 2, 4, 3)))
    assert tuple(found) == tuple(f"{way} as NHWC" for way in WAYS)
    expected = (UNIT, 2 * UNIT - 1, 255 * UNIT, (UNIT - np.array(SPEC.mean)) / np.array(SPEC.std))
    for batches, values in zip(found.values(), expected, strict=True):
        assert [batch.shape for batch in batches] == [(1, 2, 4, 3)] * 3
        np.testing.assert_allclose(joined(batches), values, rtol=1e-5, atol=1e-6)


def test_the_shape_decides_the_layout() -> None:
    found = fed(Port("image", "float32", (1, 3, 2, 4)))
    assert tuple(found) == tuple(f"{way} as NCHW" for way in WAYS)
    np.testing.assert_array_equal(joined(found["pixels in [0,1] as NCHW"]), UNIT.transpose(0, 3, 1, 2))


def test_a_quantized_input_is_given_by_its_scale() -> None:
    found = fed(Port("image", "int8", (1, 2, 4, 3), scale=1 / 255, zero_point=-128), np.int8)
    assert tuple(found) == tuple(f"{way} as NHWC" for way in WAYS)
    np.testing.assert_array_equal(joined(found["pixels in [0,1] as NHWC"]), PIXELS.astype(int) - 128)
    signed = joined(found["pixels in [-1,1] as NHWC"])
    assert signed.min() == -128  # what the type does not hold is clipped, and does not wrap around
    np.testing.assert_array_equal(signed, np.clip(np.rint((2 * UNIT - 1) * 255) - 128, -128, 127))


@pytest.mark.parametrize(("dtype", "way", "less"), [("uint8", "[0,255]", 0), ("int8", "[-128,127]", 128)])
def test_an_integer_input_without_a_scale_is_given_levels(dtype: str, way: str, less: int) -> None:
    found = fed(Port("image", dtype, (1, 2, 4, 3)), dtype)
    assert tuple(found) == (f"pixels in {way} as NHWC",)
    np.testing.assert_array_equal(joined(found[f"pixels in {way} as NHWC"]), PIXELS.astype(int) - less)


def test_a_batch_is_filled_up_with_the_first_pictures() -> None:
    found = fed(Port("image", "float32", (2, 2, 4, 3)))["pixels in [0,1] as NHWC"]
    assert [batch.shape for batch in found] == [(2, 2, 4, 3)] * 2
    np.testing.assert_array_equal(joined(found), UNIT[[0, 1, 2, 0]])


def test_outputs_of_a_batch_are_those_of_its_pictures_and_real_values() -> None:
    port = Port("image", "float32", (2, 2, 4, 3))
    results = (Port("logits", "int8", (2, 5), scale=0.5, zero_point=3), Port("features", "float32", (2, 7)))

    def run(given: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        rows = np.rint(given[:, 0, 0, :1] * 255).astype(int) // 4
        return (rows + np.arange(5)).astype(np.int8), np.zeros((2, 7), np.float32)

    loaded = Loaded((2, 2, 4, 3), np.dtype(np.float32), lambda: None, run)
    foreign = Foreign(port, results, InputForm((2, 2, 4, 3)))
    logits, features = answers(foreign, loaded, PIXELS, SPEC)["pixels in [0,1] as NHWC"]
    assert (logits.of_integers, features.of_integers) == (True, False)
    assert features.values.shape == (3, 7)
    np.testing.assert_allclose(logits.values, (PIXELS[:, 0, 0, :1] // 4 + np.arange(5) - 3.0) * 0.5)


@pytest.mark.parametrize(
    ("port", "shape"),
    [
        (Port("x", "float32", (1, 5, 6, 3)), (1, 5, 6, 3)),
        (Port("x", "float32", (1, -1, -1, 3), ranges=((1, 1), (1, None), (1, None), (3, 3))), (1, 2, 4, 3)),
        (Port("x", "float32", (-1, 3, -1, -1), ranges=((1, 8), (3, 3), (1, 9), (1, 9))), (1, 3, 2, 4)),
        (Port("x", "float32", (-1, 3, 2, 4), ranges=((2, 8), (3, 3), (2, 2), (4, 4))), (2, 3, 2, 4)),
        (Port("x", "float32", (1, 3, 9, 9), shapes=((1, 3, 9, 9), (1, 3, 2, 4))), (1, 3, 2, 4)),
        (Port("x", "image", (-1, -1), ranges=((1, 9), (1, 9)), color="RGB"), (1, 3, 2, 4)),
        (Port("x", "image", (9, 9), color="RGB", shapes=((9, 9), (2, 4))), (1, 3, 2, 4)),
    ],
)
def test_an_open_input_runs_at_the_golden_size(port: Port, shape: tuple[int, ...]) -> None:
    assert form_of(port, (2, 4), "ours") == InputForm(shape)


def test_an_open_input_that_excludes_the_golden_size_is_a_sentence() -> None:
    port = Port("x", "float32", (-1, 3, -1, -1), ranges=((1, 8), (3, 3), (32, 448), (32, None)))
    said = form_of(port, (2, 4), "ours")
    assert isinstance(said, str)
    assert "float32 [1 to 8, 3, 32 to 448, 32 or more]" in said
    assert "a picture of 2 x 4 px as ours takes it" in said
    alone = form_of(port, None, "")
    assert isinstance(alone, str)
    assert "no bundle of this run names a size" in alone


def test_what_is_no_picture_is_not_fed() -> None:
    assert fed(Port("x", "image", (2, 4), color="GRAYSCALE")) == {}
    assert fed(Port("x", "float32", (1, 2, 4, 1))) == {}
    said = no_picture(Port("x", "image", (2, 4), color="GRAYSCALE"), (2, 4))
    assert said == "its input is image [2, 4] GRAYSCALE, expected one or more pictures of 3 colours and 2 x 4 px"
