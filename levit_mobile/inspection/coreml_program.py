"""The ML program of a Core ML model: its ops, and its constants in the protobuf and the weight file."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levit_mobile.inspection.graph import WITH_WEIGHTS, Graph, GraphTensor, Id, Op, Role, open_shape
from levit_mobile.mil.protobuf import FETCH, LFS_POINTER, require_readable

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
}
BLOB = struct.Struct("<IIQQ")  # an entry of the weight file: sentinel, type, bytes, offset of its data
SENTINEL = 0xDEADBEEF
INT8 = 21  # among MIL's types
ROLES: Mapping[str, Role] = {
    "conv": "convolution",
    "conv_transpose": "transposed convolution",
    "linear": "linear",
    "matmul": "matmul",
    "scaled_dot_product_attention": "attention",
    "add": "add",
    "softmax": "softmax",
    "exp": "softmax",
}
# Inputs come without an order: these first, then the others by name.
ORDER = ("x", "weight", "y", "query", "key", "value", "attn_mask")


@dataclass(frozen=True, slots=True)
class Program:
    """A function's graph, the opset it is written in, and what a classifier needs beside it."""

    graph: Graph
    opset: str
    function: str
    functions: tuple[str, ...]
    class_labels: int | None
    products: int
    integer_products: int


def read(model: Any, folder: Path, elements: Any) -> Program:
    """The main function of a model whose file is in `folder`; `elements` is MIL's DataType.

    Raises ValueError, LookupError or OSError when it contradicts itself, or its weight file lacks its constants.
    """
    functions = tuple(sorted(model.mlProgram.functions))
    default = model.description.defaultFunctionName
    name = next((name for name in ("main", default, *functions) if name in functions), None)
    if name is None:
        raise ValueError("it holds no program")
    function = model.mlProgram.functions[name]
    blocks = function.block_specializations
    if not blocks:
        raise ValueError(f"the function {name} has no body")
    block = blocks[function.opset] if function.opset in blocks else next(iter(blocks.values()))
    reader = _Reader(elements)
    graph = reader.graph(function, block)
    _require_weights(folder, reader.blobs)
    integers, products = _integer_products(block.operations)
    labels = _class_labels(block.operations)
    return Program(graph, function.opset, name, functions, labels, products, integers)


class _Reader:
    """Collects tensors, ops and the places in weight files that they name."""

    def __init__(self, elements: Any) -> None:
        self.elements = elements
        self.tensors: dict[Id, GraphTensor] = {}
        self.ops: list[Op] = []
        self.blobs: dict[tuple[str, int], int] = {}

    def graph(self, function: Any, block: Any) -> Graph:
        self.tensors |= {item.name: self._tensor(item.type) for item in function.inputs}
        self._block(block)
        for name in (*block.outputs, *(i for op in self.ops for i in op.inputs)):
            if name not in self.tensors:
                raise ValueError(f"the program reads {name!r}, which no op produces")
        return Graph(self.tensors, tuple(self.ops), tuple(block.outputs))

    def _block(self, block: Any) -> None:
        self.tensors |= {item.name: self._tensor(item.type) for item in block.inputs}
        for operation in block.operations:
            if operation.type == "const":
                self.tensors[operation.outputs[0].name] = self._value(operation.attributes["val"])
                continue
            self.tensors |= {output.name: self._tensor(output.type) for output in operation.outputs}
            self.ops.append(self._op(operation))
            for inner in operation.blocks:
                self._block(inner)

    def _op(self, operation: Any) -> Op:
        inputs, role = tuple(self._inputs(operation)), ROLES.get(operation.type, "other")
        outputs = tuple(output.name for output in operation.outputs)
        if role not in WITH_WEIGHTS:
            return Op(operation.type, role, inputs, outputs)
        if len(inputs) < 2:
            raise ValueError(f"the op {operation.type} has no weight")
        weight = self.tensors[inputs[1]].shape or ()  # [O, I, k..]
        channels = 1 if len(weight) > 2 else -1
        return Op(operation.type, role, inputs, outputs, kernel=math.prod(weight[2:]), channels=channels)

    def _inputs(self, operation: Any) -> Iterator[Id]:
        """The inputs: tensors by name, and inline values by the op's name and their own."""
        place = operation.outputs[0].name if operation.outputs else operation.type
        roles = sorted(operation.inputs, key=lambda role: (ORDER.index(role) if role in ORDER else len(ORDER), role))
        for role in roles:
            for number, binding in enumerate(operation.inputs[role].arguments):
                yield binding.name or self._held(f"{place}.{role}.{number}", binding.value)
        if operation.type.startswith("constexpr_"):
            for attribute in sorted(operation.attributes):
                if attribute != "name":
                    yield self._held(f"{place}.{attribute}", operation.attributes[attribute])

    def _held(self, name: str, value: Any) -> str:
        self.tensors[name] = self._value(value)
        return name

    def _value(self, value: Any) -> GraphTensor:
        """A constant; a value inside the protobuf counts as zero stored bytes."""
        blob, plain = value.blobFileValue, self._tensor(value.type)
        if not blob.fileName:
            return GraphTensor(plain.dtype, plain.shape, key="inline")
        element = plain.dtype.upper()
        if element not in ELEMENT_BITS or plain.shape is None or any(size < 1 for size in plain.shape):
            raise ValueError(
                f"a constant has the type {plain.dtype} and shape {plain.shape}, expected a known type and fixed shape"
            )
        size = math.ceil(math.prod(plain.shape) * ELEMENT_BITS[element] / 8)
        self.blobs[blob.fileName, blob.offset] = size
        return GraphTensor(plain.dtype, plain.shape, size, (blob.fileName, blob.offset))

    def _tensor(self, kind: Any) -> GraphTensor:
        if kind.WhichOneof("type") != "tensorType":
            return GraphTensor(str(kind.WhichOneof("type")).removesuffix("Type"), None)
        tensor = kind.tensorType
        sizes = tuple(d.constant.size if d.WhichOneof("dimension") == "constant" else -1 for d in tensor.dimensions)
        known = len(sizes) == tensor.rank
        return GraphTensor(
            self.elements.Name(tensor.dataType).lower(), sizes if known else open_shape(max(tensor.rank, 0))
        )


def _require_weights(folder: Path, blobs: Mapping[tuple[str, int], int]) -> None:
    """Check that every constant is wholly inside its weight file; coremltools does not check it."""
    for (name, place), expected in blobs.items():
        file = folder / name.removeprefix("@model_path/")
        if not file.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"it reads weights from {file}, outside the package")
        require_readable(file)
        with file.open("rb") as stream:
            if stream.read(len(LFS_POINTER)) == LFS_POINTER:
                raise ValueError(f"{file.name} cannot be used: {FETCH}")
            stream.seek(place)
            sentinel, _, size, offset = BLOB.unpack(stream.read(BLOB.size).ljust(BLOB.size, b"\0"))
        if sentinel != SENTINEL or size != expected or offset + size > file.stat().st_size:
            raise ValueError(f"{file.name} is cut short or damaged")


def _class_labels(operations: Sequence[Any]) -> int | None:
    """How many labels a classifier has; None for a model that is not a classifier."""
    values = {o.outputs[0].name: o.attributes["val"] for o in operations if o.type == "const" and o.outputs}
    for operation in operations:
        if operation.type == "classify":
            (binding,) = operation.inputs["classes"].arguments
            value = values[binding.name] if binding.name else binding.value
            if value.type.WhichOneof("type") == "listType":
                return int(value.type.listType.length.constant.size)
            return math.prod(int(d.constant.size) for d in value.type.tensorType.dimensions)
    return None


def _integer_products(operations: Sequence[Any]) -> tuple[int, int]:
    """How many convolutions and linears Core ML can run in int8, and how many there are.

    One that can takes a dequantized tensor and an int8 constant, and all that reads its result is quantize.
    """
    makers = {output.name: operation for operation in operations for output in operation.outputs}
    readers: dict[str, set[str]] = {}
    for operation in operations:
        for name in _names(operation):
            readers.setdefault(name, set()).add(operation.type)
    products = [operation for operation in operations if operation.type in ("conv", "linear")]
    found = [
        makers[_name(operation, "x")].type == "dequantize"
        and _holds_int8(makers[_name(operation, "weight")], makers)
        and readers.get(operation.outputs[0].name) == {"quantize"}
        for operation in products
        if _name(operation, "x") in makers
    ]
    return sum(found), len(products)


def _names(operation: Any) -> Iterator[str]:
    """The tensors that an op reads; an inline value has no name."""
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
