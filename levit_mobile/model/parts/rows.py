"""The weights of a baked model, as the projections that a deployable form is built from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from levit_mobile.model.parts.roles import Role, with_role

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


def linear_of(rows: Rows, role: Role = "projection") -> nn.Linear:
    """[..., in] -> [..., out]."""
    weight, bias = rows
    linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    linear.weight.data, linear.bias.data = weight, bias
    return with_role(linear, role)


def conv_of(rows: Rows, stride: int = 1, role: Role = "projection") -> nn.Conv2d:
    """The same projection as a 1x1 convolution: [N,in,H,W] -> [N,out,H/stride,W/stride].

    before   x[:, ::2, ::2] -> linear        a strided slice, which no delegate takes
    after    x -> conv 1x1, stride 2         the same cells, the same weights
    """
    weight, bias = rows
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], 1, stride=stride, dtype=weight.dtype)
    conv.weight.data, conv.bias = weight[:, :, None, None].contiguous(), nn.Parameter(bias)
    return with_role(conv, role)


def rows_of(layer: nn.Module) -> Rows:
    """The weights of a baked (plain) linear, or of a 1x1 convolution, with its bias or zeros."""
    if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
        weight = layer.weight.detach()[:, :, 0, 0].contiguous()
    elif isinstance(layer, nn.Linear):
        weight = layer.weight.detach()
    else:
        raise ValueError(f"the layer is a {type(layer).__name__}, expected a plain linear: bake the model first")
    return weight, layer.bias.detach() if layer.bias is not None else weight.new_zeros(len(weight))


def stacked(parts: Sequence[Rows]) -> Rows:
    return torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts])
