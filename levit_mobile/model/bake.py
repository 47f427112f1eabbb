"""Exact rewrites from the trained form to one that a phone runs: pure functions, module in, new module out.

Each is drawn before -> after and keeps the logits (to 1e-5 relative in float32; the arithmetic on weights is done in
float64). `bake` is their list, in order. The result still has LeViT's own block structure; `forms.py` lays it out.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from levit_mobile.model.levit import Attention, AttentionBias, ConvNorm, LeViT, LinearNorm, NormLinear, ShrinkAttention

Norm = nn.BatchNorm1d | nn.BatchNorm2d


class FrozenBias(nn.Module):
    """An attention bias as the constant [h, T_query, T_key] that the gather of its table gives."""

    value: Tensor

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value)

    def forward(self) -> Tensor:
        return self.value


class SubtractMean(nn.Module):
    """Subtracts the mean colour: pixels [N,3,H,W] -> [N,3,H,W]. The division by std lives in the next convolution."""

    mean: Tensor

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)

    def forward(self, x: Tensor) -> Tensor:
        return x - self.mean


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
    if model.training:
        raise ValueError("the model is in training mode, expected evaluation mode: call model.eval() first")
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
    baked = _replace(model, ConvNorm, _fold_conv)
    baked = _replace(baked, LinearNorm, _fold_linear)
    return _replace(baked, NormLinear, _fold_head)


def freeze_attention_biases(model: LeViT) -> LeViT:
    """Gather each bias table once, here.

    before   scores + table[:, index]      index: |dy| * side + |dx| of every query and key
    after    scores + constant             [h, T_query, T_key]
    """
    return _replace(model, AttentionBias, lambda bias: FrozenBias(bias().detach().clone()))


def fold_query_scale(model: LeViT) -> LeViT:
    """Scale the rows that make q instead of the scores (wants folded norms).

    before   softmax(q(x) k(x)^T * scale + bias)
    after    softmax(q'(x) k(x)^T + bias)          q' = scale * q, weight rows and bias
    """
    baked = copy.deepcopy(model)
    for block in baked.modules():
        if isinstance(block, Attention):
            _scale_rows(_linear(block.qkv), query_rows(block), block.scale)
            block.scale = 1.0
        elif isinstance(block, ShrinkAttention):
            _scale_rows(_linear(block.q), slice(None), block.scale)
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
    one, two = _linear(baked.head), _linear(baked.head_dist)
    weight, bias = (one.weight.double() + two.weight) / 2, (one.bias.double() + two.bias) / 2
    baked.head, baked.head_dist = _new_linear(weight, bias, one.weight.dtype), None  # type: ignore[assignment]
    return baked


def embed_normalisation(
    model: LeViT, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = 1.0
) -> LeViT:
    """Put the picture's normalisation into the graph (wants folded norms).

    before   pixels/range -> (x - mean) / std  -> conv0(w, b)
    after    pixels       -> x - range * mean  -> conv0(w / (range * std), b)

    The subtraction stays an op of its own: folding it into conv0's bias is wrong at the border, where the zero padding
    means "mean colour" after it. The division does fold, since zero stays zero.
    """
    baked = copy.deepcopy(model)
    conv = baked.stem.conv0
    if not isinstance(conv, nn.Conv2d):
        raise ValueError("the stem still has a batch norm: fold the batch norms before embedding the normalisation")
    scale = torch.tensor(std, dtype=torch.float64) * pixel_range
    conv.weight.data = (conv.weight.double() / scale.view(1, 3, 1, 1)).to(conv.weight.dtype)
    offset = torch.tensor(mean, dtype=torch.float64) * pixel_range
    centre = SubtractMean(offset.view(1, 3, 1, 1).to(conv.weight.dtype))
    baked.stem = nn.Sequential(OrderedDict([("centre", centre), *baked.stem.named_children()])).eval()
    return baked


def query_rows(block: Attention) -> Tensor:
    """The rows of `qkv` that make q: key_dim rows at the start of each head's group. int64 [h * key_dim]."""
    group = 2 * block.key_dim + block.value_dim
    return (torch.arange(block.heads)[:, None] * group + torch.arange(block.key_dim)).flatten()


def _replace(model: LeViT, kind: type[nn.Module], rewrite: Callable[..., nn.Module]) -> LeViT:
    """A deep copy in which every module of `kind` is replaced by `rewrite(module)`."""
    baked = copy.deepcopy(model)
    for parent in list(baked.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kind):
                setattr(parent, name, rewrite(child).eval())
    return baked


def _gain_and_shift(norm: Norm) -> tuple[Tensor, Tensor]:
    """The affine map that a norm is in evaluation: x -> gain * x + shift, float64."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("the batch norm has no running statistics, expected some to fold")
    gain = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return gain, norm.bias.double() - gain * norm.running_mean.double()


def _fold_conv(block: ConvNorm) -> nn.Conv2d:
    gain, shift = _gain_and_shift(block.norm)
    conv = block.conv
    folded = nn.Conv2d(conv.in_channels, conv.out_channels, 3, stride=2, padding=1, dtype=conv.weight.dtype)
    folded.weight.data = (conv.weight.double() * gain.view(-1, 1, 1, 1)).to(conv.weight.dtype)
    folded.bias = nn.Parameter(shift.to(conv.weight.dtype))
    return folded


def _fold_linear(block: LinearNorm) -> nn.Linear:
    gain, shift = _gain_and_shift(block.norm)
    weight = block.linear.weight
    return _new_linear(weight.double() * gain[:, None], shift, weight.dtype)


def _fold_head(block: NormLinear) -> nn.Linear:
    gain, shift = _gain_and_shift(block.norm)
    weight = block.linear.weight
    return _new_linear(weight.double() * gain, block.linear.bias.double() + weight.double() @ shift, weight.dtype)


def _new_linear(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=dtype)
    linear.weight.data, linear.bias.data = weight.detach().to(dtype), bias.detach().to(dtype)
    return linear.eval()


def _linear(module: nn.Module) -> nn.Linear:
    if not isinstance(module, nn.Linear):
        raise ValueError(f"the layer is a {type(module).__name__}, expected a plain linear: fold the batch norms first")
    return module


def _scale_rows(linear: nn.Linear, rows: Tensor | slice, scale: float) -> None:
    with torch.no_grad():
        linear.weight[rows] = (linear.weight[rows].double() * scale).to(linear.weight.dtype)
        linear.bias[rows] = (linear.bias[rows].double() * scale).to(linear.bias.dtype)
