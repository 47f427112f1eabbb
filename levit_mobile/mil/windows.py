"""Ops that slide a window: convolution and pooling, over one, two or three axes of x [N,C,...].

`pad` lists before and after for each axis, the first axis first. `same` pads by the rule of TensorFlow, where the
result has ceil(size / stride) cells and the odd cell of padding goes behind (`same_lower`: before).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from levit_mobile.mil.tensors import Array, to_torch

Pairs = list[tuple[int, int]]
CONVOLUTIONS: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
AVERAGES: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
MAXIMA: dict[int, Callable[..., Tensor]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    strides: Array | None = None,
    pad_type: str = "valid",
    pad: Array | None = None,
    dilations: Array | None = None,
    groups: Array | int = 1,
) -> Array:
    """x [N,in,...], weight [out, in/groups, ...], bias [out]; the window is not mirrored."""
    axes = x.ndim - 2
    step, spread = _each(strides, axes), _each(dilations, axes)
    extents = [(size - 1) * gap + 1 for size, gap in zip(weight.shape[2:], spread, strict=True)]
    pairs = padding(x.shape[2:], extents, step, pad_type, pad)
    symmetric = all(before == after for before, after in pairs)
    padded = to_torch(x) if symmetric else _padded(x, pairs, 0)
    ends = [before for before, _ in pairs] if symmetric else [0] * axes
    offset = None if bias is None else to_torch(bias)
    return CONVOLUTIONS[axes](padded, to_torch(weight), offset, step, ends, spread, int(groups)).numpy()


def avg_pool(
    x: Array,
    kernel_sizes: Array,
    pad_type: str,
    strides: Array | None = None,
    pad: Array | None = None,
    exclude_padding_from_average: Array | bool = False,
    ceil_mode: Array | bool = False,
) -> Array:
    """Mean of each window; cells that only `ceil_mode` adds never count."""
    sizes, step = kernel_sizes.tolist(), _each(strides, x.ndim - 2)
    pairs = padding(x.shape[2:], sizes, step, pad_type, pad)
    surplus = _surplus(x.shape[2:], sizes, step, pairs) if ceil_mode else [(0, 0)] * len(sizes)
    counted = np.ones((1, 1, *x.shape[2:]), np.float32)
    counts = _padded(_padded(counted, pairs, 0 if exclude_padding_from_average else 1).numpy(), surplus, 0)
    mean = AVERAGES[len(sizes)]
    sums = mean(_padded(x, _joined(pairs, surplus), 0), sizes, step)
    return (sums / mean(counts, sizes, step)).numpy()


def max_pool(
    x: Array,
    kernel_sizes: Array,
    pad_type: str,
    strides: Array | None = None,
    pad: Array | None = None,
    ceil_mode: Array | bool = False,
) -> Array:
    """Largest of each window; padding never is."""
    sizes, step = kernel_sizes.tolist(), _each(strides, x.ndim - 2)
    pairs = padding(x.shape[2:], sizes, step, pad_type, pad)
    surplus = _surplus(x.shape[2:], sizes, step, pairs) if ceil_mode else [(0, 0)] * len(sizes)
    return MAXIMA[len(sizes)](_padded(x, _joined(pairs, surplus), -np.inf), sizes, step).numpy()


def padding(sizes: tuple[int, ...], extents: list[int], step: list[int], pad_type: str, pad: Array | None) -> Pairs:
    """Cells before and after each axis. `pad` counts with pad_type `custom` only."""
    if pad_type == "valid":
        return [(0, 0)] * len(sizes)
    if pad_type == "custom":
        if pad is None or pad.shape != (2 * len(sizes),):
            raise ValueError(
                f"pad_type is custom, which needs {2 * len(sizes)} numbers in pad: "
                f"{'it is missing' if pad is None else f'its shape is {list(pad.shape)}'}"
            )
        return [(before, after) for before, after in pad.reshape(-1, 2).tolist()]
    if pad_type not in ("same", "same_lower"):
        raise ValueError(f"pad_type is {pad_type}, expected valid, custom, same or same_lower")
    totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(sizes, extents, step, strict=True)]
    halves = [(total // 2, total - total // 2) for total in totals]
    return halves if pad_type == "same" else [(after, before) for before, after in halves]


def _surplus(sizes: tuple[int, ...], extents: list[int], step: list[int], pairs: Pairs) -> Pairs:
    """What ceil_mode adds behind, as in PyTorch: no window starts in the padding behind."""
    added = []
    for n, k, s, (before, after) in zip(sizes, extents, step, pairs, strict=True):
        count = -(-(n + before + after - k) // s) + 1
        if (count - 1) * s >= n + before:
            count -= 1
        added.append((0, max((count - 1) * s + k - n - before - after, 0)))
    return added


def _joined(inner: Pairs, outer: Pairs) -> Pairs:
    return [(a + c, b + d) for (a, b), (c, d) in zip(inner, outer, strict=True)]


def _padded(x: Array, pairs: Pairs, value: float) -> Tensor:
    """torch lists the last axis first."""
    flat = [cells for pair in reversed(pairs) for cells in pair]
    return F.pad(to_torch(x), flat, value=value) if any(flat) else to_torch(x)


def _each(values: Array | None, axes: int) -> list[int]:
    return [1] * axes if values is None else values.tolist()
