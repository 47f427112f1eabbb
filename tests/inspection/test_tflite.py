"""TFLite models that are built op by op: what the reader makes of each table, and what LiteRT left outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.refusals import refused

from levit_mobile.errors import ArtifactError
from levit_mobile.inspection import tflite
from levit_mobile.inspection.tflite import Delegation
from levit_mobile.interfaces.inspection import Inspection

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
FLOAT, INT8, INT4 = schema.TensorType.FLOAT32, schema.TensorType.INT8, schema.TensorType.INT4
KINDS = schema.BuiltinOperator
Edit = Callable[[Any], object]


def tensor(
    name: str, shape: list[int], *, dtype: int = FLOAT, buffer: int = 0, scales: list[float] | None = None
) -> Any:
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = name.encode(), np.array(shape, np.int32), dtype, buffer
    if scales is not None:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = np.array(scales, np.float32)
        made.quantization.zeroPoint = np.arange(3, 3 + len(scales), dtype=np.int64)
    return made


def operator(code: int, inputs: list[int], outputs: list[int]) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = code, np.array(inputs, np.int32), np.array(outputs, np.int32)
    return made


def code(builtin: int, custom: str | None = None) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode, made.deprecatedBuiltinCode = builtin, min(builtin, 127)
    made.customCode = custom
    return made


def buffer(size: int = 0) -> Any:
    made = schema.BufferT()
    made.data = np.arange(size).astype(np.uint8) if size else None
    return made


def model() -> Any:
    """image [1,8,8,3] -> a convolution of 3 x 3 -> relu -> a linear -> logits [1,5]; the linear's bias is left out."""
    made, graph = schema.ModelT(), schema.SubGraphT()
    made.version, made.description = 3, "by hand"
    made.operatorCodes = [code(KINDS.CONV_2D), code(KINDS.RELU), code(KINDS.FULLY_CONNECTED)]
    made.buffers = [buffer(), buffer(4 * 108), buffer(20)]
    graph.tensors = [
        tensor("image", [1, 8, 8, 3]),
        tensor("window", [4, 3, 3, 3], buffer=1),
        tensor("a", [1, 4, 4, 4]),
        tensor("b", [1, 4, 4, 4]),
        tensor("weight", [5, 4], dtype=INT8, buffer=2),
        tensor("logits", [1, 4, 4, 5], scales=[0.5]),
    ]
    graph.operators = [operator(0, [0, 1, -1], [2]), operator(1, [2], [3]), operator(2, [3, 4, -1], [5])]
    graph.inputs, graph.outputs = np.array([0], np.int32), np.array([5], np.int32)
    made.subgraphs = [graph]
    return made


def written(path: Path, edit: Edit = lambda _: None) -> Path:
    import flatbuffers

    made = model()
    edit(made)
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Inspection]:
    """The reader's, of a model that was edited; LiteRT gave all of it to one delegate but for a RELU."""
    monkeypatch.setattr(tflite, "_delegation", lambda _: Delegation(1, {"RELU": 1}))

    def inspect(edit: Edit = lambda _: None) -> Inspection:
        return tflite.survey(written(tmp_path / "net.tflite", edit))

    return inspect


def test_ops_bytes_and_macs_are_those_of_the_tables(read: Callable[..., Inspection]) -> None:
    found = read()
    assert found.ops == {"CONV_2D": 1, "FULLY_CONNECTED": 1, "RELU": 1}
    assert found.weight_bytes == {"float32": 432, "int8": 20}
    assert (found.kind_bytes["convolutions"], found.kind_bytes["head"]) == (432, 20)
    assert found.macs == 16 * 4 * 27 + 16 * 5 * 4
    assert (found.products, found.integer_products, found.max_rank) == (2, 1, 4)
    assert found.activations == {"float32": 3}
    assert found.format == "TFLite flatbuffer, schema 3"
    assert (found.partitions, found.delegates) == (1, {"XNNPACK": 1})
    assert [(item.op, item.count) for item in found.fallbacks] == [("RELU", 1)]
    assert found.metadata == {"description": "by hand"}
    assert found.minimum == "unknown: it has no min_runtime_version"
    assert found.notes == ()


def test_no_partition_is_no_delegate(read: Callable[..., Inspection], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite, "_delegation", lambda _: Delegation(0, {}))
    found = read()
    assert (found.partitions, found.delegates, found.fallbacks) == (0, {}, ())


@pytest.mark.parametrize(("dtype", "count"), [(FLOAT, 0), (INT8, 1), (INT4, 1), (schema.TensorType.FLOAT16, 0)])
def test_products_of_integers_are_those_whose_weight_is_one(
    read: Callable[..., Inspection], dtype: int, count: int
) -> None:
    def edit(made: Any) -> None:
        made.subgraphs[0].tensors[4].type = dtype

    assert read(edit).integer_products == count


def test_ports_have_the_names_of_the_main_signature_and_a_single_scale(read: Callable[..., Inspection]) -> None:
    def edit(made: Any) -> None:
        made.signatureDefs = []
        for subgraph, name in ((1, "wrong"), (0, "pixels")):
            entry, signature = schema.TensorMapT(), schema.SignatureDefT()
            entry.name, entry.tensorIndex = name, 0
            signature.inputs, signature.outputs = [entry], []
            signature.subgraphIndex, signature.signatureKey = subgraph, f"serve{subgraph}"
            made.signatureDefs.append(signature)
        made.subgraphs[0].tensors[0].shapeSignature = np.array([-1, 8, 8, 3], np.int32)

    found = read(edit)
    (source,), (result,) = found.inputs, found.outputs
    assert (source.name, source.shape, source.scale, source.zero_point) == ("pixels", (-1, 8, 8, 3), None, None)
    assert (result.name, result.dtype, result.scale, result.zero_point) == ("logits", "float32", 0.5, 3)
    assert found.metadata["signatures"] == "serve1, serve0"
    assert found.macs is None  # the size of a batch is set at run time


def test_a_scale_of_each_channel_is_no_ports(read: Callable[..., Inspection]) -> None:
    def several(made: Any) -> None:
        made.subgraphs[0].tensors[5] = tensor("logits", [1, 4, 4, 5], scales=[0.5, 0.25])

    (result,) = read(several).outputs
    assert (result.scale, result.zero_point) == (None, None)


@pytest.mark.parametrize("scale", [float("nan"), float("inf")])
def test_a_scale_that_is_no_number_is_refused(read: Callable[..., Inspection], scale: float) -> None:
    def edit(made: Any) -> None:
        made.subgraphs[0].tensors[5] = tensor("logits", [1, 4, 4, 5], scales=[scale])

    with refused(ArtifactError, "artifact.damaged", "net.tflite", "the scale of logits"):
        read(edit)


def test_custom_and_unknown_ops_have_their_names(read: Callable[..., Inspection]) -> None:
    def edit(made: Any) -> None:
        made.operatorCodes[1] = code(KINDS.CUSTOM, "FlexErf")
        made.operatorCodes[0] = code(9999)

    assert read(edit).ops == {"BUILTIN_9999": 1, "FULLY_CONNECTED": 1, "FlexErf": 1}


@pytest.mark.parametrize(
    ("edit", "fact"),
    [
        (lambda m: setattr(m.subgraphs[0].operators[1], "inputs", np.array([6])), "tensor 6, which does not exist"),
        (lambda m: setattr(m.subgraphs[0].operators[1], "outputs", np.array([6])), "tensor 6, which does not exist"),
        (
            lambda m: setattr(m.subgraphs[0].operators[2], "inputs", np.array([3])),
            "FULLY_CONNECTED has no weight",
        ),
        (lambda m: setattr(m, "subgraphs", []), "it holds no graph"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 3), "index out of range"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 3), "index out of range"),
    ],
)
def test_tables_that_contradict_each_other_are_refused(read: Callable[..., Inspection], edit: Edit, fact: str) -> None:
    with refused(ArtifactError, "artifact.damaged", "net.tflite", fact):
        read(edit)


def test_a_buffer_behind_the_flatbuffer_is_within_the_file(read: Callable[..., Inspection], tmp_path: Path) -> None:
    size = len(written(tmp_path / "probe.tflite", lambda m: behind(m, 1000, 1)).read_bytes())

    def at(offset: int, length: int) -> Inspection:
        return read(lambda m: behind(m, offset, length))

    assert at(2, size - 2).weight_bytes == {"float32": 432, "int8": size - 2}
    with refused(ArtifactError, "artifact.damaged", f"{size - 1} bytes at byte 2", f"{size} bytes"):
        at(2, size - 1)


def behind(made: Any, offset: int, size: int) -> None:
    made.buffers[2] = schema.BufferT()
    made.buffers[2].offset, made.buffers[2].size = offset, size


def test_metadata_is_shown_where_it_is_short_and_printable(read: Callable[..., Inspection]) -> None:
    texts = {"min_runtime_version": b"1.14.0\0\0\0", "long": b"x" * 201, "just": b"y" * 200, "binary": b"\x01\x02"}

    def edit(made: Any) -> None:
        made.metadata = []
        for name, content in texts.items():
            item, held = schema.MetadataT(), schema.BufferT()
            held.data = np.frombuffer(content, np.uint8)
            made.buffers.append(held)
            item.name, item.buffer = name, len(made.buffers) - 1
            made.metadata.append(item)

    found = read(edit)
    assert found.minimum == "TFLite 1.14.0, as its converter recorded"
    assert found.metadata == {
        "description": "by hand",
        "min_runtime_version": "1.14.0",
        "long": "201 bytes",
        "just": "y" * 200,
        "binary": "2 bytes",
    }


def test_two_subgraphs_are_counted_and_noted(read: Callable[..., Inspection]) -> None:
    def edit(made: Any) -> None:
        made.subgraphs.append(made.subgraphs[0])

    found = read(edit)
    assert found.ops == {"CONV_2D": 2, "FULLY_CONNECTED": 2, "RELU": 2}
    assert found.notes[0].startswith("it has 2 subgraphs")


# What LiteRT left outside of its delegates


def node(index: int, inputs: list[int], outputs: list[int]) -> dict[str, Any]:
    return {"index": index, "inputs": inputs, "outputs": outputs}


def outside(nodes: list[dict[str, Any]], delegates: list[dict[str, Any]], outputs: list[int]) -> list[int]:
    return sorted(found["index"] for found in tflite._outside(nodes, delegates, outputs))


CHAIN = [node(0, [0], [1]), node(1, [1], [2]), node(2, [2], [3]), node(3, [3], [4])]


@pytest.mark.parametrize(
    ("delegates", "left"),
    [
        ([], [0, 1, 2, 3]),
        ([node(9, [0], [4])], []),
        ([node(9, [0], [2])], [2, 3]),
        ([node(9, [2], [4])], [0, 1]),
        ([node(8, [0], [1]), node(9, [2], [4])], [1]),
        ([node(8, [0], [1]), node(9, [2], [3])], [1, 3]),
    ],
)
def test_what_no_delegate_makes_runs_outside(delegates: list[dict[str, Any]], left: list[int]) -> None:
    assert outside(CHAIN, delegates, [4]) == left


def test_a_node_that_two_read_is_outside_once_and_dead_ones_are_not() -> None:
    nodes = [node(0, [0], [1]), node(1, [1], [2]), node(2, [1], [3]), node(3, [2, 3], [4]), node(4, [1], [5])]
    assert outside(nodes, [], [4]) == [0, 1, 2, 3]
    assert outside(nodes, [], [4, 5]) == [0, 1, 2, 3, 4]


def stating(text: bytes) -> Edit:
    """Metadata of that text by which a core may choose its arithmetic."""

    def edit(made: Any) -> None:
        entry, held = schema.MetadataT(), schema.BufferT()
        entry.name, entry.buffer, held.data = b"reduced_precision_support", len(made.buffers), list(text)
        made.metadata = [entry]
        made.buffers.append(held)

    return edit


def test_a_model_that_states_nothing_is_computed_in_float32(read: Callable[..., Inspection]) -> None:
    assert read().arithmetic == "fp32"


@pytest.mark.parametrize("text", [b"fp16accfp16", b"fp16bf16accfp16", b"bf16fp16accfp16"])
def test_a_model_that_allows_float16_is_computed_in_it(read: Callable[..., Inspection], text: bytes) -> None:
    found = read(stating(text))
    assert found.arithmetic == "fp16 where the core has it"
    assert found.metadata["reduced_precision_support"] == text.decode()
    assert found.notes == ()


@pytest.mark.parametrize(
    "text", [b"fp16accfp32", b"bf16accfp16", b"fp16accfp16\0", b"accfp16", b"FP16ACCFP16", b"\xff"]
)
def test_what_the_delegate_does_not_heed_changes_nothing_and_is_noted(
    read: Callable[..., Inspection], text: bytes
) -> None:
    found = read(stating(text))
    assert found.arithmetic == "fp32"
    (note,) = found.notes
    assert "reduced_precision_support has no effect" in note
