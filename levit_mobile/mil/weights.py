"""Constants of a program -> arrays, from the protobuf itself or from the weight file.

The weight file: a header of 64 bytes (entries, version 2); at an entry's offset 64 bytes of metadata (a sentinel, the
type, its bytes, where they lie, padding bits), and the data elsewhere. Elements below a byte are packed, lowest bits
first.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from levit_mobile.errors import ArtifactError
from levit_mobile.mil.tensors import HELD_AS, Array, element_of, shape_of

ENTRY = struct.Struct("<IIQQQ")
SENTINEL = 0xDEADBEEF
MODEL_PATH = "@model_path/"  # the folder of the model file

# The weight file's type numbers -> MIL's element types.
STORED: dict[int, str] = {
    1: "FLOAT16",
    2: "FLOAT32",
    3: "UINT8",
    4: "INT8",
    6: "INT16",
    7: "UINT16",
    8: "INT4",
    9: "UINT1",
    10: "UINT2",
    11: "UINT4",
    12: "UINT3",
    13: "UINT6",
    14: "INT32",
    15: "UINT32",
}
BITS = {"UINT1": 1, "UINT2": 2, "UINT3": 3, "INT4": 4, "UINT4": 4, "UINT6": 6}


class Weights:
    """Reads the values of a program whose model file lies in `folder`."""

    def __init__(self, folder: Path, elements: Any) -> None:
        self.folder, self.elements = folder, elements
        self.file = cache(self._file)

    def value(self, value: Any, name: str) -> Any:
        """A protobuf Value as an array, a scalar for rank 0, an array for a list. Raises ArtifactError."""
        kind = value.type.WhichOneof("type")
        if kind == "listType":
            return np.array([self.value(item, name) for item in value.immediateValue.list.values])
        if kind != "tensorType":
            raise ArtifactError(
                f"the constant {name} is a {kind}, which the MIL reference does not support", fault="unsupported-tensor"
            )
        tensor = value.type.tensorType
        element, shape = element_of(tensor, self.elements, name), shape_of(tensor, name)
        if value.WhichOneof("value") == "blobFileValue":
            flat = unpacked(self._blob(value.blobFileValue, element, shape, name), element, math.prod(shape), name)
        else:
            flat = _immediate(value.immediateValue, element, shape, name)
        return flat.reshape(shape)[()]

    def _blob(self, blob: Any, element: str, shape: tuple[int, ...], name: str) -> bytes:
        """An entry's bytes, after seeing that it is one and is as declared."""
        content = self.file(blob.fileName)
        if blob.offset + ENTRY.size > len(content):
            raise ArtifactError(f"the constant {name} is beyond the end of {blob.fileName}", fault="damaged")
        sentinel, kind, size, offset, _ = ENTRY.unpack_from(content, blob.offset)
        if sentinel != SENTINEL:
            raise ArtifactError(
                f"{blob.fileName} is damaged: it has no entry at byte {blob.offset} for the constant {name}",
                fault="damaged",
            )
        if STORED.get(kind) != element:
            raise ArtifactError(
                f"the constant {name} is stored as {STORED.get(kind, kind)}, expected the declared {element}",
                fault="damaged",
            )
        if offset + size > len(content):
            raise ArtifactError(
                f"{blob.fileName} is cut short: it ends before the constant {name} of shape {list(shape)} does",
                fault="damaged",
            )
        return content[offset : offset + size]

    def _file(self, name: str) -> bytes:
        file = self.folder / name.removeprefix(MODEL_PATH)
        if not name.startswith(MODEL_PATH) or not file.resolve().is_relative_to(self.folder.resolve()):
            raise ArtifactError(f"the program reads constants from {name}, outside its package", fault="damaged")
        try:
            return file.read_bytes()
        except OSError as error:
            raise ArtifactError(f"{file} cannot be read: {error.strerror}", fault="unreadable") from error


def _immediate(value: Any, element: str, shape: tuple[int, ...], name: str) -> Array:
    """A value inside the protobuf, flat."""
    if value.WhichOneof("value") != "tensor":
        raise ArtifactError(
            f"the constant {name} is stored as {value.WhichOneof('value')}, expected a tensor", fault="damaged"
        )
    field, count = value.tensor.WhichOneof("value"), math.prod(shape)
    if field is None:
        raise ArtifactError(f"the constant {name} has no value", fault="damaged")
    values = getattr(value.tensor, field).values
    if field == "bytes":
        return unpacked(values, element, count, name)
    if len(values) != count:
        raise ArtifactError(
            f"the constant {name} has {len(values)} values, expected {count} for its shape {list(shape)}",
            fault="damaged",
        )
    return np.array(list(values), HELD_AS[element])


def unpacked(data: bytes, element: str, count: int, name: str) -> Array:
    """`count` little-endian elements from their bytes. Raises ArtifactError when there are more or fewer bytes."""
    bits = BITS.get(element)
    stored: Any = np.float16 if element == "FLOAT16" else HELD_AS[element]
    size = -(-count * bits // 8) if bits else count * np.dtype(stored).itemsize
    if len(data) != size:
        raise ArtifactError(
            f"the constant {name} has {len(data)} bytes, expected {size} for {count} x {element}", fault="damaged"
        )
    if bits is None:
        return np.frombuffer(data, np.dtype(stored).newbyteorder("<")).astype(HELD_AS[element])
    unsigned = from_bits(np.frombuffer(data, np.uint8), bits, count)
    return (unsigned.astype(np.int8) ^ 8) - np.int8(8) if element == "INT4" else unsigned


def from_bits(packed: Array, bits: int, count: int) -> Array:
    """`count` unsigned numbers of 1 to 8 bits, packed into bytes from the lowest bit on."""
    each = np.unpackbits(packed, count=count * bits, bitorder="little").reshape(count, bits)
    return np.packbits(each, axis=1, bitorder="little").reshape(count)
