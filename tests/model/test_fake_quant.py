"""Edges and grids: the identity until they have one, int8 after; weights that int8 holds exactly."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import (
    SCALE,
    FakeQuant,
    Int8Layer,
    QParams,
    fake_quantize_weight_,
    fake_quantized_layers,
    fake_quants_of,
    int8_weight,
    is_fake_quantized,
    logits_qparams,
    quantize_dequantize,
    replace_with_int8_layers,
    restored,
    stored,
    with_half_scales,
    without_fake_quant,
)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.linear = nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.Linear(5, 4)
        self.before, self.between, self.after = FakeQuant(), FakeQuant(), FakeQuant()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.between(self.conv(self.before(x)).mean((2, 3)))
        z: Tensor = self.after(self.linear(y))
        return z


def gridded(net: Net) -> Net:
    for edge, ends in zip(fake_quants_of(net).values(), ((0.0, 1.0), (-0.6, 0.5), (-0.4, 0.9)), strict=True):
        edge.grid = QParams.from_range(*ends)
    for layer in (net.conv, net.linear):
        fake_quantize_weight_(layer)
    return net


X = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_a_grid_that_is_kept_off_zero_has_the_same_levels_but_one() -> None:
    even, moved = QParams(0.5, 0), QParams(0.5, 0).off_zero()
    assert moved.zero_point == -1
    assert (even.low, even.high, moved.low, moved.high) == (-64.0, 63.5, -63.5, 64.0)
    values = torch.linspace(-63.5, 63.5, 1000)
    assert torch.equal(quantize_dequantize(values, moved), quantize_dequantize(values, even))
    for zero_point in (-128, -1, 1, 127):
        assert QParams(0.5, zero_point).off_zero() == QParams(0.5, zero_point)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.0, 5.0), (-2.0, 0.0), (0.5, 4.0), (-7.0, -1.0)])
def test_a_grid_covers_its_range_and_zero_exactly(low: float, high: float) -> None:
    grid = QParams.from_range(low, high)
    assert -128 <= grid.zero_point <= 127
    assert grid.high - grid.low == pytest.approx(max(high, 0) - min(low, 0))
    assert abs(grid.low - min(low, 0)) <= grid.scale / 2
    edge = FakeQuant()
    edge.grid = grid
    assert float(edge(torch.zeros(1))) == 0.0


@pytest.mark.parametrize("ends", [(math.nan, 1.0), (-math.inf, 1.0)])
def test_a_range_that_is_none_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"the range is .*, expected"):
        QParams.from_range(*ends)


def test_an_edge_without_a_grid_is_the_identity() -> None:
    assert FakeQuant()(X) is X


def test_an_edge_rounds_to_its_grid_and_clips() -> None:
    edge = FakeQuant()
    edge.grid = QParams(0.5, 10)
    assert edge(torch.tensor([0.2, 0.3, -100.0, 100.0])).tolist() == [0.0, 0.5, -69.0, 58.5]


def test_what_is_exported_is_what_is_simulated() -> None:
    net = gridded(Net()).eval()
    expected = net(X)
    exported = copy.deepcopy(net)
    assert replace_with_int8_layers(exported) == 2
    program = torch.export.export(exported, (X,), strict=False)
    names = [str(node.target) for node in program.graph.nodes]
    assert sum("quantize_per_tensor" in name and "dequantize" not in name for name in names) == 3
    assert sum("dequantize_per_channel" in name for name in names) == 2
    assert not any(value.dtype is torch.float32 and value.ndim > 1 for value in program.state_dict.values())
    difference = (program.module()(X) - expected).detach().abs().max()
    assert float(difference) <= QParams.from_range(-0.4, 0.9).scale * 1.001  # a tie may round the other way


def test_weights_on_their_grids_come_back_from_int8() -> None:
    net = Net()
    before = net.conv.weight.detach().clone()
    fake_quantize_weight_(net.conv)
    scale, stored = net.conv.get_buffer(SCALE), int8_weight(net.conv)
    assert stored.dtype is torch.int8
    assert stored.flatten(1).abs().amax(1).tolist() == [127] * 5
    assert torch.equal(stored.float() * scale.view(-1, 1, 1, 1), net.conv.weight)
    assert bool(((net.conv.weight - before).abs() <= scale.view(-1, 1, 1, 1) * 0.5001).all())
    again = net.conv.weight.detach().clone()
    fake_quantize_weight_(net.conv)
    assert torch.allclose(again, net.conv.weight, atol=0, rtol=1e-6)


def test_a_row_of_zeros_stays_one() -> None:
    layer = nn.Linear(4, 2)
    layer.weight.data[0] = 0
    fake_quantize_weight_(layer)
    assert layer.weight[0].tolist() == [0.0] * 4
    assert bool(torch.isfinite(layer.weight).all())


def test_without_grids_computes_in_float_and_puts_them_back() -> None:
    net = gridded(Net()).eval()
    grids = {name: edge.grid for name, edge in fake_quants_of(net).items()}
    rounded = net(X)
    with without_fake_quant(net) as taken:
        assert taken == grids
        assert not torch.equal(net(X), rounded)
    assert {name: edge.grid for name, edge in fake_quants_of(net).items()} == grids
    assert torch.equal(net(X), rounded)


@pytest.mark.parametrize(
    ("low", "high", "zero"),
    [(0.0, 255.0, -128), (-255.0, 0.0, 127), (-128.0, 127.0, 0), (-127.4, 127.6, -1), (5, 255, -128)],
)
def test_a_grids_zero_point_and_ends_by_hand(low: float, high: float, zero: int) -> None:
    grid = QParams.from_range(low, high)
    assert (grid.scale, grid.zero_point) == (1.0, zero)
    assert (grid.low, grid.high) == (-128 - zero, 127 - zero)


@pytest.mark.parametrize("ends", [(-1e300, math.inf), (-1.7e308, 1.7e308), (math.nan, math.nan)])
def test_a_range_without_an_end_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="the range"):
        QParams.from_range(*ends)


def test_integers_of_a_grid_and_back() -> None:
    grid, x = QParams(0.5, 10), torch.tensor([0.0, 0.24, 0.26, -1.0, -1000.0, 1000.0])
    assert stored(x, grid).tolist() == [10, 10, 11, 8, -128, 127]
    assert restored(stored(x, grid), grid).tolist() == [0.0, 0.0, 0.5, -1.0, -69.0, 58.5]
    assert torch.equal(quantize_dequantize(x, grid), restored(stored(x, grid), grid))


def test_an_observed_edge_shows_its_values_once_and_not_those_that_were_moved() -> None:
    seen: list[Tensor] = []
    edge = FakeQuant()
    edge.watch = seen.append
    assert edge(X) is X
    assert edge(X, moved=True) is X
    assert len(seen) == 1
    edge.grid = QParams(1.0, 0)
    assert torch.equal(edge(X), X.round())
    assert torch.equal(seen[1], X)


def test_the_logits_grid_is_that_of_the_edge_made_last() -> None:
    net = Net()
    assert logits_qparams(net) is None
    net.after.grid = QParams(0.5, 3)
    assert logits_qparams(net) == QParams(0.5, 3)


def test_half_scales_are_what_float16_holds_and_never_zero() -> None:
    net = gridded(Net())
    net.before.grid, net.after.grid = QParams(1e-9, 5), None
    made = with_half_scales(net)
    assert made is not net
    edges = fake_quants_of(made)
    assert edges["before"].grid == QParams(2.0**-24, 5)
    assert edges["after"].grid is None
    between = edges["between"].grid
    assert between is not None
    assert between.scale == float(torch.tensor(1.1 / 255).half())
    assert net.before.grid == QParams(1e-9, 5)
    for layer, before in ((made.conv, net.conv), (made.linear, net.linear)):
        scale = layer.get_buffer(SCALE)
        assert torch.equal(scale, before.get_buffer(SCALE).half().float())
        assert torch.equal(int8_weight(layer).float() * scale.view(-1, *[1] * (layer.weight.ndim - 1)), layer.weight)


def test_only_a_layer_that_was_rounded_is_one() -> None:
    net = Net()
    assert fake_quantized_layers(net) == []
    fake_quantize_weight_(net.linear)
    assert fake_quantized_layers(net) == [net.linear]
    assert not is_fake_quantized(net.conv)
    assert not is_fake_quantized(net.before)
    assert replace_with_int8_layers(net) == 1
    assert isinstance(net.linear, Int8Layer)
    assert isinstance(net.conv, nn.Conv2d)


def test_int8_weights_never_reach_minus_128() -> None:
    layer = nn.Linear(3, 1)
    layer.weight.data = torch.tensor([[-1.0, 1.0, 0.004]])
    fake_quantize_weight_(layer)
    assert int8_weight(layer).tolist() == [[-127, 127, 1]]
    layer.weight.data = torch.tensor([[-2.0, 2.0, 0.0]])
    assert int8_weight(layer).tolist() == [[-127, 127, 0]]
