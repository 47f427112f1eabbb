"""A stem that reads pixels, with weights and a bias that float16 holds, and the same outputs at the mean colour.

Pixels differ from the mean colour m by less than m itself. Rounded to the nearest, weights lose `(w - round(w)) m` in
every cell of every picture, which is most of what rounding costs there. Here each weight takes over what the bias and
the larger weights before it have lost at m; the last ones are the smallest and lose next to nothing.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from levit_mobile.model.parts.roles import colour_of
from levit_mobile.recipe import Precision, Recipe

KEPT = (Precision.FLOAT32, Precision.INT8)  # neither rounds a stem's weights to float16


@torch.no_grad()
def with_rounded_stem(module: nn.Module, recipe: Recipe) -> nn.Module:
    """A copy whose stem float16 holds; the module itself for recipes that do not round it."""
    if recipe.precision in KEPT:
        return module
    made = copy.deepcopy(module)
    for layer in made.modules():
        colour = colour_of(layer)
        if colour is not None and isinstance(layer, nn.Conv2d) and layer.bias is not None:
            rounded, bias = rounded_around(layer.weight.double(), layer.bias.double(), colour.double())
            layer.weight.copy_(rounded)
            layer.bias.copy_(bias)
    return made


def rounded_around(weight: Tensor, bias: Tensor, colour: Tensor) -> tuple[Tensor, Tensor]:
    """Weights [out,3,h,w] and a bias [out] in float16 that give the same at the colour [1,3,1,1] everywhere."""
    rows, at = weight.flatten(1).clone(), colour.expand(weight[:1].shape).flatten()
    lost = bias - bias.half()
    for column in rows.abs().argsort(1, descending=True).T:
        exact, level = rows.gather(1, column[:, None])[:, 0], at[column]
        near = torch.where(level > 0, exact + lost / level, exact).half().double()
        lost += (exact - near) * level
        rows.scatter_(1, column[:, None], near[:, None])
    return rows.view_as(weight), bias.half().double()
