"""`inspect` on artifacts that this tool did not make, whole and damaged: a table or one sentence, whatever it is."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import ModuleType

import pytest
from conftest import Once, Run
from support import foreign, worker_tasks
from support.mutations import KINDS, Mutant
from support.refusals import refused

from levit_mobile.bundle.inspect import inspect
from levit_mobile.errors import ArtifactError, LevitMobileError, ToolchainMissing
from levit_mobile.inspection import executorch, tflite
from levit_mobile.inspection.kinds import KINDS as PARTS
from levit_mobile.inspection.reading import FALLBACK_REASONS, NO_DELEGATE
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.mil import protobuf
from levit_mobile.reporting.tables.inspect import inspection_table, inspections_json
from levit_mobile.targets import TARGETS, resolve

pytestmark = pytest.mark.slow

WHOLE = ("net.tflite", "net.pte", "bare.pte", "net.mlpackage")


class Made:
    """Each artifact, made when a test first asks for it."""

    def __init__(self, folder: Path, once: Once) -> None:
        self.folder, self.once = folder, once
        self.path = cache(self._path)

    def _path(self, name: str) -> Path:
        path = self.folder / name
        getattr(self, "_" + name.replace(".", "_").replace("-", "_"))(path)
        return path

    def _net_tflite(self, path: Path) -> None:
        self.once(foreign.tflite, path)

    def _int8_tflite(self, path: Path) -> None:
        foreign.int8_tflite(path, self.path("net.tflite"))

    def _custom_tflite(self, path: Path) -> None:
        foreign.edited_tflite(path, self.path("net.tflite"), foreign.with_custom_op)

    def _twice_tflite(self, path: Path) -> None:
        foreign.edited_tflite(path, self.path("net.tflite"), foreign.with_second_subgraph)

    def _deep_tflite(self, path: Path) -> None:
        source = self.folder / "rank7.tflite"
        self.once(foreign.deep_tflite, source)
        foreign.edited_tflite(path, source, foreign.with_deep_concatenation)

    def _open_tflite(self, path: Path) -> None:
        foreign.edited_tflite(path, self.path("net.tflite"), foreign.with_open_sizes)

    def _net_pte(self, path: Path) -> None:
        self.once(partial(foreign.pte, delegated=True), path)

    def _bare_pte(self, path: Path) -> None:
        self.once(partial(foreign.pte, delegated=False), path)

    def _opaque_pte(self, path: Path) -> None:
        path.write_bytes(self.path("net.pte").read_bytes().replace(b"XnnpackBackend", b"VulkanBackend!"))

    def _net_mlpackage(self, path: Path) -> None:
        self.once(foreign.mlpackage, path)

    def _network_mlmodel(self, path: Path) -> None:
        path.write_bytes(foreign.network().SerializeToString())

    def _pipeline_mlmodel(self, path: Path) -> None:
        path.write_bytes(foreign.pipeline(foreign.network(), foreign.network()).SerializeToString())


@pytest.fixture(scope="module")
def made(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("foreign"), once)


def inside(made: Made, name: str) -> Inspection:
    return inspect(made.path(name)).inspection


# What is counted is the same in every format


@pytest.mark.parametrize("name", WHOLE)
def test_macs_are_those_of_the_net(made: Made, name: str) -> None:
    assert inside(made, name).macs == foreign.MACS


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_by_kind_are_those_of_the_net(made: Made, name: str) -> None:
    found = inside(made, name)
    assert {kind: found.kind_bytes[kind] for kind in foreign.NUMBERS} == {k: 4 * n for k, n in foreign.NUMBERS.items()}
    assert sum(found.kind_bytes.values()) == sum(found.weight_bytes.values())
    assert tuple(found.kind_bytes) == PARTS


@pytest.mark.parametrize("name", WHOLE)
def test_ports_are_those_of_the_net(made: Made, name: str) -> None:
    found = inside(made, name)
    assert [(port.dtype, port.shape) for port in found.inputs] == [("float32", (1, 3, foreign.SIDE, foreign.SIDE))]
    assert [port.dtype for port in found.outputs] == ["float32"]
    assert found.outputs[0].shape in ((1, foreign.CLASSES), ())  # coremltools leaves an output's shape out


def test_weights_of_an_int8_model_keep_their_kinds(made: Made) -> None:
    found = inside(made, "int8.tflite")
    assert found.kind_bytes["projections"] == foreign.NUMBERS["projections"]
    assert found.weight_bytes["int8"] >= foreign.NUMBERS["projections"]
    assert found.macs == foreign.MACS
    assert 0 < found.integer_products <= found.products


# Partitions and fallbacks


def test_a_fallback_op_of_tflite_comes_with_its_reason(made: Made) -> None:
    found = inside(made, "net.tflite")
    assert {item.op: item.reason for item in found.fallbacks}["STRIDED_SLICE"] == FALLBACK_REASONS["STRIDED_SLICE"]
    assert found.delegates == {"XNNPACK": found.partitions}


def test_a_fallback_op_of_executorch_comes_with_its_reason(made: Made) -> None:
    found = inside(made, "net.pte")
    reasons = {item.op: item.reason for item in found.fallbacks}
    assert reasons["aten::slice_copy"] == FALLBACK_REASONS["slice_copy"]
    assert found.delegates == {"XnnpackBackend": found.partitions}
    assert found.metadata["side"] == str(foreign.SIDE)


def test_without_a_delegate_every_op_is_a_fallback(made: Made) -> None:
    found = inside(made, "bare.pte")
    assert (found.partitions, found.delegates) == (0, {})
    assert {item.op: item.count for item in found.fallbacks} == found.ops
    assert {item.reason for item in found.fallbacks} == {NO_DELEGATE}


def test_another_delegate_is_named_and_not_counted(made: Made) -> None:
    found = inside(made, "opaque.pte")
    assert list(found.delegates) == ["VulkanBackend!"]
    assert found.macs is None
    assert any("VulkanBackend! hides its graph" in note for note in found.notes)
    with refused(ArtifactError, "artifact.unsupported-model", made.path("opaque.pte"), "XNNPACK", "VulkanBackend!"):
        resolve(TARGETS["executorch"].inspector)(made.path("opaque.pte"))


def test_a_custom_op_leaves_partitions_unknown(made: Made) -> None:
    found = inside(made, "custom.tflite")
    assert found.partitions is None
    assert found.ops["FlexErf"] == 1
    assert "FlexErf" in found.notes[0]
    assert found.macs == foreign.MACS
    with refused(ArtifactError, "artifact.unsupported-op", made.path("custom.tflite"), "FlexErf"):
        resolve(TARGETS["tflite"].inspector)(made.path("custom.tflite"))


def test_a_rank_that_xnnpack_cannot_prepare_leaves_partitions_unknown(made: Made) -> None:
    found = inside(made, "deep.tflite")
    assert (found.partitions, found.max_rank, found.ops) == (None, 7, {"CONCATENATION": 1, "RESHAPE": 1})
    assert "CONCATENATION" in found.notes[0]
    with refused(ArtifactError, "artifact.unsupported-model", made.path("deep.tflite"), "CONCATENATION"):
        resolve(TARGETS["tflite"].inspector)(made.path("deep.tflite"))


def test_sizes_that_are_set_at_run_time_leave_partitions_unknown(made: Made) -> None:
    found = inside(made, "open.tflite")
    assert (found.partitions, found.inputs[0].shape) == (None, (1, 3, -1, -1))
    assert any("partitions and fallback ops are unknown" in note for note in found.notes)
    assert found.ops == inside(made, "net.tflite").ops


def test_subgraphs_are_all_counted(made: Made) -> None:
    once, twice = inside(made, "net.tflite"), inside(made, "twice.tflite")
    assert twice.ops == {op: 2 * count for op, count in once.ops.items()}
    assert twice.weight_bytes == once.weight_bytes
    assert twice.notes[0].startswith("it has 2 subgraphs")


# Core ML's older formats


def test_a_neural_network_says_what_it_is(made: Made) -> None:
    found = inside(made, "network.mlmodel")
    assert found.format == "Core ML neuralNetwork"
    assert found.ops == {"innerProduct": 1, "softmax": 1}
    assert (found.kind_bytes["head"], found.weight_bytes) == (48, {"float32": 60})
    assert found.macs is None
    assert "an older format than ML programs" in found.notes[0]
    assert found.minimum.startswith("iOS 11")


def test_a_pipeline_says_what_is_in_it(made: Made) -> None:
    found = inside(made, "pipeline.mlmodel")
    assert found.format == "Core ML pipeline of 2: neuralNetwork, neuralNetwork"
    assert found.ops == {"innerProduct": 2, "softmax": 2}
    assert found.weight_bytes == {"float32": 120}
    with refused(ArtifactError, "artifact.unsupported-model", "pipeline.mlmodel", "expected an mlProgram"):
        resolve(TARGETS["coreml"].inspector)(made.path("pipeline.mlmodel"))


# Damage


def mutants(file: str, count: int) -> Iterator[Mutant]:
    return (Mutant(kind, file, seed) for seed, kind in enumerate([*KINDS] * (count // len(KINDS))))


def outcome(path: Path) -> str:
    """table or sentence; raises what is neither."""
    sentence = None
    try:
        found = inspect(path)
    except LevitMobileError as error:
        sentence = str(error)
    if sentence is not None:
        assert sentence.splitlines() == [sentence]
        return "sentence"
    assert inspection_table(found).row_count > 5
    assert str(path) in inspections_json([found], [], {})
    return "table"


@pytest.mark.parametrize(("name", "count"), [("net.tflite", 60), ("net.pte", 240)])
def test_any_damage_to_a_file_is_a_table_or_a_sentence(made: Made, tmp_path: Path, name: str, count: int) -> None:
    whole, path = made.path(name).read_bytes(), tmp_path / name
    found: Counter[str] = Counter()
    for mutant in mutants("", count):
        path.write_bytes(mutant.of(whole))
        found[outcome(path)] += 1
    assert found.total() == count
    assert min(found["table"], found["sentence"]) > 0


@pytest.mark.parametrize("file", ["Data/com.apple.CoreML/model.mlmodel", "Manifest.json"])
def test_any_damage_to_a_package_is_a_table_or_a_sentence(made: Made, tmp_path: Path, file: str) -> None:
    package = Path(shutil.copytree(made.path("net.mlpackage"), tmp_path / "net.mlpackage"))
    whole = (package / file).read_bytes()
    found: Counter[str] = Counter()
    for mutant in mutants(file, 120):
        (package / file).write_bytes(mutant.of(whole))
        found[outcome(package)] += 1
    assert found.total() == 120
    assert found["sentence"] > 0


@pytest.mark.parametrize("name", ["net.tflite", "net.pte", "network.mlmodel"])
def test_a_file_cut_anywhere_is_a_sentence(made: Made, tmp_path: Path, name: str) -> None:
    whole, path = made.path(name).read_bytes(), tmp_path / name
    for size in (0, 1, 7, 8, 12, 64, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(
            ArtifactError, match=r"copy the whole (artifact|package)|empty|expected a \.tflite|TFLite|cannot be loaded"
        ) as caught:
            inspect(path)
        assert caught.value.fault in ("damaged", "unknown-format", "refused")
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("task", "fault", "fact"), [(worker_tasks.crash, "crashed", "SIGSEGV"), (worker_tasks.hang, "timeout", "2 s")]
)
def test_a_model_that_ends_or_stops_litert_is_a_sentence(
    made: Made, monkeypatch: pytest.MonkeyPatch, task: Callable[[object], None], fault: str, fact: str
) -> None:
    monkeypatch.setattr(tflite, "_reader", partial(partial, task))
    monkeypatch.setattr(tflite, "LOAD_S", 2.0)
    with refused(ArtifactError, f"artifact.{fault}", made.path("net.tflite"), fact):
        inspect(made.path("net.tflite"))


@pytest.mark.parametrize(("name", "module"), [("net.pte", executorch), ("net.mlpackage", protobuf)])
def test_without_the_toolchain_the_pip_line_is_named(
    made: Made, monkeypatch: pytest.MonkeyPatch, name: str, module: ModuleType
) -> None:
    path = made.path(name)
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(ToolchainMissing, match=r"pip install 'levit-mobile\["):
        inspect(path)


def test_without_litert_the_pip_line_is_named(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made.path("net.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ToolchainMissing, match=r"pip install 'levit-mobile\[tflite\]'"):
        inspect(path)


def test_the_command_shows_the_good_and_names_the_broken(made: Made, tmp_path: Path, levit_mobile: Run) -> None:
    broken = tmp_path / "broken.pte"
    broken.write_bytes(made.path("net.pte").read_bytes()[:3000])
    done = levit_mobile("inspect", made.path("net.pte"), broken, made.path("network.mlmodel"))
    assert done.returncode == 1
    assert "bias tables" in done.stdout
    assert "Core ML neuralNetwork" in done.stdout
    assert done.stderr.count("error:") == 1
    assert done.stderr.startswith(f"error: {broken} cannot be read as an ExecuTorch program: it is cut short")
