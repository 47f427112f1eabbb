"""Passes that find nothing to change are left out, and the artifact has the bytes that ExecuTorch's own way gives."""

from __future__ import annotations

import importlib
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from levit_mobile.conversion import executorch, executorch_passes
from levit_mobile.conversion.executorch_int8 import one_dequantize_a_reader
from levit_mobile.conversion.executorch_passes import (
    NEEDED,
    TO_EDGE,
    has_work,
    idle_passes_left_out,
    quantizing_ops_remembered,
)
from support.installed import needs
from support.refusals import refused
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx import Graph

from levit_mobile.errors import ConversionError
from levit_mobile.inspection import executorch as inspection
from levit_mobile.interfaces.card import Card
from levit_mobile.model.fake_quant import FakeQuant, QParams, fake_quantize_weight_, replace_with_int8_layers
from levit_mobile.pipeline import convert, lowering, writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.prepare import Int8Options
from levit_mobile.recipe import RECIPES
from levit_mobile.runners.executorch import load_for_timing
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
    to_edge = executorch.to_edge

    class OwnWay:
        """Lowers at the second step, as ExecuTorch's documentation has it."""

        def __init__(self, program: torch.export.ExportedProgram) -> None:
            self.program, self.edge = program, to_edge(program)

        def exported_program(self) -> torch.export.ExportedProgram:
            found: torch.export.ExportedProgram = self.edge.exported_program()
            return found

        def to_backend(self, partitioner: object) -> object:
            return executorch.to_edge_transform_and_lower(self.program, partitioner=[partitioner])

    made = bytes_of_artifact()
    monkeypatch.setattr(executorch, "to_edge", lambda program, **_: OwnWay(program))
    monkeypatch.setattr(executorch_passes, "NEEDED", {})
    monkeypatch.setattr(executorch_passes, "TO_EDGE", {})
    assert made == bytes_of_artifact()


@pytest.mark.slow
def test_what_is_left_out_changes_no_byte_of_static_int8(
    shallow: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against every pass, every check and nothing remembered."""
    recipe, path = RECIPES["executorch-int8"], tmp_path / "model.pte"
    quantization = convert.quantized(shallow, recipe, Int8Options(count=16, observer="min-max"))
    form = convert.to_deploy_form(shallow, TARGETS["executorch"], quantization)

    def bytes_of_artifact() -> bytes:
        lowering.lower(form, recipe, writing.card_of(shallow, recipe), path)
        return path.read_bytes()

    made = bytes_of_artifact()
    exir = importlib.import_module("executorch.exir")
    checking = exir.EdgeCompileConfig
    ours = {"preserve_ops": list(executorch.WHOLE), "_check_ir_validity": False}
    checked = {"preserve_ops": list(executorch.WHOLE)}
    monkeypatch.setattr(exir, "EdgeCompileConfig", lambda **given: checking(**(checked if given == ours else given)))
    for table in ("NEEDED", "TO_EDGE"):
        monkeypatch.setattr(executorch_passes, table, {})
    monkeypatch.setattr(executorch, "quantizing_ops_remembered", nullcontext)
    assert made == bytes_of_artifact()


class Searching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.searchsorted(x.flatten(), x.mean((2, 3))).float()


@pytest.mark.slow
def test_a_graph_that_is_not_of_the_edge_dialect_is_refused(tmp_path: Path) -> None:
    card = Card("searching", "searching", tuple("abc"), 8, 8, "nobody", "none", "1")
    with refused(ConversionError, "conversion.toolchain", "SpecViolationError", "searchsorted", "Core ATen"):
        lowering.lower(Searching(), RECIPES["executorch-fp32"], card, tmp_path / "model.pte")


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
    made = importlib.import_module("executorch.exir.program._program")
    before, _ = made._get_aten_to_edge_passes(made.EdgeCompileConfig())
    names = {getattr(each, "__name__", type(each).__name__) for each in before}
    assert TO_EDGE.keys() < names | {made.MemoryFormatOpsPass.__name__}


def exported(module: nn.Module, *examples: Tensor) -> Graph:
    return torch.export.export(module, examples, strict=False).graph


def test_a_pass_that_is_not_in_the_table_always_has_work() -> None:
    graph = exported(nn.Identity(), torch.ones(1))
    assert has_work("ConvertToLinearPass", graph, NEEDED)
    assert not has_work("PReLUReshapePass", graph, NEEDED)
    assert has_work("OpReplacePass", graph, TO_EDGE)


class Sum(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class Constant(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.ones(3)


FLOATS, HALVES, INTEGERS = torch.ones(3), torch.ones(3).half(), torch.ones(3, dtype=torch.int64)


@pytest.mark.parametrize(
    ("name", "module", "examples", "work"),
    [
        ("RemoveMixedTypeOperators", Sum(), (FLOATS, FLOATS), False),
        ("RemoveMixedTypeOperators", Sum(), (FLOATS, HALVES), True),
        ("RemoveMixedTypeOperators", Sum(), (INTEGERS, INTEGERS), True),
        ("RemoveMixedTypeOperators", Doubled(), (FLOATS,), True),
        ("ScalarToTensorPass", Sum(), (FLOATS, FLOATS), False),
        ("ScalarToTensorPass", Doubled(), (FLOATS,), True),
        ("ReplaceBrokenOpsWithFunctionalOpsPass", Sum(), (FLOATS, FLOATS), False),
        ("ReplaceBrokenOpsWithFunctionalOpsPass", nn.Flatten(0), (torch.ones(2, 2),), True),
        ("SymToTensorPass", Sum(), (FLOATS, FLOATS), False),
    ],
)
def test_a_pass_to_the_edge_dialect_has_work_where_it_would_change_a_node(
    name: str, module: nn.Module, examples: tuple[Tensor, ...], work: bool
) -> None:
    assert has_work(name, exported(module, *examples), TO_EDGE) == work


@pytest.mark.slow
def test_concatenations_have_work_from_six_tensors_on_and_constants_where_an_op_reads_nothing_else(stage: Any) -> None:
    class Joined(nn.Module):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x] * self.number)

    exir = importlib.import_module("executorch.exir")

    def edge(module: nn.Module) -> Graph:
        program = torch.export.export(module, (FLOATS,), strict=False)
        found: Graph = exir.to_edge(program).exported_program().graph
        return found

    assert not has_work("DecomposeConcatenate", edge(Joined(5)), NEEDED)
    assert has_work("DecomposeConcatenate", edge(Joined(6)), NEEDED)
    assert not has_work("ConstPropPass", edge(Joined(2)), NEEDED)
    assert has_work("ConstPropPass", edge(Constant()), NEEDED)
    assert stage.XNNPACKPassManager.__module__.startswith("executorch.")


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
def test_what_was_replaced_is_restored(stage: Any, raised: Exception | None) -> None:
    made = importlib.import_module("executorch.exir.program._program")

    def found() -> tuple[Any, ...]:
        listed, last = made._get_aten_to_edge_passes, made.MemoryFormatOpsPass
        return stage.XNNPACKPassManager, listed, last, FakeTensorMode._validate_cache_key

    original = found()
    with suppress(KeyError), idle_passes_left_out(), quantizing_ops_remembered():
        assert not set(original) & set(found())
        if raised:
            raise raised
    assert found() == original


class Turned(nn.Module):
    """A convolution over what arrives channels last, on a grid or in float."""

    def __init__(self, grid: QParams | None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(6, 4, (3, 2), stride=(2, 1))
        self.edge, self.after = FakeQuant(), FakeQuant()
        self.edge.grid = self.after.grid = grid
        if grid is not None:
            fake_quantize_weight_(self.conv)

    def forward(self, x: Tensor) -> Tensor:
        turned = self.edge(self.edge(x).permute(0, 3, 1, 2), moved=True)
        y: Tensor = self.after(self.conv(turned))
        return y


def pte_of(module: nn.Module, example: Tensor, path: Path) -> Path:
    """Lowered as this package does it, without the passes that have nothing to do."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge

    replace_with_int8_layers(module)
    program = torch.export.export(module.eval(), (example,), strict=False)
    one_dequantize_a_reader(program)
    with idle_passes_left_out():
        path.write_bytes(to_edge(program).to_backend(XnnpackPartitioner()).to_executorch().buffer)
    return path


@torch.no_grad()
@pytest.mark.parametrize("grid", [None, QParams(0.02, 5)], ids=["float", "int8"])
def test_a_convolution_reads_what_is_channels_last_already(grid: QParams | None, tmp_path: Path) -> None:
    example = torch.randn(1, 9, 5, 6, generator=torch.Generator().manual_seed(1))
    expected = Turned(grid)(example)
    path = pte_of(Turned(grid), example, tmp_path / "model.pte")
    assert inspection.inspect(path).ops["StaticTranspose"] == 1  # of the output alone
    (found,) = load_for_timing(path).run(example.numpy())
    worst = grid.scale * 1.01 if grid else 1e-5
    assert float((torch.from_numpy(found) - expected).abs().max()) <= worst
