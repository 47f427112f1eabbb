"""Ops that move elements and change none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from levit_mobile.mil.tensors import Array

Values = Sequence[Array]


def concat(values: Values, axis: Array, interleave: Array | bool = False) -> Array:
    """Joined along `axis`; with `interleave` one element of each in turn."""
    if not interleave:
        return np.concatenate(values, axis=int(axis))
    at = int(axis) % values[0].ndim
    shape = list(values[0].shape)
    shape[at] *= len(values)
    return np.stack(values, axis=at + 1).reshape(shape)


def expand_dims(x: Array, axes: Array) -> Array:
    """New axes of size 1, numbered as in the result."""
    return np.expand_dims(x, tuple(axes.tolist()))


def gather(
    x: Array, indices: Array, axis: Array | int = 0, batch_dims: Array | int = 0, validate_indices: Array | bool = False
) -> Array:
    """x's slices along `axis` at `indices`, of any rank; negative ones count from the end."""
    if batch_dims:
        raise ValueError(f"batch_dims is {batch_dims}, expected 0: the MIL reference supports no other value")
    del validate_indices  # they always are
    return np.asarray(np.take(x, indices, axis=int(axis)))


def identity(x: Array) -> Array:
    """x itself."""
    return x


def pad(x: Array, pad: Array, mode: str = "constant", constant_val: Array | float = 0.0) -> Array:
    """Before and after each of the last axes, in order; `replicate` repeats the edge, `reflect` mirrors without it."""
    pairs = [(0, 0)] * (x.ndim - pad.size // 2) + [(before, after) for before, after in pad.reshape(-1, 2).tolist()]
    if mode == "constant":
        return np.pad(x, pairs, constant_values=constant_val)
    if mode == "replicate":
        return np.pad(x, pairs, mode="edge")
    if mode == "reflect":
        return np.pad(x, pairs, mode="reflect")
    raise ValueError(f"mode is {mode}, expected constant, replicate or reflect")


def reshape(x: Array, shape: Array) -> Array:
    """Until iOS 16: a 0 keeps the size at its own place, and then the rank is kept too."""
    wanted = shape.tolist()
    if 0 in wanted and len(wanted) != x.ndim:
        raise ValueError(f"shape is {wanted}, expected {x.ndim} sizes as in x, because one of them is 0")
    return _filled(x, [size or kept for size, kept in zip(wanted, x.shape, strict=True)] if 0 in wanted else wanted)


def reshape_from_right(x: Array, shape: Array) -> Array:
    """From iOS 17 on: a 0 keeps the size at its place counted from the right, and is 1 beyond x's rank."""
    wanted = shape.tolist()
    missing = len(wanted) - x.ndim
    kept = [1] * missing + list(x.shape)[max(-missing, 0) :]
    return _filled(x, [size or own for size, own in zip(wanted, kept, strict=True)])


def _filled(x: Array, shape: list[int]) -> Array:
    """One size may be -1. numpy would also take a smaller number for it."""
    if any(size < -1 for size in shape):
        raise ValueError(f"shape is {shape}, expected sizes of 0 or more and at most one -1")
    return x.reshape(shape)


def slice_by_index(
    x: Array,
    begin: Array,
    end: Array,
    stride: Array | None = None,
    begin_mask: Array | None = None,
    end_mask: Array | None = None,
    squeeze_mask: Array | None = None,
) -> Array:
    """x[begin:end:stride] on every axis, as in Python. A mask voids its begin or end; a squeezed axis is x[begin]."""
    steps = [1] * x.ndim if stride is None else stride.tolist()
    no_begin, no_end, squeezed = (_mask(mask, x.ndim) for mask in (begin_mask, end_mask, squeeze_mask))
    index: list[int | slice] = []
    for axis, (first, last, step) in enumerate(zip(begin.tolist(), end.tolist(), steps, strict=True)):
        start = None if no_begin[axis] else first
        index.append((start or 0) if squeezed[axis] else slice(start, None if no_end[axis] else last, step))
    return np.asarray(x[tuple(index)])


def _mask(mask: Array | None, rank: int) -> list[bool]:
    return [False] * rank if mask is None else mask.tolist()


def slice_by_size(x: Array, begin: Array, size: Array) -> Array:
    """`size` elements from `begin` on; -1 is all that are left. A negative `begin` counts from the end."""
    starts = [first % length for first, length in zip(begin.tolist(), x.shape, strict=True)]
    ends = [None if count == -1 else start + count for start, count in zip(starts, size.tolist(), strict=True)]
    return x[tuple(slice(start, end) for start, end in zip(starts, ends, strict=True))]


def split(
    x: Array, axis: Array, num_splits: Array | None = None, split_sizes: Array | None = None
) -> tuple[Array, ...]:
    """`num_splits` equal parts, or parts of `split_sizes`."""
    if split_sizes is None:
        if num_splits is None:
            raise ValueError("num_splits and split_sizes are missing, expected one of the two")
        return tuple(np.split(x, int(num_splits), axis=int(axis)))
    if math.fsum(split_sizes.tolist()) != x.shape[int(axis)]:
        raise ValueError(f"split_sizes is {split_sizes.tolist()}, expected sizes that add up to {x.shape[int(axis)]}")
    return tuple(np.split(x, np.cumsum(split_sizes)[:-1], axis=int(axis)))


def squeeze(x: Array, axes: Array | None = None) -> Array:
    """Without `axes`, or without every axis of size 1; one of another size stays, as in PyTorch."""
    named = range(x.ndim) if axes is None else [axis % x.ndim for axis in axes.tolist()]
    return np.squeeze(x, tuple(axis for axis in named if x.shape[axis] == 1))


def stack(values: Values, axis: Array) -> Array:
    """Joined along a new axis."""
    return np.stack(values, axis=int(axis))


def tile(x: Array, reps: Array) -> Array:
    """Repeated along each axis."""
    return np.tile(x, reps.tolist())


def transpose(x: Array, perm: Array) -> Array:
    """Axis i of the result is axis perm[i] of x."""
    return x.transpose(perm.tolist())
