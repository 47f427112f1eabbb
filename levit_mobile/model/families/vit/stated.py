"""What the files beside the weights say of the net itself, and how its pictures are prepared if they do not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from levit_mobile.images.spec import Colour, ImageSpec
from levit_mobile.model.families.family import Facts, require_colour
from levit_mobile.model.families.vit.architecture import VARIANTS
from levit_mobile.model.families.vit.identity import require_token_pooling
from levit_mobile.model.families.vit.keys import FROM_TRANSFORMERS
from levit_mobile.model.stated import Stated, Unusable, of_spec

DEIT = "deit"
HALVES: tuple[Colour, Colour] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET: tuple[Colour, Colour] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CROP_SHARE, LARGE_PX = 0.9, 384  # of timm's cfgs: nets for 384 px see the whole picture
FILES = "a preprocessor_config.json, or pretrained_cfg in config.json"


def require(facts: Facts) -> None:
    """Only nets for colour pictures whose heads read the class token. Raises CheckpointError."""
    require_colour(facts, "ViTs and DeiTs", "other-net")
    require_token_pooling(facts)


def timm_cfg(name: str) -> Mapping[str, Any]:
    """What timm's model of that name comes with: timm/models/vision_transformer.py and deit.py, `_cfg`."""
    mean, std = _colours(name)
    share = 1.0 if name.partition(".")[0].endswith(f"_{LARGE_PX}") else CROP_SHARE
    return {"crop_pct": share, "interpolation": "bicubic", "mean": mean, "std": std}


def prepared(variant: str, layout: str) -> Stated:
    """As timm prepares for a variant; keys of transformers go with a file that says it, and so does any other net."""
    if layout in FROM_TRANSFORMERS or variant not in VARIANTS:
        return Stated(
            "the checkpoint",
            resize=lambda _: _unsaid("how images are resized"),
            interpolation=lambda: _unsaid("how images are resized"),
            mean=lambda: _unsaid("what is subtracted from pixels"),
            std=lambda: _unsaid("what pixels are divided by"),
        )
    return of_spec(f"timm's {variant}", partial(_spec, variant))


def _unsaid(what: str) -> NoReturn:
    raise Unusable(f"does not say {what}, expected {FILES}")


def _spec(variant: str, height: int, width: int) -> ImageSpec:
    cfg = timm_cfg(variant)
    resized_height, resized_width = (max(1, math.floor(edge / cfg["crop_pct"])) for edge in (height, width))
    return ImageSpec("short side", resized_height, resized_width, height, width, mean=cfg["mean"], std=cfg["std"])


def _colours(name: str) -> tuple[Colour, Colour]:
    return IMAGENET if name.startswith(DEIT) else HALVES
