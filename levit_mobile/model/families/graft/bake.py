"""Exact rewrites from the trained form to one that a phone runs: module in, new module out.

The stages' are drawn here; the blocks behind them are rewritten as a ViT's are.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.families.graft.trained import Bottleneck, Graft, Stem
from levit_mobile.model.families.vit.bake import bake as bake_vit
from levit_mobile.model.families.vit.trained import ViT
from levit_mobile.model.parts.constants import SubtractMean
from levit_mobile.model.parts.fold import (
    batch_norm,
    gain_and_shift,
    require_evaluation,
    scaled_conv,
    take_normalisation,
)
from levit_mobile.model.parts.intermediate_outputs import compared_as


class BakedStem(nn.Module):
    """Pixels [N,3,H,W] -> [N,C,H/4,W/4]."""

    def __init__(self, centre: SubtractMean, conv: nn.Conv2d) -> None:
        super().__init__()
        self.centre, self.conv = centre, conv

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.conv(self.centre(x))), 3, stride=2, padding=1)


def bake(model: Graft, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = 1.0) -> Graft:
    """Apply all rewrites in order: trained graft -> a model that takes pixels and has only constants left.

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
    baked = embed_normalisation(baked, mean=mean, std=std, pixel_range=pixel_range)
    baked.tail = bake_tail(baked.tail)
    compared_as(baked, lambda output: output)
    return baked.eval()


def fold_batch_norms(model: Graft) -> Graft:
    """Fold every batch norm into the convolution before it.

    before   x -> conv(w)   -> norm(g, b, m, s)       -> y          y = g * (w x - m) / s + b
    after    x -> conv(w * g/s, bias = b - m * g/s)   -> y
    """
    baked = copy.deepcopy(model)
    stem = baked.stem
    assert isinstance(stem, Stem)
    stem.conv, stem.norm = folded(stem.conv, stem.norm), nn.Identity()
    for block in (module for module in baked.modules() if isinstance(module, Bottleneck)):
        block.conv0, block.norm0 = folded(block.conv0, block.norm0), nn.Identity()
        block.conv1, block.norm1 = folded(block.conv1, block.norm1), nn.Identity()
        block.conv2, block.norm2 = folded(block.conv2, block.norm2), nn.Identity()
        if block.shortcut is not None and block.shortcut_norm is not None:
            block.shortcut, block.shortcut_norm = folded(block.shortcut, block.shortcut_norm), nn.Identity()
    return baked


def embed_normalisation(
    model: Graft, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = 1.0
) -> Graft:
    """Put the picture's normalisation into the graph (wants folded norms).

    before   pixels/range -> (x - mean) / std  -> conv(w, b)
    after    pixels       -> x - range * mean  -> conv(w / (range * std), b)
    """
    baked = copy.deepcopy(model)
    stem = baked.stem
    if not isinstance(stem, Stem) or stem.conv.bias is None:
        raise ValueError("the stem still has a batch norm: fold the batch norms before embedding the normalisation")
    centre = take_normalisation(stem.conv, mean=mean, std=std, pixel_range=pixel_range)
    baked.stem = BakedStem(centre, stem.conv)
    return baked


def bake_tail(tail: ViT) -> ViT:
    """As a ViT whose pictures are the grid of the last stage, which needs no normalisation."""
    embed = tail.stem.get_submodule("embed")
    assert isinstance(embed, nn.Conv2d)
    channels = embed.in_channels
    return bake_vit(tail, mean=[0.0] * channels, std=[1.0] * channels)


def folded(conv: nn.Conv2d, norm: nn.Module) -> nn.Conv2d:
    """Of a convolution followed by a batch norm."""
    return scaled_conv(conv, *gain_and_shift(batch_norm(norm)))
