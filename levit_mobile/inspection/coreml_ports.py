"""The inputs and outputs of a Core ML model that are pictures or arrays, with the shapes that they may have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from levit_mobile.interfaces.inspection import Port, Ranges


def image(name: str, held: Any) -> Port:
    """An `ImageFeatureType`: one size, some sizes, or a range of heights and widths."""
    color, default = held.ColorSpace.Name(held.colorSpace), (held.height, held.width)
    flexible = held.WhichOneof("SizeFlexibility")
    if flexible == "imageSizeRange":
        return _ranged(name, "image", _ranges((held.imageSizeRange.heightRange, held.imageSizeRange.widthRange)), color)
    listed = [(size.height, size.width) for size in held.enumeratedSizes.sizes]
    return Port(name, "image", default, color=color, shapes=_choices(default, listed))


def array(name: str, held: Any) -> Port:
    """An `ArrayFeatureType`: one shape, some shapes, or a range for each axis."""
    dtype, default = held.ArrayDataType.Name(held.dataType).lower(), tuple(held.shape)
    flexible = held.WhichOneof("ShapeFlexibility")
    if flexible == "shapeRange":
        return _ranged(name, dtype, _ranges(held.shapeRange.sizeRanges))
    listed = [tuple(one.shape) for one in held.enumeratedShapes.shapes]
    return Port(name, dtype, default, shapes=_choices(default, listed))


def _ranged(name: str, dtype: str, ranges: Ranges, color: str | None = None) -> Port:
    shape = tuple(low if low == high else -1 for low, high in ranges)
    return Port(name, dtype, shape, color=color, ranges=ranges if -1 in shape else ())


def _ranges(stored: Sequence[Any]) -> Ranges:
    """A highest size of -1 has no bound."""
    return tuple((int(one.lowerBound), int(one.upperBound) if one.upperBound >= 0 else None) for one in stored)


def _choices(default: tuple[int, ...], listed: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The default shape first; nothing where there is no choice."""
    found = tuple(dict.fromkeys((default, *listed) if default in listed else listed))
    return found if len(found) > 1 else ()
