"""transformers' `preprocessor_config.json` -> the preparation of pictures that its own processor does.

Source: the classes in transformers 5.23 (`models/*/image_processing_pil_*.py`, `image_processing_backends.py`). What
the file leaves out has the default of its class. The resize is Pillow's; the crop's corner is rounded down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from levit_mobile.images.overrides import Size
from levit_mobile.images.spec import Colour
from levit_mobile.model.stated import Fields, Stated, Unusable, is_number, size_text, three

IMAGENET: tuple[Colour, Colour] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALVES: tuple[Colour, Colour] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CLIP: tuple[Colour, Colour] = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
RESAMPLING = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
LEVIT = "levit"
NOT_DONE = (
    "do_flip_channel_order",
    "do_pad",
    "do_thumbnail",
    "do_align_long_axis",
    "rescale_offset",
    "do_color_quantize",
)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a processor class does unless its file says otherwise; a crop of None is none."""

    size: Mapping[str, int]
    crop: int | None
    resample: int
    colours: tuple[Colour, Colour]


SHORT, SQUASH = {"shortest_edge": 224}, {"height": 224, "width": 224}
PROCESSORS: dict[str, Defaults] = {
    LEVIT: Defaults(SHORT, 224, 3, IMAGENET),
    "vit": Defaults(SQUASH, None, 2, HALVES),
    "deit": Defaults({"height": 256, "width": 256}, 224, 3, HALVES),
    "bit": Defaults(SHORT, 224, 3, CLIP),
    "clip": Defaults(SHORT, 224, 3, CLIP),
    "siglip": Defaults(SQUASH, None, 3, HALVES),
}
KIND = re.compile(r"(\w+?)(ImageProcessor|FeatureExtractor)(Fast|Pil)?")


def stated(config: Mapping[str, Any], source: str, default: str) -> Stated:
    """What the file's class makes of it; of a class that is not known, only what the file itself says.

    `default` is the class of a file that names none, such as `vit`.
    """
    kind = _kind(config, default)
    known = PROCESSORS.get(kind)
    return Stated(
        source,
        resize=partial(_resize, config, kind, known),
        crop=partial(_crop, config, known),
        interpolation=partial(_interpolation, _value(config, "resample", known.resample if known else None)),
        mean=partial(_colour, config, "image_mean", known, 0),
        std=partial(_colour, config, "image_std", known, 1),
        rescale=partial(_rescale, config),
    )


def _kind(config: Mapping[str, Any], default: str) -> str:
    """`LevitImageProcessorFast`, `LevitFeatureExtractor` -> levit."""
    named = config.get("image_processor_type") or config.get("feature_extractor_type")
    found = KIND.fullmatch(str(named)) if named else None
    return found[1].casefold() if found else str(named).casefold() if named else default


def _value(config: Mapping[str, Any], name: str, default: Any) -> Any:
    value = config.get(name)
    return default if value is None else value


def _flag(config: Mapping[str, Any], name: str, default: bool) -> bool:
    value = _value(config, name, default)
    if not isinstance(value, bool):
        raise Unusable(f"has {name} {value!r}, expected true or false")
    return value


def _resize(config: Mapping[str, Any], kind: str, known: Defaults | None, size: Size) -> Fields:
    if odd := [name for name in NOT_DONE if config.get(name)]:
        raise Unusable(f"asks for {odd[0]}, which is not supported")
    if not _flag(config, "do_resize", True):
        return {"mode": "none", "height": size[0], "width": size[1]}
    if known is None:
        raise Unusable(f"is of the class {kind}, expected one of {', '.join(PROCESSORS)}")
    wanted = _sizes("size", _value(config, "size", known.size), square="height" in known.size)
    if "height" in wanted:
        return {"mode": "squash", **wanted}
    short = wanted["shortest_edge"]
    short = int((256 / 224) * short) if kind == LEVIT else short
    return {"mode": "short side", "height": short, "width": short}


def _crop(config: Mapping[str, Any], known: Defaults | None, size: Size) -> Fields:
    """Without a crop the picture has to be of the net's size when it is resized."""
    cropped = _flag(config, "do_center_crop", known is not None and known.crop is not None)
    if cropped:
        wanted = _sizes("crop_size", _value(config, "crop_size", (known and known.crop) or 224), square=True)
        found = wanted.get("height", 0), wanted.get("width", 0)
        what = "crops to"
    else:
        found, what = _uncropped(config, known, size), "resizes without a crop to"
    if found != size:
        raise Unusable(f"{what} {size_text(found)}, and the net takes {size_text(size)}")
    return {"crop_height": size[0], "crop_width": size[1], "crop_rounding": "down"}


def _uncropped(config: Mapping[str, Any], known: Defaults | None, size: Size) -> Size:
    if not _flag(config, "do_resize", True):
        return size
    wanted = _sizes("size", _value(config, "size", known.size if known else None), square=True)
    if "height" not in wanted:
        raise Unusable("resizes the short side and does not crop, so images have no fixed size")
    return wanted["height"], wanted["width"]


def _sizes(name: str, value: object, *, square: bool) -> dict[str, int]:
    """A size in any form -> {"height", "width"} or {"shortest_edge"}; an integer is a square or a short side."""
    if _pixels(value):
        return {"height": int(value), "width": int(value)} if square else {"shortest_edge": int(value)}  # type: ignore[call-overload]
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_pixels, value)):
        return {"height": value[0], "width": value[1]}
    given = {key: number for key, number in value.items() if number is not None} if isinstance(value, Mapping) else {}
    if given.keys() in ({"height", "width"}, {"shortest_edge"}) and all(map(_pixels, given.values())):
        return given
    raise Unusable(f"has {name} {value!r}, expected height and width, or shortest_edge")


def _pixels(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 100_000


def _interpolation(resample: object) -> str:
    if isinstance(resample, bool) or not isinstance(resample, int) or resample not in RESAMPLING:
        raise Unusable(f"has resample {resample!r}, expected 2 (bilinear) or 3 (bicubic)")
    return RESAMPLING[resample]


def _colour(config: Mapping[str, Any], name: str, known: Defaults | None, place: int) -> Colour:
    if not _flag(config, "do_normalize", True):
        return ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))[place]
    value = _value(config, name, known.colours[place] if known else None)
    return three(name, value, list(value) if isinstance(value, list | tuple) else [value] * 3)


def _rescale(config: Mapping[str, Any]) -> float:
    if not _flag(config, "do_rescale", True):
        return 1.0
    factor = _value(config, "rescale_factor", 1 / 255)
    if not is_number(factor) or factor <= 0:
        raise Unusable(f"has rescale_factor {factor!r}, expected a number above 0")
    return float(factor)
