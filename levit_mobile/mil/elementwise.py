"""One number in, one number out; two operands broadcast. Defaults are those of MIL's documentation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from levit_mobile.mil.tensors import HELD_AS, Array, to_torch

CASTS: dict[str, str] = {
    "fp16": "FLOAT16",
    "fp32": "FLOAT32",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "bool": "BOOL",
}


def unary(function: Callable[[Array], Any]) -> Callable[[Array], Array]:
    """An op of the input `x`."""

    def kernel(x: Array) -> Array:
        return np.asarray(function(x))

    return kernel


def binary(function: Callable[[Array, Array], Any]) -> Callable[[Array, Array], Array]:
    """An op of the inputs `x` and `y`."""

    def kernel(x: Array, y: Array) -> Array:
        return np.asarray(function(x, y))

    return kernel


def cast(x: Array, dtype: str) -> Array:
    """Floats become integers by truncation; float16 is rounded to where the output is declared so."""
    if dtype not in CASTS:
        raise ValueError(f"dtype is {dtype}, expected one of {', '.join(CASTS)}")
    return x.astype(HELD_AS[CASTS[dtype]])


def clip(x: Array, alpha: Array, beta: Array) -> Array:
    """min(max(x, alpha), beta)."""
    return np.minimum(np.maximum(x, alpha), beta)


def clamped_relu(x: Array, alpha: Array, beta: Array) -> Array:
    """min(x, beta) from 0 on, min(alpha x, beta) below."""
    return np.minimum(np.where(x >= 0, x, alpha * x), beta)


def elu(x: Array, alpha: Array) -> Array:
    """alpha (e^x - 1) below 0."""
    return np.where(x < 0, alpha * np.expm1(x), x)


def erf(x: Array) -> Array:
    """The Gauss error function."""
    return torch.erf(to_torch(x)).numpy()


def gelu(x: Array, mode: str = "EXACT") -> Array:
    """x times the normal distribution's cumulative, or one of its two approximations."""
    if mode == "EXACT":
        return np.asarray(0.5 * x * torch.erfc(to_torch(x) / -math.sqrt(2)).numpy())
    if mode == "TANH_APPROXIMATION":
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    if mode == "SIGMOID_APPROXIMATION":
        return x * sigmoid(1.702 * x)
    raise ValueError(f"mode is {mode}, expected EXACT, TANH_APPROXIMATION or SIGMOID_APPROXIMATION")


def inverse(x: Array, epsilon: Array | float = 1e-4) -> Array:
    """1 / (x + epsilon)."""
    return 1 / (x + epsilon)


def leaky_relu(x: Array, alpha: Array) -> Array:
    """alpha x below 0."""
    return np.where(x < 0, alpha * x, x)


def linear_activation(x: Array, alpha: Array, beta: Array) -> Array:
    """alpha x + beta."""
    return alpha * x + beta


def log(x: Array, epsilon: Array | float = 1e-45) -> Array:
    """Natural logarithm of x + epsilon."""
    return np.asarray(np.log(x + epsilon))


def prelu(x: Array, alpha: Array) -> Array:
    """alpha x below 0, one alpha a channel (axis 1)."""
    return leaky_relu(x, alpha.reshape(-1, *[1] * (x.ndim - 2)))


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


def relu6(x: Array) -> Array:
    """max(x, 0), at most 6."""
    return np.clip(x, 0, 6)


def rsqrt(x: Array, epsilon: Array | float = 1e-12) -> Array:
    """1 / sqrt(x + epsilon)."""
    return np.asarray(1 / np.sqrt(x + epsilon))


def scaled_tanh(x: Array, alpha: Array, beta: Array) -> Array:
    """alpha tanh(beta x)."""
    return np.asarray(alpha * np.tanh(beta * x))


def select(cond: Array, a: Array, b: Array) -> Array:
    """`a` where `cond` holds, else `b`."""
    return np.where(cond, a, b)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)."""
    return np.asarray(1 / (1 + np.exp(-x)))


def sigmoid_hard(x: Array, alpha: Array, beta: Array) -> Array:
    """alpha x + beta, held in 0..1."""
    return np.asarray(np.clip(alpha * x + beta, 0, 1))


def silu(x: Array) -> Array:
    """x sigmoid(x)."""
    return x * sigmoid(x)


def softplus(x: Array) -> Array:
    """log(1 + e^x)."""
    return np.asarray(np.logaddexp(x, np.float32(0)))


def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    return np.asarray(x / (1 + np.abs(x)))


def threshold(x: Array, alpha: Array) -> Array:
    """max(x, alpha)."""
    return np.maximum(x, alpha)


def thresholded_relu(x: Array, alpha: Array) -> Array:
    """x from alpha on, 0 below."""
    return np.where(x >= alpha, x, np.float32(0))
