"""What the files beside a CoAtNet's weights say of the net, and how its pictures are prepared if they do not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from levit_mobile.errors import CheckpointError
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.families.coatnet.architecture import VARIANTS, Traits
from levit_mobile.model.families.family import Facts, require_colour
from levit_mobile.model.stated import Stated, of_spec

NAME = re.compile(r"(?P<variant>\w+?)_\d{3}(?:\..*)?")  # coatnet_0_rw_224.sw_in1k

# timm's options that are traits -> ours, with the values that can be converted.
OPTIONS: Mapping[str, tuple[str, Mapping[object, Any]]] = {
    "conv_stride_mode": ("stride", {"pool": "pool", "dw": "dw"}),
    "conv_attn_early": ("gate_early", {True: True, False: False}),
    "conv_attn_act_layer": ("gate_function", {"relu": "relu", "silu": "silu", "swish": "silu"}),
    "conv_pre_norm_act": ("active_norm", {True: True, False: False}),
    "conv_output_bias": ("conv_bias", {True: True, False: False}),
    "transformer_shortcut_bias": ("shortcut_bias", {True: True, False: False}),
    "transformer_norm_layer": ("batch_norm", {"batchnorm2d": True, "layernorm2d": False}),
}
SHOWN = ("embed_dim", "depths", "stem_width", "num_classes", "img_size", "in_chans")  # by shapes, or read elsewhere
TRAINING = (
    "drop_rate",
    "drop_path_rate",
    "transformer_attn_drop",
    "transformer_proj_drop",
    "weight_init",
    "pretrained",
)

# timm 1.0.31, `_cfg` and `default_cfgs` of timm/models/maxxvit.py.
_HALF = (0.5, 0.5, 0.5)
USUAL: Mapping[str, Any] = {"crop_pct": 0.95, "interpolation": "bicubic", "mean": _HALF, "std": _HALF}
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
CFGS: Mapping[str, Mapping[str, Any]] = {
    "coatnet_nano_rw": {**USUAL, "crop_pct": 0.9},
    "coatnet_bn_0_rw": {**USUAL, **IMAGENET},
}


def cfg_of(variant: str) -> Mapping[str, Any]:
    """What timm's weights of this variant, or of the timm model of this name, say of the preparation."""
    return CFGS.get(_variant(variant), USUAL)


def prepared(variant: str, _layout: str) -> Stated:
    """As timm evaluates its own weights."""
    cfg = cfg_of(variant)

    def spec(height: int, width: int) -> ImageSpec:
        rows, columns = (math.floor(edge / cfg["crop_pct"]) for edge in (height, width))
        colours = {name: cfg[name] for name in ("interpolation", "mean", "std")}
        return ImageSpec("short side", rows, columns, height, width, **colours)

    return of_spec("timm's own configuration of the net", spec)


def require(facts: Facts) -> None:
    """Only CoAtNets whose traits are known, for colour pictures. Raises CheckpointError."""
    require_colour(facts, "CoAtNets", "other-net")
    stated_traits(facts)


def stated_traits(facts: Facts) -> Traits | None:
    """The traits of the net that a file or the user names; None if nothing does. Raises CheckpointError."""
    for place, name, options in facts.architectures:
        if "coatnet" in name or "maxvit" in name or "coatnext" in name or "maxxvit" in name:
            return _changed(_traits_of(name, place), options, place)
    if facts.variant in VARIANTS:
        return VARIANTS[facts.variant].traits
    return None


def _variant(name: str) -> str:
    match = NAME.fullmatch(name)
    return match["variant"] if match else name


def _traits_of(name: str, place: str) -> Traits:
    variant = _variant(name)
    if variant not in VARIANTS:
        raise CheckpointError(
            f"{place} names timm's {name}, expected one of {', '.join(VARIANTS)}: others cannot be converted",
            fault="other-net",
        )
    return VARIANTS[variant].traits


def _changed(traits: Traits, options: Mapping[str, Any], place: str) -> Traits:
    """The traits with the options that the net was made with on top."""
    made = {}
    for option, value in options.items():
        if option in SHOWN or option in TRAINING:
            continue
        trait, values = OPTIONS.get(option, ("", {}))
        if not isinstance(value, str | bool) or value not in values:
            listed = f"expected {' or '.join(map(str, values))}" if values else f"expected only {', '.join(OPTIONS)}"
            raise CheckpointError(
                f"{place} makes the net with {option} {value!r}, {listed}: others cannot be converted",
                fault="other-net",
            )
        made[trait] = values[value]
    return replace(traits, **made)


def unseen(traits: Traits) -> str:
    """What no name and no shape shows, in words."""
    return ", ".join(f"{name} {value}" for name, value in _unseen(traits))


def _unseen(traits: Traits) -> Iterator[tuple[str, object]]:
    told = {name: option for option, (name, _) in OPTIONS.items()}
    for field in fields(Traits):
        if field.name in ("stride", "active_norm", "gate_function"):
            yield told[field.name], getattr(traits, field.name)
