"""Steps of integer grids, for what is constant too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from levit_mobile.model.fake_quant import QParams, fake_quantize_weight_, int8_weight
from levit_mobile.model.int8_steps import step, steps
from levit_mobile.quantization.observers import Histogram, Observer, choose


def test_a_step_is_the_largest_value_over_the_levels() -> None:
    found = steps(torch.tensor([127.0, 1.27, 1e-30]), 127)
    assert torch.equal(found, (torch.tensor([127.0, 1.27, 1e-30]).double() / 127).float())
    assert step(2.55, 255) == 2.55 / 255


@pytest.mark.parametrize("largest", [0.0, 1e-45, float(np.finfo(np.float32).tiny)])
def test_what_is_nothing_has_a_step_that_kernels_accept(largest: float) -> None:
    assert step(largest, 127) == 1 / 127
    assert steps(torch.tensor([largest, 1.0]), 127).tolist() == pytest.approx([1 / 127, 1 / 127])


def test_a_row_of_zeros_is_stored_as_zeros_beside_other_rows() -> None:
    layer = nn.Linear(3, 2, bias=False)
    layer.weight.data = torch.tensor([[0.0, 0.0, 0.0], [0.5, -1.0, 0.25]])
    fake_quantize_weight_(layer)
    assert int8_weight(layer)[0].tolist() == [0, 0, 0]
    assert layer.weight.detach()[0].tolist() == [0.0, 0.0, 0.0]
    assert layer.weight.detach()[1].tolist() == pytest.approx([0.5, -1.0, 0.25], abs=1 / 254)


@pytest.mark.parametrize("observer", Observer)
@pytest.mark.parametrize("value", [0.0, 0.7, -3.0, 1e-40])
def test_a_constant_is_exact_on_the_grid_of_every_observer(value: float, observer: Observer) -> None:
    histogram = Histogram(value, value)
    counts = torch.histc(torch.full((1000,), value), len(histogram.counts), value, value)
    histogram.add(counts.numpy().astype(np.int64))
    histogram.respond(counts.numpy().astype(np.float64), 1000.0)
    grid = QParams.from_range(*choose(histogram, observer))
    stored = round(value / grid.scale) + grid.zero_point
    assert -128 <= stored <= 127
    assert (stored - grid.zero_point) * grid.scale == pytest.approx(value, rel=0.01, abs=1e-30)
