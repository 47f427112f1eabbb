"""Ops that move elements, and what PyTorch makes of them: the same, element for element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from support.mil_programs import Case, case, integers, numbers

X = numbers(2, 3, 4)
GRID = numbers(1, 2, 4, 5)
WIDE = numbers(6, 7, 8)


def op(name: str, **options: Any) -> Callable[..., Any]:
    return lambda mb, x: getattr(mb, name)(x=x, **options)


def joined(name: str, **options: Any) -> Callable[..., Any]:
    return lambda mb, *x: getattr(mb, name)(values=x, **options)


def exact(name: str, build: Callable[..., Any], expected: Callable[..., Any], *inputs: Any, **options: Any) -> Case:
    return case(name, build, expected, *inputs, exact=True, **options)


def reshapes() -> list[Case]:
    wanted = {"plain": (4, 6), "rest": (3, -1), "flat": (-1,), "longer": (1, 2, 3, 2, 2), "kept": (2, 3, 4)}
    return [
        *[exact(f"reshape_{k}", op("reshape", shape=s), lambda x, s=s: x.reshape(s), X) for k, s in wanted.items()],
        exact("reshape_int", op("reshape", shape=(3, 2)), lambda x: x.reshape(3, 2), integers(6)),
        exact("reshape_zeros", op("reshape", shape=(0, -1, 0)), lambda x: x, X),
    ]


def axes_moved() -> list[Case]:
    permutations = [(0, 2, 1), (2, 0, 1), (-1, 0, 1), (1, -1, -3)]
    return [
        *[
            exact(f"transpose_{i}", op("transpose", perm=perm), lambda x, p=perm: x.permute(p), X)
            for i, perm in enumerate(permutations)
        ],
        exact("expand_0", op("expand_dims", axes=[0]), lambda x: x[None], X),
        exact("expand_last", op("expand_dims", axes=[-1]), lambda x: x[..., None], X),
        exact("expand_two", op("expand_dims", axes=[0, -1]), lambda x: x[None, ..., None], X),
        exact("expand_inner", op("expand_dims", axes=[1, 3]), lambda x: x[:, None, :, None], X),
        exact("expand_unsorted", op("expand_dims", axes=[-2, 0]), lambda x: x[None, ..., None, :], X),
        exact("squeeze_one", op("squeeze", axes=[1]), lambda x: x.squeeze(1), numbers(2, 1, 3, 1)),
        exact("squeeze_last", op("squeeze", axes=[-1]), lambda x: x.squeeze(-1), numbers(2, 1, 3, 1)),
        exact("squeeze_both", op("squeeze", axes=[-1, 1]), lambda x: x.squeeze((1, 3)), numbers(2, 1, 3, 1)),
        exact("squeeze_all", op("squeeze"), lambda x: x.squeeze(), numbers(2, 1, 3, 1)),
    ]


def joins() -> list[Case]:
    a, b, c = numbers(2, 3, 4), numbers(2, 1, 4), numbers(2, 3, 4, seed=1)

    def woven(axis: int) -> Callable[..., Any]:
        return lambda x, y: torch.stack((x, y), axis + 1).flatten(axis, axis + 1)

    return [
        exact("concat_1", joined("concat", axis=1), lambda *x: torch.cat(x, 1), a, b, c),
        exact("concat_negative", joined("concat", axis=-2), lambda *x: torch.cat(x, -2), b, a),
        exact("concat_last", joined("concat", axis=-1), lambda *x: torch.cat(x, -1), a, c),
        exact("concat_alone", joined("concat", axis=0), lambda x: x, a),
        exact("concat_interleaved", joined("concat", axis=1, interleave=True), woven(1), a, c, folds=False),
        exact("concat_interleaved_0", joined("concat", axis=-3, interleave=True), woven(0), a, c, folds=False),
        *[
            exact(f"stack_{k % 4}", joined("stack", axis=k), lambda *x, k=k: torch.stack(x, k), a, c)
            for k in (0, 2, -1)
        ],
        exact("split_sizes", op("split", split_sizes=[1, 3, 2], axis=0), lambda x: x.split([1, 3, 2], 0), WIDE),
        exact("split_negative", op("split", split_sizes=[5, 2], axis=-2), lambda x: x.split([5, 2], 1), WIDE),
        exact("split_equal", op("split", num_splits=4, axis=2), lambda x: x.chunk(4, 2), WIDE),
        exact("split_equal_negative", op("split", num_splits=3, axis=-3), lambda x: x.chunk(3, 0), WIDE),
        exact("tile", op("tile", reps=[2, 1, 3]), lambda x: x.repeat(2, 1, 3), X),
    ]


def by_index(name: str, wanted: Callable[..., Any], **options: Any) -> Case:
    return exact(f"slice_{name}", op("slice_by_index", **options), wanted, WIDE)


def slices() -> list[Case]:
    masks: dict[str, tuple[bool, ...]] = {"begin_mask": (True, False, False), "end_mask": (False, True, False)}
    return [
        by_index("plain", lambda x: x[1:4, 2:7, 0:8], begin=[1, 2, 0], end=[4, 7, 8]),
        by_index("strided", lambda x: x[0:6:2, 1:7:3, 2:8:5], begin=[0, 1, 2], end=[6, 7, 8], stride=[2, 3, 5]),
        by_index("negative", lambda x: x[-4:-1, 1:-2, -8:8], begin=[-4, 1, -8], end=[-1, -2, 8]),
        by_index("masked", lambda x: x[:3, 4:, 1:5], begin=[2, 4, 1], end=[3, 5, 5], **masks),
        by_index(
            "masked_strided", lambda x: x[:3:2, 4::2, 1:5:3], begin=[2, 4, 1], end=[3, 5, 5], stride=[2, 2, 3], **masks
        ),
        by_index(
            "reversed",
            lambda x: x.flip(0)[::2],
            begin=[0] * 3,
            end=[0] * 3,
            stride=[-2, 1, 1],
            begin_mask=[True] * 3,
            end_mask=[True] * 3,
        ),
        by_index("reversed_part", lambda x: x[2:5].flip(0), begin=[4, 0, 0], end=[1, 7, 8], stride=[-1, 1, 1]),
        by_index(
            "squeezed",
            lambda x: x[:, 3, 1:6],
            begin=[0, 3, 1],
            end=[6, 0, 6],
            squeeze_mask=[False, True, False],
        ),
        by_index(
            "squeezed_last",
            lambda x: x[:, -1, -2],
            begin=[0, -1, -2],
            end=[6, 0, 0],
            end_mask=[True, False, False],
            squeeze_mask=[False, True, True],
        ),
        by_index(
            "squeezed_masked",
            lambda x: x[:, 0],
            begin=[0, 5, 0],
            end=[6, 7, 8],
            begin_mask=[True, True, True],
            squeeze_mask=[False, True, False],
        ),
        exact("size", op("slice_by_size", begin=[1, 0, 3], size=[2, 7, 4]), lambda x: x[1:3, :, 3:7], WIDE),
        exact("size_rest", op("slice_by_size", begin=[4, 2, -3], size=[-1, 5, 2]), lambda x: x[4:, 2:, -3:-1], WIDE),
    ]


def pads_and_gathers() -> list[Case]:
    last, two = [1, 2], [1, 0, 2, 3]

    def padded(mode: str) -> Callable[..., Any]:
        return lambda x: F.pad(x, [2, 3, 1, 0], mode=mode)

    def picked(indices: Any, axis: int) -> Callable[..., Any]:
        return lambda mb, x: mb.gather(x=x, indices=np.array(indices, np.int32), axis=axis)

    return [
        exact("pad_zero", op("pad", pad=two), padded("constant"), GRID),
        exact("pad_last", op("pad", pad=last), lambda x: F.pad(x, [1, 2]), GRID),
        exact("pad_value", op("pad", pad=last, constant_val=np.float32(1.5)), lambda x: F.pad(x, [1, 2], value=1.5), X),
        exact("pad_reflect", op("pad", pad=two, mode="reflect"), padded("reflect"), GRID),
        exact("pad_replicate", op("pad", pad=two, mode="replicate"), padded("replicate"), GRID),
        exact("gather_list", picked([3, 0, 3], 1), lambda x: x[:, [3, 0, 3]], WIDE),
        exact("gather_table", picked([[1, 0], [2, 5]], 0), lambda x: x[torch.tensor([[1, 0], [2, 5]])], WIDE),
        exact("gather_negative_axis", picked([7, 2], -1), lambda x: x[..., [7, 2]], WIDE),
        exact("gather_one", picked(2, 1), lambda x: x[:, 2], WIDE),
    ]


CASES = [*reshapes(), *axes_moved(), *joins(), *slices(), *pads_and_gathers()]
