"""Tokens [1,T,C]: linears and 3-D batched matmuls, what XNNPACK runs as one partition, in float and in int8."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.families.levit.architecture import SHRINK_STRIDE
from levit_mobile.model.families.levit.body import laid_out, last_cells
from levit_mobile.model.families.levit.trained import (
    Attention,
    Cells,
    LeViT,
    Mlp,
    ShrinkAttention,
    blocks_in,
)
from levit_mobile.model.parts.constants import SubtractMean, constant_of
from levit_mobile.model.parts.fold import framed
from levit_mobile.model.parts.pairs import PAIR, conv_of_pairs, in_pairs, pair_of
from levit_mobile.model.parts.roles import add_table, with_role
from levit_mobile.model.parts.rows import conv_of, linear_of, regroup, rows_of
from levit_mobile.model.parts.tokens import every_second, mean, to_grid, to_tokens, token_attend


class TokenAttention(nn.Module):
    """[1,T,C] -> [1,T,C], one matmul batch entry a head. The key is transposed as it is taken apart, once.

    Scores, softmax and the mixing of values have no edges: delegates run them in float.
    """

    bias: Tensor

    def __init__(self, block: Attention) -> None:
        super().__init__()
        self.heads = block.heads
        q, k, v = regroup(block.qkv, block.heads, (block.key_dim, block.key_dim, block.value_dim))
        self.q, self.k, self.v = linear_of(q), linear_of(k), linear_of(v)
        self.query, self.key = FakeQuant(group="scores"), FakeQuant(group="scores", right=True)
        self.value, self.mixed = FakeQuant(right=True), FakeQuant()
        add_table(self, "bias", constant_of(block.bias))
        self.proj = linear_of(rows_of(block.proj))
        self.change, self.out = FakeQuant(group="output"), FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.query(self.q(x)), self.key(self.k(x)), self.value(self.v(x))
        y = self.mixed(F.hardswish(token_attend(self, q, k, v)))
        shortcut: Tensor = self.out(x + self.change(self.proj(y)))
        return shortcut


class TokenShrink(nn.Module):
    """[1,T,C] -> [1,T',C'], with queries from every second row and column of the grid.

    With `channels_last` the query's projection is a convolution with a stride, and the last projection a 1x1
    convolution: TFLite's converter moves the bias of a linear whose result is read twice out of it, into ops further
    on, and an int8 linear wants its own. Otherwise both are linears: ExecuTorch would transpose around a convolution.
    """

    bias: Tensor

    def __init__(self, block: ShrinkAttention, *, channels_last: bool) -> None:
        super().__init__()
        self.heads, self.cells, self.cells_out = block.heads, block.cells, block.cells_out
        self.channels_last = channels_last
        k, v = regroup(block.kv, block.heads, (block.key_dim, block.value_dim))
        self.k, self.v = linear_of(k), linear_of(v)
        q, proj = rows_of(block.q), rows_of(block.proj)
        self.q = conv_of(q, stride=SHRINK_STRIDE) if channels_last else linear_of(q)
        self.grid, self.query = FakeQuant(group="scores"), FakeQuant(group="scores")
        self.key, self.value = FakeQuant(group="scores", right=True), FakeQuant(right=True)
        self.mixed = FakeQuant()
        add_table(self, "bias", constant_of(block.bias))
        self.proj = conv_of(proj) if channels_last else linear_of(proj)
        self.out = FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.thinned(x), self.key(self.k(x)), self.value(self.v(x))
        return self.project(self.mixed(F.hardswish(token_attend(self, q, k, v))))

    def thinned(self, x: Tensor) -> Tensor:
        """[1,T,C] -> [1,T',h*d]."""
        if self.channels_last:
            return to_tokens(self.query(self.q(to_grid(x, self.cells, self.grid))), self.query)
        queries: Tensor = self.query(self.q(every_second(x, self.cells, self.grid)))
        return queries

    def project(self, y: Tensor) -> Tensor:
        """[1,T',h*dv] -> [1,T',C']."""
        if self.channels_last:
            grid: Tensor = self.out(self.proj(to_grid(y, self.cells_out, self.mixed)))
            return to_tokens(grid, self.out)
        tokens: Tensor = self.out(self.proj(y))
        return tokens


class TokenMlp(nn.Module):
    """[1,T,C] -> [1,T,C]."""

    def __init__(self, block: Mlp) -> None:
        super().__init__()
        self.expand, self.contract = linear_of(rows_of(block.expand)), linear_of(rows_of(block.contract))
        self.wide, self.hidden = FakeQuant(group="expand"), FakeQuant()
        self.change, self.out = FakeQuant(group="output"), FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(F.hardswish(self.wide(self.expand(x))))
        y: Tensor = self.out(x + self.change(self.contract(hidden)))
        return y


class TokenMlpPooled(TokenMlp):
    """The last block and the mean over tokens behind it: [1,T,C] -> [1,C].

    before   x + contract(hidden) -> mean                   contract for every token
    after    mean(x) + contract(mean(hidden))               for one: a mean and a linear can change places

    The mean of x and the sum have no edges before `out`: few values, and nothing behind them evens a rounding out.
    With `channels_last` the means are over tokens as they are; otherwise over a grid, which is all that ExecuTorch
    takes.
    """

    def __init__(self, block: Mlp, *, cells: Cells, channels_last: bool) -> None:
        super().__init__(block)
        self.cells, self.channels_last = cells, channels_last
        self.pooled = FakeQuant(group="hidden")

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(F.hardswish(self.wide(self.expand(x))))
        if self.channels_last:
            kept, pooled = x.mean(1), self.pooled(hidden.mean(1))
        else:
            pooled = self.pooled(mean(to_grid(hidden, self.cells, self.hidden)))
            pooled = self.pooled(pooled.flatten(1), moved=True)
            kept = mean(x.reshape(1, *self.cells, -1).permute(0, 3, 1, 2)).flatten(1)
        y: Tensor = self.out(kept + self.change(self.contract(pooled)))
        return y


class TokenStem(nn.Module):
    """Pixels [1,3,H,W], or [1,H,W,3] with `channels_last`, -> [1,C,H/16,W/16].

    H and W are even, so only the first row and column are framed.

    before   pixels -> subtract the mean -> conv0(w, b), zero padding
    after    pixels -> frame of the mean colour, above and to the left -> conv0(w, b - sum(w) * mean), no padding

    The mean colour is what zero meant behind the subtraction, so this is exact, and raw pixels are exact in int8.
    """

    above: Tensor
    left: Tensor

    def __init__(self, stem: nn.Sequential, size: tuple[int, int], *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        layers = dict(stem.named_children())
        mean = _mean_of(layers.get("centre"))
        self.register_buffer("above", mean.expand(1, 3, 1, size[1]).contiguous())
        self.register_buffer("left", mean.expand(1, 3, size[0] + 1, 1).contiguous())
        convs = {name: copy.deepcopy(layer) for name, layer in layers.items() if isinstance(layer, nn.Conv2d)}
        self.convs = nn.ModuleDict(convs)
        self.convs["conv0"] = framed(self.convs["conv0"], mean)
        for conv in self.convs.values():
            with_role(conv, "stem")
        self.pixels = FakeQuant(group="conv0", pixels=True)
        self.wide = nn.ModuleDict({name: FakeQuant() for name in self.convs})
        self.active = nn.ModuleDict({name: FakeQuant() for name in list(self.convs)[:-1]})

    def forward(self, x: Tensor) -> Tensor:
        x = self.with_frame(x)
        for name, conv in self.convs.items():
            wide: Tensor = self.wide[name](conv(x))
            x = self.active[name](F.hardswish(wide)) if name in self.active else wide
        return x

    def with_frame(self, x: Tensor) -> Tensor:
        """What the first convolution reads: [1,3,H+1,W+1]."""
        pixels = self.pixels(x.permute(0, 3, 1, 2) if self.channels_last else x)
        rows = self.pixels(torch.cat([self.pixels(self.above), pixels], 2))
        columns: Tensor = self.pixels(torch.cat([self.pixels(self.left), rows], 3))
        return columns


class PairedStem(TokenStem):
    """The same in int8: two columns side by side are one of 6 channels, and conv0 reads 2 x 3 of them.

    before   [H+1,W+1,3] -> conv0 3x3, stride 2              9 reads of 3 channels, which int8 kernels pad to 4 or 8
    after    [H+1,W/2+1,6] -> conv0 3x2, stride (2, 1)       6 reads of 6

    A picture [1,3,H,W] is turned to channels last here, two bytes at a time. ExecuTorch would turn single bytes.
    """

    def __init__(self, stem: nn.Sequential, size: tuple[int, int], *, channels_last: bool) -> None:
        super().__init__(stem, size, channels_last=channels_last)
        pair = pair_of(self.left[:, :, :1], channels_last=channels_last)
        self.above = pair.expand(1, 1, size[1] // PAIR, -1).contiguous()
        self.left = pair.expand(1, size[0] + 1, 1, -1).contiguous()
        conv = self.convs["conv0"]
        assert isinstance(conv, nn.Conv2d)  # which `framed` has made
        self.convs["conv0"] = with_role(conv_of_pairs(conv, channels_last=channels_last), "stem")

    def with_frame(self, x: Tensor) -> Tensor:
        """What the first convolution reads: [1,6,H+1,W/2+1]."""
        pixels = in_pairs(self.pixels(x), self.pixels, channels_last=self.channels_last)
        rows = self.pixels(torch.cat([self.pixels(self.above), pixels], 1))
        columns = self.pixels(torch.cat([self.pixels(self.left), rows], 2))
        turned: Tensor = self.pixels(columns.permute(0, 3, 1, 2), moved=True)
        return turned


def _mean_of(layer: nn.Module | None) -> Tensor:
    if not isinstance(layer, SubtractMean):
        raise ValueError("the stem does not subtract the mean colour: bake the model first")
    return layer.mean


class TokenMajor(nn.Module):
    """Pixels [1,3,H,W], or [1,H,W,3] with `channels_last`, to logits [1,classes]; `integers` suits it to int8."""

    def __init__(self, baked: LeViT, *, channels_last: bool, integers: bool = False) -> None:
        super().__init__()
        stem = PairedStem if integers else TokenStem
        self.stem = stem(baked.stem, baked.size, channels_last=channels_last)
        self.tokens = FakeQuant(group=f"stem.{list(self.stem.convs)[-1]}")
        kinds: dict[type, Callable[..., nn.Module]] = {
            Attention: TokenAttention,
            ShrinkAttention: partial(TokenShrink, channels_last=channels_last),
            Mlp: TokenMlp,
        }
        pooled = partial(TokenMlpPooled, cells=last_cells(baked), channels_last=channels_last)
        self.body = laid_out(baked, kinds, last=pooled)
        self.head = linear_of(rows_of(baked.head), role="head")
        self.scores = FakeQuant(group="head")
        self.blocks, self.read = blocks_in(self.body), "head"

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.body(to_tokens(self.stem(x), self.tokens))
        logits: Tensor = self.scores(self.head(pooled))
        return logits
