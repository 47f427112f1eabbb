"""Core ML programs that are made up: where constants are, how many labels there are, and what runs in integers."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from typing import Any

import pytest
from support.installed import needs

from levit_mobile.inspection import coreml_program
from levit_mobile.inspection.coreml_program import BLOB, ELEMENT_BITS, INT8, SENTINEL
from levit_mobile.inspection.graph import MOST_RANK
from levit_mobile.mil import protobuf

needs("coremltools")

protobuf.schema()
mil: Any = importlib.import_module(f"{protobuf.SCHEMA}.MIL_pb2")
FILE = "@model_path/weights/weight.bin"


def weights(folder: Path, *, sentinel: int = SENTINEL, size: int = 10, offset: int = 64, held: int = 74) -> None:
    """A file whose entry at byte 8 is as given."""
    entry = BLOB.pack(sentinel, 1, size, offset)
    (folder / "weights").mkdir(exist_ok=True)
    (folder / "weights" / "weight.bin").write_bytes((bytes(8) + entry).ljust(held, b"\0"))


def test_a_constant_that_ends_with_its_file_is_whole(tmp_path: Path) -> None:
    weights(tmp_path)
    coreml_program._require_weights(tmp_path, {(FILE, 8): 10})


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"held": 73}, 10),
        ({"offset": 65}, 10),
        ({"size": 11}, 11),
        ({"sentinel": SENTINEL + 1}, 10),
        ({"size": 9}, 10),
        ({}, 9),
    ],
)
def test_a_constant_that_is_cut_or_of_another_size_is_refused(
    tmp_path: Path, changes: dict[str, int], asked: int
) -> None:
    weights(tmp_path, **changes)
    with pytest.raises(ValueError, match=r"weight\.bin is cut short or damaged"):
        coreml_program._require_weights(tmp_path, {(FILE, 8): asked})


def test_an_entry_beyond_the_file_and_a_file_elsewhere_are_refused(tmp_path: Path) -> None:
    weights(tmp_path)
    with pytest.raises(ValueError, match="cut short or damaged"):
        coreml_program._require_weights(tmp_path, {(FILE, 70): 10})
    with pytest.raises(ValueError, match=r"it reads weights from .*outside"):
        coreml_program._require_weights(tmp_path, {("@model_path/../x.bin", 8): 10})
    with pytest.raises(OSError, match=r"other\.bin"):
        coreml_program._require_weights(tmp_path, {("@model_path/other.bin", 8): 10})


@pytest.mark.parametrize("element", ELEMENT_BITS)
def test_the_bits_of_an_element_are_in_its_name(element: str) -> None:
    assert ELEMENT_BITS[element] == int(element.removeprefix("U").lstrip("FLOATIN"))
    assert BLOB.size == struct.calcsize("<IIQQ") == 24
    assert mil.DataType.Value("INT8") == INT8


def tensor_type(element: str, *shape: int) -> Any:
    made = mil.ValueType()
    made.tensorType.dataType, made.tensorType.rank = mil.DataType.Value(element), len(shape)
    for size in shape:
        made.tensorType.dimensions.add().constant.size = size
    return made


def op(kind: str, output: str, **inputs: str) -> Any:
    made = mil.Operation(type=kind)
    made.outputs.add(name=output, type=tensor_type("FLOAT16", 1))
    for role, name in inputs.items():
        made.inputs[role].arguments.add(name=name)
    return made


def constant(name: str, element: str, *shape: int) -> Any:
    made = op("const", name)
    made.attributes["val"].type.CopyFrom(tensor_type(element, *shape))
    return made


def affine(name: str, element: str) -> Any:
    """As iOS 16 widens a constant."""
    made = op("constexpr_affine_dequantize", name)
    made.attributes["quantized_data"].type.CopyFrom(tensor_type(element, 4))
    return made


def blockwise(name: str, data: str) -> Any:
    """As iOS 18 does."""
    return op("constexpr_blockwise_shift_scale", name, data=data)


WHOLE = [
    op("dequantize", "d", input="q"),
    affine("w", "INT8"),
    op("conv", "c", x="d", weight="w"),
    op("quantize", "e", input="c"),
]


def test_a_product_between_integers_runs_in_integers() -> None:
    assert coreml_program._integer_products(WHOLE) == (1, 1)
    held = [WHOLE[0], constant("k", "INT8", 4), blockwise("w", "k"), op("linear", "c", x="d", weight="w"), WHOLE[3]]
    assert coreml_program._integer_products(held) == (1, 1)


@pytest.mark.parametrize(
    "ops",
    [
        [op("relu", "d", x="q"), *WHOLE[1:]],
        [WHOLE[0], affine("w", "UINT8"), *WHOLE[2:]],
        [WHOLE[0], constant("w", "INT8", 4), *WHOLE[2:]],
        [*WHOLE[:3], op("relu", "e", x="c")],
        [*WHOLE, op("relu", "f", x="c")],
        WHOLE[:3],
        WHOLE[1:],  # its input is the program's own
    ],
)
def test_a_product_with_one_end_in_float_does_not(ops: list[Any]) -> None:
    assert coreml_program._integer_products(ops) == (0, 1)


def test_matmuls_and_other_ops_are_no_products() -> None:
    assert coreml_program._integer_products([op("matmul", "m", x="a", y="b"), op("relu", "r", x="m")]) == (0, 0)


def test_a_classifier_has_as_many_labels_as_its_list_or_its_tensor() -> None:
    listed = op("const", "names")
    listed.attributes["val"].type.listType.length.constant.size = 7
    classify = op("classify", "label", probabilities="p", classes="names")
    assert coreml_program._class_labels([listed, classify]) == 7
    assert coreml_program._class_labels([constant("names", "STRING", 3, 2), classify]) == 6
    assert coreml_program._class_labels([listed]) is None
    assert coreml_program._class_labels([]) is None


@pytest.mark.parametrize("rank", [MOST_RANK + 1, 2**31 - 1, 2**62])
def test_a_rank_that_no_tensor_has_is_refused_at_once(rank: int) -> None:
    """The shape is not made first: it would need gigabytes."""
    kind = mil.ValueType(tensorType=mil.TensorType(rank=rank))
    with pytest.raises(ValueError, match=f"expected {MOST_RANK} at most"):
        coreml_program._Reader(mil.DataType)._tensor(kind)


def test_a_function_without_a_body_is_refused(tmp_path: Path) -> None:
    model = protobuf.schema().Model()
    model.mlProgram.functions["main"].opset = "CoreML7"
    with pytest.raises(ValueError, match="the function main has no body"):
        coreml_program.read(model, tmp_path, mil.DataType)
