"""Pictures whose columns lie in pairs: two pixels side by side as one of twice the channels, for int8 kernels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant

PAIR = 2


def in_pairs(pixels: Tensor, edge: FakeQuant, *, channels_last: bool) -> Tensor:
    """[1,C,H,W], or [1,H,W,C] with `channels_last`, -> [1,H,W/2,2C], on the edge's grid all the way.

    The pair's 2C channels are ordered by column first with `channels_last`, where this moves nothing, and by channel
    first otherwise, where it moves both columns of a channel together.
    """
    if channels_last:
        _, height, width, channels = pixels.shape
        return edge(pixels.reshape(1, height, width // PAIR, PAIR * channels), moved=True)
    _, channels, height, width = pixels.shape
    planes = edge(pixels.reshape(channels, height, width // PAIR, PAIR), moved=True)
    turned = edge(planes.permute(1, 2, 0, 3), moved=True)  # H W/2 C 2
    return edge(turned.reshape(1, height, width // PAIR, PAIR * channels), moved=True)


def conv_of_pairs(conv: nn.Conv2d, *, channels_last: bool) -> nn.Conv2d:
    """A 3x3 convolution of stride 2 without padding, for pairs of columns behind a pair that frames them.

    before   [1,C,H+1,W+1] -> conv 3x3, stride 2                 the frame is one column
    after    [1,2C,H+1,W/2+1] -> conv 3x2, stride (2, 1)         the frame is a pair; its first column has weight 0
    """
    weight = nn.functional.pad(conv.weight.detach(), (1, 0)).unflatten(3, (-1, PAIR))  # O C 3 2 pair
    order = (0, 4, 1, 2, 3) if channels_last else (0, 1, 4, 2, 3)
    weight = weight.permute(order).flatten(1, 2).contiguous()
    made = nn.Conv2d(weight.shape[1], conv.out_channels, (3, PAIR), stride=(2, 1), dtype=weight.dtype)
    made.weight.data, made.bias = weight, conv.bias
    return made


def pair_of(colour: Tensor, *, channels_last: bool) -> Tensor:
    """A colour [1,C,1,1] -> two pixels of it, [1,1,1,2C]."""
    columns = torch.stack([colour.flatten()] * PAIR, 0 if channels_last else 1)
    return columns.reshape(1, 1, 1, -1)
