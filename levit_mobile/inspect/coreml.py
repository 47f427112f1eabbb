"""Reads a `.mlpackage`: the ML program in its protobuf."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.inspect import Inspection

ELEMENT_BITS = {
    "FLOAT16": 16,
    "FLOAT32": 32,
    "INT4": 4,
    "INT8": 8,
    "INT16": 16,
    "INT32": 32,
    "UINT1": 1,
    "UINT2": 2,
    "UINT3": 3,
    "UINT4": 4,
    "UINT6": 6,
    "UINT8": 8,
    "UINT16": 16,
    "UINT32": 32,
    "BOOL": 8,
}
BLOB = struct.Struct("<IIQQ")  # before each constant in the weight file: sentinel, type, bytes, offset of its data
SENTINEL = 0xDEADBEEF
INT8 = 21  # among MIL's types


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant in a weight file: its MIL type, its bytes as stored, and where its entry is."""

    element: str
    size: int
    file: str
    offset: int


def inspect(path: Path) -> Inspection:
    """Raises ArtifactError when the folder is no ML program, ToolchainMissing without coremltools.

    Partitions are None: Core ML decides on the device which unit runs what.
    """
    operations, constants = _read(path)
    tensors = [output.type.tensorType for operation in operations for output in operation.outputs]
    integers, products = _integer_products(operations)
    return Inspection(
        ops=dict(sorted(Counter(o.type for o in operations if o.type != "const").items())),
        partitions=None,
        fallbacks=(),
        max_rank=max(tensor.rank for tensor in tensors),
        weight_bytes=_weight_bytes(constants),
        products=products,
        integer_products=integers,
    )


def _integer_products(operations: Sequence[Any]) -> tuple[int, int]:
    """How many convolutions Core ML can run in int8, and how many there are.

    One that can takes a dequantized tensor and an int8 constant, and all that reads its result is quantize.
    """
    makers = {output.name: operation for operation in operations for output in operation.outputs}
    readers: dict[str, set[str]] = {}
    for operation in operations:
        for name in _names(operation):
            readers.setdefault(name, set()).add(operation.type)
    convolutions = [operation for operation in operations if operation.type == "conv"]
    found = [
        makers[_name(operation, "x")].type == "dequantize"
        and _holds_int8(makers[_name(operation, "weight")], makers)
        and readers.get(operation.outputs[0].name) == {"quantize"}
        for operation in convolutions
        if _name(operation, "x") in makers
    ]
    return sum(found), len(convolutions)


def _read(path: Path) -> tuple[list[Any], list[Constant]]:
    try:
        from coremltools.models.utils import load_spec
        from coremltools.proto import MIL_pb2
    except ImportError as error:
        raise ToolchainMissing("coremltools", "coreml") from error
    try:
        spec = load_spec(str(path))
        blocks = spec.mlProgram.functions["main"].block_specializations
        operations = list(next(iter(blocks.values())).operations)
        constants = list(_constants(operations, MIL_pb2.DataType.Name))
        _require_weights(path, constants)
    except Exception as error:  # protobuf, json and OS errors, or a spec without a program
        why = str(error) or "it holds no program"
        raise ArtifactError(f"{path} is not a Core ML program that can be read: {why}") from error
    return operations, constants


def _names(operation: Any) -> Iterator[str]:
    """The tensors that an op reads; a value that lies in the op itself has no name."""
    return (binding.name for role in operation.inputs.values() for binding in role.arguments if binding.name)


def _name(operation: Any, role: str) -> str:
    return str(operation.inputs[role].arguments[0].name)


def _holds_int8(constant: Any, makers: dict[str, Any]) -> bool:
    """Is it an int8 constant that a constexpr op widens? Its data is an attribute until iOS 17, then an input."""
    if constant.type == "constexpr_affine_dequantize":
        value = constant.attributes["quantized_data"]
    elif constant.type == "constexpr_blockwise_shift_scale":
        (binding,) = constant.inputs["data"].arguments
        value = makers[binding.name].attributes["val"] if binding.name else binding.value
    else:
        return False
    return bool(value.type.tensorType.dataType == INT8)


def _constants(operations: Any, name_of: Any) -> Iterator[Constant]:
    """Everything that the program reads from a weight file, by MIL's type names.

    Constants and, until iOS 17, the data of compressed ones are attributes; an op's input may hold a value as well.
    """
    for operation in operations:
        bindings = (binding for role in operation.inputs.values() for binding in role.arguments)
        for value in (*operation.attributes.values(), *(binding.value for binding in bindings)):
            blob, tensor = value.blobFileValue, value.type.tensorType
            if blob.fileName:
                element = name_of(tensor.dataType)
                bits = math.prod(d.constant.size for d in tensor.dimensions) * ELEMENT_BITS[element]
                yield Constant(element.lower(), math.ceil(bits / 8), blob.fileName, blob.offset)


def _require_weights(path: Path, constants: list[Constant]) -> None:
    """Every constant lies in its weight file whole; coremltools does not look. Raises ValueError or OSError."""
    for constant in constants:
        file = path / "Data" / "com.apple.CoreML" / constant.file.removeprefix("@model_path/")
        with file.open("rb") as stream:
            stream.seek(constant.offset)
            sentinel, _, size, offset = BLOB.unpack(stream.read(BLOB.size).ljust(BLOB.size, b"\0"))
        if sentinel != SENTINEL or size != constant.size or offset + size > file.stat().st_size:
            raise ValueError(f"{file.name} is cut short or damaged")


def _weight_bytes(constants: list[Constant]) -> dict[str, int]:
    """Bytes as they are stored, by type; what several ops share counts once."""
    stored: Counter[str] = Counter()
    for constant in set(constants):
        stored[constant.element] += constant.size
    return dict(sorted(stored.items()))
