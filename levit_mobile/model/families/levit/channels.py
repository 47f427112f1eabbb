"""Grids [1,C,1,T]: 1x1 convolutions and 4-D matmuls, what Apple's Neural Engine prefers, in float and in int8."""

from __future__ import annotations

import copy
from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.families.levit.architecture import SHRINK_STRIDE
from levit_mobile.model.families.levit.body import laid_out
from levit_mobile.model.families.levit.trained import Attention, LeViT, Mlp, ShrinkAttention, blocks_in
from levit_mobile.model.parts.constants import constant_of
from levit_mobile.model.parts.roles import add_table, with_role
from levit_mobile.model.parts.rows import conv_of, regroup, rows_of, stacked


class ChannelAttend(nn.Module):
    """q [1,h*d,..], k [1,h*d,1,Tk], v [1,h*dv,1,Tk] -> [1,h*dv,1,Tq]; nothing is permuted, every size is a constant."""

    bias: Tensor

    def __init__(self, block: Attention | ShrinkAttention) -> None:
        super().__init__()
        self.heads, self.key_dim, self.value_dim = block.heads, block.key_dim, block.value_dim
        add_table(self, "bias", constant_of(block.bias)[None])  # 1 h Tq Tk

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        queries = q.reshape(1, self.heads, self.key_dim, -1)  # 1 h d Tq
        keys = k.reshape(1, self.heads, self.key_dim, -1)  # 1 h d Tk
        values = v.reshape(1, self.heads, self.value_dim, -1)  # 1 h dv Tk
        weights = (queries.transpose(2, 3) @ keys + self.bias).softmax(-1)  # 1 h Tq Tk
        mixed = values @ weights.transpose(2, 3)  # 1 h dv Tq
        return mixed.reshape(1, self.heads * self.value_dim, 1, -1)


class ChannelAttention(nn.Module):
    """[1,C,1,T] -> [1,C,1,T]; q, k, v are whole channel blocks of one convolution."""

    def __init__(self, block: Attention) -> None:
        super().__init__()
        sizes = (block.key_dim, block.key_dim, block.value_dim)
        self.sizes = [block.heads * size for size in sizes]
        self.qkv = conv_of(stacked(regroup(block.qkv, block.heads, sizes)))
        self.attend = ChannelAttend(block)
        self.proj = conv_of(rows_of(block.proj))
        self.joint, self.mixed = FakeQuant(), FakeQuant()
        self.change, self.out = FakeQuant(group="output"), FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.joint(self.qkv(x)).split(self.sizes, dim=1)
        shortcut: Tensor = self.out(x + self.change(self.proj(self.mixed(hardswish(self.attend(q, k, v))))))
        return shortcut


class ChannelShrink(nn.Module):
    """[1,C,1,T] -> [1,C',1,T']; the query grid is thinned by its projection's stride."""

    def __init__(self, block: ShrinkAttention) -> None:
        super().__init__()
        sizes = (block.key_dim, block.value_dim)
        self.sizes = [block.heads * size for size in sizes]
        self.kv = conv_of(stacked(regroup(block.kv, block.heads, sizes)))
        self.q = conv_of(rows_of(block.q), stride=SHRINK_STRIDE)
        self.attend = ChannelAttend(block)
        self.proj = conv_of(rows_of(block.proj))
        self.shape = (1, self.q.in_channels, *block.cells)
        self.grid, self.query = FakeQuant(group="scores"), FakeQuant(group="scores")
        self.joint, self.mixed, self.out = FakeQuant(), FakeQuant(), FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        k, v = self.joint(self.kv(x)).split(self.sizes, dim=1)
        mixed = self.attend(self.query(self.q(self.grid(x.reshape(self.shape)))), k, v)
        y: Tensor = self.out(self.proj(self.mixed(hardswish(mixed))))
        return y


class ChannelMlp(nn.Module):
    """[1,C,1,T] -> [1,C,1,T]."""

    def __init__(self, block: Mlp) -> None:
        super().__init__()
        self.expand, self.contract = conv_of(rows_of(block.expand)), conv_of(rows_of(block.contract))
        self.wide, self.hidden = FakeQuant(group="expand"), FakeQuant()
        self.change, self.out = FakeQuant(group="output"), FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(x + self.change(self.contract(self.hidden(hardswish(self.wide(self.expand(x)))))))
        return y


class ChannelMlpPooled(ChannelMlp):
    """The last block and the mean over tokens behind it: [1,C,1,T] -> [1,C,1,1].

    before   x + contract(hidden) -> mean                   contract for every token
    after    mean(x) + contract(mean(hidden))               for one: a mean and a convolution can change places
    """

    def __init__(self, block: Mlp) -> None:
        super().__init__(block)
        self.pooled = FakeQuant(group="hidden")

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(hardswish(self.wide(self.expand(x))))
        change = self.change(self.contract(self.pooled(hidden.mean(3, keepdim=True))))
        y: Tensor = self.out(x.mean(3, keepdim=True) + change)
        return y


def hardswish(x: Tensor) -> Tensor:
    """x * hardsigmoid(x): one op less than torch's own Hardswish becomes in a Core ML program."""
    return x * F.hardsigmoid(x)


class ChannelsFirst(nn.Module):
    """Pixels [1,3,H,W] to logits [1,classes]."""

    def __init__(self, baked: LeViT) -> None:
        super().__init__()
        kinds = {Attention: ChannelAttention, ShrinkAttention: ChannelShrink, Mlp: ChannelMlp}
        body = laid_out(baked, kinds, last=ChannelMlpPooled)  # first: it refuses a model that is not baked
        self.stem = _with_edges(baked.stem)
        self.tokens = FakeQuant(group=f"stem.{_last_conv(baked.stem)}")
        self.body = body
        self.scores = FakeQuant(group="head")
        self.head = conv_of(rows_of(baked.head), role="head")
        self.blocks, self.read = blocks_in(self.body), "head"

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.body(self.tokens(self.stem(x).flatten(2).unsqueeze(2)))  # 1 C 1 1
        logits: Tensor = self.scores(self.head(pooled))
        return logits.flatten(1)


class Hardswish(nn.Module):
    """`hardswish` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return hardswish(x)


def _with_edges(stem: nn.Module) -> nn.Sequential:
    """The stem's layers under their names, each with an edge behind it: `conv0`, `conv0_out`, ..."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    conv = "conv0"  # the group of what comes before all convolutions, too
    for name, layer in stem.named_children():
        conv = name if isinstance(layer, nn.Conv2d) else conv
        copied = Hardswish() if isinstance(layer, nn.Hardswish) else copy.deepcopy(layer)
        layers[name] = with_role(copied, "stem") if isinstance(layer, nn.Conv2d) else copied
        layers[f"{name}_out"] = FakeQuant(group=conv)
    return nn.Sequential(layers)


def _last_conv(stem: nn.Module) -> str:
    return [name for name, layer in stem.named_children() if isinstance(layer, nn.Conv2d)][-1]
