"""How an artifact without a contract is fed: at which sizes, in which layout and range, by its scales, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levit_mobile.images.preprocessing import to_planar
from levit_mobile.images.spec import LEVELS, ImageSpec
from levit_mobile.interfaces.inspection import Port
from levit_mobile.interfaces.runner import InputForm, Loaded, Tensor

COLOURS = 3
LEVELS_WAY = "pixels in [0,255]"
NORMALISED = "normalised pixels"
# What a black and a full pixel are, in the order in which the ways are tried.
RANGES: Mapping[str, tuple[float, float]] = {
    "pixels in [0,1]": (0.0, 1.0),
    "pixels in [-1,1]": (-1.0, 1.0),
    LEVELS_WAY: (0.0, 255.0),
}
GREY = ("GRAYSCALE", "GRAYSCALE_FLOAT16")  # Core ML's names
SIGNED_LEVELS = "pixels in [-128,127]"
# Layout -> the shape of one picture of a height and a width, without its batch.
LAYOUTS: Mapping[str, Callable[[int, int], tuple[int, int, int]]] = {
    "NCHW": lambda height, width: (COLOURS, height, width),
    "NHWC": lambda height, width: (height, width, COLOURS),
}
Size = tuple[int, int]  # height and width in px


@dataclass(frozen=True, slots=True)
class Foreign:
    """What an artifact without a contract states about itself, and the form in which its input runs here."""

    source: Port
    results: tuple[Port, ...]
    form: InputForm


@dataclass(frozen=True, slots=True)
class Answer:
    """An output for the golden pictures: real values [N, values a picture], and whether they are stored as integers."""

    values: NDArray[np.float32]
    of_integers: bool = False


def form_of(source: Port, size: Size | None, owner: str) -> InputForm | str:
    """The form in which an input runs at the golden pictures' size, or a sentence that says why it cannot.

    Args:
        source: The artifact's one input.
        size: Height and width of the golden pictures; None without any.
        owner: Name of the bundle that they are from.
    """
    if not source.is_open:
        return InputForm(_shape(source, source.shape) if source.shape else None, source.dim_order)
    stated = f"the sizes of its input are set at run time: {source.dtype} {source.sizes}"
    if size is None:
        return f"{stated}; no bundle of this run names a size"
    found = next((shape for shape in _shapes(source, size) if source.allows(shape)), None)
    if found is None:
        return f"{stated}, which does not include a picture of {px(size)} as {owner} takes it"
    return InputForm(_shape(source, found), source.dim_order)


def _shape(source: Port, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that a runner takes: an image of Core ML has a batch and colours that its description leaves out."""
    return (1, COLOURS, *sizes) if source.dtype == "image" else sizes


def _shapes(source: Port, size: Size) -> Iterator[tuple[int, ...]]:
    """All that could be a picture of this size, those of the smallest batches first."""
    if source.dtype == "image":
        yield size
        return
    lowest = source.ranges[0][0] if source.ranges else 1
    batches = sorted({max(1, lowest), *(shape[0] for shape in source.shapes if shape)})
    for batch in batches:
        yield from ((batch, *picture(*size)) for picture in LAYOUTS.values())
    yield from (picture(*size) for picture in LAYOUTS.values())


def batch_of(shape: Sequence[int]) -> int:
    """How many pictures an input of this shape holds."""
    return shape[0] if len(shape) == 4 else 1


def no_picture(source: Port, size: Size) -> str:
    """The sentence about an input that no way fits."""
    stated = " ".join(part for part in (source.dtype, source.sizes, source.color) if part)
    return f"its input is {stated}, expected one or more pictures of 3 colours and {px(size)}"


def answers(foreign: Foreign, loaded: Loaded, golden: NDArray[np.uint8], spec: ImageSpec) -> dict[str, list[Answer]]:
    """What each output gives for pictures [N,H,W,3] uint8, by the way in which they were given."""
    return {
        way: outputs([loaded.run(given) for given in batches], foreign, len(golden))
        for way, batches in ways(foreign.source, loaded.shape, loaded.dtype, golden, spec)
    }


def ways(
    source: Port, shape: tuple[int, ...], dtype: np.dtype[np.generic], golden: NDArray[np.uint8], spec: ImageSpec
) -> Iterator[tuple[str, list[Tensor]]]:
    """Pictures [N,H,W,3] uint8 as an input of this shape and type may mean them: the way's name, and its batches."""
    if source.color in GREY:
        return
    batch, height, width = batch_of(shape), *golden.shape[1:3]
    planar = np.stack([to_planar(picture) for picture in golden])
    for layout, picture in LAYOUTS.items():
        if tuple(shape) in ((batch, *picture(height, width)), picture(height, width)):
            for way, values in _ranges(planar, spec, source, dtype):
                laid_out = values.transpose(0, 2, 3, 1) if layout == "NHWC" else values
                yield f"{way} as {layout}", _batches(_stored(laid_out, source, dtype), batch, shape)


def _ranges(
    planar: NDArray[np.float32], spec: ImageSpec, source: Port, dtype: np.dtype[np.generic]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The pictures [N,3,H,W] in each range that the input could mean."""
    if source.dtype == "image" or (np.issubdtype(dtype, np.integer) and source.scale is None):
        signed = dtype == np.int8
        levels = np.rint(planar * np.float32(LEVELS)) - np.float32(128 if signed else 0)
        yield SIGNED_LEVELS if signed else LEVELS_WAY, levels
        return
    for way, (low, high) in RANGES.items():
        yield way, planar * np.float32(high - low) + np.float32(low)
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (spec.unit_mean, spec.unit_std))
    yield NORMALISED, (planar - mean) / std


def _stored(values: NDArray[np.float32], source: Port, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """Real values in the input's own type, by its scale where it has one."""
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    limits = np.iinfo(dtype)  # type: ignore[type-var]
    levels = values if source.scale is None else np.rint(values / source.scale) + (source.zero_point or 0)
    return np.clip(levels, limits.min, limits.max).astype(dtype)


def _batches(values: NDArray[np.generic], batch: int, shape: tuple[int, ...]) -> list[Tensor]:
    """All pictures in batches; the last one is filled up with the first pictures."""
    count = -(-len(values) // batch) * batch
    filled = np.resize(values, (count, *values.shape[1:]))
    return [np.ascontiguousarray(filled[at : at + batch]).reshape(shape) for at in range(0, count, batch)]


def outputs(made: Sequence[tuple[Tensor, ...]], foreign: Foreign, count: int) -> list[Answer]:
    """Each output over all batches, as real values of `count` pictures; `made` has all outputs of each batch."""
    stated = foreign.results if made and len(made[0]) == len(foreign.results) else ()
    found = []
    for place, parts in enumerate(zip(*made, strict=True)):
        port = stated[place] if stated else None
        found.append(_answer(parts, port, batch_of(foreign.form.shape or ()), count))
    return found


def _answer(parts: Sequence[Tensor], port: Port | None, batch: int, count: int) -> Answer:
    """Empty where the output does not have as many values for each picture."""
    whole = np.stack([np.asarray(part) for part in parts])  # [batches, ...]
    integers = np.issubdtype(whole.dtype, np.integer)
    if whole.size % (len(parts) * batch):
        return Answer(np.empty((count, 0), np.float32), integers)
    values = whole.reshape(len(parts) * batch, -1)[:count].astype(np.float32)
    if port is not None and port.scale is not None:
        values = (values - np.float32(port.zero_point or 0)) * np.float32(port.scale)
    return Answer(values, integers)


def px(size: Size) -> str:
    """How reports write it."""
    height, width = size
    return f"{height} px" if height == width else f"{height} x {width} px"
