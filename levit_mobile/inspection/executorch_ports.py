"""The inputs and outputs of an ExecuTorch program: sizes set at run time, order in memory, and scales beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from levit_mobile.inspection.flatbuffer import Table
from levit_mobile.inspection.reading import OPEN
from levit_mobile.interfaces.inspection import Port, Ranges

TYPES = {"FLOAT": "float32", "HALF": "float16", "DOUBLE": "float64", "CHAR": "int8", "BYTE": "uint8"}
TYPES |= {"SHORT": "int16", "INT": "int32", "LONG": "int64"}
TYPES |= {"COMPLEXHALF": "complex32", "COMPLEXFLOAT": "complex64", "COMPLEXDOUBLE": "complex128"}
INTEGERS = ("int8", "uint8", "int16", "int32", "int64")
COLOURS = 3
BOUNDS = (OPEN, "a .pte stores the highest size of each axis only, not the lowest and not which axes are fixed")


def port(method: str, end: str, place: int, value: Table | None, held: Mapping[str, str]) -> Port:
    """Describe one input or output.

    Args:
        method: Name of the method that it belongs to.
        end: "input" or "output".
        place: Its number among them.
        value: The program's value; None for an empty one.
        held: What the program's methods without instructions give, as text, by their names.
    """
    name = f"{end} {place}"
    if value is None or value.kind != "Tensor":
        return Port(name, value.kind.lower() if value else "none")
    sizes, dtype = tuple(value["sizes"]), TYPES.get(value["scalar_type"], value["scalar_type"].lower())
    ranges = _ranges(sizes, _stated(value, "shape_dynamism", "STATIC"))
    scale, zero_point = _quantization(method, f"{end}{place}", held) if dtype in INTEGERS else (None, None)
    return Port(
        name=name,
        dtype=dtype,
        shape=tuple(-1 if low != high else low for low, high in ranges) if ranges else sizes,
        scale=scale,
        zero_point=zero_point,
        ranges=ranges,
        dim_order=_order(_stated(value, "dim_order", ())),
    )


def _stated(value: Table, field: str, otherwise: Any) -> Any:
    """A field that the schema of an older executorch does not have."""
    return value[field] if value.has(field) else otherwise


def _ranges(sizes: Sequence[int], dynamism: str) -> Ranges:
    """The file marks a tensor as a whole; only sizes of 1 and the colours of a picture are taken as fixed."""
    if dynamism == "STATIC":
        return ()
    if dynamism == "DYNAMIC_UNBOUND":
        return tuple((1, None) for _ in sizes)
    fixed = _colours(sizes)
    return tuple((size, size) if size <= 1 or axis == fixed else (1, size) for axis, size in enumerate(sizes))


def _colours(sizes: Sequence[int]) -> int | None:
    """The axis of a picture's colours in [N,C,H,W] or [N,H,W,C]."""
    return next((axis for axis in (1, 3) if len(sizes) == 4 and sizes[axis] == COLOURS), None)


def _order(stored: Sequence[int]) -> tuple[int, ...]:
    """Axes from the outermost to the innermost; () for their own order, and for what is no order."""
    order = tuple(stored)
    return () if sorted(order) != list(range(len(order))) or order == tuple(sorted(order)) else order


def _quantization(method: str, name: str, held: Mapping[str, str]) -> tuple[float | None, int | None]:
    """Scale and zero point, which ExecuTorch's `quantize_io_pass` leaves in methods that only hold a value."""
    for prefix in (f"{method}_", ""):
        with suppress(KeyError, ValueError):
            scale, zero_point = float(held[f"{prefix}{name}_scale"]), int(held[f"{prefix}{name}_zp"])
            if math.isfinite(scale) and scale > 0:
                return scale, zero_point
    return None, None
