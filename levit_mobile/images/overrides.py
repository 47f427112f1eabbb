"""What a user says of the preparation of pictures, over what the checkpoint says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict, cast

from levit_mobile.errors import RecipeError
from levit_mobile.images.spec import INTERPOLATIONS, Colour

Size = tuple[int, int]  # height, width
GivenColour = float | str | Sequence[float] | None  # the options as they are given
GivenResize = int | str | Sequence[int] | None
GivenCrop = float | str | Sequence[int] | None
RECTANGLE = re.compile(r"(\d{1,5})x(\d{1,5})")
MAX_PX = 99_999


class Preparation(TypedDict):
    """The five options as they are given, to be passed on."""

    mean: GivenColour
    std: GivenColour
    resize: GivenResize
    crop: GivenCrop
    interpolation: str | None


@dataclass(frozen=True, slots=True)
class Overrides:
    """What stands in place of the checkpoint's own preprocessing; None leaves a field as the checkpoint has it.

    `mean` and `std` are for pixels in [0,1]. `resize` is the length of the short side, a size to squash to, or "none".
    `crop` is the size that the net takes, or the share of the resized picture that it is, as timm's `crop_pct`.
    """

    mean: Colour | None = None
    std: Colour | None = None
    resize: int | Size | str | None = None
    crop: Size | float | None = None
    interpolation: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the fields that are given, as options: `--mean`."""
        return tuple(f"--{one.name}" for one in fields(self) if getattr(self, one.name) is not None)


def read(
    *,
    mean: GivenColour = None,
    std: GivenColour = None,
    resize: GivenResize = None,
    crop: GivenCrop = None,
    interpolation: str | None = None,
) -> Overrides:
    """The options as the command line and Python give them. Raises RecipeError for one that makes no sense."""
    if interpolation is not None and interpolation not in INTERPOLATIONS:
        raise _refusal("interpolation", interpolation, " or ".join(INTERPOLATIONS))
    return Overrides(
        mean=None if mean is None else _colour("mean", mean),
        std=None if std is None else _colour("std", std),
        resize=None if resize is None else _resize(resize),
        crop=None if crop is None else _crop(crop),
        interpolation=interpolation,
    )


def read_side(given: int | str | Sequence[int] | None) -> Size | None:
    """`224`, `64x256` or numbers -> height and width. Raises RecipeError for anything else."""
    if given is None:
        return None
    if (edge := _pixels(given)) is not None:
        return edge, edge
    return _rectangle("side", given, "the side of a square (224) or HEIGHTxWIDTH")


def _pixels(given: object) -> int | None:
    """`256` or "256" -> 256; None for anything else."""
    number = int(given[:6]) if isinstance(given, str) and given.isdecimal() else given
    is_edge = isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MAX_PX
    return number if is_edge else None  # type: ignore[return-value]


def _colour(name: str, given: float | str | Sequence[float]) -> Colour:
    """`0.5`, `0.485,0.456,0.406` or numbers -> three numbers."""
    parts: Any = given.split(",") if isinstance(given, str) else [given] if _number(given) else given
    try:
        values = [float(part) for part in parts]
    except (TypeError, ValueError):
        values = []
    values = values * 3 if len(values) == 1 else values
    if len(values) != 3 or not all(map(math.isfinite, values)) or (name == "std" and min(values) <= 0):
        above = " above 0" if name == "std" else ""
        raise _refusal(name, given, f"one or three numbers{above}, for pixels in [0,1], such as 0.485,0.456,0.406")
    return values[0], values[1], values[2]


def _resize(given: int | str | Sequence[int]) -> int | Size | str:
    """`256` -> 256, `224x320` -> (224, 320), `none` -> "none"."""
    expected = "the length of the short side (256), a size to squash to (HEIGHTxWIDTH), or none"
    if given == "none":
        return "none"
    edge = _pixels(given)
    return edge if edge is not None else _rectangle("resize", given, expected)


def _crop(given: float | str | Sequence[int]) -> Size | float:
    """`0.9` -> 0.9, `224` -> (224, 224), `224x320` -> (224, 320)."""
    expected = "the net's input size (224 or HEIGHTxWIDTH), or the share of the resized image that it is (0.9)"
    number = _float(given) if isinstance(given, str) else float(cast(float, given)) if _number(given) else None
    if number is None:
        return _rectangle("crop", given, expected)
    if 0 < number <= 1:
        return number
    if number != int(number) or not 1 < number <= MAX_PX:
        raise _refusal("crop", given, expected)
    return int(number), int(number)


def _rectangle(name: str, given: object, expected: str) -> Size:
    found = RECTANGLE.fullmatch(given) if isinstance(given, str) else None
    sizes = [int(part) for part in found.groups()] if found else given
    if isinstance(sizes, list | tuple) and len(sizes) == 2 and all(isinstance(n, int) and n >= 1 for n in sizes):
        return sizes[0], sizes[1]
    raise _refusal(name, given, expected)


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else -1.0


def _number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)


def _refusal(name: str, given: object, expected: str) -> RecipeError:
    return RecipeError(f"{name} is {given!r}, expected {expected}", fault="preprocessing")
