"""Grids [1,C,1,T]: 1x1 convolutions and 4-D matmuls, what Apple's Neural Engine prefers, in float and in int8."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.families.vit.baked import epsilon_of, laid_out, stem_of
from levit_mobile.model.families.vit.trained import Attention, Mlp, ViT
from levit_mobile.model.parts.norms import ConvRms
from levit_mobile.model.parts.roles import Role, with_role


class ChannelAttention(nn.Module):
    """[1,C,1,T] -> [1,C,1,T], or [1,C,1,kept]: the first tokens alone ask then, and all of them answer."""

    def __init__(self, block: Attention, kept: int | None) -> None:
        super().__init__()
        self.heads, self.head_channels, self.kept = block.heads, block.q.out_features // block.heads, kept
        self.norm = channel_norm(block.norm, block.q.in_features)
        self.normed = FakeQuant(group="scores")
        self.asking = self.normed if kept is None else FakeQuant(group="scores")
        self.q, self.k, self.v = (conv_of(layer) for layer in (block.q, block.k, block.v))
        self.query, self.key = FakeQuant(group="scores"), FakeQuant(group="scores")
        self.value, self.mixed = FakeQuant(group="scores"), FakeQuant(group="output")
        self.proj = conv_of(block.proj)
        self.change = FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        tokens = self.normed(normed)
        k, v = self.key(self.k(tokens)), self.value(self.v(tokens))
        if self.kept is not None:
            x, tokens = x[..., : self.kept], self.asking(normed[..., : self.kept])
        mixed = self.mixed(self.attend(self.query(self.q(tokens)), k, v))
        shortcut: Tensor = x + self.change(self.proj(mixed))
        return shortcut

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q [1,h*d,1,Tq], k and v [1,h*d,1,Tk] -> [1,h*d,1,Tq]; every size is a constant."""
        queries, keys, values = (x.reshape(1, self.heads, self.head_channels, -1) for x in (q, k, v))  # 1 h d T
        weights = (queries.transpose(2, 3) @ keys).softmax(-1)  # 1 h Tq Tk
        mixed = values @ weights.transpose(2, 3)  # 1 h d Tq
        return mixed.reshape(1, self.heads * self.head_channels, 1, -1)


class ChannelMlp(nn.Module):
    """[1,C,1,T] -> [1,C,1,T]."""

    def __init__(self, block: Mlp) -> None:
        super().__init__()
        self.norm = channel_norm(block.norm, block.expand.in_features)
        self.normed, self.wide = FakeQuant(group="expand"), FakeQuant(group="expand")
        self.expand, self.contract = conv_of(block.expand), conv_of(block.contract)
        self.gelu = nn.GELU(approximate=block.gelu)
        self.hidden, self.change = FakeQuant(group="output"), FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(self.gelu(self.wide(self.expand(self.normed(self.norm(x))))))
        y: Tensor = x + self.change(self.contract(hidden))
        return y


class ChannelStem(nn.Module):
    """Pixels [1,3,H,W] -> [1,C,1,T]."""

    special: Tensor
    position: Tensor

    def __init__(self, baked: ViT) -> None:
        super().__init__()
        stem = stem_of(baked)
        self.embed = with_role(copy.deepcopy(stem.embed), "stem")
        self.register_buffer("special", stem.special.transpose(1, 2)[:, :, None].contiguous())
        self.register_buffer("position", stem.position.transpose(1, 2)[:, :, None].contiguous())
        self.pixels, self.patches = FakeQuant(group="embed"), FakeQuant(group="embed")

    def forward(self, pixels: Tensor) -> Tensor:
        grid = self.patches(self.embed(self.pixels(pixels)))
        return torch.cat([self.special, grid.flatten(2).unsqueeze(2) + self.position], 3)


class ChannelsFirst(nn.Module):
    """Pixels [1,3,H,W] to logits [1,classes]."""

    def __init__(self, baked: ViT) -> None:
        super().__init__()
        self.stem = ChannelStem(baked)
        self.body = laid_out(baked, ChannelAttention, ChannelMlp)
        self.norm = channel_norm(baked.norm, self.stem.special.shape[1])
        self.pooled = FakeQuant(group="head")
        self.head = conv_of(baked.head, role="head")
        self.head_channels = baked.head.in_features
        self.scores = FakeQuant(group="head")
        self.blocks, self.read = baked.blocks, "norm"

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(self.body(self.stem(x)))  # 1 C 1 t
        beside = tokens.transpose(1, 3).reshape(1, self.head_channels, 1, 1)  # 1 t*C 1 1
        logits: Tensor = self.scores(self.head(self.pooled(beside)))
        return logits.flatten(1)


def conv_of(linear: nn.Linear, role: Role = "projection") -> nn.Conv2d:
    """The same projection as a 1x1 convolution, with or without a bias."""
    conv = nn.Conv2d(linear.in_features, linear.out_features, 1, dtype=linear.weight.dtype)
    conv.weight.data = linear.weight.detach()[:, :, None, None].contiguous()
    conv.bias = None if linear.bias is None else nn.Parameter(linear.bias.detach().clone())
    return with_role(conv, role)


def channel_norm(norm: nn.Module, channels: int) -> ConvRms:
    """The mean as a convolution of one output."""
    return ConvRms(channels, epsilon_of(norm))
