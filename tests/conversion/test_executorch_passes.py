"""Passes that find nothing to change are left out, and the artifact has the bytes that ExecuTorch's own way gives."""

from __future__ import annotations

import importlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from levit_mobile.conversion import executorch_passes
from levit_mobile.conversion.executorch_passes import NEEDED, has_work, idle_passes_left_out
from support.installed import needs
from torch import Tensor, nn

from levit_mobile.pipeline import convert, lowering, writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS

needs("executorch")


@pytest.fixture(scope="module")
def stage() -> Any:
    """ExecuTorch's module with the class that is replaced; imported late, because it takes seconds."""
    return importlib.import_module("executorch.backends.xnnpack.xnnpack_preprocess")


class Everything(nn.Module):
    """Has work for five of the passes that LeViT leaves idle: batch norm, ReLU, PReLU, max pooling, six-fold cat."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.prelu = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm(self.conv(x)))
        return torch.cat([self.prelu(nn.functional.max_pool2d(y - i, 2, 2)) for i in range(6)], 1)


def lowered(module: nn.Module) -> bytes:
    """By ExecuTorch's own entry point."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    program = torch.export.export(module.eval(), (torch.ones(1, 3, 8, 8),), strict=False)
    edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    return bytes(edge.to_executorch().buffer)


@pytest.fixture
def runs(stage: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the passes that have run, in order."""
    names: list[str] = []
    original = stage.XNNPACKPassManager

    class Watched(original):  # type: ignore[misc, valid-type]
        def transform(self) -> object:
            names.extend(each.__name__ for each in self.passes)
            return super().transform()

    monkeypatch.setattr(stage, "XNNPACKPassManager", Watched)
    return names


@pytest.mark.slow
@pytest.mark.parametrize("name", ["executorch-fp32", "executorch-int8-dynamic"])
def test_the_artifact_has_the_bytes_of_executorchs_own_way(
    shallow: SourceModel, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bytes_of_artifact() -> bytes:
        form, path = convert.to_deploy_form(shallow, TARGETS["executorch"]), tmp_path / "model.pte"
        lowering.lower(form, RECIPES[name], writing.card_of(shallow, RECIPES[name]), path)
        return path.read_bytes()

    executorch = importlib.import_module("executorch.exir")

    class OwnWay:
        """Lowers at the second step, as ExecuTorch's documentation has it."""

        def __init__(self, program: torch.export.ExportedProgram) -> None:
            self.program = program

        def to_backend(self, partitioner: object) -> object:
            return executorch.to_edge_transform_and_lower(self.program, partitioner=[partitioner])

    made = bytes_of_artifact()
    monkeypatch.setattr(executorch, "to_edge", lambda program, **_: OwnWay(program))
    monkeypatch.setattr(executorch_passes, "NEEDED", {})
    assert made == bytes_of_artifact()


@pytest.mark.slow
def test_passes_with_work_run_and_idle_ones_do_not(runs: list[str]) -> None:
    module = Everything()
    with idle_passes_left_out():
        made = lowered(module)
    few = set(runs)
    assert {"DecomposeConcatenate", "RemoveGetItemPass", "PReLUReshapePass", "FuseActivationPass"} <= few
    assert few & {"FuseBatchNormPass", "DecomposeBatchNorm"}
    assert not few & {"ConvertToSDPAPass", "ConvertToUpsampleBilinear2d", "Conv1dUnsqueezePass"}
    assert made == lowered(module)


@pytest.mark.slow
def test_every_pass_of_the_table_is_executorchs(stage: Any) -> None:
    program = torch.export.export(nn.ReLU(), (torch.ones(1),), strict=False)
    assert NEEDED.keys() < {each.__name__ for each in stage.XNNPACKPassManager(program).passes}


def test_a_pass_that_is_not_in_the_table_always_has_work() -> None:
    program = torch.export.export(nn.Identity(), (torch.ones(1),), strict=False)
    assert has_work("ConvertToLinearPass", program)
    assert not has_work("PReLUReshapePass", program)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name"), [("sdpa", "ConvertToSDPAPass"), ("bilinear_2d", "ConvertToUpsampleBilinear2d")]
)
def test_every_pattern_that_a_pass_searches_for_has_a_node_of_the_table(module: str, name: str) -> None:
    graphs = pytest.importorskip(f"executorch.backends.xnnpack.partition.graphs.{module}").get_graphs()
    assert graphs
    for pattern in graphs:
        assert any(NEEDED[name](node) for node in pattern.graph.nodes if node.op == "call_function")


@pytest.mark.slow
@pytest.mark.parametrize("raised", [None, KeyError("lowering failed")], ids=["end", "exception"])
def test_executorchs_class_is_restored(stage: Any, raised: Exception | None) -> None:
    original = stage.XNNPACKPassManager
    with suppress(KeyError), idle_passes_left_out():
        assert stage.XNNPACKPassManager is not original
        if raised:
            raise raised
    assert stage.XNNPACKPassManager is original
