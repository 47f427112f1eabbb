"""Grafts: first stages of a ResNet-50 under blocks of DeiT-S, as in the LeViT paper's table; weights of one's own.

The trained form, the names of its tensors, the exact rewrites, and two deployable forms, whose blocks are a ViT's.
"""

from __future__ import annotations

from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.families.family import Facts, Family, forms_of, require_colour
from levit_mobile.model.families.graft.architecture import VARIANTS
from levit_mobile.model.families.graft.bake import bake
from levit_mobile.model.families.graft.forms import ChannelsFirst, TokenMajor
from levit_mobile.model.families.graft.keys import (
    LAYOUT,
    canonical,
    check_constants,
    detect_layout,
    names_in,
    trunk_places,
)
from levit_mobile.model.families.graft.scaling import pairs, streams
from levit_mobile.model.families.graft.sizes import Sizes, empty_model, match_variant, read_sizes
from levit_mobile.model.families.graft.trained import Graft
from levit_mobile.model.stated import Stated, of_spec


def prepared(_variant: str, _layout: str) -> Stated:
    """As DeiT's authors, and LeViT's, evaluate."""
    return of_spec("the evaluation of the LeViT paper", ImageSpec.for_size)


def require(facts: Facts) -> None:
    """Only nets for colour pictures. Raises CheckpointError."""
    require_colour(facts, "grafts", "other-net")


GRAFT: Family[Sizes, Graft] = Family(
    name="graft",
    net=Graft,
    variants=VARIANTS,
    layouts={LAYOUT: names_in},
    trunk_places=trunk_places,
    canonical=canonical,
    recognises=detect_layout,
    described_by=("graft",),
    require=require,
    sizes=read_sizes,
    named=match_variant,
    empty=empty_model,
    check=check_constants,
    bake=bake,
    forms=forms_of(TokenMajor, ChannelsFirst),
    prepared=prepared,
    timm_cfg=lambda _: {},
    processor="",
    streams=streams,
    pairs=pairs,
    official={},
)
