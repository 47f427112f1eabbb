"""CoAtNet: the trained form, the names of its tensors, the exact rewrites, and two deployable forms.

tokens    TokenMajor: grids, then tokens [1,T,C] where blocks attend, what XNNPACK runs as one partition.
channels  ChannelsFirst: grids [1,C,H,W], 1x1 convolutions and 4-D matmuls, what Apple's Neural Engine prefers.

Both take one picture, keep the baked model's block names, and hold no batch norm, no layer norm, no gather and no
tensor above rank 4.
"""

from __future__ import annotations

from functools import partial

from levit_mobile.model.families.coatnet.architecture import VARIANTS
from levit_mobile.model.families.coatnet.bake import bake
from levit_mobile.model.families.coatnet.channels import ChannelsFirst
from levit_mobile.model.families.coatnet.empty import check_numbering, empty_model
from levit_mobile.model.families.coatnet.keys import LAYOUTS, canonical, detect_layout, names_in, trunk_places
from levit_mobile.model.families.coatnet.scaling import pairs, streams
from levit_mobile.model.families.coatnet.sizes import Sizes, match_variant, read_sizes
from levit_mobile.model.families.coatnet.stated import cfg_of, prepared, require
from levit_mobile.model.families.coatnet.tokens import TokenMajor
from levit_mobile.model.families.coatnet.trained import CoAtNet
from levit_mobile.model.families.family import Family, forms_of

COATNET: Family[Sizes, CoAtNet] = Family(
    name="coatnet",
    net=CoAtNet,
    variants=VARIANTS,
    layouts={layout: partial(names_in, layout) for layout in LAYOUTS},
    trunk_places=trunk_places,
    canonical=canonical,
    recognises=detect_layout,
    described_by=("coatnet",),
    require=require,
    sizes=read_sizes,
    named=match_variant,
    empty=empty_model,
    check=check_numbering,
    bake=bake,
    forms=forms_of(TokenMajor, ChannelsFirst),
    prepared=prepared,
    timm_cfg=cfg_of,
    processor="",
    streams=streams,
    pairs=pairs,
    official={},
    publishers=("timm/coatnet_*",),
)
