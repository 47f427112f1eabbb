"""What the files beside a LeViT's weights say of the net itself, and how its pictures are prepared if they do not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from levit_mobile.errors import CheckpointError
from levit_mobile.images.spec import PAPER, ImageSpec
from levit_mobile.model.families.family import Facts, require_colour
from levit_mobile.model.stated import Stated, of_spec

ACTIVATION_KEYS = ("act_layer", "hidden_act", "hidden_activation", "activation")
HARDSWISH = {"hardswish", "hard_swish"}
# timm's own models for which it takes SiLU unless act_layer names another: timm/models/levit.py, model_cfgs.
SILU = re.compile(r"levit_(conv_)?(384_s8|512_s8|512|256d|512d)")
STEM = {"kernel_size": 3, "stride": 2, "padding": 1}  # of transformers' LevitConfig: what shapes do not show
TIMM_CFG: Mapping[str, Any] = {"crop_pct": 0.9, "interpolation": "bicubic"}  # what timm's own LeViTs come with


def prepared(_variant: str, _layout: str) -> Stated:
    """As the paper's authors evaluate."""
    return of_spec(PAPER, ImageSpec.for_size)


def states_activation(facts: Facts) -> bool:
    """Does any place name the activation function?"""
    return any(isinstance(said.get(key), str) for _, said in facts.places for key in ACTIVATION_KEYS)


def require(facts: Facts) -> None:
    """Only LeViTs with Hardswish, for colour pictures. Raises CheckpointError."""
    _require_stated_hardswish(facts)
    require_colour(facts, "LeViTs", "other-levit")
    _require_default_hardswish(facts)
    _require_stem(facts.config)


def _require_stated_hardswish(facts: Facts) -> None:
    for place, said in facts.places:
        for key in ACTIVATION_KEYS:
            if isinstance(value := said.get(key), str) and value.casefold() not in HARDSWISH:
                raise CheckpointError(
                    f"{place} has {key} {value!r}, expected hard_swish: only LeViTs with Hardswish can be converted",
                    fault="other-levit",
                )


def _require_default_hardswish(facts: Facts) -> None:
    for place, name, options in facts.architectures:
        if SILU.fullmatch(name.partition(".")[0]) and not any(key in options for key in ACTIVATION_KEYS):
            raise CheckpointError(
                f"{place} names timm's {name}, which computes SiLU by default, expected act_layer hard_swish: only "
                "LeViTs with Hardswish can be converted",
                fault="other-levit",
            )


def _require_stem(config: Mapping[str, Any]) -> None:
    for key, expected in STEM.items() if config.get("model_type") == "levit" else ():
        if (value := config.get(key, expected)) != expected:
            raise CheckpointError(
                f"config.json has {key} {value!r}, expected {expected}: only stems of 3x3 convolutions with stride 2 "
                "can be converted",
                fault="other-levit",
            )
