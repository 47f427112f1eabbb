"""How pictures are prepared for a net: how they are resized and cropped, and how the graph normalises them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, Self

Colour = tuple[float, float, float]  # one number each for red, green and blue
Mode = Literal["short side", "squash", "none"]
Interpolation = Literal["bicubic", "bilinear"]
CropRounding = Literal["half even", "down"]

PAPER = "the paper"
INTERPOLATIONS: tuple[Interpolation, ...] = ("bicubic", "bilinear")
MODES: tuple[Mode, ...] = ("short side", "squash", "none")
CROP_ROUNDINGS: tuple[CropRounding, ...] = ("half even", "down")
LEVELS = 255  # of a full pixel


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """How a picture is prepared before the graph sees it, and how the graph normalises it.

    The default is LeViT's evaluation at 224 px. A contract's ``preprocessing`` has the same fields. The net sees
    ``(level * rescale - mean) / std``, where ``level`` is a pixel's value in 0..255.

    Attributes:
        mode: ``"short side"``: scale the picture, keeping its shape, until it just covers ``height`` x ``width``;
            ``"squash"``: scale it to exactly that, whatever its shape; ``"none"``: do not scale.
        height: Height in pixels that ``mode`` scales to.
        width: Width in pixels that ``mode`` scales to.
        crop_height: Height in pixels of the part that is cut from the centre, which the net takes. Where the picture
            is smaller, black is added around it.
        crop_width: Width in pixels of that part.
        interpolation: ``"bicubic"`` or ``"bilinear"``.
        antialias: Only True: the filter widens when it makes a picture smaller, as Pillow's does.
        crop_rounding: Where the part begins if it cannot be centred exactly: ``"half even"`` rounds half a pixel to an
            even number, as torchvision does; ``"down"`` drops it, as transformers does.
        mean: What is subtracted from the red, green and blue values, after ``rescale``. Default: ImageNet's.
        std: What they are then divided by; above 0. Default: ImageNet's.
        rescale: What a pixel's level in 0..255 is multiplied by first; above 0. Default: 1/255.
        source: Where all this was read, such as ``"preprocessor_config.json"``. It does not count in comparisons.

    Raises:
        ValueError: A field is out of its range.
    """

    mode: Mode = "short side"
    height: int = 256
    width: int = 256
    crop_height: int = 224
    crop_width: int = 224
    interpolation: Interpolation = "bicubic"
    antialias: bool = True
    crop_rounding: CropRounding = "half even"
    mean: Colour = (0.485, 0.456, 0.406)
    std: Colour = (0.229, 0.224, 0.225)
    rescale: float = 1 / LEVELS
    source: str = field(default=PAPER, compare=False)

    def __post_init__(self) -> None:
        _require_sizes(self)
        _require_choices(self)
        if len(self.mean) != 3 or not all(map(math.isfinite, self.mean)):
            raise ValueError(f"mean is {self.mean}, expected three finite numbers")
        if len(self.std) != 3 or not all(0 < value < math.inf for value in self.std):
            raise ValueError(f"std is {self.std}, expected three finite numbers above 0")
        if not 0 < self.rescale < math.inf:
            raise ValueError(f"rescale is {self.rescale}, expected a finite number above 0")

    @classmethod
    def for_side(cls, side_px: int) -> Self:
        """Return the paper's preparation for a square of ``side_px`` pixels: 224 -> 256, 256 -> 292, 288 -> 329."""
        return cls.for_size(side_px, side_px)

    @classmethod
    def for_size(cls, height: int, width: int) -> Self:
        """Return the paper's preparation for a net that takes ``height`` x ``width`` pixels.

        Source: the evaluation transform of the LeViT authors' code resizes to ``int((256 / 224) * input_size)``.

        Args:
            height: Height of the net's input in pixels.
            width: Width of the net's input in pixels.
        """
        resized_height, resized_width = (int((256 / 224) * edge) for edge in (height, width))
        return cls("short side", resized_height, resized_width, height, width)

    @property
    def unit_mean(self) -> Colour:
        """`mean` for pixels in [0,1] instead of levels times `rescale`."""
        red, green, blue = (value / self._unit for value in self.mean)
        return red, green, blue

    @property
    def unit_std(self) -> Colour:
        """`std` for pixels in [0,1] instead of levels times `rescale`."""
        red, green, blue = (value / self._unit for value in self.std)
        return red, green, blue

    @property
    def _unit(self) -> float:
        """What a full pixel is after `rescale`; exactly 1 where it is meant to be."""
        full = LEVELS * self.rescale
        return 1.0 if math.isclose(full, 1.0, rel_tol=1e-6) else full

    def __str__(self) -> str:
        """What is done, in one line."""
        scaled = {
            "short side": f"short side to {_size(self.height, self.width)}",
            "squash": f"squashed to {self.width} x {self.height} px",
            "none": "not resized",
        }
        filtered = "" if self.mode == "none" else f", {self.interpolation}"
        factor = "" if self._unit == 1.0 else f", levels times {self.rescale:.6g}"
        return (
            f"{scaled[self.mode]}{filtered}; centre {self.crop_width} x {self.crop_height} px{factor}; "
            f"mean {_numbers(self.mean)}, std {_numbers(self.std)}"
        )


def _require_sizes(spec: ImageSpec) -> None:
    for name in ("height", "width", "crop_height", "crop_width"):
        if (value := getattr(spec, name)) < 1:
            raise ValueError(f"{name} is {value}, expected 1 or more pixels")


def _require_choices(spec: ImageSpec) -> None:
    choices: dict[str, tuple[object, ...]] = {
        "mode": MODES,
        "interpolation": INTERPOLATIONS,
        "antialias": (True,),
        "crop_rounding": CROP_ROUNDINGS,
    }
    for name, allowed in choices.items():
        if (value := getattr(spec, name)) not in allowed:
            raise ValueError(f"{name} is {value!r}, expected {' or '.join(map(repr, allowed))}")


def _size(height: int, width: int) -> str:
    return f"{height} px" if height == width else f"cover {width} x {height} px"


def _numbers(values: Colour) -> str:
    """Three equal numbers once."""
    return " ".join(f"{value:.6g}" for value in (values[:1] if len(set(values)) == 1 else values))
