"""What int8 is estimated to save, from the sizes of a form's ops alone; nothing is timed.

The model, in units of one int8 multiply-accumulate:

    int8 MAC               1     VNNI and dot-product instructions take 64 a 512-bit vector
    float MAC              4     a fused multiply-add takes 16
    element at a border   16     scale, round, shift and pack, a vector of 16 each, where int8 begins or ends

Activation functions, softmax, memory and the start of an op count nothing: it ranks groups and predicts no time.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant, Layer, fake_quants_of
from levit_mobile.model.parts.intermediate_outputs import blocks_of
from levit_mobile.quantization.statistics import layers_of

INT8_MAC, FLOAT_MAC, BORDER = 1, 4, 16
Groups = dict[str, tuple[str, ...]]


def groups_of(form: nn.Module) -> Groups:
    """The edges that go to float together, by the name of their group, such as `body.stage0.attn0.scores`.

    An edge names its group inside its block, or in the whole form where it belongs to no block.
    """
    named: dict[str, list[str]] = {}
    for name, edge in fake_quants_of(form).items():
        named.setdefault(_group(name, edge, blocks_of(form).values()), []).append(name)
    return {name: tuple(members) for name, members in named.items()}


def _group(name: str, edge: FakeQuant, blocks: Collection[str]) -> str:
    block = next((path for path in blocks if name.startswith(f"{path}.")), None)
    group = edge.group or name.rpartition(".")[2]
    return group if block is None else f"{block}.{group}"


@dataclass(slots=True)
class Region:
    """The ops between one edge and the edges before it.

    `elements` are those of the edge; `layers` are paths, `macs` theirs, a layer that feeds several edges shared evenly;
    `matmul_macs` are those of products of two activations, which delegates run in float.
    """

    sources: set[str] = field(default_factory=set)
    layers: set[str] = field(default_factory=set)
    elements: int = 0
    macs: float = 0
    matmul_macs: int = 0

    def integer(self, name: str, grids: set[str]) -> bool:
        """Does it run in int8 where these edges have grids?"""
        return bool(self.sources) and not self.matmul_macs and self.sources | {name} <= grids


@dataclass(frozen=True, slots=True)
class Cost:
    """The estimate for one form."""

    regions: Mapping[str, Region]

    @classmethod
    def of(cls, form: nn.Module, picture: Tensor) -> Cost:
        """From one run of a float form, which is left as it is."""
        return cls(regions_of(form, picture))

    def time(self, float_edges: Iterable[str]) -> float:
        """The whole model's, in int8 MACs, when these edges stay float."""
        grids = set(self.regions) - set(float_edges)
        total, read = 0.0, set[str]()
        for name, region in self.regions.items():
            integer = region.integer(name, grids)
            total += region.macs * (INT8_MAC if integer else FLOAT_MAC) + region.matmul_macs * FLOAT_MAC
            if not integer:
                read |= region.sources & grids
                total += BORDER * region.elements * (name in grids)
        return total + BORDER * sum(self.regions[name].elements for name in read)

    def share(self, float_edges: Iterable[str]) -> float:
        """What float costs there: the time above int8 everywhere, as a share of the time of float everywhere."""
        return (self.time(float_edges) - self.time(())) / self.time(self.regions)


def regions_of(form: nn.Module, picture: Tensor) -> dict[str, Region]:
    """Every edge's region, by hooks on one run of a copy.

    Each edge hands a new leaf of the autograd graph on, so what lies between two edges is what backward would walk.
    """
    walk = _Walk(copy.deepcopy(form).requires_grad_(True))
    walk.run(picture)
    for name, macs in walk.macs.items():
        fed = [region for region in walk.regions.values() if name in region.layers]
        for region in fed:
            region.macs += macs / len(fed)
    return walk.regions


class _Walk:
    def __init__(self, form: nn.Module) -> None:
        self.form = form
        self.regions: dict[str, Region] = {name: Region() for name in fake_quants_of(form)}
        self.macs: dict[str, int] = {}
        self.weights = {id(layer.weight): name for name, layer in layers_of(form).items()}
        self.edges: dict[int, str] = {}
        self.kept: list[Tensor] = []  # alive, so that no address is used twice

    def run(self, picture: Tensor) -> None:
        for name, edge in fake_quants_of(self.form).items():
            edge.register_forward_hook(partial(self.cross, name))
        for name, layer in layers_of(self.form).items():
            layer.register_forward_hook(partial(self.count, name))
        with torch.enable_grad():
            self.form(picture)

    def count(self, name: str, layer: Layer, _inputs: object, output: Tensor) -> None:
        self.macs[name] = output.numel() * layer.weight[0].numel()

    def cross(self, name: str, _edge: FakeQuant, _inputs: object, output: Tensor) -> Tensor:
        region = self.regions[name]
        region.elements = max(region.elements, output.numel())
        for leaf in _leaves(output, region):
            if (source := self.edges.get(id(leaf))) and source != name:
                region.sources.add(source)
            elif (layer := self.weights.get(id(leaf))) is not None:
                region.layers.add(layer)
        fresh = output.detach().requires_grad_()
        self.edges[id(fresh)] = name
        self.kept.append(fresh)
        return fresh


def _leaves(output: Tensor, region: Region) -> Iterator[Tensor]:
    """The tensors that an output was made of; matmuls on the way are added to the region."""
    if output.grad_fn is None:
        yield output
    pending: list[Any] = [output.grad_fn]
    seen: set[Any] = set()
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        pending.extend(before for before, _ in node.next_functions)
        if node.name().startswith("Bmm"):
            region.matmul_macs += node._saved_self.numel() * node._saved_mat2.shape[-1]
        if hasattr(node, "variable"):
            yield node.variable
