"""Two deployable forms over the same baked weights, one for each kind of delegate.

TokenMajor      tokens [1,T,C]: linears and 3-D batched matmuls, what XNNPACK runs as one partition.
ChannelsFirst   grids [1,C,1,T]: 1x1 convolutions and 4-D matmuls, what Apple's Neural Engine prefers (reports of 2-D
                linears before a Hardswish going wrong there in float16: coreai-torch #51, coremltools #2625).

Both take one picture, keep the baked model's block names, and hold no gather, no batch norm, no strided slice and no
tensor above rank 4.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.bake import FrozenBias
from levit_mobile.model.levit import SHRINK_STRIDE, Attention, LeViT, Mlp, ShrinkAttention

Rows = tuple[Tensor, Tensor]  # weight [out, in] and bias [out] of one projection


def regroup(linear: nn.Module, heads: int, sizes: Sequence[int]) -> list[Rows]:
    """Split a joint projection into one a role; each keeps its rows ordered by head.

    before   rows of head 0: q0 k0 v0, head 1: q1 k1 v1, ...      one matmul, then a split in every head
    after    q: q0 q1 ...   k: k0 k1 ...   v: v0 v1 ...           no split left, or one of whole blocks
    """
    joint_weight, joint_bias = rows_of(linear)
    weight = joint_weight.unflatten(0, (heads, -1)).split(list(sizes), dim=1)
    bias = joint_bias.unflatten(0, (heads, -1)).split(list(sizes), dim=1)
    return [(w.flatten(0, 1).contiguous(), b.flatten().contiguous()) for w, b in zip(weight, bias, strict=True)]


def linear_of(rows: Rows) -> nn.Linear:
    """[..., in] -> [..., out]."""
    weight, bias = rows
    linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    linear.weight.data, linear.bias.data = weight, bias
    return linear


def conv_of(rows: Rows, stride: int = 1) -> nn.Conv2d:
    """The same projection as a 1x1 convolution: [N,in,H,W] -> [N,out,H/stride,W/stride].

    before   x[:, ::2, ::2] -> linear        a strided slice, which no delegate takes
    after    x -> conv 1x1, stride 2         the same cells, the same weights
    """
    weight, bias = rows
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], 1, stride=stride, dtype=weight.dtype)
    conv.weight.data, conv.bias = weight[:, :, None, None].contiguous(), nn.Parameter(bias)
    return conv


def rows_of(linear: nn.Module) -> Rows:
    """The weights of a baked (plain) linear."""
    if not isinstance(linear, nn.Linear):
        raise ValueError(f"bake the model before it is laid out: {type(linear).__name__} is not a plain linear")
    return linear.weight.detach(), linear.bias.detach()


def constant_of(bias: nn.Module) -> Tensor:
    """The [h, T_query, T_key] value of a baked attention bias."""
    if not isinstance(bias, FrozenBias):
        raise ValueError("bake the model before it is laid out: an attention bias is still a gathered table")
    return bias.value


class TokenAttention(nn.Module):
    """[1,T,C] -> [1,T,C], one matmul batch entry a head. The key is transposed as it is taken apart, once."""

    bias: Tensor

    def __init__(self, block: Attention) -> None:
        super().__init__()
        self.heads = block.heads
        q, k, v = regroup(block.qkv, block.heads, (block.key_dim, block.key_dim, block.value_dim))
        self.q, self.k, self.v = linear_of(q), linear_of(k), linear_of(v)
        self.register_buffer("bias", constant_of(block.bias))
        self.proj = linear_of(rows_of(block.proj))

    def forward(self, x: Tensor) -> Tensor:
        y = token_attend(self.q(x), self.k(x), self.v(x), self.bias, self.heads)
        shortcut: Tensor = x + self.proj(F.hardswish(y))
        return shortcut


class TokenShrink(nn.Module):
    """[1,T,C] -> [1,T',C']; the query grid is thinned by its projection's stride."""

    bias: Tensor

    def __init__(self, block: ShrinkAttention) -> None:
        super().__init__()
        self.heads, self.side = block.heads, block.side
        k, v = regroup(block.kv, block.heads, (block.key_dim, block.value_dim))
        self.k, self.v = linear_of(k), linear_of(v)
        self.q = conv_of(rows_of(block.q), stride=SHRINK_STRIDE)
        self.register_buffer("bias", constant_of(block.bias))
        self.proj = linear_of(rows_of(block.proj))

    def forward(self, x: Tensor) -> Tensor:
        q = to_tokens(self.q(to_grid(x, self.side)))
        y: Tensor = self.proj(F.hardswish(token_attend(q, self.k(x), self.v(x), self.bias, self.heads)))
        return y


class TokenMlp(nn.Module):
    """[1,T,C] -> [1,T,C]."""

    def __init__(self, block: Mlp) -> None:
        super().__init__()
        self.expand, self.contract = linear_of(rows_of(block.expand)), linear_of(rows_of(block.contract))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.contract(F.hardswish(self.expand(x)))
        return y


def token_attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, heads: int) -> Tensor:
    """q [1,Tq,h*d], k [1,Tk,h*d], v [1,Tk,h*dv], bias [h,Tq,Tk] -> [1,Tq,h*dv], in batched matmuls of rank 3."""
    queries = q.view(q.shape[1], heads, -1).permute(1, 0, 2)  # h Tq d
    keys = k.view(k.shape[1], heads, -1).permute(1, 2, 0)  # h d Tk
    values = v.view(v.shape[1], heads, -1).permute(1, 0, 2)  # h Tk dv
    mixed = torch.bmm((torch.bmm(queries, keys) + bias).softmax(-1), values)  # h Tq dv
    return mixed.permute(1, 0, 2).reshape(1, q.shape[1], -1)


def to_tokens(grid: Tensor) -> Tensor:
    """[1,C,H,W] -> [1,H*W,C]."""
    return grid.permute(0, 2, 3, 1).reshape(1, grid.shape[2] * grid.shape[3], grid.shape[1])


def to_grid(tokens: Tensor, side: int) -> Tensor:
    """[1,T,C] -> [1,C,side,side]."""
    return tokens.reshape(1, side, side, tokens.shape[2]).permute(0, 3, 1, 2)


class TokenMajor(nn.Module):
    """Pixels [1,3,side,side], or [1,side,side,3] with `channels_last`, to logits [1,classes].

    before   mean over T of [1,T,C]                                     XNNPACK takes no rank-3 mean in ExecuTorch
    after    mean over H and W of [1,C,H,W], kept as [1,C,1,1]
    """

    def __init__(self, baked: LeViT, *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.stem = copy.deepcopy(baked.stem)
        kinds = {Attention: TokenAttention, ShrinkAttention: TokenShrink, Mlp: TokenMlp}
        self.body = _laid_out(baked, kinds)
        self.side = _last_side(baked)
        self.head = linear_of(rows_of(baked.head))

    def forward(self, x: Tensor) -> Tensor:
        tokens = to_tokens(self.stem(x.permute(0, 3, 1, 2) if self.channels_last else x))
        grid = to_grid(self.body(tokens), self.side)
        logits: Tensor = self.head(grid.mean((2, 3), keepdim=True).flatten(1))
        return logits


class ChannelAttend(nn.Module):
    """q [1,h*d,..], k [1,h*d,1,Tk], v [1,h*dv,1,Tk] -> [1,h*dv,1,Tq]; nothing is permuted, every size is a constant."""

    bias: Tensor

    def __init__(self, block: Attention | ShrinkAttention) -> None:
        super().__init__()
        self.heads, self.key_dim, self.value_dim = block.heads, block.key_dim, block.value_dim
        self.register_buffer("bias", constant_of(block.bias)[None])  # 1 h Tq Tk

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
        self.qkv = conv_of(_stacked(regroup(block.qkv, block.heads, sizes)))
        self.attend = ChannelAttend(block)
        self.proj = conv_of(rows_of(block.proj))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).split(self.sizes, dim=1)
        shortcut: Tensor = x + self.proj(hardswish(self.attend(q, k, v)))
        return shortcut


class ChannelShrink(nn.Module):
    """[1,C,1,T] -> [1,C',1,T']; the query grid is thinned by its projection's stride."""

    def __init__(self, block: ShrinkAttention) -> None:
        super().__init__()
        sizes = (block.key_dim, block.value_dim)
        self.sizes = [block.heads * size for size in sizes]
        self.kv = conv_of(_stacked(regroup(block.kv, block.heads, sizes)))
        self.q = conv_of(rows_of(block.q), stride=SHRINK_STRIDE)
        self.attend = ChannelAttend(block)
        self.proj = conv_of(rows_of(block.proj))
        self.grid = (1, self.q.in_channels, block.side, block.side)

    def forward(self, x: Tensor) -> Tensor:
        k, v = self.kv(x).split(self.sizes, dim=1)
        y: Tensor = self.proj(hardswish(self.attend(self.q(x.reshape(self.grid)), k, v)))
        return y


class ChannelMlp(nn.Module):
    """[1,C,1,T] -> [1,C,1,T]."""

    def __init__(self, block: Mlp) -> None:
        super().__init__()
        self.expand, self.contract = conv_of(rows_of(block.expand)), conv_of(rows_of(block.contract))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.contract(hardswish(self.expand(x)))
        return y


def hardswish(x: Tensor) -> Tensor:
    """x * hardsigmoid(x): one op less than torch's own Hardswish becomes in a Core ML program."""
    return x * F.hardsigmoid(x)


class ChannelsFirst(nn.Module):
    """Pixels [1,3,side,side] to logits [1,classes]."""

    def __init__(self, baked: LeViT) -> None:
        super().__init__()
        self.stem = _with_hardswish(baked.stem)
        kinds = {Attention: ChannelAttention, ShrinkAttention: ChannelShrink, Mlp: ChannelMlp}
        self.body = _laid_out(baked, kinds)
        self.head = conv_of(rows_of(baked.head))

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.body(self.stem(x).flatten(2).unsqueeze(2))  # 1 C 1 T
        logits: Tensor = self.head(tokens.mean(3, keepdim=True))
        return logits.flatten(1)


class Hardswish(nn.Module):
    """`hardswish` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return hardswish(x)


def _with_hardswish(stem: nn.Module) -> nn.Sequential:
    layers = [(n, Hardswish() if isinstance(m, nn.Hardswish) else copy.deepcopy(m)) for n, m in stem.named_children()]
    return nn.Sequential(OrderedDict(layers))


def _laid_out(baked: LeViT, kinds: Mapping[type, Callable[..., nn.Module]]) -> nn.Sequential:
    """The body with every block rebuilt by the class that `kinds` names for it, under the same names."""
    _require_baked(baked)
    stages: OrderedDict[str, nn.Module] = OrderedDict(
        (name, nn.Sequential(OrderedDict((n, kinds[type(block)](block)) for n, block in stage.named_children())))
        for name, stage in baked.body.named_children()
    )
    return nn.Sequential(stages).eval()


def _require_baked(model: LeViT) -> None:
    """Refuse what a form would silently leave out: a second head, a scale beside the scores."""
    if model.head_dist is not None:
        raise ValueError("bake the model before it is laid out: it still has two heads")
    if any(block.scale != 1.0 for block in model.modules() if isinstance(block, Attention | ShrinkAttention)):
        raise ValueError("bake the model before it is laid out: its attention scores are still scaled")


def _last_side(baked: LeViT) -> int:
    sides = [block.side_out for block in baked.modules() if isinstance(block, ShrinkAttention)]
    return sides[-1]


def _stacked(parts: Sequence[Rows]) -> Rows:
    return torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts])
