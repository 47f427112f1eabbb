"""The preparation of pictures that some file states, field by field: each is read only where no user overrides it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from levit_mobile.errors import CheckpointError
from levit_mobile.images.overrides import Size
from levit_mobile.images.spec import Colour, ImageSpec

Fields = dict[str, Any]  # some fields of an ImageSpec
HOW = {
    "resize": "--resize",
    "crop": "--crop",
    "interpolation": "--interpolation",
    "mean": "--mean and --std",
}


class Unusable(ValueError):
    """A field says something that cannot be done; the sentence does not name the file."""


def _nothing(_size: Size) -> Fields:
    return {}


def _of_a_full_pixel() -> float:
    return 1 / 255


@dataclass(frozen=True, slots=True)
class Stated:
    """What a file says, each field as a function that raises Unusable for what cannot be done.

    `resize` gives mode, height and width; `crop` checks the crop, which is the net's input, and says how it is rounded.
    Both take the net's input size. A function can be sent to another process, so it is no lambda.
    """

    source: str
    resize: Callable[[Size], Fields]
    interpolation: Callable[[], str]
    mean: Callable[[], Colour]
    std: Callable[[], Colour]
    crop: Callable[[Size], Fields] = _nothing
    rescale: Callable[[], float] = _of_a_full_pixel

    def parts(self, size: Size, given: Mapping[str, Any]) -> Fields:
        """The fields that are not `given`. Raises CheckpointError for one that cannot be done."""
        made: Fields = {"crop_height": size[0], "crop_width": size[1]}
        if "mode" not in given:
            made |= self._read("resize", lambda: self.resize(size))
        if "crop_height" not in given:
            made |= self._read("crop", lambda: self.crop(size))
        if "interpolation" not in given:
            made["interpolation"] = self._read("interpolation", self.interpolation)
        if "mean" not in given:
            made |= self._read("mean", lambda: {"mean": self.mean(), "std": self.std(), "rescale": self.rescale()})
        return made

    def _read(self, what: str, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except Unusable as error:
            raise CheckpointError(
                f"{self.source} {error}: correct it, or pass {HOW[what]}", fault="preprocessing"
            ) from error


def of_spec(source: str, spec: Callable[[int, int], ImageSpec]) -> Stated:
    """A rule that is the same for every picture: height and width of the net's input -> the preparation."""
    fixed = spec(1, 1)
    return Stated(
        source,
        resize=partial(_resize, spec),
        interpolation=partial(getattr, fixed, "interpolation"),
        mean=partial(getattr, fixed, "mean"),
        std=partial(getattr, fixed, "std"),
    )


def _resize(spec: Callable[[int, int], ImageSpec], size: Size) -> Fields:
    made = spec(*size)
    return {"mode": made.mode, "height": made.height, "width": made.width}


def three(name: str, value: object, numbers: Sequence[object]) -> Colour:
    """The numbers that `value` of a field stands for, one each for red, green and blue. Raises Unusable."""
    if len(numbers) != 3 or not all(map(is_number, numbers)):
        raise Unusable(f"has {name} {value!r}, expected three numbers")
    red, green, blue = (float(one) for one in numbers)  # type: ignore[arg-type]
    return red, green, blue


def is_number(value: object) -> bool:
    """A finite one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def size_text(size: Size) -> str:
    """(224, 320) -> 224x320: height first, as every size is written."""
    return f"{size[0]}x{size[1]}"
