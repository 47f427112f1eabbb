"""Grids [1,C,H,W]: the stem and the blocks of convolutions, as all deployable forms have them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.families.coatnet.bake import CentredStem, ScaledGate
from levit_mobile.model.families.coatnet.trained import FUNCTIONS, CoAtNet, Gate, MbConv
from levit_mobile.model.parts.constants import Affine
from levit_mobile.model.parts.fold import framed
from levit_mobile.model.parts.grids import halved
from levit_mobile.model.parts.roles import Role, with_role
from levit_mobile.model.parts.tokens import mean


class GridStem(nn.Module):
    """Pixels [1,3,H,W] -> [1,C,H/2,W/2]. H and W are even, so only the first row and column are framed.

    before   pixels -> subtract the mean -> conv0(w, b), zero padding
    after    pixels -> frame of the mean colour, above and to the left -> conv0(w, b - sum(w) * mean), no padding

    The mean colour is what zero meant behind the subtraction, so this is exact, and raw pixels are exact in int8.
    """

    above: Tensor
    left: Tensor

    # With `levels` the input's int8 grid is that of a picture's levels in [0,1]; Core ML's input is 0..255: measured.
    def __init__(self, stem: nn.Module, size: tuple[int, int], *, levels: bool) -> None:
        super().__init__()
        if not isinstance(stem, CentredStem):
            raise ValueError("the stem does not subtract the mean colour: bake the model first")
        colour = stem.centre.mean
        self.register_buffer("above", colour.expand(1, 3, 1, size[1]).contiguous())
        self.register_buffer("left", colour.expand(1, 3, size[0] + 1, 1).contiguous())
        self.conv0, self.conv1 = with_role(framed(stem.conv0, colour), "stem"), copied(stem.conv1, role="stem")
        self.pixels = FakeQuant(group="conv0", pixels=levels)
        self.wide, self.active, self.out = FakeQuant(group="conv0"), FakeQuant(group="conv1"), FakeQuant(group="conv1")

    def forward(self, pixels: Tensor) -> Tensor:
        x: Tensor = self.pixels(torch.cat([self.pixels(self.above), self.pixels(pixels)], 2))
        x = self.pixels(torch.cat([self.pixels(self.left), x], 3))
        y: Tensor = self.out(self.conv1(self.active(silu(self.wide(self.conv0(x))))))
        return y


class GridConv(nn.Module):
    """[1,C,H,W] -> [1,C',H',W']. The stream, the gate, means and activation functions stay in float."""

    def __init__(self, block: MbConv) -> None:
        super().__init__()
        _require_baked(block)
        self.shrinks, self.pools, self.active = block.shrinks, block.pools, block.active_norm
        self.norm = depthwise_of(block.norm) if isinstance(block.norm, Affine) else nn.Identity()
        self.entered, self.wide, self.hidden, self.deep = (FakeQuant(group="expand") for _ in range(4))
        self.expand, self.depthwise = copied(block.expand), copied(block.depthwise)
        gates = (gate for gate in (block.early_gate, block.gate) if not isinstance(gate, nn.Identity))
        self.share = GateShare(next(gates))
        self.early = isinstance(block.early_gate, ScaledGate)
        self.shift = copy.deepcopy(block.depthwise_norm)
        self.gated, self.change = FakeQuant(group="output"), FakeQuant(group="output")
        self.contract = copied(block.contract)
        self.shortcut = shortcut_of(block.shortcut, copied)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        y = silu(y) if self.active else y
        entered = self.entered(halved(y) if self.pools else y)
        y = self.deep(self.depthwise(self.hidden(silu(self.wide(self.expand(entered))))))
        y = silu(self.shift(y * self.share(y))) if self.early else self.late(silu(y))
        changed = self.change(self.contract(self.gated(y)))
        kept: Tensor = self.shortcut(halved(x) if self.shrinks else x)
        return kept + changed

    def late(self, y: Tensor) -> Tensor:
        """The gate behind the activation."""
        gated: Tensor = y * self.share(y)
        return gated


class GateShare(nn.Module):
    """[1,C,H,W] -> [1,C,1,1], what each channel is multiplied by."""

    gain: Tensor | None

    def __init__(self, gate: nn.Module) -> None:
        super().__init__()
        inner = gate.inner if isinstance(gate, ScaledGate) else gate
        assert isinstance(inner, Gate)
        self.function: Callable[[Tensor], Tensor] = silu if inner.function == "silu" else FUNCTIONS[inner.function]
        self.squeeze, self.excite = copied(inner.squeeze), copied(inner.excite)
        self.register_buffer("gain", gate.gain if isinstance(gate, ScaledGate) else None)

    def forward(self, x: Tensor) -> Tensor:
        share = torch.sigmoid(self.excite(self.function(self.squeeze(mean(x)))))
        return share if self.gain is None else share * self.gain


class Shortcut(nn.Module):
    """A projection of the stream, whose two ends may be in int8."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.taken, self.kept = FakeQuant(group="shortcut"), FakeQuant(group="shortcut")

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.kept(self.layer(self.taken(x)))
        return y


def shortcut_of(layer: nn.Module, made: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """The stream itself, or a projection of it."""
    return nn.Identity() if isinstance(layer, nn.Identity) else Shortcut(made(layer))


def silu(x: Tensor) -> Tensor:
    """In two ops that every delegate has."""
    return x * torch.sigmoid(x)


def depthwise_of(affine: Affine) -> nn.Conv2d:
    """gain * x + shift as one op, in float in every recipe.

    before   x -> mul -> add
    after    x -> depthwise convolution 1x1
    """
    assert affine.gain is not None
    channels = affine.shift.shape[1]
    conv = nn.Conv2d(channels, channels, 1, groups=channels, dtype=affine.shift.dtype)
    conv.weight.data = affine.gain.view(-1, 1, 1, 1).clone()
    conv.bias = nn.Parameter(affine.shift.flatten().clone())
    return with_role(conv, "norm")


def copied(conv: nn.Module, role: Role = "projection") -> nn.Conv2d:
    """A convolution of its own, with a bias in any case."""
    if not isinstance(conv, nn.Conv2d):
        raise ValueError(f"the layer is a {type(conv).__name__}, expected a convolution: bake the model first")
    made = copy.deepcopy(conv)
    if made.bias is None:
        made.bias = nn.Parameter(made.weight.new_zeros(made.out_channels))
    return with_role(made, role)


def last_affine(baked: CoAtNet) -> Affine:
    """What the last norm does behind the mean over the grid."""
    norm = baked.norm
    if not isinstance(norm, nn.Sequential) or not isinstance(norm[1], Affine):
        raise ValueError("the last norm still has its gain: bake the model first")
    return copy.deepcopy(norm[1])


def _require_baked(block: MbConv) -> None:
    if isinstance(block.norm, nn.BatchNorm2d) or isinstance(block.depthwise_norm, nn.BatchNorm2d):
        raise ValueError("a block still has batch norms: bake the model first")
