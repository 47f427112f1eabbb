"""Statistics, weights and grids on LeViT's forms, and what becomes int8 of it."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from support.nets import MEAN, STD, levit, pixels
from torch import Tensor, nn

from levit_mobile.model.fake_quant import PIXEL_QPARAMS, SCALE, QParams, fake_quantize_weight_, fake_quants_of
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.tokens import TokenMajor
from levit_mobile.quantization.apply import grids_of, integer_layers, set_grids
from levit_mobile.quantization.observers import BINS, Observer
from levit_mobile.quantization.statistics import Statistics, collect, layers_of
from levit_mobile.quantization.weights import round_weights

SIDE = 64
X = [picture[None] for picture in pixels(4, SIDE)]


def form() -> TokenMajor:
    return TokenMajor(bake(levit(side=SIDE), mean=MEAN, std=STD), channels_last=False).eval()


@cache
def statistics() -> Statistics:
    return collect(form(), lambda: X)


def test_a_histogram_holds_every_value_between_its_ends() -> None:
    seen: dict[str, list[Tensor]] = {}
    watched = form()
    for name, edge in fake_quants_of(watched).items():
        edge.watch = seen.setdefault(name, []).append
    with torch.no_grad():
        for picture in X:
            watched(picture)
    assert statistics().histograms.keys() == seen.keys()
    for name, histogram in statistics().histograms.items():
        values = torch.cat([value.flatten() for value in seen[name]])
        assert (histogram.low, histogram.high) == (float(values.min()), float(values.max())), name
        assert int(histogram.counts.sum()) == values.numel(), name
        assert len(histogram.counts) == BINS


def test_a_mean_input_is_the_mean_of_what_the_layer_takes() -> None:
    taken: list[Tensor] = []
    net = form()
    layer = net.get_submodule("body.stage1.mlp0.contract")
    layer.register_forward_pre_hook(lambda _layer, inputs: taken.append(inputs[0]))
    with torch.no_grad():
        for picture in X:
            net(picture)
    expected = torch.cat(taken).double().mean((0, 1))
    assert torch.allclose(statistics().mean_inputs["body.stage1.mlp0.contract"], expected)


def test_pixels_keep_their_levels() -> None:
    levels = torch.arange(256) / 255
    net = form()
    set_grids(net, grids_of(statistics(), Observer.MIN_MAX))
    assert net.stem.pixels.grid == PIXEL_QPARAMS
    assert torch.allclose(net.stem.pixels(levels), levels, atol=1e-7)


def test_every_layer_is_int8_when_every_edge_has_a_grid() -> None:
    net = form()
    set_grids(net, grids_of(statistics(), Observer.MIN_MAX))
    assert integer_layers(net, X[0]).keys() == layers_of(net).keys()
    set_grids(net, {})
    assert integer_layers(net, X[0]) == {}


@pytest.mark.parametrize(
    ("floating", "layers"),
    [
        ("body.stage0.mlp0.wide", {"body.stage0.mlp0.expand"}),
        ("body.stage0.mlp0.hidden", {"body.stage0.mlp0.contract"}),
        ("body.stage1.attn0.query", {"body.stage1.attn0.q"}),
        ("body.stage1.attn0.mixed", {"body.stage1.attn0.proj"}),
        ("scores", {"head"}),
        ("stem.wide.conv1", {"stem.convs.conv1"}),
        ("stem.active.conv1", {"stem.convs.conv2"}),
        (
            "body.stage2.attn3.out",
            {"body.stage2.mlp3.expand"},
        ),
    ],
)
def test_a_layer_that_touches_a_float_edge_stays_float(floating: str, layers: set[str]) -> None:
    net = form()
    set_grids(net, {n: g for n, g in grids_of(statistics(), Observer.MIN_MAX).items() if n != floating})
    assert layers_of(net).keys() - integer_layers(net, X[0]).keys() == layers


def test_a_corrected_bias_keeps_the_mean_of_the_output() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 8)
    x = torch.rand(500, 64) + 1  # a mean far from zero: rounding errors do not cancel
    expected = layer(x).mean(0)
    plain, corrected = copy.deepcopy(layer), copy.deepcopy(layer)
    round_weights({"layer": plain}, {"layer": x.double().mean(0)}, correct=False)
    round_weights({"layer": corrected}, {"layer": x.double().mean(0)})
    errors = [float((net(x).mean(0) - expected).detach().abs().max()) for net in (plain, corrected)]
    assert errors[1] < 1e-5 < errors[0]
    fake_quantize_weight_(layer)
    assert torch.equal(plain.weight, layer.weight)
    assert torch.equal(corrected.get_buffer(SCALE), layer.get_buffer(SCALE))


def test_a_form_on_its_grids_stays_close_to_the_float_one() -> None:
    plain, on_grid = form(), form()
    set_grids(on_grid, grids_of(statistics(), Observer.MIN_MAX))
    round_weights(integer_layers(on_grid, X[0]), statistics().mean_inputs)
    with torch.no_grad():
        expected, found = (torch.cat([net(picture) for picture in X]) for net in (plain, on_grid))
    error = float((found - expected).norm() / expected.norm())
    assert 1e-4 < error < 0.2


def test_a_layer_without_a_bias_gets_the_correction_as_one() -> None:
    layer, mean = nn.Linear(3, 4, bias=False), torch.tensor([1.0, 2.0, 3.0]).double()
    before = layer.weight.detach().double() @ mean
    round_weights({"layer": layer}, {"layer": mean})
    assert torch.allclose(layer(mean.float()[None])[0].double(), before, atol=1e-6)


def test_no_range_gives_the_right_side_of_a_matmul_a_zero_point_of_0() -> None:
    """By such a zero point XNNPACK would choose a different kernel for it."""
    net, even = form(), QParams(0.01, 0)
    set_grids(net, dict.fromkeys(fake_quants_of(net), even))
    moved = {name for name, edge in fake_quants_of(net).items() if edge.grid not in (even, PIXEL_QPARAMS)}
    attentions = [name for name, module in net.named_modules() if hasattr(module, "bias") and hasattr(module, "key")]
    assert len(attentions) == 11
    assert moved == {f"{name}.{side}" for name in attentions for side in ("key", "value")}
