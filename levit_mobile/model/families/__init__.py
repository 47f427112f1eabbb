"""The families of models, each a folder, and how one is found: by a checkpoint's keys, by a model, by an official name.

A new family is a folder here and an entry in FAMILIES. Nothing outside of this package names one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.family import Family
from levit_mobile.model.families.levit import LEVIT

FAMILIES: tuple[Family[Any, Any], ...] = (LEVIT,)


def recognised(keys: Sequence[str]) -> tuple[Family[Any, Any], str]:
    """The family and the layout of a checkpoint with these keys. Raises the first family's error when none takes it."""
    refusals = []
    for family in FAMILIES:
        try:
            return family, family.recognises(keys)
        except CheckpointError as refusal:
            refusals.append(refusal)
    raise refusals[0]


def family_of(model: nn.Module) -> Family[Any, Any]:
    """The family of a trained or baked model. Raises ValueError for any other module."""
    for family in FAMILIES:
        if isinstance(model, family.net):
            return family
    names = ", ".join(family.name for family in FAMILIES)
    raise ValueError(f"the model is a {type(model).__name__}, expected one of these families: {names}")


def official_weights() -> dict[str, str]:
    """Variant -> address of the weights that its authors published, for all families."""
    return {variant: url for family in FAMILIES for variant, url in family.official.items()}
