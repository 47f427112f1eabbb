"""The families of models, each a folder, and how one is found: by a checkpoint's keys, by a model, by an official name.

A new family is a folder here and an entry in FAMILIES. Nothing outside of this package names one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.coatnet import COATNET
from levit_mobile.model.families.family import Family
from levit_mobile.model.families.graft import GRAFT
from levit_mobile.model.families.levit import LEVIT
from levit_mobile.model.families.vit import VIT
from levit_mobile.model.stored_tensors import few

FAMILIES: tuple[Family[Any, Any], ...] = (LEVIT, VIT, COATNET, GRAFT)


def recognised(keys: Sequence[str]) -> tuple[Family[Any, Any], str]:
    """The family and the layout of a checkpoint with these keys.

    Raises CheckpointError when none takes it: that of the family whose net it nearly is, else one that lists them all.
    """
    refusals = []
    for family in FAMILIES:
        try:
            if (layout := family.recognises(keys)) is not None:
                return family, layout
        except CheckpointError as refusal:
            refusals.append(refusal)
    raise refusals[0] if refusals else _unknown(keys)


def _unknown(keys: Sequence[str]) -> CheckpointError:
    layouts = "; ".join(f"{family.name}: {', '.join(family.layouts)}" for family in FAMILIES)
    return CheckpointError(
        f"none of the {len(keys)} keys belongs to a known net (the first: {few(sorted(keys)[:3])}), expected the names "
        f"of one of these families and layouts ({layouts})",
        fault="not-levit",
    )


def family_of(model: nn.Module) -> Family[Any, Any]:
    """The family of a trained or baked model. Raises ValueError for any other module."""
    for family in FAMILIES:
        if isinstance(model, family.net):
            return family
    names = ", ".join(family.name for family in FAMILIES)
    raise ValueError(f"the model is a {type(model).__name__}, expected one of these families: {names}")


def published_variant(sha256: str) -> str:
    """The variant whose authors published the weights with this digest; empty if nobody did."""
    return next((name for name, url in official_weights().items() if sha256.startswith(_digits(url))), "")


def _digits(url: str) -> str:
    """`.../LeViT-128S-96703c44.pth` -> 96703c44."""
    return url.rpartition("-")[2].partition(".")[0]


def official_weights() -> dict[str, str]:
    """Variant -> address of the weights that its authors published, for all families."""
    return {variant: url for family in FAMILIES for variant, url in family.official.items()}
