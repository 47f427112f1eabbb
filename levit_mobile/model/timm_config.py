"""timm's `pretrained_cfg`, and the arguments of a training script -> the preparation of pictures in evaluation.

Source: `resolve_data_config` and `transforms_imagenet_eval` of timm 1.0 (`timm/data/config.py`,
`timm/data/transforms_factory.py`), whose defaults stand in for what is left out; the evaluation transform of the LeViT
authors' `datasets.py` for the arguments of their script.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from levit_mobile.images.overrides import Size
from levit_mobile.images.spec import INTERPOLATIONS, Colour, ImageSpec
from levit_mobile.model.image_processors import IMAGENET
from levit_mobile.model.stated import Fields, Stated, Unusable, of_spec, size_text, three

CROP_PCT = 0.875  # timm's default
TIMM_ARGUMENTS = ("crop_pct", "img_size", "mean", "std", "interpolation")  # of timm's train.py
OFFICIAL_ARGUMENTS = ("teacher_model", "distillation_type")  # of the LeViT authors' main.py
ARGUMENTS = "args in the checkpoint"


def stated(cfg: Mapping[str, Any], source: str) -> Stated:
    """What timm's evaluation makes of a `pretrained_cfg`, or of arguments over one."""
    return Stated(
        source,
        resize=partial(_resize, cfg),
        interpolation=partial(_interpolation, cfg.get("interpolation") or "bicubic"),
        mean=partial(_colour, "mean", cfg.get("mean"), IMAGENET[0]),
        std=partial(_colour, "std", cfg.get("std"), IMAGENET[1]),
    )


def of_arguments(arguments: Mapping[str, Any], cfg: Mapping[str, Any]) -> Stated | None:
    """Of the arguments of timm's script or of the official one; None for those of any other.

    `cfg` is what timm's model of that name comes with.
    """
    if any(name in arguments for name in OFFICIAL_ARGUMENTS) and isinstance(arguments.get("input_size"), int):
        return _official(arguments)
    if all(name in arguments for name in TIMM_ARGUMENTS):
        given = {name: value for name, value in arguments.items() if value}
        return stated({**cfg, **given}, ARGUMENTS)
    return None


def _official(arguments: Mapping[str, Any]) -> Stated:
    return replace(of_spec(ARGUMENTS, ImageSpec.for_size), resize=partial(_official_resize, arguments["input_size"]))


def _official_resize(side: int, size: Size) -> Fields:
    if size != (side, side):
        raise Unusable(f"has input_size {side}, and the net takes {size_text(size)}")
    paper = ImageSpec.for_size(*size)
    return {"mode": paper.mode, "height": paper.height, "width": paper.width}


def _resize(cfg: Mapping[str, Any], size: Size) -> Fields:
    share = cfg.get("crop_pct") or CROP_PCT
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0.01 <= share <= 1:
        raise Unusable(f"has crop_pct {share!r}, expected a share from 0.01 to 1")
    mode = cfg.get("crop_mode") or "center"
    modes = {"center": "short side", "squash": "squash"}
    if mode not in modes:
        raise Unusable(f"has crop_mode {mode!r}, expected center or squash")
    height, width = (math.floor(edge / share) for edge in size)
    return {"mode": modes[mode], "height": height, "width": width}


def _interpolation(name: object) -> str:
    if name not in INTERPOLATIONS:
        raise Unusable(f"has interpolation {name!r}, expected {' or '.join(INTERPOLATIONS)}")
    return str(name)


def _colour(name: str, value: object, default: Colour) -> Colour:
    """timm takes one number for all colours too."""
    if value is None:
        return default
    numbers = list(value) if isinstance(value, list | tuple) else []
    return three(name, value, numbers * 3 if len(numbers) == 1 else numbers)
