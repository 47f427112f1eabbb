"""Convolution and pooling, and what loops written out here make of them.

PyTorch computes the reference's windows too; that padding, strides and groups reach it as MIL means them is what the
loops are for.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from support.mil_programs import Array, Case, case, numbers

Ends = list[tuple[int, int]]  # padding before and after, an axis


def looped_conv(
    x: Array, w: Array, b: Array, *, step: Sequence[int], ends: Ends, gap: Sequence[int], groups: int
) -> Any:
    """y[n,o,p] = b[o] + sum over the group's channels c and the window's cells k of w[o,c,k] x[n,c,p step + k gap]."""
    padded = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *ends])
    window = w.shape[2:]
    sizes = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(padded.shape[2:], window, gap, step, strict=True)]
    out = np.zeros((len(x), len(w), *sizes))
    each, made = x.shape[1] // groups, len(w) // groups
    for o, cell in itertools.product(range(len(w)), np.ndindex(*sizes)):
        group = slice(o // made * each, (o // made + 1) * each)
        at = [range(p * s, p * s + k * d, d) for p, s, k, d in zip(cell, step, window, gap, strict=True)]
        seen = padded[:, group][(slice(None), slice(None), *np.ix_(*at))]
        out[(slice(None), o, *cell)] = (seen * w[o]).reshape(len(x), -1).sum(1) + b[o]
    return out.astype(np.float32)


def conv(
    name: str,
    x: Array,
    weight: Array,
    *,
    ends: Ends | None = None,
    step: Sequence[int] | None = None,
    gap: Sequence[int] | None = None,
    groups: int = 1,
    bias: bool = True,
    **options: Any,
) -> Case:
    """`ends` are what the padding should come to; `custom` is asked for when no pad_type is."""
    axes = x.ndim - 2
    offset = numbers(len(weight), seed=9) if bias else np.zeros(len(weight), np.float32)
    given: dict[str, Any] = {"strides": step, "dilations": gap, "groups": groups if groups > 1 else None, **options}
    if ends is not None and "pad_type" not in options:
        given |= {"pad_type": "custom", "pad": [n for pair in ends for n in pair]}
    if bias:
        given["bias"] = offset
    given = {role: value for role, value in given.items() if value is not None}
    wanted = {"step": step or [1] * axes, "gap": gap or [1] * axes, "ends": ends or [(0, 0)] * axes, "groups": groups}
    return case(
        f"conv_{name}",
        lambda mb, x: mb.conv(x=x, weight=weight, **given),
        lambda x: looped_conv(x.numpy(), weight, offset, **wanted),
        x,
    )


def convs() -> list[Case]:
    x, w = numbers(2, 4, 7, 9), numbers(6, 4, 3, 2)
    line, cube = numbers(1, 4, 11), numbers(1, 2, 4, 5, 3)
    return [
        conv("plain", x, w),
        conv("without_bias", x, w, bias=False),
        conv("valid", x, w, pad_type="valid", step=[2, 3]),
        conv("strides", x, w, step=[2, 3]),
        conv("symmetric", x, w, ends=[(1, 1), (2, 2)]),
        conv("asymmetric", x, w, ends=[(1, 0), (2, 3)], step=[2, 1]),
        conv("dilated", x, w, gap=[2, 3], ends=[(0, 1), (1, 0)]),
        conv("groups", x, numbers(6, 2, 3, 3), groups=2, ends=[(1, 1), (1, 1)]),
        conv("depthwise", x, numbers(8, 1, 3, 3), groups=4, step=[2, 2], ends=[(1, 1), (0, 2)]),
        conv("pointwise", x, numbers(5, 4, 1, 1), step=[2, 2]),
        conv("pad_ignored", x, w, pad_type="valid", pad=[1, 1, 1, 1]),
        conv("same_odd", x, numbers(6, 4, 3, 5), pad_type="same", ends=[(1, 1), (2, 2)]),
        conv("same_even", x, numbers(6, 4, 2, 4), pad_type="same", ends=[(0, 1), (1, 2)]),
        conv("same_lower", x, numbers(6, 4, 2, 4), pad_type="same_lower", ends=[(1, 0), (2, 1)]),
        conv("same_strided", x, numbers(6, 4, 3, 3), pad_type="same", step=[2, 4], ends=[(1, 1), (1, 1)]),
        conv(
            "same_strided_odd",
            numbers(1, 4, 8, 6),
            numbers(6, 4, 3, 3),
            pad_type="same",
            step=[2, 2],
            ends=[(0, 1)] * 2,
        ),
        conv("same_dilated", x, numbers(6, 4, 3, 2), pad_type="same", gap=[2, 3], ends=[(2, 2), (1, 2)]),
        conv("line", line, numbers(3, 4, 3), ends=[(2, 1)], step=[2]),
        conv("line_groups", line, numbers(4, 2, 2), groups=2, gap=[3]),
        conv("cube", cube, numbers(3, 2, 2, 3, 2), ends=[(1, 0), (0, 1), (1, 1)], step=[1, 2, 1]),
    ]


def looped_pool(x: Array, size: Sequence[int], step: Sequence[int], ends: Ends, out: Sequence[int], mean: str) -> Array:
    """Window by window: the largest, or the mean over `real` cells or also the `padded` ones."""
    made = np.zeros((*x.shape[:2], *out), np.float32)
    for cell in np.ndindex(*out):
        first = [p * s - before for p, s, (before, _) in zip(cell, step, ends, strict=True)]
        span = list(zip(first, size, x.shape[2:], ends, strict=True))
        real = tuple(slice(max(f, 0), min(f + k, n)) for f, k, n, _ in span)
        padded = [min(f + k, n + after) - f for f, k, n, (_, after) in span]
        seen = x[(slice(None), slice(None), *real)].astype(np.float64).reshape(*x.shape[:2], -1)
        count = {"real": seen.shape[-1], "padded": int(np.prod(padded)), "": 1}[mean]
        made[(slice(None), slice(None), *cell)] = seen.sum(-1) / count if mean else seen.max(-1)
    return made


def pools(name: str, x: Array, out: Sequence[int], ends: Ends, **options: Any) -> list[Case]:
    """Both pools, the mean twice; `out` is the expected size, written by hand."""
    size, step = options["kernel_sizes"], options.get("strides", [1] * len(out))

    def each(op: str, mean: str, **more: Any) -> Case:
        return case(
            f"{op}_{name}_{mean}",
            lambda mb, x: getattr(mb, op)(x=x, **options, **more),
            lambda x: looped_pool(x.numpy(), size, step, ends, out, mean),
            x,
        )

    return [
        each("max_pool", ""),
        each("avg_pool", "padded"),
        each("avg_pool", "real", exclude_padding_from_average=True),
    ]


def all_pools() -> list[Case]:
    x, line, cube = numbers(2, 3, 7, 8), numbers(1, 3, 10), numbers(1, 2, 4, 5, 4)
    two: dict[str, Any] = {"kernel_sizes": [3, 2], "strides": [2, 2]}
    custom: dict[str, Any] = {"pad_type": "custom"}
    return [
        *pools("valid", x, [5, 7], [(0, 0)] * 2, kernel_sizes=[3, 2], pad_type="valid"),
        *pools("strides", x, [3, 4], [(0, 0)] * 2, pad_type="valid", **two),
        *pools("symmetric", x, [4, 5], [(1, 1)] * 2, pad=[1, 1, 1, 1], **two, **custom),
        *pools("asymmetric", x, [4, 4], [(1, 1), (0, 1)], pad=[1, 1, 0, 1], **two, **custom),
        *pools("before_only", x, [3, 4], [(1, 0), (1, 0)], pad=[1, 0, 1, 0], **two, **custom),
        *pools("same", x, [4, 4], [(1, 1), (0, 0)], pad_type="same", **two),
        *pools("same_even", x, [7, 8], [(0, 1), (1, 2)], pad_type="same", kernel_sizes=[2, 4]),
        *pools("same_lower", x, [7, 8], [(1, 0), (2, 1)], pad_type="same_lower", kernel_sizes=[2, 4]),
        *pools("ceil", x, [3, 4], [(0, 0)] * 2, kernel_sizes=[2, 2], strides=[3, 2], pad_type="valid", ceil_mode=True),
        *pools(
            "ceil_padded",
            x,
            [3, 5],
            [(1, 1), (1, 1)],
            kernel_sizes=[2, 3],
            strides=[3, 2],
            pad=[1] * 4,
            ceil_mode=True,
            **custom,
        ),
        *pools("line", line, [5], [(1, 1)], kernel_sizes=[4], strides=[2], pad=[1, 1], **custom),
        *pools("cube", cube, [2, 2, 1], [(0, 0)] * 3, kernel_sizes=[2, 3, 4], strides=[2, 2, 1], pad_type="valid"),
    ]


CASES = [*convs(), *all_pools()]
