"""Norms, softmax and reductions. Means and sums run in float64, whose own rounding never shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from levit_mobile.mil.tensors import Array


def softmax(x: Array, axis: Array | int = -1) -> Array:
    """e^x over its sum along `axis`."""
    powers = np.exp(x - x.max(axis=int(axis), keepdims=True))
    total = powers.sum(axis=int(axis), keepdims=True, dtype=np.float64)
    return np.asarray(powers / total.astype(np.float32))


def batch_norm(
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: Array | float = 1e-5,
) -> Array:
    """(x - mean) gamma / sqrt(variance + epsilon) + beta, one of each a channel (axis 1)."""
    scale = 1 / np.sqrt(variance.astype(np.float64) + epsilon)
    return _scaled(x - _channels(mean, x), _channels(scale.astype(np.float32), x), gamma, beta)


def instance_norm(
    x: Array, gamma: Array | None = None, beta: Array | None = None, epsilon: Array | float = 1e-5
) -> Array:
    """Each channel of each picture by its own mean and variance, then one gamma and beta a channel (axis 1)."""
    centred, scale = _centred(x, tuple(range(2, x.ndim)), epsilon)
    return _scaled(centred, scale, gamma, beta)


def layer_norm(
    x: Array,
    axes: Array | None = None,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: Array | float = 1e-5,
) -> Array:
    """By the mean and variance over `axes` (all when absent); gamma and beta have the sizes of these axes."""
    over = tuple(range(x.ndim)) if axes is None else tuple(sorted(axis % x.ndim for axis in axes.tolist()))
    centred, scale = _centred(x, over, epsilon)
    shape = [size if axis in over else 1 for axis, size in enumerate(x.shape)]
    normal = centred * scale
    if gamma is not None:
        normal = normal * gamma.reshape(shape)
    return normal if beta is None else normal + beta.reshape(shape)


def _centred(x: Array, axes: tuple[int, ...], epsilon: Array | float) -> tuple[Array, Array]:
    """x minus its mean, and 1 / sqrt(its variance + epsilon)."""
    centred = x - x.mean(axis=axes, keepdims=True, dtype=np.float64)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    return centred.astype(np.float32), (1 / np.sqrt(variance + epsilon)).astype(np.float32)


def _scaled(centred: Array, scale: Array, gamma: Array | None, beta: Array | None) -> Array:
    factor = scale if gamma is None else scale * _channels(gamma, centred)
    return centred * factor if beta is None else centred * factor + _channels(beta, centred)


def _channels(vector: Array, like: Array) -> Array:
    """[C] -> [C,1,...], to broadcast along axis 1."""
    return vector.reshape(-1, *[1] * (like.ndim - 2))


def reduction(function: Callable[..., Any]) -> Callable[..., Array]:
    """An op of `x` over `axes` (all when absent), which are dropped unless `keep_dims`. Integers stay what they are."""

    def kernel(x: Array, axes: Array | None = None, keep_dims: Array | bool = False) -> Array:
        over = None if axes is None else tuple(axes.tolist())
        wide = x.astype(np.float64) if x.dtype == np.float32 else x
        return np.asarray(function(wide, axis=over, keepdims=bool(keep_dims))).astype(x.dtype)

    return kernel


def reduce_argmax(
    x: Array, axis: Array | int = -1, keep_dims: Array | bool = False, output_dtype: str = "int32"
) -> Array:
    """The place of the largest, the first of equals."""
    if output_dtype not in ("int32", "uint16"):
        raise ValueError(f"output_dtype is {output_dtype}, expected int32 or uint16")
    return np.asarray(x.argmax(axis=int(axis), keepdims=bool(keep_dims))).astype(output_dtype)


def l2(x: Array, axis: Any, keepdims: bool) -> Array:
    """Root of the sum of squares."""
    return np.asarray(np.sqrt(sum_square(x, axis, keepdims)))


def sum_square(x: Array, axis: Any, keepdims: bool) -> Array:
    """Sum of squares."""
    return np.asarray(np.square(x).sum(axis=axis, keepdims=keepdims))


def l2_norm(x: Array, epsilon: Array | float = 1e-6) -> Array:
    """x over the root of the sum of squares of its last three axes."""
    total = np.square(x).sum(axis=(-3, -2, -1), keepdims=True, dtype=np.float64)
    return np.asarray(x / np.sqrt(total + epsilon), np.float32)


def classify(probabilities: Array, classes: Array) -> tuple[Array, Array]:
    """The first class of the largest probability, and all probabilities in the order of the classes."""
    flat = probabilities.reshape(-1)
    if len(flat) != math.prod(classes.shape):
        raise ValueError(f"there are {len(flat)} probabilities, expected one for each of {classes.size} classes")
    return np.asarray(classes.reshape(-1)[flat.argmax()]), flat
