"""A `.tflite` as the object of its flatbuffer's schema: opened once, edited by file after file, written once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

# What makes XNNPACK compute the float parts of a model in float16 on cores that can, and change nothing on others:
# TensorFlow's reduced_precision_metadata.h spells both, and its delegate compares the whole of the buffer.
PRECISION, IN_HALF = b"reduced_precision_support", b"fp16accfp16"

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


def allow_half(model: Model) -> None:
    """Add the metadata by which a core that computes in float16 may do so, whatever the float tensors are stored in."""
    from ai_edge_litert import schema_py_generated as schema

    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(IN_HALF, np.uint8)
    entry.name, entry.buffer = PRECISION, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(each for each in model.metadata or () if each.name != PRECISION), entry]
