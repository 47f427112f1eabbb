"""Exact rewrites from the trained form to one that a phone runs: pure functions, module in, new module out.

Each is drawn before -> after and keeps the logits (to 1e-5 relative in float32; the arithmetic on weights is done in
float64). `bake` is their list, in order. The result still has CoAtNet's own block structure and the values between its
blocks; `tokens.py` and `channels.py` lay it out.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from levit_mobile.model.families.coatnet.architecture import HEAD_DIM
from levit_mobile.model.families.coatnet.trained import (
    ChannelNorm,
    CoAtNet,
    ConvNorm,
    Gate,
    MbConv,
    RelativeBias,
    Stem,
    Transformer,
)
from levit_mobile.model.parts.constants import Affine, FrozenBias, SubtractMean
from levit_mobile.model.parts.fold import (
    batch_norm,
    gain_and_shift,
    remade_conv,
    replaced,
    require_evaluation,
    scaled_conv,
    take_normalisation,
)


def bake(model: CoAtNet, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = 1.0) -> CoAtNet:
    """Apply all rewrites in order: trained CoAtNet -> a model that takes pixels and has only constants left.

    Args:
        model: The trained model in evaluation mode, which is left as it is.
        mean: Mean of the red, green and blue values in [0,1].
        std: Standard deviation of the same values.
        pixel_range: Value of a full pixel in the graph's input, 1 or 255.

    Returns:
        A new model that takes pixels in [0, pixel_range] and gives the same logits.

    Raises:
        ValueError: The model is in training mode, where batch norm's statistics are not constants.
    """
    require_evaluation(model)
    baked = fold_first_norms(model)
    baked = fold_batch_norms(baked)
    baked = fold_affines(baked)
    baked = freeze_position_biases(baked)
    baked = fold_query_scale(baked)
    return embed_normalisation(baked, mean=mean, std=std, pixel_range=pixel_range)


def fold_first_norms(model: CoAtNet) -> CoAtNet:
    """Fold the first norm of a block of convolutions, or make it an affine map where an activation follows.

    before   x -> norm(g, b) -> [mean of 2 x 2] -> conv 1x1 (w)
    after    x -> [mean of 2 x 2] -> conv 1x1 (w * g, bias = w b)         an affine map and a mean can change places

    before   x -> norm(g, b) -> silu
    after    x -> g x + b -> silu
    """
    baked = copy.deepcopy(model)
    for block in (module for module in baked.modules() if isinstance(module, MbConv)):
        if block.active_norm:
            block.norm = Affine(*(_as_grid(part) for part in gain_and_shift(batch_norm(block.norm))))
        else:
            assert isinstance(block.expand, ConvNorm)
            block.expand.conv = _reading(block.expand.conv, *gain_and_shift(batch_norm(block.norm)))
            block.norm = nn.Identity()
    return baked.eval()


def fold_batch_norms(model: CoAtNet) -> CoAtNet:
    """Fold every batch norm that follows a convolution into it, through the gate where one is between them.

    before   x -> conv(w) -> norm(g, b)                    -> y
    after    x -> conv(w * g, bias = b)                    -> y

    before   x -> y * share(mean of y) -> norm(g, b)
    after    x -> y * (g * share(mean of y)) -> + b        one factor a channel, not one a cell
    """
    baked = replaced(model, ConvNorm, lambda pair: scaled_conv(pair.conv, *gain_and_shift(pair.norm)))
    for block in (module for module in baked.modules() if isinstance(module, MbConv)):
        gain, shift = gain_and_shift(batch_norm(block.depthwise_norm))
        if isinstance(block.early_gate, Gate):
            block.early_gate = ScaledGate(block.early_gate, gain)
            block.depthwise_norm = Affine(None, _as_grid(shift))
        else:
            block.depthwise = scaled_conv(block.depthwise, gain, shift)
            block.depthwise_norm = nn.Identity()
    return baked.eval()


def fold_affines(model: CoAtNet) -> CoAtNet:
    """Fold gain and shift of the norms around attention and MLP into what reads them; layer norms keep the rest.

    before   norm(x) = g n(x) + b -> [mean of 2 x 2] -> linear(w, c)
    after    n(x) -> [mean of 2 x 2] -> linear(w * g, c + w b)            n is the identity for a batch norm

    before   mean over the grid of (g n(x) + b) -> head                   the last norm
    after    g * mean over the grid of n(x) + b -> head                   on one vector, which the head still reads
    """
    baked = copy.deepcopy(model)
    for block in (module for module in baked.modules() if isinstance(module, Transformer)):
        block.attn.qkv = _reading(block.attn.qkv, *_affine_of(block.norm))
        block.expand = _reading(block.expand, *_affine_of(block.mlp_norm))
        block.norm, block.mlp_norm = _without_affine(block.norm), _without_affine(block.mlp_norm)
    gain, shift = _affine_of(baked.norm)
    baked.norm = nn.Sequential(_without_affine(baked.norm), Affine(_as_grid(gain), _as_grid(shift)))
    return baked.eval()


def freeze_position_biases(model: CoAtNet) -> CoAtNet:
    """Gather each table of position biases once, here.

    before   scores + table[index]         index: of the signed offset of every query and key
    after    scores + constant             [h, T, T]
    """
    return replaced(model, RelativeBias, lambda bias: FrozenBias(bias().detach().contiguous().clone()))


def fold_query_scale(model: CoAtNet) -> CoAtNet:
    """Scale the rows that make q instead of the scores.

    before   softmax(q(x) k(x)^T * scale + bias)
    after    softmax(q'(x) k(x)^T + bias)          q' = scale * q, weight rows and bias
    """
    baked = copy.deepcopy(model)
    for block in (module for module in baked.modules() if isinstance(module, Transformer)):
        attn, rows = block.attn, query_rows(block.attn.heads)
        factor = torch.ones(attn.qkv.out_channels, dtype=torch.float64)
        factor[rows] = attn.scale
        attn.qkv = scaled_conv(attn.qkv, factor, torch.zeros_like(factor))
        attn.scale = 1.0
    return baked.eval()


def embed_normalisation(
    model: CoAtNet, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = 1.0
) -> CoAtNet:
    """Put the picture's normalisation into the graph (wants folded norms).

    before   pixels/range -> (x - mean) / std  -> conv0(w, b)
    after    pixels       -> x - range * mean  -> conv0(w / (range * std), b)
    """
    baked = copy.deepcopy(model)
    stem, conv = baked.stem, baked.stem.get_submodule("conv0")
    if not isinstance(stem, Stem) or not isinstance(conv, nn.Conv2d):
        raise ValueError("the stem still has a batch norm: fold the batch norms before embedding the normalisation")
    baked.stem = CentredStem(take_normalisation(conv, mean=mean, std=std, pixel_range=pixel_range), stem)
    return baked.eval()


class ScaledGate(nn.Module):
    """A gate whose share carries the gain of the norm behind it: [N,C,H,W] -> [N,C,H,W]."""

    gain: Tensor

    def __init__(self, gate: Gate, gain: Tensor) -> None:
        super().__init__()
        self.inner = gate
        self.register_buffer("gain", _as_grid(gain))

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.inner.share(x) * self.gain)


class CentredStem(nn.Module):
    """The mean colour off, then the stem."""

    def __init__(self, centre: SubtractMean, stem: Stem) -> None:
        super().__init__()
        self.centre, self.conv0, self.conv1 = centre, stem.conv0, stem.conv1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv1(nn.functional.silu(self.conv0(self.centre(x))))
        return y


def query_rows(heads: int) -> Tensor:
    """The rows of `qkv` that make q: the first third of each head's group. int64 [h * d]."""
    return (torch.arange(heads)[:, None] * 3 * HEAD_DIM + torch.arange(HEAD_DIM)).flatten()


def _reading(conv: nn.Conv2d, gain: Tensor, shift: Tensor) -> nn.Conv2d:
    """Of a 1x1 convolution that reads gain * x + shift."""
    weight = conv.weight.double()
    bias = weight[:, :, 0, 0] @ shift
    bias = bias if conv.bias is None else bias + conv.bias.double()
    return remade_conv(conv, weight * gain.view(1, -1, 1, 1), bias)


def _as_grid(values: Tensor) -> Tensor:
    """[C] -> [1,C,1,1] float32."""
    return values.detach().float().view(1, -1, 1, 1)


def _affine_of(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Gain and shift behind what `_without_affine` leaves of a norm, float64."""
    if isinstance(norm, ChannelNorm):
        return norm.weight.detach().double(), norm.bias.detach().double()
    return gain_and_shift(batch_norm(norm))


def _without_affine(norm: nn.Module) -> nn.Module:
    if isinstance(norm, ChannelNorm):
        return ChannelNorm(norm.normalized_shape, norm.eps, elementwise_affine=False)
    return nn.Identity()
