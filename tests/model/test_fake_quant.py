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
    QParams,
    fake_quantize_weight_,
    fake_quants_of,
    int8_weight,
    replace_with_int8_layers,
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


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.0, 5.0), (-2.0, 0.0), (0.5, 4.0), (-7.0, -1.0)])
def test_a_grid_covers_its_range_and_zero_exactly(low: float, high: float) -> None:
    grid = QParams.from_range(low, high)
    assert -128 <= grid.zero_point <= 127
    assert grid.high - grid.low == pytest.approx(max(high, 0) - min(low, 0))
    assert abs(grid.low - min(low, 0)) <= grid.scale / 2
    edge = FakeQuant()
    edge.grid = grid
    assert float(edge(torch.zeros(1))) == 0.0


@pytest.mark.parametrize("ends", [(0.0, 0.0), (math.nan, 1.0), (-math.inf, 1.0)])
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
