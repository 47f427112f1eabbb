"""What a program declares of a tensor, and holding values to it.

Floats are float32 arrays throughout: a float16 tensor is one whose values float16 can hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from levit_mobile.errors import ArtifactError

Array = NDArray[Any]

# MIL's element types -> the type of the array that holds them.
HELD_AS: dict[str, Any] = {
    "FLOAT16": np.float32,
    "FLOAT32": np.float32,
    "BOOL": np.bool_,
    "STRING": np.str_,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "INT4": np.int8,
    "UINT1": np.uint8,
    "UINT2": np.uint8,
    "UINT3": np.uint8,
    "UINT4": np.uint8,
    "UINT6": np.uint8,
}


@dataclass(frozen=True, slots=True)
class Declared:
    """A tensor's name, element type and shape. A classifier's table of probabilities has neither type nor shape."""

    name: str
    element: str | None
    shape: tuple[int, ...] | None


def declared(named: Any, elements: Any) -> Declared:
    """Of a NamedValueType, with MIL's DataType. Raises ArtifactError unless it is a tensor of fixed shape."""
    kind = named.type.WhichOneof("type")
    if kind == "dictionaryType":
        return Declared(named.name, None, None)
    if kind != "tensorType":
        raise ArtifactError(
            f"{named.name} is a {kind}, which the MIL reference does not support", fault="unsupported-tensor"
        )
    tensor = named.type.tensorType
    return Declared(named.name, element_of(tensor, elements, named.name), shape_of(tensor, named.name))


def element_of(tensor: Any, elements: Any, name: str) -> str:
    """The element type's name. Raises ArtifactError for one that is not in HELD_AS."""
    element: str = elements.Name(tensor.dataType)
    if element not in HELD_AS:
        raise ArtifactError(
            f"{name} has elements of type {element}, expected one of {', '.join(HELD_AS)}", fault="unsupported-tensor"
        )
    return element


def shape_of(tensor: Any, name: str) -> tuple[int, ...]:
    """The constant shape. Raises ArtifactError when a size is left open."""
    sizes = []
    for dimension in tensor.dimensions:
        if dimension.WhichOneof("dimension") != "constant":
            raise ArtifactError(f"{name} has no fixed shape, which the MIL reference needs", fault="unsupported-tensor")
        sizes.append(dimension.constant.size)
    if len(sizes) != tensor.rank:
        raise ArtifactError(f"{name} declares {len(sizes)} sizes, expected {tensor.rank}, its rank", fault="damaged")
    return tuple(sizes)


def conformed(value: Array, to: Declared, *, rounding: bool) -> Array:
    """`value`, rounded to float16 where declared so and `rounding` is wanted.

    Raises ValueError when shape or element type is not the declared one.
    """
    if to.element is None:
        return value
    if value.shape != to.shape:
        raise ValueError(f"{to.name} has the shape {list(value.shape)}, expected the declared {list(to.shape or ())}")
    wanted = HELD_AS[to.element]
    if not np.issubdtype(value.dtype, wanted):
        raise ValueError(f"{to.name} has the type {value.dtype}, expected the declared {to.element}")
    return rounded(value) if rounding and to.element == "FLOAT16" else value


def rounded(value: Array) -> Array:
    """float32 -> the nearest float16, ties to even, beyond its range infinite; held as float32 again."""
    return to_torch(value).half().float().numpy()


def to_torch(value: Array) -> Tensor:
    """The same values as a torch tensor, without a copy where their layout allows it."""
    return torch.from_numpy(np.require(value, requirements=["C", "W"]))
