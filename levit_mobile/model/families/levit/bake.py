"""Exact rewrites from the trained form to one that a phone runs: pure functions, module in, new module out.

Each is drawn before -> after and keeps the logits (to 1e-5 relative in float32; the arithmetic on weights is done in
float64). `bake` is their list, in order. The result still has LeViT's own block structure; `tokens.py` and
`channels.py` lay it out.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from levit_mobile.model.families.levit.trained import (
    Attention,
    AttentionBias,
    ConvNorm,
    LeViT,
    LinearNorm,
    NormLinear,
    ShrinkAttention,
)
from levit_mobile.model.parts.constants import FrozenBias
from levit_mobile.model.parts.fold import (
    gain_and_shift,
    new_linear,
    plain_linear,
    replaced,
    require_evaluation,
    scale_rows,
    scaled_conv,
    take_normalisation,
)


def bake(model: LeViT, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = 1.0) -> LeViT:
    """Apply all rewrites in order: trained LeViT -> a model that takes pixels and has only constants left.

    Args:
        model: The trained model in evaluation mode, which is left as it is.
        mean: Mean of the red, green and blue values in [0,1].
        std: Standard deviation of the same values.
        pixel_range: Value of a full pixel in the graph's input, 1 or 255.

    Returns:
        A new model that takes pixels in [0, pixel_range] and gives the logits of the merged heads.

    Raises:
        ValueError: The model is in training mode, where batch norm's statistics are not constants.
    """
    require_evaluation(model)
    baked = fold_batch_norms(model)
    baked = freeze_attention_biases(baked)
    baked = fold_query_scale(baked)
    baked = merge_heads(baked)
    return embed_normalisation(baked, mean=mean, std=std, pixel_range=pixel_range)


def fold_batch_norms(model: LeViT) -> LeViT:
    """Fold every batch norm into the projection beside it.

    before   x -> conv(w)   -> norm(g, b, m, s)       -> y          y = g * (w x - m) / s + b
    after    x -> conv(w * g/s, bias = b - m * g/s)   -> y

    before   x -> norm(g, b, m, s) -> linear(w, c)                  -> y          (the heads)
    after    x -> linear(w * g/s, bias = c + w (b - m * g/s))       -> y
    """
    baked = replaced(model, ConvNorm, _fold_conv)
    baked = replaced(baked, LinearNorm, _fold_linear)
    return replaced(baked, NormLinear, _fold_head)


def freeze_attention_biases(model: LeViT) -> LeViT:
    """Gather each bias table once, here.

    before   scores + table[:, index]      index: |dy| * side + |dx| of every query and key
    after    scores + constant             [h, T_query, T_key]
    """
    return replaced(model, AttentionBias, lambda bias: FrozenBias(bias().detach().clone()))


def fold_query_scale(model: LeViT) -> LeViT:
    """Scale the rows that make q instead of the scores (wants folded norms).

    before   softmax(q(x) k(x)^T * scale + bias)
    after    softmax(q'(x) k(x)^T + bias)          q' = scale * q, weight rows and bias
    """
    baked = copy.deepcopy(model)
    for block in baked.modules():
        if isinstance(block, Attention):
            scale_rows(plain_linear(block.qkv), query_rows(block), block.scale)
            block.scale = 1.0
        elif isinstance(block, ShrinkAttention):
            scale_rows(plain_linear(block.q), slice(None), block.scale)
            block.scale = 1.0
    return baked


def merge_heads(model: LeViT) -> LeViT:
    """The mean of two affine maps is one affine map (wants folded norms).

    before   x -> head(w, b), head_dist(w', b') -> mean
    after    x -> head((w + w')/2, (b + b')/2)
    """
    baked = copy.deepcopy(model)
    if baked.head_dist is None:
        return baked
    one, two = plain_linear(baked.head), plain_linear(baked.head_dist)
    weight, bias = (one.weight.double() + two.weight) / 2, (one.bias.double() + two.bias) / 2
    baked.head, baked.head_dist = new_linear(weight, bias, one.weight.dtype), None
    return baked


def embed_normalisation(
    model: LeViT, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = 1.0
) -> LeViT:
    """Put the picture's normalisation into the graph (wants folded norms).

    before   pixels/range -> (x - mean) / std  -> conv0(w, b)
    after    pixels       -> x - range * mean  -> conv0(w / (range * std), b)
    """
    baked = copy.deepcopy(model)
    conv = baked.stem.conv0
    if not isinstance(conv, nn.Conv2d):
        raise ValueError("the stem still has a batch norm: fold the batch norms before embedding the normalisation")
    centre = take_normalisation(conv, mean=mean, std=std, pixel_range=pixel_range)
    baked.stem = nn.Sequential(OrderedDict([("centre", centre), *baked.stem.named_children()])).eval()
    return baked


def query_rows(block: Attention) -> Tensor:
    """The rows of `qkv` that make q: key_dim rows at the start of each head's group. int64 [h * key_dim]."""
    group = 2 * block.key_dim + block.value_dim
    return (torch.arange(block.heads)[:, None] * group + torch.arange(block.key_dim)).flatten()


def _fold_conv(block: ConvNorm) -> nn.Conv2d:
    return scaled_conv(block.conv, *gain_and_shift(block.norm))


def _fold_linear(block: LinearNorm) -> nn.Linear:
    gain, shift = gain_and_shift(block.norm)
    weight = block.linear.weight
    return new_linear(weight.double() * gain[:, None], shift, weight.dtype)


def _fold_head(block: NormLinear) -> nn.Linear:
    gain, shift = gain_and_shift(block.norm)
    weight = block.linear.weight
    return new_linear(weight.double() * gain, block.linear.bias.double() + weight.double() @ shift, weight.dtype)
