"""Reads a `.tflite`: the flatbuffer for what it holds, LiteRT's interpreter for what XNNPACK takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.inspect import Inspection, fallbacks


def inspect(path: Path) -> Inspection:
    """Raises ArtifactError when the file is no TFLite model, ToolchainMissing without LiteRT."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ToolchainMissing("ai-edge-litert", "tflite") from error
    try:
        interpreter = Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(f"{path} is not a TFLite model that LiteRT can load: {error}") from error
    nodes = interpreter._get_ops_details()
    graph = [node for node in nodes if node["op_name"] != "DELEGATE"]
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    outside = _outside(graph, delegates, [int(d["index"]) for d in interpreter.get_output_details()])
    return Inspection(
        ops=dict(sorted(Counter(node["op_name"] for node in graph).items())),
        partitions=len(delegates),
        fallbacks=fallbacks(Counter(node["op_name"] for node in outside)),
        max_rank=max(len(tensor["shape"]) for tensor in interpreter.get_tensor_details()),
        weight_bytes=_weight_bytes(path),
        products=len(factors := _factors(path)),
        integer_products=sum(factors),
    )


def _outside(graph: list[Any], delegates: list[Any], outputs: list[int]) -> list[Any]:
    """The nodes that still run outside of a delegate, found backwards from what must exist outside.

    A delegate's inputs and the graph's outputs exist outside; where no delegate makes one, its own node does, and then
    that node's inputs exist outside too.
    """
    made_by = {int(t): node for node in graph for t in node["outputs"]}
    delegated = {int(t) for delegate in delegates for t in delegate["outputs"]}
    pending = [*outputs, *(int(t) for delegate in delegates for t in delegate["inputs"])]
    found: dict[int, Any] = {}
    while pending:
        tensor = pending.pop()
        node = made_by.get(tensor)
        if node is None or tensor in delegated or node["index"] in found:
            continue
        found[node["index"]] = node
        pending.extend(int(t) for t in node["inputs"])
    return list(found.values())


def _factors(path: Path) -> list[bool]:
    """For each convolution and linear: does it multiply integers? One behind a DEQUANTIZE is float by then."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(path))
    kinds, types = schema.BuiltinOperator, schema.TensorType
    codes = [code.builtinCode for code in model.operatorCodes]
    multiplying = kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D, kinds.FULLY_CONNECTED
    return [
        graph.tensors[op.inputs[1]].type in (types.INT8, types.INT4)
        for graph in model.subgraphs
        for op in graph.operators
        if codes[op.opcodeIndex] in multiplying
    ]


def _weight_bytes(path: Path) -> dict[str, int]:
    """Stored bytes of the constants, by TFLite's type names."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    names = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    model = flatbuffer_utils.read_model(str(path))
    stored: Counter[str] = Counter()
    seen: set[int] = set()
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is not None and tensor.buffer not in seen:
            seen.add(tensor.buffer)
            stored[names[tensor.type].lower()] += int(np.asarray(data).nbytes)
    return dict(sorted(stored.items()))
