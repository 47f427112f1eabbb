"""A `.tflite` as the object of its flatbuffer's schema: opened once, edited by file after file, written once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Model = Any  # ai_edge_litert.schema_py_generated.ModelT


def opened(content: bytes | bytearray) -> Model:
    """The model that the bytes hold; its large buffers are views of them."""
    from ai_edge_litert.tools import flatbuffer_utils

    return flatbuffer_utils.read_model_from_bytearray(bytearray(content))


def write(model: Model, path: Path) -> None:
    """Raises OSError."""
    from ai_edge_litert.tools import flatbuffer_utils

    flatbuffer_utils.write_model(model, str(path))


def kinds(model: Model) -> list[int]:
    """BuiltinOperator of every op, in the order of the graph."""
    return [model.operatorCodes[op.opcodeIndex].builtinCode for op in model.subgraphs[0].operators]
