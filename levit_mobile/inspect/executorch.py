"""Reads a `.pte`: the program's instructions, and the XNNPACK graphs inside its delegate calls."""

from __future__ import annotations

import json
import math
import struct
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.inspect import Inspection, fallbacks

XNNPACK_MAGIC = b"XH00"  # at byte 4 of a delegate's payload; then header size u16, flatbuffer offset and size u32
SCALAR_TYPES = {"FLOAT": "fp32", "HALF": "fp16", "CHAR": "qint8", "INT": "int32", "LONG": "int64"}
ELEMENT_BITS = {"fp32": 32, "fp16": 16, "qint32": 32, "qcint32": 32, "qint8": 8, "quint8": 8, "qcint8": 8}
ELEMENT_BITS |= {"qcint4": 4, "qbint4": 4}  # with a scale a channel, and a scale a group


def inspect(path: Path) -> Inspection:
    """Raises ArtifactError when the file is no ExecuTorch program, ToolchainMissing without executorch."""
    try:
        from executorch.exir._serialize._program import deserialize_pte_binary
    except ImportError as error:
        raise ToolchainMissing("executorch", "executorch") from error
    try:
        program = deserialize_pte_binary(path.read_bytes()).program
        plan = program.execution_plan[0]
        graphs = [_xnnpack_graph(blob.data) for blob in program.backend_delegate_data]
    except Exception as error:  # the readers assert, index and call flatc on whatever they were given
        raise ArtifactError(f"{path} is not an ExecuTorch program that can be read: {error}") from error
    instructions = [i.instr_args for chain in plan.chains for i in chain.instructions]
    outside = Counter(plan.operators[i.op_index].name for i in instructions if type(i).__name__ == "KernelCall")
    inside = Counter(_node_name(node) for graph in graphs for node in graph["xnodes"])
    tensors = [_tensor(value) for graph in graphs for value in graph["xvalues"]]
    return Inspection(
        ops=dict(sorted((inside + outside).items())),
        partitions=sum(type(i).__name__ == "DelegateCall" for i in instructions),
        fallbacks=fallbacks(outside),
        max_rank=max([len(t.get("dims", ())) for t in tensors] + [_rank(v.val) for v in plan.values]),
        weight_bytes=dict(sorted((_delegate_bytes(tensors) + _program_bytes(program)).items())),
        products=len(factors := [product for graph in graphs for product in _factors(graph)]),
        integer_products=sum(factors),
    )


def _xnnpack_graph(payload: bytes) -> dict[str, Any]:
    """The graph in one XNNPACK payload, as flatc's JSON."""
    from executorch.backends.xnnpack.serialization.xnnpack_graph_serialize import _get_schema_bytes
    from executorch.exir._serialize._flatbuffer import _flatc_decompile

    if payload[4:8] != XNNPACK_MAGIC:
        raise ValueError("a delegate of this program is not XNNPACK")
    offset, size = struct.unpack_from("<II", payload, 10)
    with tempfile.TemporaryDirectory() as folder:
        schema, binary = Path(folder, "schema.fbs"), Path(folder, "graph.bin")
        schema.write_bytes(_get_schema_bytes())
        binary.write_bytes(payload[offset : offset + size])
        _flatc_decompile(folder, str(schema), str(binary), ["--raw-binary"])
        graph: dict[str, Any] = json.loads(Path(folder, "graph.json").read_text())
    return graph


def _node_name(node: dict[str, Any]) -> str:
    return str(node["xnode_union_type"]).removeprefix("XNN").removeprefix("_XNN")


def _tensor(value: dict[str, Any]) -> dict[str, Any]:
    """The plain tensor in a value; a quantized one wraps it."""
    union: dict[str, Any] = value["xvalue_union"]
    inner: dict[str, Any] = union.get("tensor_value", union)
    return inner


def _factors(graph: dict[str, Any]) -> list[bool]:
    """For each convolution and linear: are its weights integers? XNNPACK widens none."""
    tensors = {tensor["id_out"]: tensor for tensor in map(_tensor, graph["xvalues"])}
    filters = [node["xnode_union"]["filter_id"] for node in graph["xnodes"] if "filter_id" in node["xnode_union"]]
    return ["int" in tensors[index]["datatype"] for index in filters]


def _rank(value: Any) -> int:
    return len(getattr(value, "sizes", ()))


def _delegate_bytes(tensors: list[dict[str, Any]]) -> Counter[str]:
    """Stored bytes of the constants inside delegates, by XNNPACK's type names."""
    stored: Counter[str] = Counter()
    for tensor in tensors:
        if tensor.get("constant_buffer_idx", 0):
            name = tensor["datatype"].removeprefix("xnn_datatype_")
            stored[name] += math.prod(tensor["dims"]) * ELEMENT_BITS[name] // 8
    return stored


def _program_bytes(program: Any) -> Counter[str]:
    """Stored bytes of the constants that the program hands to its delegates (the attention biases), each once."""
    values = (value.val for value in program.execution_plan[0].values)
    held = {v.data_buffer_idx: v.scalar_type.name for v in values if getattr(v, "data_buffer_idx", 0)}
    stored: Counter[str] = Counter()
    for index, kind in held.items():
        stored[SCALAR_TYPES[kind]] += len(program.constant_buffer[index].storage)
    return stored
