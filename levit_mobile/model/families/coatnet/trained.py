"""CoAtNet in one file, in the form it is trained in.

Dai et al., "CoAtNet: Marrying Convolution and Attention for All Data Sizes", 2021, arXiv:2106.04803, as timm 1.0.31
trained it (timm/models/maxxvit.py). A stem of two convolutions, two stages of inverted bottlenecks with a gate
(MBConv), two stages of attention with relative position biases, a norm, the mean over the grid, a linear head. The
first block of each stage halves the grid.

Shapes: N pictures, C channels, H W pixels or grid cells, T = H*W cells, h heads, d channels a head.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.families.coatnet.architecture import (
    BATCH_EPS,
    CONV_STAGES,
    EXPANSION,
    GATE_RATIO,
    HEAD_DIM,
    INPUT_PX,
    LAYER_EPS,
    OTHER,
    STAGES,
    VARIANTS,
    Architecture,
    Traits,
)
from levit_mobile.model.parts.grids import Cells, halved, relative_index

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "silu": F.silu}


class ConvNorm(nn.Module):
    """Convolution without bias, then batch norm over the channels: [N,C,H,W] -> [N,C',H',W']."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv, self.norm = conv, nn.BatchNorm2d(conv.out_channels, BATCH_EPS)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return y


class Stem(nn.Module):
    """[N,3,H,W] -> [N,C,H/2,W/2]."""

    def __init__(self, widths: tuple[int, int]) -> None:
        super().__init__()
        self.conv0: nn.Module = ConvNorm(nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False))
        self.conv1 = nn.Conv2d(widths[0], widths[1], 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv1(F.silu(self.conv0(x)))
        return y


class Gate(nn.Module):
    """Squeeze-excite: multiplies each channel by a share that the means of all channels choose, [N,C,H,W]."""

    def __init__(self, channels: int, function: str) -> None:
        super().__init__()
        self.function = function
        self.squeeze = nn.Conv2d(channels, channels // GATE_RATIO, 1)
        self.excite = nn.Conv2d(channels // GATE_RATIO, channels, 1)

    def share(self, x: Tensor) -> Tensor:
        """[N,C,H,W] -> [N,C,1,1] in (0,1)."""
        squeezed = FUNCTIONS[self.function](self.squeeze(x.mean((2, 3), keepdim=True)))
        return torch.sigmoid(self.excite(squeezed))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.share(x)


class MbConv(nn.Module):
    """Inverted bottleneck with a residual: [N,C,H,W] -> [N,C',H',W'], on half the grid where `shrinks`.

    The gate comes before the norm of the 3x3 convolution (`early_gate`) or behind its activation (`gate`).
    """

    def __init__(self, channels: int, out: int, traits: Traits, *, shrinks: bool) -> None:
        super().__init__()
        hidden = channels * EXPANSION
        self.shrinks, self.pools = shrinks, shrinks and traits.stride == "pool"
        self.active_norm = traits.active_norm
        self.shortcut = nn.Conv2d(channels, out, 1, bias=traits.conv_bias) if channels != out else nn.Identity()
        self.norm: nn.Module = nn.BatchNorm2d(channels, BATCH_EPS)
        self.expand: nn.Module = ConvNorm(nn.Conv2d(channels, hidden, 1, bias=False))
        stride = 2 if shrinks and not self.pools else 1
        self.depthwise = nn.Conv2d(hidden, hidden, 3, stride, padding=1, groups=hidden, bias=False)
        gate: nn.Module = Gate(hidden, traits.gate_function)
        self.early_gate: nn.Module = gate if traits.gate_early else nn.Identity()
        self.gate: nn.Module = nn.Identity() if traits.gate_early else gate
        self.depthwise_norm: nn.Module = nn.BatchNorm2d(hidden, BATCH_EPS)
        self.contract = nn.Conv2d(hidden, out, 1, bias=traits.conv_bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        y = F.silu(y) if self.active_norm else y
        y = self.depthwise(F.silu(self.expand(halved(y) if self.pools else y)))
        y = self.gate(F.silu(self.depthwise_norm(self.early_gate(y))))
        changed: Tensor = self.shortcut(halved(x) if self.shrinks else x) + self.contract(y)
        return changed


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each cell: [N,C,H,W] -> [N,C,H,W]."""

    def forward(self, x: Tensor) -> Tensor:
        rows: Tensor = super().forward(x.permute(0, 2, 3, 1))
        return rows.permute(0, 3, 1, 2)


def norm_of(channels: int, traits: Traits) -> nn.Module:
    """The norm of a block with attention; timm gives both kinds the same epsilon."""
    return (nn.BatchNorm2d if traits.batch_norm else ChannelNorm)(channels, LAYER_EPS)


class RelativeBias(nn.Module):
    """One learnt value per head and signed offset, gathered into [h, T, T]."""

    index: Tensor

    def __init__(self, heads: int, cells: Cells) -> None:
        super().__init__()
        self.cells = cells
        self.table = nn.Parameter(torch.zeros((2 * cells[0] - 1) * (2 * cells[1] - 1), heads))
        self.register_buffer("index", relative_index(cells), persistent=False)

    def forward(self) -> Tensor:
        return self.table[self.index].permute(2, 0, 1)


class Attention(nn.Module):
    """Multi-head attention over a grid: [N,C,H,W] -> [N,C',H,W]. The q, k, v rows of a head are adjacent in `qkv`."""

    def __init__(self, channels: int, out: int, cells: Cells) -> None:
        super().__init__()
        self.heads, self.scale = channels // HEAD_DIM, HEAD_DIM**-0.5
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.bias = RelativeBias(self.heads, cells)
        self.proj = nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).flatten(2).unflatten(1, (self.heads, -1)).chunk(3, 2)  # N h d T
        weights = (q.transpose(2, 3) @ k * self.scale + self.bias()).softmax(-1)  # N h T T
        mixed = v @ weights.transpose(2, 3)  # N h d T
        y: Tensor = self.proj(mixed.flatten(1, 2).unflatten(2, x.shape[2:]))
        return y


class Transformer(nn.Module):
    """Attention and MLP, each with a norm and a residual: [N,C,H,W] -> [N,C',H',W'], on half the grid if `shrinks`."""

    def __init__(self, channels: int, out: int, cells: Cells, traits: Traits, *, shrinks: bool) -> None:
        super().__init__()
        self.shrinks, self.cells = shrinks, cells
        shortcut = nn.Conv2d(channels, out, 1, bias=traits.shortcut_bias)
        self.shortcut = shortcut if channels != out else nn.Identity()
        self.norm, self.attn = norm_of(channels, traits), Attention(channels, out, cells)
        self.mlp_norm = norm_of(out, traits)
        self.expand, self.contract = nn.Conv2d(out, out * EXPANSION, 1), nn.Conv2d(out * EXPANSION, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        n = self.norm(x)
        if self.shrinks:
            n, x = halved(n), halved(x)
        x = self.shortcut(x) + self.attn(n)
        y: Tensor = x + self.contract(F.gelu(self.expand(self.mlp_norm(x))))
        return y


Block = MbConv | Transformer


class CoAtNet(nn.Module):
    """CoAtNet as it is trained, before any rewrite for a phone.

    Calling it maps normalised pictures [N,3,H,W] to logits [N,classes].

    Source: Dai et al., 2021, arXiv:2106.04803, with the widths, depths and traits of timm 1.0.31.

    Args:
        variant: ``coatnet_nano_rw``, ``coatnet_0_rw``, ``coatnet_1_rw``, ``coatnet_2_rw``, ``coatnet_bn_0_rw``, or any
            other sizes and traits.
        classes: Number of logits.
        side: Height and width of the input in pixels, both multiples of 32; one number for a square.

    Raises:
        ValueError: The variant is unknown, the side is not made of positive multiples of 32 px, or an attention is not
            made of heads of 32 channels.
    """

    def __init__(self, variant: str | Architecture, *, classes: int = 1000, side: int | tuple[int, int] = 224) -> None:
        super().__init__()
        sizes = _architecture(variant)
        size = (side, side) if isinstance(side, int) else side
        if any(edge < INPUT_PX or edge % INPUT_PX for edge in size):
            raise ValueError(f"the input side is {side} px, expected a positive multiple of {INPUT_PX} px")
        if sizes.uneven:
            raise ValueError(f"an attention has {sizes.uneven[0]} channels, expected a multiple of {HEAD_DIM}")
        self.variant = variant if isinstance(variant, str) else OTHER
        self.classes, self.size = classes, size
        self.stem: nn.Module = Stem(sizes.stem)
        stages = ((f"stage{i}", _stage(sizes, i, size)) for i in range(STAGES))
        self.body = nn.Sequential(OrderedDict(stages))
        self.norm, self.head = norm_of(sizes.channels[-1], sizes.traits), nn.Linear(sizes.channels[-1], classes)
        self.blocks, self.read = blocks_in(self.body), "head"

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits: [N,3,H,W] -> [N,classes]."""
        logits: Tensor = self.head(self.norm(self.body(self.stem(x))).mean((2, 3)))
        return logits


def blocks_in(body: nn.Module) -> dict[str, str]:
    """Block -> its path, in the order they run: stem, stage0.block0, ..., stage3.block1."""
    names = [f"{stage}.{block}" for stage, layers in body.named_children() for block, _ in layers.named_children()]
    return {"stem": "stem", **{name: f"body.{name}" for name in names}}


def cells_of(size: tuple[int, int], stage: int) -> Cells:
    """Rows and columns of a stage's grid."""
    return size[0] >> (stage + 2), size[1] >> (stage + 2)


def _stage(sizes: Architecture, i: int, size: tuple[int, int]) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for j in range(sizes.depths[i]):
        widths = sizes.channels[i] if j else sizes.inputs[i], sizes.channels[i]
        layers[f"block{j}"] = (
            MbConv(*widths, sizes.traits, shrinks=j == 0)
            if i < CONV_STAGES
            else Transformer(*widths, cells_of(size, i), sizes.traits, shrinks=j == 0)
        )
    return nn.Sequential(layers)


def _architecture(variant: str | Architecture) -> Architecture:
    if isinstance(variant, Architecture):
        return variant
    if variant not in VARIANTS:
        raise ValueError(f"unknown CoAtNet variant {variant!r}, expected one of {', '.join(VARIANTS)}")
    return VARIANTS[variant]
