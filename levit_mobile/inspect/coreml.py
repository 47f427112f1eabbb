"""Reads a `.mlpackage`: the ML program in its protobuf."""

from __future__ import annotations

import math
import struct
from collections import Counter
from pathlib import Path
from typing import Any

from levit_mobile.errors import ArtifactError, ToolchainMissing
from levit_mobile.inspect import Inspection

ELEMENT_BYTES = {"FLOAT16": 2, "FLOAT32": 4, "INT8": 1, "UINT8": 1, "INT32": 4, "BOOL": 1}
BLOB = struct.Struct("<IIQQ")  # before each constant in the weight file: sentinel, type, bytes, offset of its data
SENTINEL = 0xDEADBEEF


def inspect(path: Path) -> Inspection:
    """Raises ArtifactError when the folder is no ML program, ToolchainMissing without coremltools.

    Partitions are None: Core ML decides on the device which unit runs what.
    """
    try:
        from coremltools.models.utils import load_spec
        from coremltools.proto import MIL_pb2
    except ImportError as error:
        raise ToolchainMissing("coremltools", "coreml") from error
    try:
        spec = load_spec(str(path))
        blocks = spec.mlProgram.functions["main"].block_specializations
        operations = next(iter(blocks.values())).operations
        _require_weights(path, operations)
    except Exception as error:  # protobuf, json and OS errors, or a spec without a program
        why = str(error) or "it holds no program"
        raise ArtifactError(f"{path} is not a Core ML program that can be read: {why}") from error
    tensors = [output.type.tensorType for operation in operations for output in operation.outputs]
    return Inspection(
        ops=dict(sorted(Counter(o.type for o in operations if o.type != "const").items())),
        partitions=None,
        fallbacks=(),
        max_rank=max(tensor.rank for tensor in tensors),
        weight_bytes=_weight_bytes(operations, MIL_pb2.DataType.Name),
    )


def _require_weights(path: Path, operations: Any) -> None:
    """Every constant lies in its weight file whole; coremltools does not look. Raises ValueError or OSError."""
    for blob in (o.attributes["val"].blobFileValue for o in operations if o.type == "const"):
        if not blob.fileName:
            continue
        file = path / "Data" / "com.apple.CoreML" / blob.fileName.removeprefix("@model_path/")
        with file.open("rb") as stream:
            stream.seek(blob.offset)
            sentinel, _, size, offset = BLOB.unpack(stream.read(BLOB.size).ljust(BLOB.size, b"\0"))
        if sentinel != SENTINEL or offset + size > file.stat().st_size:
            raise ValueError(f"{file.name} is cut short or damaged")


def _weight_bytes(operations: Any, name_of: Any) -> dict[str, int]:
    """Bytes of the constants kept in the weight file, by MIL's type names."""
    stored: Counter[str] = Counter()
    for operation in operations:
        values = operation.attributes
        if operation.type == "const" and values["val"].HasField("blobFileValue"):
            tensor = values["val"].type.tensorType
            name = name_of(tensor.dataType)
            stored[name.lower()] += math.prod(d.constant.size for d in tensor.dimensions) * ELEMENT_BYTES[name]
    return dict(sorted(stored.items()))
