"""A stem in float16 gives at the mean colour what it gave before, and no recipe in float32 meets it."""

from __future__ import annotations

import copy

import pytest
import torch
from levit_mobile.conversion.coreml_stem import rounded_around, with_rounded_stem
from torch import Tensor, nn

from levit_mobile.model.parts.roles import around, colour_of
from levit_mobile.recipe import RECIPES

COLOUR = torch.tensor([123.675, 116.28, 103.53], dtype=torch.float64).view(1, 3, 1, 1)


def stem() -> nn.Conv2d:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 32, 3).double()
    conv.weight.data.mul_(0.02)
    shift = (conv.weight.detach() * COLOUR).sum((1, 2, 3))
    conv.bias = nn.Parameter(torch.randn(32, dtype=torch.float64) - shift)
    return conv


def in_half(x: Tensor) -> bool:
    return bool(torch.equal(x.half().to(x.dtype), x))


def error(weight: Tensor, bias: Tensor, conv: nn.Conv2d, pixels: Tensor) -> float:
    with torch.no_grad():
        return float((nn.functional.conv2d(pixels, weight, bias) - conv(pixels)).square().mean().sqrt())


def test_it_is_exact_at_the_mean_colour_and_closer_around_it() -> None:
    conv = stem()
    weight, bias = rounded_around(conv.weight.detach(), conv.bias.detach(), COLOUR)  # type: ignore[union-attr]
    nearest = conv.weight.detach().half().double(), conv.bias.detach().half().double()  # type: ignore[union-attr]
    assert in_half(weight)
    assert in_half(bias)
    level = COLOUR.expand(1, 3, 8, 8)
    assert error(weight, bias, conv, level) < 0.02 * error(*nearest, conv, level)
    pixels = level + 20 * torch.randn(1, 3, 8, 8, dtype=torch.float64)
    assert error(weight, bias, conv, pixels) < 0.5 * error(*nearest, conv, pixels)


def test_a_colour_of_zero_leaves_nothing_to_make_up_for() -> None:
    conv = stem()
    weight, _ = rounded_around(conv.weight.detach(), conv.bias.detach(), 0 * COLOUR)  # type: ignore[union-attr]
    assert torch.equal(weight, conv.weight.detach().half().double())


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name.startswith("coreml")])
def test_only_recipes_that_round_a_stem_change_it(recipe: str) -> None:
    net = nn.Sequential(around(stem().float(), COLOUR), nn.Conv2d(32, 8, 1))
    before = copy.deepcopy(net.state_dict())
    made = with_rounded_stem(net, RECIPES[recipe])
    assert (made is net) == (recipe in ("coreml-fp32", "coreml-int8"))
    assert in_half(made.get_parameter("0.weight")) == (made is not net)
    assert torch.equal(made.get_parameter("1.weight"), before["1.weight"])
    assert all(torch.equal(values, before[name]) for name, values in net.state_dict().items())
    assert colour_of(net[1]) is None
