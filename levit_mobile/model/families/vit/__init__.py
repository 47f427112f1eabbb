"""ViT and DeiT: the trained form, the names of its tensors, the exact rewrites, and two deployable forms.

tokens    TokenMajor: tokens [1,T,C], linears and 3-D batched matmuls, what XNNPACK runs as one partition.
channels  ChannelsFirst: grids [1,C,1,T], 1x1 convolutions and 4-D matmuls, what Apple's Neural Engine prefers.

Both take one picture, keep the baked model's block names, and hold no layer norm, no gather, no strided slice and no
tensor above rank 4.
"""

from __future__ import annotations

from functools import partial

from levit_mobile.model.families.family import Family, forms_of
from levit_mobile.model.families.vit.architecture import VARIANTS
from levit_mobile.model.families.vit.bake import bake
from levit_mobile.model.families.vit.channels import ChannelsFirst
from levit_mobile.model.families.vit.empty import check_constants, empty_model
from levit_mobile.model.families.vit.heads import canonical
from levit_mobile.model.families.vit.keys import LAYOUTS, detect_layout, names_in, trunk_places
from levit_mobile.model.families.vit.scaling import pairs, streams
from levit_mobile.model.families.vit.sizes import Sizes, match_variant, read_sizes
from levit_mobile.model.families.vit.stated import prepared, require, timm_cfg
from levit_mobile.model.families.vit.tokens import TokenMajor
from levit_mobile.model.families.vit.trained import ViT

SERVER = "https://dl.fbaipublicfiles.com/deit/"

# The weights that DeiT's authors published: facebookresearch/deit, README_deit.md and hubconf.py.
OFFICIAL: dict[str, str] = {
    "deit_tiny_patch16_224": f"{SERVER}deit_tiny_patch16_224-a1311bcf.pth",
    "deit_small_patch16_224": f"{SERVER}deit_small_patch16_224-cd65a155.pth",
    "deit_base_patch16_224": f"{SERVER}deit_base_patch16_224-b5f2ef4d.pth",
    "deit_base_patch16_384": f"{SERVER}deit_base_patch16_384-8de9b5d1.pth",
    "deit_tiny_distilled_patch16_224": f"{SERVER}deit_tiny_distilled_patch16_224-b40b3cf7.pth",
    "deit_small_distilled_patch16_224": f"{SERVER}deit_small_distilled_patch16_224-649709d9.pth",
    "deit_base_distilled_patch16_224": f"{SERVER}deit_base_distilled_patch16_224-df68dfff.pth",
    "deit_base_distilled_patch16_384": f"{SERVER}deit_base_distilled_patch16_384-d0272ac0.pth",
}

VIT: Family[Sizes, ViT] = Family(
    name="vit",
    net=ViT,
    variants=VARIANTS,
    layouts={layout: partial(names_in, layout) for layout in LAYOUTS},
    trunk_places=trunk_places,
    canonical=canonical,
    recognises=detect_layout,
    described_by=("vit", "deit"),
    require=require,
    sizes=read_sizes,
    named=match_variant,
    empty=empty_model,
    check=check_constants,
    bake=bake,
    forms=forms_of(TokenMajor, ChannelsFirst),
    prepared=prepared,
    timm_cfg=timm_cfg,
    processor="",
    streams=streams,
    pairs=pairs,
    official=OFFICIAL,
    publishers=("facebook/deit-*", "google/vit-*", "timm/deit_*", "timm/vit_*"),
)
