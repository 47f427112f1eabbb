"""Pools of the MIL reference against PyTorch, and how it pads."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from support.installed import needs
from support.mil_programs import numbers
from torch.nn import functional as F

from levit_mobile.mil.windows import padding

needs("coremltools")


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(
    ("size", "step", "pad", "side"),
    [(3, 2, 1, 8), (2, 2, 0, 7), (3, 3, 1, 10), (2, 3, 1, 7), (4, 3, 2, 9), (2, 3, 1, 8), (1, 2, 0, 4), (2, 1, 1, 2)],
)
def test_pools_are_pytorchs(size: int, step: int, pad: int, side: int, ceil: bool) -> None:
    from levit_mobile.mil.windows import avg_pool, max_pool

    x = numbers(1, 2, side, side)
    given: dict[str, Any] = {"pad_type": "custom", "pad": np.full(4, pad), "ceil_mode": ceil}
    lists = (np.array([size, size]), np.array([step, step]))
    tensor = torch.from_numpy(x)
    wanted = F.max_pool2d(tensor, size, step, pad, ceil_mode=ceil)
    assert np.array_equal(max_pool(x, lists[0], strides=lists[1], **given), wanted)
    for counted in (False, True):
        wanted = F.avg_pool2d(tensor, size, step, pad, ceil_mode=ceil, count_include_pad=counted)
        found = avg_pool(x, lists[0], strides=lists[1], exclude_padding_from_average=not counted, **given)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("stride", "size", "side"), [*itertools.product((1, 2, 3), (1, 2, 3, 5), (5, 6, 7))])
def test_same_gives_as_many_cells_as_strides_fit(stride: int, size: int, side: int) -> None:
    for kind in ("same", "same_lower"):
        ((before, after),) = padding((side,), [size], [stride], kind, None)
        assert (side + before + after - size) // stride + 1 == -(-side // stride)
        assert abs(before - after) <= 1
        assert (before <= after) == (kind == "same") or before == after


def test_unknown_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="pad_type is full"):
        padding((5,), [3], [1], "full", None)
    with pytest.raises(ValueError, match="needs 4 numbers in pad"):
        padding((5, 5), [3, 3], [1, 1], "custom", np.array([1, 1]))
