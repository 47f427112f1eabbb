"""Statistics and a plan -> a form that computes in int8: grids on its edges, weights on theirs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import PIXEL_QPARAMS, FakeQuant, Layer, QParams, fake_quants_of
from levit_mobile.quantization.observers import Observer, choose
from levit_mobile.quantization.statistics import Statistics, layers_of


def grids_of(statistics: Statistics, observer: Observer) -> dict[str, QParams]:
    """The grid of every edge from its own values."""
    return {name: QParams.from_range(*choose(h, observer)) for name, h in statistics.histograms.items()}


def set_grids(form: nn.Module, grids: Mapping[str, QParams]) -> None:
    """Give every named edge its grid and take it from all others.

    Pixels keep their own 256 levels, and the right side of a matmul has no zero point of 0.
    """
    for name, edge in fake_quants_of(form).items():
        grid = grids.get(name)
        edge.grid = grid and (PIXEL_QPARAMS if edge.pixels else grid.off_zero() if edge.right else grid)


def integer_layers(form: nn.Module, picture: Tensor) -> dict[str, Layer]:
    """The layers that a delegate can run in int8: input and output are tensors of edges that have grids."""
    on_grid: set[int] = set()
    kept: list[Tensor] = []  # alive, so that no address is used twice
    found: dict[str, Layer] = {}

    def leave(edge: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made = makers.get(id(inputs[0]))
        kept.extend((inputs[0], output))
        if isinstance(edge, FakeQuant) and edge.grid is not None:
            on_grid.add(id(output))
            if made is not None:
                found[made] = layers[made]

    def make(name: str, _layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept.append(output)
        if id(inputs[0]) in on_grid:
            makers[id(output)] = name

    makers: dict[int, str] = {}
    layers = layers_of(form)
    hooks = [edge.register_forward_hook(leave) for edge in fake_quants_of(form).values()]
    hooks += [layer.register_forward_hook(partial(make, name)) for name, layer in layers.items()]
    with torch.no_grad():
        form(picture)
    for hook in hooks:
        hook.remove()
    return found
