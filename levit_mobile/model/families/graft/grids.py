"""Grids [1,C,H,W]: the stem and the bottlenecks, as all deployable forms have them."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.fake_quant import FakeQuant, ReluConv
from levit_mobile.model.families.graft.bake import BakedStem
from levit_mobile.model.families.graft.trained import Bottleneck, Graft
from levit_mobile.model.parts.fold import framed
from levit_mobile.model.parts.roles import with_role


class GridStem(nn.Module):
    """Pixels [1,3,H,W] -> [1,C,H/4,W/4]; H and W are even.

    before   pixels -> subtract the mean -> conv 7x7 stride 2, zero padding 3
    after    pixels -> frame of the mean colour, 3 px above and to the left, 2 px on the other sides -> no padding

    before   relu -> max over 3x3, stride 2, padding 1 of -inf        TFLite pads with an op that no delegate has
    after    relu -> zeros above and to the left -> max, no padding    zero is the least that a relu gives
    """

    # With `levels` the input's int8 grid is that of a picture's levels in [0,1]; Core ML's input is 0..255: measured.
    def __init__(self, stem: nn.Module, size: tuple[int, int], *, levels: bool) -> None:
        super().__init__()
        if not isinstance(stem, BakedStem):
            raise ValueError("the stem does not subtract the mean colour: bake the model first")
        colour, (height, width) = stem.centre.mean, size
        for name, rows in (("above", 3), ("below", 2)):
            self.register_buffer(name, colour.expand(1, 3, rows, width).contiguous())
        for name, columns in (("left", 3), ("right", 2)):
            self.register_buffer(name, colour.expand(1, 3, height + 5, columns).contiguous())
        self.conv = with_role(ReluConv.of(framed(stem.conv, colour)), "stem")
        self.pixels, self.out = FakeQuant(group="conv", pixels=levels), FakeQuant(group="conv")

    def forward(self, pixels: Tensor) -> Tensor:
        above, below, left, right = (self.get_buffer(name) for name in ("above", "below", "left", "right"))
        x = self.pixels(torch.cat([self.pixels(above), self.pixels(pixels), self.pixels(below)], 2))
        x = self.pixels(torch.cat([self.pixels(left), x, self.pixels(right)], 3))
        padded = self.out(F.pad(self.out(self.conv(x)), (1, 0, 1, 0)), moved=True)
        y: Tensor = self.out(F.max_pool2d(padded, 3, 2), moved=True)
        return y


class GridBottleneck(nn.Module):
    """[1,C,H,W] -> [1,C',H',W']; the stream stays in float."""

    def __init__(self, block: Bottleneck) -> None:
        super().__init__()
        if not isinstance(block.norm0, nn.Identity):
            raise ValueError("a block still has batch norms: bake the model first")
        self.conv0, self.conv1 = ReluConv.of(block.conv0), ReluConv.of(block.conv1)
        self.conv2, self.shortcut = copy.deepcopy(block.conv2), Projected(block.shortcut)
        self.entered, self.first, self.second, self.change = (FakeQuant(group="convs") for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        entered = self.entered(x)
        y = self.change(self.conv2(self.second(self.conv1(self.first(self.conv0(entered))))))
        return F.relu(y + self.shortcut(x, entered))


class Projected(nn.Module):
    """The stream of a bottleneck's shortcut: itself, or a convolution of it that may be in int8."""

    def __init__(self, conv: nn.Conv2d | None) -> None:
        super().__init__()
        self.conv = copy.deepcopy(conv)
        self.kept = None if conv is None else FakeQuant(group="shortcut")

    def forward(self, x: Tensor, entered: Tensor) -> Tensor:
        """`entered` is `x` as the block's convolutions read it."""
        if self.conv is None or self.kept is None:
            return x
        kept: Tensor = self.kept(self.conv(entered))
        return kept


def stages_of(baked: Graft) -> Iterator[tuple[str, nn.Module]]:
    """Name and form of every stage."""
    for name, stage in baked.trunk.named_children():
        blocks = ((n, GridBottleneck(block)) for n, block in stage.named_children() if isinstance(block, Bottleneck))
        yield name, nn.Sequential(OrderedDict(blocks))


class Pool(nn.Module):
    """[1,C,H,W] -> [1,C,H/n,W/n], the mean of n x n cells; see `parts.grids.halved` for the arguments."""

    def __init__(self, edge: int) -> None:
        super().__init__()
        self.edge = edge

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, self.edge, self.edge, count_include_pad=False) if self.edge > 1 else x


def form_blocks(baked: Graft) -> dict[str, str]:
    """Block -> its path in a form: that in the trained net, with every part in `body`."""
    return {name: "stem" if name == "stem" else f"body.{_place(name)}" for name in baked.blocks}


def _place(name: str) -> str:
    return "embed.tokens" if name == "embed" else name
