"""First values of a ViT that resemble trained ones, from which few pictures teach much more.

Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers", 2023, arXiv:2305.09828: in trained nets the
product of queries and keys is near the identity, that of values and projection near its negative. With waves as
positions, each token then attends to its neighbours from the first step on, as a convolution does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from levit_mobile.model.families.vit.trained import Attention, Stem, ViT

SCORES, VALUES = (0.7, 0.7), (0.4, -0.4)  # noise and identity in either product, section 4
HEIGHT, LONGEST = 0.3, 100.0  # of the waves, against patches of about unit variance; and their longest, in radians


@torch.no_grad()
def mimicked(net: ViT) -> ViT:
    """The net itself, with other first values in its attentions and positions."""
    for module in net.modules():
        if isinstance(module, Attention):
            _attention(module)
    assert isinstance(net.stem, Stem)
    cells = net.cells[0] * net.cells[1]
    net.stem.position[0, -cells:] = HEIGHT * waves(*net.cells, net.architecture.width)
    return net


def waves(rows: int, columns: int, channels: int) -> Tensor:
    """Sines and cosines of each cell's row and column, [rows * columns, channels]."""
    rates = LONGEST ** (-torch.arange(channels // 4) / (channels // 4))
    places = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.cat([f(place.flatten()[:, None] * rates) for place in places for f in (torch.sin, torch.cos)], 1)


def _attention(layer: Attention) -> None:
    width = layer.q.in_features
    each = width // layer.heads
    for rows in torch.arange(width).split(each):
        left, right = _halves(*SCORES, width)
        layer.q.weight[rows], layer.k.weight[rows] = left[:, :each].T, right[:each]
    left, right = _halves(*VALUES, width)
    layer.proj.weight.copy_(left)
    layer.v.weight.copy_(right)
    for part in (layer.q, layer.k, layer.v, layer.proj):
        nn.init.zeros_(part.bias)


def _halves(noise: float, identity: float, width: int) -> tuple[Tensor, Tensor]:
    """Two matrices whose product is noise plus a multiple of the identity, the largest parts first."""
    wanted = noise * torch.randn(width, width) * width**-0.5 + identity * torch.eye(width)
    left, sizes, right = torch.linalg.svd(wanted)
    return left * sizes.sqrt(), sizes.sqrt()[:, None] * right
