"""What token-major forms share: attention in matmuls of rank 3, and the ways between tokens and grids."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from levit_mobile.model.fake_quant import FakeQuant

PAIR = 2  # neighbours of which `every_second` keeps the first


class Attends(Protocol):
    """A block with projected queries, keys and values, each with its edge, and the bias of their scores, if any."""

    heads: int
    query: FakeQuant
    key: FakeQuant
    value: FakeQuant

    @property
    def bias(self) -> Tensor | None: ...


def token_attend(block: Attends, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q [1,Tq,h*d], k [1,Tk,h*d], v [1,Tk,h*dv] -> [1,Tq,h*dv], in batched matmuls of rank 3."""
    queries = by_head(q, block.heads, block.query)
    keys = by_head(k, block.heads, block.key, transposed=True)
    values = by_head(v, block.heads, block.value)
    scores = torch.bmm(queries, keys)  # h Tq Tk
    weights = (scores if block.bias is None else scores + block.bias).softmax(-1)
    mixed = torch.bmm(weights, values)  # h Tq dv
    return mixed.permute(1, 0, 2).reshape(1, q.shape[1], -1)


def by_head(tokens: Tensor, heads: int, edge: FakeQuant, *, transposed: bool = False) -> Tensor:
    """[1,T,h*d] -> [h,T,d], or [h,d,T] `transposed`, on the edge's grid all the way."""
    split = edge(tokens.view(tokens.shape[1], heads, -1), moved=True)  # T h d
    return edge(split.permute(1, 2, 0) if transposed else split.permute(1, 0, 2), moved=True)


def to_tokens(grid: Tensor, edge: FakeQuant) -> Tensor:
    """[1,C,H,W] -> [1,H*W,C], on the edge's grid all the way."""
    rows = edge(grid.permute(0, 2, 3, 1))
    return edge(rows.reshape(1, grid.shape[2] * grid.shape[3], grid.shape[1]), moved=True)


def to_grid(tokens: Tensor, cells: tuple[int, int], edge: FakeQuant) -> Tensor:
    """[1,T,C] -> [1,C,rows,columns], on the edge's grid all the way."""
    rows = edge(tokens.reshape(1, *cells, tokens.shape[2]))
    return edge(rows.permute(0, 3, 1, 2), moved=True)


def every_second(tokens: Tensor, cells: tuple[int, int], edge: FakeQuant) -> Tensor:
    """[1,T,C] -> [1,T',C]: the even rows and columns of the grid, on the edge's grid all the way.

    before   x[:, ::2, ::2]                                     XNNPACK slices with stride 1 only
    after    two rows side by side, the first half of them; two columns side by side, the first half of them
    """
    height, width, channels = *cells, tokens.shape[2]
    if cells == (1, 1):
        return edge(tokens)
    half_height, half_width = -(-height // PAIR), -(-width // PAIR)
    rows = edge(tokens.reshape(height, width, channels))
    if height % PAIR:  # the last row has no second: any will do, it is cut off
        first = edge(rows[:1], moved=True) if height > 1 else rows
        rows = edge(torch.cat([rows, first]), moved=True)
    pairs = edge(rows.reshape(half_height, PAIR * width, channels), moved=True)
    even = edge(pairs[:, : PAIR * half_width], moved=True)
    pairs = edge(even.reshape(half_height, half_width, PAIR * channels), moved=True)
    even = edge(pairs[:, :, :channels], moved=True)
    return edge(even.reshape(1, half_height * half_width, channels), moved=True)


def mean(grid: Tensor) -> Tensor:
    """[1,C,H,W] -> [1,C,1,1]; over two axes, since XNNPACK takes no mean over the tokens of [1,T,C] in ExecuTorch."""
    return grid.mean((2, 3), keepdim=True)
