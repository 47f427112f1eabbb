"""What each recipe makes of the bundled checkpoint: proven, in one piece, in the types that its name claims."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Bundles, Once
from support.checkpoints import official_state, one_block_a_stage, saved, transformers_model
from support.refusals import refused
from torch import Tensor, nn

from levit_mobile.errors import ConversionError
from levit_mobile.model.families.levit.architecture import VARIANTS
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel, load_source
from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS

pytestmark = pytest.mark.slow

FLOATS = [name for name in RECIPES if name.endswith(("fp32", "fp16"))]  # integers: test_int8.py, test_*_weights.py
ALL = pytest.mark.parametrize("name", FLOATS)
RUNS_HERE = pytest.mark.parametrize("name", [name for name in FLOATS if not name.startswith("coreml")])
TFLITE = pytest.mark.parametrize("name", ["tflite-fp32", "tflite-fp16"])
EXECUTORCH = pytest.mark.parametrize(
    ("name", "dtype"), [("executorch-fp32", torch.float32), ("executorch-fp16", torch.float16)]
)
MIN_SQNR_DB = {"fp32": 100, "fp16": 50}
HALF, SINGLE = {"fp16", "float16"}, {"fp32", "float32"}  # the formats' own names
UNWANTED = re.compile("gather|embedding|index|batch_?norm|slice", re.IGNORECASE)
ATTENTIONS = sum(VARIANTS["levit_128s"].depths) + 2  # and one in each shrinking block


@RUNS_HERE
def test_is_proven_on_64_pictures(bundles: Bundles, name: str) -> None:
    proof = bundles(name).proof
    assert (proof.verdict, proof.reasons) == ("proven", ())
    assert proof.report is not None
    assert proof.report.images == 64
    assert proof.report.sqnr_db >= MIN_SQNR_DB[name[-4:]]
    assert proof.report.top1_agreement == 1.0
    assert proof.report.floor_sqnr_db > 100


@pytest.mark.skipif("sys.platform == 'darwin'", reason="on a Mac Core ML is run")
@pytest.mark.parametrize("name", ["coreml-fp32", "coreml-fp16"])
def test_core_ml_is_proven_by_its_reference_off_a_mac(bundles: Bundles, name: str) -> None:
    proof = bundles(name).proof
    assert proof.verdict == "proven by reference"
    assert proof.reasons == ("the MIL reference executed the artifact as it is written; no device ran it",)
    assert proof.report is not None
    assert proof.report.images == 64
    assert proof.report.sqnr_db >= MIN_SQNR_DB[name[-4:]]


@pytest.mark.skipif("sys.platform != 'darwin'", reason="NOT RUN: Core ML runs on macOS only")
@pytest.mark.parametrize("name", ["coreml-fp32", "coreml-fp16"])
def test_core_ml_is_proven_on_a_mac(bundles: Bundles, name: str) -> None:
    assert (bundles(name).proof.verdict, bundles(name).proof.reasons) == ("proven", ())


@ALL
def test_is_one_piece(bundles: Bundles, name: str) -> None:
    found = bundles(name).inspection
    assert found.partitions == (None if name.startswith("coreml") else 1)
    assert found.fallbacks == ()
    assert found.max_rank <= 4


@ALL
def test_holds_no_gather_norm_or_slice(bundles: Bundles, name: str) -> None:
    ops = bundles(name).inspection.ops
    assert [op for op in ops if UNWANTED.search(op) and op != "StaticSlice"] == []  # XNNPACK's own, with stride 1
    assert sum(ops.values()) > 200  # and it is not that nothing was counted


@ALL
def test_every_attention_is_there(bundles: Bundles, name: str) -> None:
    counts: dict[str, int] = {}
    for op, count in bundles(name).inspection.ops.items():
        counts[op.lower().replace("_", "")] = count
    probabilities = name.startswith("coreml")
    assert counts["softmax"] == ATTENTIONS + probabilities
    matmuls = {"matmul", "batchmatmul", "batchmatrixmultiply"}
    assert sum(count for op, count in counts.items() if op in matmuls) == 2 * ATTENTIONS


@ALL
def test_weights_have_the_type_of_the_name(bundles: Bundles, name: str) -> None:
    stored = bundles(name).inspection.weight_bytes
    half = sum(count for kind, count in stored.items() if kind in HALF)
    single = sum(count for kind, count in stored.items() if kind in SINGLE)
    assert half + single >= 0.99 * sum(stored.values())
    if name.endswith("fp16"):
        assert half >= 0.95 * sum(stored.values())
    else:
        assert half == 0


@ALL
def test_fp16_halves_the_artifact(bundles: Bundles, name: str) -> None:
    contract = bundles(name).contract
    bytes_each = contract.artifact.bytes / contract.model.parameters
    assert 2 < bytes_each < 2.4 if name.endswith("fp16") else 4 < bytes_each < 4.4


@TFLITE
def test_tflite_signature(bundles: Bundles, name: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(bundles(name).path / "model.tflite"))
    (signature,) = interpreter.get_signature_list().values()
    assert signature == {"inputs": ["image"], "outputs": ["logits"]}
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (source["shape"].tolist(), source["dtype"]) == ([1, 224, 224, 3], np.float32)
    assert (result["shape"].tolist(), result["dtype"]) == ([1, 10], np.float32)


@TFLITE
def test_tflite_ops_by_its_own_flatbuffer(bundles: Bundles, name: str) -> None:
    """The inspector reads the interpreter; the file itself must hold the same ops."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    model = flatbuffer_utils.read_model(str(bundles(name).path / "model.tflite"))
    (graph,) = model.subgraphs
    stored = [names[model.operatorCodes[op.opcodeIndex].builtinCode] for op in graph.operators]
    assert {op: stored.count(op) for op in stored} == bundles(name).inspection.ops
    assert ("DEQUANTIZE" in stored) == name.endswith("fp16")
    assert all(b"levit_mobile" not in tensor.name for tensor in graph.tensors)  # the same wherever the package lies


@EXECUTORCH
def test_pte_signature(bundles: Bundles, name: str, dtype: torch.dtype) -> None:
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(bundles(name).path / "model.pte")
    method = program.load_method("forward")
    assert (method.metadata.num_inputs(), method.metadata.num_outputs()) == (1, 1)
    assert method.metadata.input_tensor_meta(0).sizes() == (1, 3, 224, 224)
    assert method.metadata.output_tensor_meta(0).sizes() == (1, 10)
    (logits,) = method.execute([torch.zeros(1, 3, 224, 224, dtype=dtype)])
    assert logits.dtype is dtype


@RUNS_HERE
def test_the_contract_describes_the_input(bundles: Bundles, name: str) -> None:
    source, result = bundles(name).contract.input, bundles(name).contract.output
    half = name == "executorch-fp16"
    assert source.shape == ((1, 224, 224, 3) if name.startswith("tflite") else (1, 3, 224, 224))
    assert (source.dtype, result.dtype) == (("float16",) * 2 if half else ("float32",) * 2)
    assert source.range == (0.0, 1.0)


class Teacher(nn.Module):
    """transformers' own LeViT, a small one with a block of each kind; its logits are the mean of both heads."""

    def __init__(self) -> None:
        from transformers import LevitConfig, LevitForImageClassificationWithTeacher

        super().__init__()
        sizes = {"hidden_sizes": [64, 96, 128], "num_attention_heads": [2, 3, 4], "depths": [1, 0, 0]}
        self.model = LevitForImageClassificationWithTeacher(LevitConfig(image_size=64, **sizes))

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.model(pixels).logits
        return logits


def lowered_naively(target: str, path: Path) -> None:
    """As a tutorial would do it: the stock model straight into the vendor's converter."""
    example = (torch.zeros(1, 3, 64, 64),)
    model = Teacher().eval().requires_grad_(False)
    if target == "tflite":
        import litert_torch

        litert_torch.convert(model, example).export(str(path))
    else:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        program = torch.export.export(model, example, strict=False)
        path.write_bytes(
            to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch().buffer
        )


@pytest.mark.parametrize(
    ("target", "ops"),
    [("tflite", ["STRIDED_SLICE"]), ("executorch", ["expand_copy", "slice_copy", "split_with_sizes_copy", "mean"])],
)
def test_the_stock_model_lowered_naively_is_refused(target: str, ops: list[str], once: Once, tmp_path: Path) -> None:
    path = tmp_path / f"stock{TARGETS[target].suffix}"
    once(partial(lowered_naively, target), path)
    with refused(ConversionError, "conversion.fallback", target, "XNNPACK", *ops) as raised:
        convert.inspect(path, TARGETS[target])
    assert "no kernel" not in str(raised.value)  # the reason of each is known


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> SourceModel:
    """levit_192 at 96 px (grids of 6, 3 and 2), 7 classes, one head, one block a stage."""
    with one_block_a_stage("levit_192"):
        state = official_state(transformers_model("levit_192", classes=7, side=96, heads=1), "levit_192", heads=1)
        return load_source(saved(state, tmp_path_factory.mktemp("another") / "levit_192.pth"))


@pytest.mark.parametrize("name", ["tflite-fp32", "executorch-fp32"])
def test_another_variant_side_class_count_and_one_head(another: SourceModel, name: str, tmp_path: Path) -> None:
    bundle = convert.build(another, RECIPES[name], out=tmp_path)
    assert bundle.path == tmp_path / f"levit_192-{name}"
    assert (bundle.proof.verdict, bundle.proof.reasons) == ("proven", ())
    assert (bundle.contract.model.variant, bundle.contract.model.classes) == ("levit_192", 7)
    assert (bundle.contract.preprocessing.crop_width, bundle.contract.preprocessing.width) == (96, 109)
    assert (bundle.path / "labels.txt").read_text().split() == [f"class_{index}" for index in range(7)]
