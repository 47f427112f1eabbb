"""LeViT in one file, in the form it is trained in.

Graham et al., "LeViT: a Vision Transformer in ConvNet's Clothing for Faster Inference", 2021, arXiv:2104.01136.
A stem of four stride-2 convolutions, then three stages of attention and MLP blocks on a shrinking grid of tokens,
then two heads (class and distillation) whose mean is the prediction.

Shapes: N pictures, C channels, H W pixels or grid cells, T = H*W tokens, h heads, d key or value channels a head.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.families.levit.architecture import (
    OTHER,
    SHRINK_STRIDE,
    VARIANTS,
    Architecture,
    Shrink,
    Stage,
)

Cells = tuple[int, int]  # rows and columns of a grid of tokens


class ConvNorm(nn.Module):
    """Convolution without bias, then batch norm over the channels: [N,C,H,W] -> [N,C',H',W']."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return y


class LinearNorm(nn.Module):
    """Linear without bias, then batch norm over the channels of all tokens: [N,T,C] -> [N,T,C'].

    `gain` is the norm's initial weight; 0 makes a residual branch start as the identity.
    """

    def __init__(self, channels_in: int, channels_out: int, gain: float = 1.0) -> None:
        super().__init__()
        self.linear = nn.Linear(channels_in, channels_out, bias=False)
        self.norm = nn.BatchNorm1d(channels_out)
        nn.init.constant_(self.norm.weight, gain)
        nn.init.trunc_normal_(self.linear.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x)
        normed: Tensor = self.norm(y.flatten(0, 1))  # statistics run over N*T
        return normed.view_as(y)


class NormLinear(nn.Module):
    """A head: batch norm, then linear with bias: [N,C] -> [N,classes]."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.linear = nn.Linear(channels, classes)
        nn.init.trunc_normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(self.norm(x))
        return y


def bias_index(queries: Cells, keys: Cells, stride: int) -> Tensor:
    """Which entry of the bias table a query and a key share: [T_query, T_key] int64 in [0, T_key).

    `queries` and `keys` are rows and columns of grids. Query (y, x) stands at key (stride*y, stride*x); the entry is
    |dy| * columns + |dx|, the order in which the original code numbers the offsets it meets.
    """
    down, across = (
        (torch.arange(query)[:, None] * stride - torch.arange(key)[None, :]).abs()
        for query, key in zip(queries, keys, strict=True)
    )  # [qy, ky] and [qx, kx]
    index = down[:, None, :, None] * keys[1] + across[None, :, None, :]  # [qy, qx, ky, kx]
    return index.reshape(math.prod(queries), math.prod(keys))


def _index(queries: Cells, keys: Cells, stride: int) -> Tensor:
    """`bias_index`; on the meta device only its shape, because its ops would take most of the time of a net there."""
    if torch.get_default_device().type == "meta":
        return torch.empty(math.prod(queries), math.prod(keys), dtype=torch.int64)
    return bias_index(queries, keys, stride)


class AttentionBias(nn.Module):
    """One learnt value a head and offset, gathered into [h, T_query, T_key]."""

    index: Tensor

    def __init__(self, heads: int, queries: Cells, keys: Cells, stride: int) -> None:
        super().__init__()
        self.queries, self.keys, self.stride = queries, keys, stride
        self.table = nn.Parameter(torch.zeros(heads, math.prod(keys)))
        self.register_buffer("index", _index(queries, keys, stride), persistent=False)

    def forward(self) -> Tensor:
        return self.table[:, self.index]


class DropPath(nn.Module):
    """Stochastic depth: in training, drops a residual branch for a random part of the pictures."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0.0:
            return x
        keep = 1.0 - self.probability
        mask = x.new_empty(x.shape[0], 1, 1).bernoulli_(keep)
        return x * mask / keep


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[N,T,h*d] -> [N,h,T,d]."""
    n, t, _ = x.shape
    return x.reshape(n, t, heads, -1).transpose(1, 2)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, scale: float) -> Tensor:
    """Softmax attention with an additive bias: q [N,h,Tq,d], k [N,h,Tk,d], v [N,h,Tk,dv] -> [N,Tq,h*dv]."""
    weights = (q @ k.transpose(-2, -1) * scale + bias).softmax(-1)  # N h Tq Tk
    return (weights @ v).transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Multi-head attention with a residual: [N,T,C] -> [N,T,C]. The q, k, v rows of a head are adjacent in `qkv`."""

    def __init__(self, stage: Stage, cells: Cells, drop_path: float) -> None:
        super().__init__()
        self.heads, self.key_dim, self.value_dim = stage.heads, stage.key_dim, stage.value_dim
        self.scale = self.key_dim**-0.5
        self.qkv = LinearNorm(stage.channels, self.heads * (2 * self.key_dim + self.value_dim))
        self.bias = AttentionBias(self.heads, cells, cells, stride=1)
        self.proj = LinearNorm(self.heads * self.value_dim, stage.channels, gain=0.0)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        sizes = [self.key_dim, self.key_dim, self.value_dim]
        q, k, v = split_heads(self.qkv(x), self.heads).split(sizes, dim=-1)
        y = F.hardswish(attend(q, k, v, self.bias(), self.scale))
        shortcut: Tensor = x + self.drop_path(self.proj(y))
        return shortcut


class ShrinkAttention(nn.Module):
    """Attention from every second row and column of the grid, no residual: [N,T,C] -> [N,T',C']."""

    def __init__(self, sizes: Shrink, channels_in: int, channels_out: int, cells: Cells) -> None:
        super().__init__()
        self.heads, self.key_dim, self.value_dim = sizes.heads, sizes.key_dim, sizes.value_dim
        self.cells, self.cells_out = cells, shrunk(cells)
        self.scale = self.key_dim**-0.5
        self.kv = LinearNorm(channels_in, self.heads * (self.key_dim + self.value_dim))
        self.q = LinearNorm(channels_in, self.heads * self.key_dim)
        self.bias = AttentionBias(self.heads, self.cells_out, cells, SHRINK_STRIDE)
        self.proj = LinearNorm(self.heads * self.value_dim, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        k, v = split_heads(self.kv(x), self.heads).split([self.key_dim, self.value_dim], dim=-1)
        grid = x.unflatten(1, self.cells)  # N H W C
        kept = grid[:, ::SHRINK_STRIDE, ::SHRINK_STRIDE].flatten(1, 2)  # N T' C
        q = split_heads(self.q(kept), self.heads)
        y: Tensor = self.proj(F.hardswish(attend(q, k, v, self.bias(), self.scale)))
        return y


class Mlp(nn.Module):
    """Two projections around a Hardswish, with a residual: [N,T,C] -> [N,T,C]."""

    def __init__(self, channels: int, hidden: int, drop_path: float) -> None:
        super().__init__()
        self.expand = LinearNorm(channels, hidden)
        self.contract = LinearNorm(hidden, channels, gain=0.0)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.drop_path(self.contract(F.hardswish(self.expand(x))))
        return y


def shrunk(cells: Cells) -> Cells:
    """Rows and columns of the grid after a shrinking block."""
    rows, columns = ((count - 1) // SHRINK_STRIDE + 1 for count in cells)
    return rows, columns


def stem(widths: Sequence[int]) -> nn.Sequential:
    """[N,3,H,W] -> [N,C,H/2^n,W/2^n] by n convolutions of these widths, a Hardswish between."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (channels_in, channels_out) in enumerate(zip((3, *widths), widths, strict=False)):
        if i:
            layers[f"act{i - 1}"] = nn.Hardswish()
        layers[f"conv{i}"] = ConvNorm(channels_in, channels_out)
    return nn.Sequential(layers)


def stage(sizes: Stage, cells: Cells, drop_path: float) -> nn.Sequential:
    """Attention and MLP, `depth` times, on one grid."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for j in range(sizes.depth):
        layers[f"attn{j}"] = Attention(sizes, cells, drop_path)
        layers[f"mlp{j}"] = Mlp(sizes.channels, sizes.hidden, drop_path)
    return nn.Sequential(layers)


def shrink(architecture: Architecture, i: int, cells: Cells) -> nn.Sequential:
    """From stage i's grid and width to stage i+1's."""
    sizes, (channels, channels_out) = architecture.shrinks[i], architecture.channels[i : i + 2]
    attn = ShrinkAttention(sizes, channels, channels_out, cells)
    return nn.Sequential(OrderedDict(attn=attn, mlp=Mlp(channels_out, sizes.hidden, architecture.drop_path)))


class LeViT(nn.Module):
    """LeViT as it is trained, before any rewrite for a phone.

    Calling it maps normalised pictures [N,3,H,W] to logits [N,classes]: the mean of both heads in evaluation
    mode. In training mode with a distillation head it returns the pair (class logits, distillation logits).

    Source: Graham et al., "LeViT: a Vision Transformer in ConvNet's Clothing for Faster Inference", 2021,
    arXiv:2104.01136.

    Args:
        variant: ``levit_128s``, ``levit_128``, ``levit_192``, ``levit_256``, ``levit_384``, or any other sizes.
        classes: Number of logits.
        side: Height and width of the input in pixels, both multiples of a patch, which is 16 px in the paper; one
            number for a square.
        distillation: Whether there is a second head, trained on a teacher's predictions.
        head_norm: Whether each head has a batch norm before its linear layer, as in the paper.

    Raises:
        ValueError: The variant is unknown, or the side is not made of positive multiples of the patch.
    """

    def __init__(
        self,
        variant: str | Architecture,
        *,
        classes: int = 1000,
        side: int | tuple[int, int] = 224,
        distillation: bool = True,
        head_norm: bool = True,
    ) -> None:
        super().__init__()
        sizes = _architecture(variant)
        size, patch = (side, side) if isinstance(side, int) else side, sizes.patch_px
        if any(edge < patch or edge % patch for edge in size):
            raise ValueError(f"the input side is {side} px, expected a positive multiple of {patch} px")
        self.variant = variant if isinstance(variant, str) else OTHER
        self.classes, self.size, self.distillation, self.head_norm = classes, size, distillation, head_norm
        self.cells = size[0] // patch, size[1] // patch
        self.stem = stem(sizes.stem)
        self.body = nn.Sequential(OrderedDict(_body(sizes, self.cells)))
        head: type[NormLinear | nn.Linear] = NormLinear if head_norm else nn.Linear
        self.head = head(sizes.channels[-1], classes)
        self.head_dist = head(sizes.channels[-1], classes) if distillation else None
        self.blocks, self.read = blocks_in(self.body), "head"

    def features(self, x: Tensor) -> Tensor:
        """Return the mean over the tokens of the last stage: [N,3,H,W] -> [N,C]."""
        tokens: Tensor = self.stem(x).flatten(2).transpose(1, 2)  # N T C
        pooled: Tensor = self.body(tokens).mean(1)
        return pooled

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return the logits: [N,3,H,W] -> [N,classes], or one such tensor per head in training."""
        pooled = self.features(x)
        logits: Tensor = self.head(pooled)
        if self.head_dist is None:
            return logits
        distilled: Tensor = self.head_dist(pooled)
        return (logits, distilled) if self.training else (logits + distilled) / 2


def blocks_in(body: nn.Module) -> dict[str, str]:
    """Block -> its path, in the order they run: stem, stage0.attn0, ..., shrink0.mlp, ..., stage2.mlp3."""
    names = [f"{stage}.{block}" for stage, layers in body.named_children() for block, _ in layers.named_children()]
    return {"stem": "stem", **{name: f"body.{name}" for name in names}}


def _architecture(variant: str | Architecture) -> Architecture:
    if isinstance(variant, Architecture):
        return variant
    if variant not in VARIANTS:
        raise ValueError(f"unknown LeViT variant {variant!r}, expected one of {', '.join(VARIANTS)}")
    return VARIANTS[variant]


def _body(architecture: Architecture, cells: Cells) -> Iterator[tuple[str, nn.Module]]:
    for i, sizes in enumerate(architecture.stages):
        yield f"stage{i}", stage(sizes, cells, architecture.drop_path)
        if i < len(architecture.shrinks):
            yield f"shrink{i}", shrink(architecture, i, cells)
            cells = shrunk(cells)
