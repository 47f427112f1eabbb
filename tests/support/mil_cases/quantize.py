"""Quantize and dequantize, and compressed constants, and what loops written out here make of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from support.mil_programs import Array, Case, case, numbers

X = numbers(2, 3, 4, low=-40, high=40)
TIES = np.array([[0.25, 0.75, 1.25, -0.25, -0.75, 64, -64.25, 1e4]], np.float32)  # halves of a step of 0.5
STEPS, POINTS = np.array([0.25, 0.5, 1], np.float32), np.array([3, -4, 0], np.int8)
ENDS = {"int8": (-128, 127), "uint8": (0, 255)}


def quantized(x: Array, scale: Array, zero: Array, kind: str) -> Array:
    """Exactly, in fractions: a half goes to the even number."""
    low, high = ENDS[kind]
    scale, zero = np.broadcast_to(scale, x.shape), np.broadcast_to(zero, x.shape)
    pairs = zip(x.flat, scale.flat, zero.flat, strict=True)
    steps = [min(max(round(Fraction(float(a)) / Fraction(float(s))) + int(z), low), high) for a, s, z in pairs]
    return np.array(steps, np.int32).reshape(x.shape)


def quantize(name: str, x: Array, kind: str, scale: Array, zero: Array | None = None, axis: int | None = None) -> Case:
    """The integers themselves, and the numbers that they stand for."""
    options = {role: v for role, v in {"zero_point": zero, "axis": axis}.items() if v is not None}
    shape = [1] * x.ndim if axis is None else [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]
    steps, point = scale.reshape(shape), np.zeros(1) if zero is None else zero.astype(int).reshape(shape)

    def build(mb: Any, x: Any) -> list[Any]:
        stored = mb.quantize(input=x, scale=scale, output_dtype=kind, **options)
        return [mb.cast(x=stored, dtype="int32"), mb.dequantize(input=stored, scale=scale, **options)]

    def expected(x: torch.Tensor) -> list[Any]:
        made = quantized(x.numpy(), steps, point, kind)
        return [made, (steps * (made - point)).astype(np.float32)]

    return case(f"quantize_{name}", build, expected, x, exact=True)


CASES = [
    quantize("int8", X, "int8", np.float32(0.25)),
    quantize("uint8", X, "uint8", np.float32(0.5), np.uint8(100)),
    quantize("int8_point", X, "int8", np.float32(0.25), np.int8(-7)),
    quantize("channels", X, "int8", STEPS, POINTS, 1),
    quantize("channels_negative_axis", X, "int8", STEPS, POINTS, -2),
    quantize("channels_without_point", X, "int8", STEPS, None, 1),
    quantize("channels_uint8", X, "uint8", STEPS, np.array([0, 128, 255], np.uint8), 1),
    quantize("ties", TIES, "int8", np.float32(0.5)),
    quantize("ties_uint8", TIES, "uint8", np.float32(0.5), np.uint8(1)),
]


# Compressed constants. The op's result is added to a live zero, so that it is in the program.

Build = Callable[[Any], Any]
DATA = np.random.default_rng(4).integers(-128, 128, (4, 6, 2)).astype(np.int8)
NIBBLES = np.random.default_rng(5).integers(-8, 8, (4, 6, 2)).astype(np.int8)


def constant(name: str, build: Build, wanted: Array) -> Case:
    zero = np.zeros(wanted.shape, np.float32)
    return case(
        f"constexpr_{name}", lambda mb, x: mb.add(x=x, y=build(mb)), lambda x: x + torch.from_numpy(wanted), zero
    )


def affine(axis: int, zero: Array, scale: Array, data: Array) -> tuple[Build, Array]:
    shape = [-1 if i == axis % data.ndim else 1 for i in range(data.ndim)]
    wanted = scale.reshape(shape if scale.ndim else ()) * (data.astype(int) - zero.reshape(shape if zero.ndim else ()))
    return (
        lambda mb: mb.constexpr_affine_dequantize(quantized_data=data, zero_point=zero, scale=scale, axis=axis)
    ), wanted.astype(np.float32)


def packed(numbers: Array, bits: int) -> Array:
    """Lowest bit first, by way of one long integer."""
    whole = sum(int(n) << (i * bits) for i, n in enumerate(numbers.flat))
    return np.frombuffer(whole.to_bytes(-(-numbers.size * bits // 8), "little"), np.uint8)


def palette(bits: int, shape: tuple[int, ...]) -> tuple[Build, Array]:
    table = numbers(1 << bits, seed=bits)
    indices = np.random.default_rng(bits).integers(0, 1 << bits, shape)
    sizes = np.array(shape, np.uint32)
    build = lambda mb: mb.constexpr_lut_to_dense(indices=packed(indices, bits), lut=table, shape=sizes)  # noqa: E731
    return build, table[indices]


def sparse(shape: tuple[int, ...]) -> tuple[Build, Array]:
    dense = numbers(*shape) * (numbers(*shape, seed=1) > 0)
    mask, sizes = packed(dense != 0, 1), np.array(shape, np.uint32)
    build = lambda mb: mb.constexpr_sparse_to_dense(nonzero_data=dense[dense != 0], mask=mask, shape=sizes)  # noqa: E731
    return build, dense


BYTES = DATA.view(np.uint8)
OLD = [
    constant("affine", *affine(0, np.int8(3), np.float32(0.5), DATA)),
    constant("affine_wraps", *affine(0, np.uint8(200), np.float32(0.5), BYTES)),
    constant("affine_axis", *affine(1, np.arange(6, dtype=np.int8), numbers(6), DATA)),
    constant("affine_negative_axis", *affine(-3, np.arange(4, dtype=np.uint8) * 60, numbers(4), BYTES)),
    constant("affine_scale_only", *affine(2, np.int8(0), numbers(2), DATA)),
    *[constant(f"palette_{bits}", *palette(bits, (3, 5, 7))) for bits in (1, 2, 4, 6, 8)],
    constant("sparse", *sparse((3, 5, 7))),
    constant(
        "cast",
        lambda mb: mb.constexpr_cast(source_val=numbers(3, 4).astype(np.float16), output_dtype="fp32"),
        numbers(3, 4).astype(np.float16).astype(np.float32),
    ),
]
