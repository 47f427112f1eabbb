"""Attention in float16 inside an int8 graph: what becomes an island, what does not, and that XNNPACK takes it whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Bundles
from torch import Tensor, nn
from torch.export import ExportedProgram

from conversion.executorch_half import half_islands
from conversion.executorch_int8 import one_dequantize_a_reader
from levit_mobile.inspection import executorch
from levit_mobile.model.fake_quant import QParams, quantize_dequantize
from levit_mobile.parity import metrics
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import recipe
from levit_mobile.runtimes import registry
from levit_mobile.runtimes.registry import RuntimeId

GRID = QParams(0.05, 3)
PIXELS = torch.linspace(-1, 2, 16).reshape(4, 4)


class Scores(nn.Module):
    """Scores with a table between two grids, then what `after` makes of them."""

    def __init__(self, after: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.register_buffer("table", torch.full((4, 4), 0.25))
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        x = quantize_dequantize(x, GRID)
        return self.after(x, (x + self.get_buffer("table")).softmax(-1))


def halved(after: Callable[[Tensor, Tensor], Tensor]) -> tuple[ExportedProgram, int]:
    program = torch.export.export(Scores(after).eval(), (torch.ones(4, 4),), strict=False)
    one_dequantize_a_reader(program)
    return program, half_islands(program)


def on_a_grid(_: Tensor, scores: Tensor) -> Tensor:
    return quantize_dequantize(scores * 2, GRID)


def test_ops_between_two_grids_and_their_constants_become_float16() -> None:
    program, islands = halved(on_a_grid)
    assert islands == 1
    assert program.state_dict["table"].dtype is torch.float16
    found = {node.name: node.meta["val"].dtype for node in program.graph.nodes if node.op == "call_function"}
    assert {found[name] for name in ("add", "softmax", "mul")} == {torch.float16}
    made = program.module()(PIXELS)
    assert made.dtype is torch.float32
    assert torch.equal(made, Scores(on_a_grid)(PIXELS))


@pytest.mark.parametrize(
    "after",
    [lambda _, scores: scores, lambda _, scores: quantize_dequantize(scores, GRID) + scores],
    ids=["an output", "one of two readers"],
)
def test_what_reaches_an_output_stays_as_it_is(after: Callable[[Tensor, Tensor], Tensor]) -> None:
    program, islands = halved(after)
    assert islands == 0
    assert program.state_dict["table"].dtype is torch.float32
    assert not any("out_dtype" in node.kwargs for node in program.graph.nodes)


@pytest.mark.usefixtures("converted_once", "one_block")
def test_it_is_one_partition_that_computes_the_same(
    shallow: SourceModel, shallow_bundles: Bundles, tmp_path: Path
) -> None:
    made = convert.build(shallow, recipe("executorch", "int8", arithmetic="fp16"), out=tmp_path)
    artifact = made.path / made.contract.artifact.file
    found = executorch.inspect(artifact)
    assert (found.partitions, found.fallbacks, found.arithmetic) == (1, (), "fp16")
    assert made.contract.artifact.arithmetic == "fp16"
    assert made.contract.made_by.allows_half
    exact = shallow_bundles("executorch-int8")
    assert exact.contract.artifact.arithmetic == "fp32"
    images = next(shallow.reference.pictures.batches(8))
    logits = [
        registry.load(RuntimeId("executorch"), one.path / one.contract.artifact.file, one.contract)(images)
        for one in (made, exact)
    ]
    # Each int8 step hides an error of half a step, so two artifacts differ from each other as from the trained model.
    in_half, in_single = (metrics.sqnr_db(shallow.reference.logits[:8], one) for one in logits)
    assert abs(in_half - in_single) < 1.5
    assert not np.array_equal(*logits)
