"""The XNNPACK graph in a delegate's payload."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from levit_mobile.inspection import flatbuffer
from levit_mobile.inspection.flatbuffer import Schema, Table
from levit_mobile.inspection.graph import WITH_WEIGHTS, GraphTensor, Op, Role

BACKEND = "XnnpackBackend"
MAGIC = b"XH00"  # at byte 4 of a payload; then header size u16, graph's offset and size u32, constants' offset and size
HEADER = struct.Struct("<HIIIQ")
IDENTIFIERS = (b"XN00", b"XN01")  # at byte 4 of a graph
NOWHERE = 2**32 - 1  # the id of a tensor that is left out
EXTERNAL_INPUT, EXTERNAL_OUTPUT = 1, 2  # flags of a value that the program has too
ELEMENT_BITS = {"fp32": 32, "fp16": 16, "bf16": 16, "int32": 32, "qint32": 32, "qcint32": 32, "qint8": 8, "quint8": 8}
ELEMENT_BITS |= {"qcint8": 8, "qcint4": 4, "qbint4": 4}  # 4 bits with a scale a channel, and a scale a group
INPUTS: tuple[str, ...] = (
    "input_id",
    "input1_id",
    "filter_id",
    "bias_id",
    "input2_id",
    "input3_id",
    "input4_id",
    "input5_id",
)
INPUTS += ("query_id", "key_id", "value_id", "mask_id", "scale_id")
OUTPUTS = ("output_id", "output_value_id", "output_index_id")
ROLES: Mapping[str, Role] = {
    "Conv2d": "convolution",
    "DepthwiseConv2d": "convolution",
    "ConvTranspose2d": "transposed convolution",
    "FullyConnected": "linear",
    "BatchMatrixMultiply": "matmul",
    "ScaledDotProductAttention": "attention",
    "Add": "add",
    "Softmax": "softmax",
    "Exp": "softmax",
}


@dataclass(frozen=True, slots=True)
class Shared:
    """A tensor that the program hands over or gets back: its place among the delegate call's arguments."""

    place: int
    is_output: bool


@dataclass(frozen=True, slots=True)
class Outside:
    """A constant by a name that the program does not hold: it is in a data file (.ptd)."""

    name: str


@dataclass(frozen=True, slots=True)
class Delegated:
    """One payload: tensors and ops by the graph's own ids; `outside` are the names of constants in a data file."""

    tensors: Mapping[int, GraphTensor]
    ops: tuple[Op, ...]
    shared: Mapping[int, Shared]
    outside: tuple[str, ...] = ()


def read(payload: memoryview, by: Schema, known: frozenset[str]) -> Delegated:
    """Raises ValueError when it is no graph of XNNPACK's, or constants that should be in it are not.

    Those that it has by a name are among the `known`, or outside of the program.
    """
    data, constants_at = _flatbuffer_of(payload)
    graph = flatbuffer.root(data, by)
    held = [_constant(item, constants_at, len(payload), known) for item in graph["constant_data"]]
    values = [_plain(value) for value in graph["xvalues"]]
    tensors = {value["id_out"]: _tensor(value, held) for value in values}
    ops = tuple(_op(node, tensors) for node in graph["xnodes"])
    outer = [value for value in values if value["flags"] & (EXTERNAL_INPUT | EXTERNAL_OUTPUT)]
    shared = {v["id_out"]: Shared(v["external_id"], bool(v["flags"] & EXTERNAL_OUTPUT)) for v in outer}
    outside = tuple(key.name for key in held if isinstance(key, Outside))
    return Delegated(tensors, ops, shared, outside)


def _flatbuffer_of(payload: memoryview) -> tuple[memoryview, int]:
    """The graph, and where its constants begin; payloads of the first years are the graph itself."""
    if payload[4:8] == MAGIC:
        _, offset, size, constants_at, _ = HEADER.unpack_from(payload, 8)
        if offset + size > len(payload):
            raise ValueError("an XNNPACK payload is cut short or damaged")
        return payload[offset : offset + size], constants_at
    if bytes(payload[4:8]) in IDENTIFIERS:
        return payload, 0
    raise ValueError("an XNNPACK payload does not begin like one")


def _constant(item: Table, constants_at: int, size: int, known: frozenset[str]) -> object:
    """The key of one constant's bytes: their place in the payload, or their name in the program."""
    if item["named_key"]:
        return item["named_key"] if item["named_key"] in known else Outside(item["named_key"])
    if item["offset"] + item["size"] and constants_at + item["offset"] + item["size"] > size:
        raise ValueError("the constants of an XNNPACK payload are cut short")
    return item["offset"]


def _plain(value: Table) -> Table:
    """The plain tensor in a value; a quantized one wraps it."""
    union: Table | None = value["xvalue_union"]
    inner = union["tensor_value"] if union and union.kind == "XNNQuantizedTensorValue" else union
    if inner is None:
        raise ValueError("a value of an XNNPACK graph is empty")
    plain: Table = inner
    return plain


def _tensor(value: Table, held: list[object]) -> GraphTensor:
    dtype, shape = value["datatype"].removeprefix("xnn_datatype_"), tuple(value["dims"])
    index = value["constant_buffer_idx"]
    if not index:
        return GraphTensor(dtype, shape)
    if dtype not in ELEMENT_BITS:
        raise ValueError(f"a constant of an XNNPACK graph has the unknown type {dtype}")
    key = held[index] if held else index  # payloads of the first years list no constants
    if isinstance(key, Outside):
        return GraphTensor(dtype, shape, key=key)
    return GraphTensor(dtype, shape, math.ceil(math.prod(shape) * ELEMENT_BITS[dtype] / 8), key)


def _op(node: Table, tensors: Mapping[int, GraphTensor]) -> Op:
    name, made = node.member("xnode_union").removeprefix("XNN"), node["xnode_union"]
    if made is None:
        raise ValueError("a node of an XNNPACK graph is empty")
    inputs, outputs = (tuple(made[end] for end in ends if made.has(end)) for ends in (INPUTS, OUTPUTS))
    inputs = tuple(i for i in inputs if i != NOWHERE)
    if not set(inputs) | set(outputs) <= tensors.keys():
        raise ValueError(f"the node {name} of an XNNPACK graph reads or writes a value that does not exist")
    role = ROLES.get(name, "other")
    window = made["kernel_height"] * made["kernel_width"] if made.has("kernel_height") else 1
    return Op(name, role, inputs, outputs, kernel=window if role in WITH_WEIGHTS else 1)
