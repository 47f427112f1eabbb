"""Grids of cells: how they are halved, and the numbering of the offsets between their cells."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

Cells = tuple[int, int]  # rows and columns


def halved(grid: Tensor) -> Tensor:
    """[N,C,H,W] -> [N,C,H/2,W/2]: the mean of 2 x 2 cells.

    Stride and padding are written out: ExecuTorch 1.4.1's XNNPACK reads the stride from the call, and refuses a mean
    that counts padding, even where there is none.
    """
    return F.avg_pool2d(grid, 2, 2, count_include_pad=False)


def relative_index(cells: Cells) -> Tensor:
    """Which entry of a bias table a query and a key share: [T, T] int64 in [0, (2H-1)(2W-1)).

    The entry is (dy + H - 1) * (2W - 1) + dx + W - 1 for the signed offset from key to query. On the meta device only
    its shape is made.

    Source: `gen_relative_position_index` of timm 1.0.31 (timm/layers/pos_embed_rel.py).
    """
    rows, columns = cells
    if torch.get_default_device().type == "meta":
        return torch.empty(rows * columns, rows * columns, dtype=torch.int64)
    down, across = (
        torch.arange(count)[:, None] - torch.arange(count)[None, :] + count - 1 for count in cells
    )  # [qy, ky] and [qx, kx]
    index = down[:, None, :, None] * (2 * columns - 1) + across[None, :, None, :]  # [qy, qx, ky, kx]
    return index.reshape(rows * columns, rows * columns)
