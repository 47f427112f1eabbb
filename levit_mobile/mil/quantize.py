"""quantize and dequantize: integers for activations."""

from __future__ import annotations

import numpy as np

from levit_mobile.mil.tensors import Array

RANGES = {"int8": (np.int8, -128, 127), "uint8": (np.uint8, 0, 255)}


def quantize(
    input: Array, scale: Array, output_dtype: str, zero_point: Array | None = None, axis: Array | None = None
) -> Array:
    """clip(round(input / scale) + zero_point); ties go to the even number, which MIL leaves open."""
    if output_dtype not in RANGES:
        raise ValueError(f"output_dtype is {output_dtype}, expected one of {', '.join(RANGES)}")
    stored, low, high = RANGES[output_dtype]
    steps = np.rint(input / along(scale, input, axis))
    if zero_point is not None:
        steps = steps + along(zero_point.astype(np.float32), input, axis)
    return steps.clip(low, high).astype(stored)


def dequantize(input: Array, scale: Array, zero_point: Array | None = None, axis: Array | None = None) -> Array:
    """scale * (input - zero_point)."""
    steps = input.astype(np.float32)
    if zero_point is not None:
        steps -= along(zero_point.astype(np.float32), input, axis)
    return along(scale, input, axis) * steps


def along(parameter: Array, data: Array, axis: Array | None) -> Array:
    """A scalar as it is; a vector shaped to broadcast along `axis` of `data`."""
    if not parameter.ndim:
        return parameter
    if axis is None or parameter.shape != (data.shape[int(axis)],):
        raise ValueError(
            f"a scale or zero point of shape {list(parameter.shape)} does not fit a tensor of shape {list(data.shape)}"
        )
    shape = [1] * data.ndim
    shape[int(axis)] = -1
    return parameter.reshape(shape)
