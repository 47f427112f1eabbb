"""LeViT: the trained form, the names of its tensors, the exact rewrites, and two deployable forms.

tokens    TokenMajor: tokens [1,T,C], linears and 3-D batched matmuls, what XNNPACK runs as one partition.
channels  ChannelsFirst: grids [1,C,1,T], 1x1 convolutions and 4-D matmuls, what Apple's Neural Engine prefers (reports
          of 2-D linears before a Hardswish going wrong there in float16: coreai-torch #51, coremltools #2625).

Both take one picture, keep the baked model's block names, and hold no gather, no batch norm, no strided slice and no
tensor above rank 4.
"""

from __future__ import annotations

from functools import partial

from levit_mobile.model.families.family import Family, forms_of
from levit_mobile.model.families.levit.architecture import VARIANTS
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.channels import ChannelsFirst
from levit_mobile.model.families.levit.empty import check_numbering, empty_model
from levit_mobile.model.families.levit.heads import canonical
from levit_mobile.model.families.levit.keys import LAYOUTS, detect_layout, names_in, trunk_places
from levit_mobile.model.families.levit.scaling import pairs, streams
from levit_mobile.model.families.levit.sizes import Sizes, match_variant, read_sizes
from levit_mobile.model.families.levit.stated import TIMM_CFG, prepared, require
from levit_mobile.model.families.levit.tokens import TokenMajor
from levit_mobile.model.families.levit.trained import LeViT

SERVER = "https://dl.fbaipublicfiles.com/LeViT/"

# The weights that the paper's authors published. The suffix is the start of the file's sha256, and all of it that they
# published: the whole is noted when a file is first fetched, and holds from then on.
OFFICIAL: dict[str, str] = {
    "levit_128s": f"{SERVER}LeViT-128S-96703c44.pth",
    "levit_128": f"{SERVER}LeViT-128-b88c2750.pth",
    "levit_192": f"{SERVER}LeViT-192-92712e41.pth",
    "levit_256": f"{SERVER}LeViT-256-13b5763e.pth",
    "levit_384": f"{SERVER}LeViT-384-9bdaf2e2.pth",
}

LEVIT: Family[Sizes, LeViT] = Family(
    name="levit",
    net=LeViT,
    variants=VARIANTS,
    layouts={layout: partial(names_in, layout) for layout in LAYOUTS},
    trunk_places=trunk_places,
    canonical=canonical,
    recognises=detect_layout,
    described_by=("levit",),
    require=require,
    sizes=read_sizes,
    named=match_variant,
    empty=empty_model,
    check=check_numbering,
    bake=bake,
    forms=forms_of(TokenMajor, ChannelsFirst),
    integer_forms={
        ("token_major", "NCHW"): partial(TokenMajor, channels_last=False, integers=True),
        ("token_major", "NHWC"): partial(TokenMajor, channels_last=True, integers=True),
    },
    prepared=prepared,
    timm_cfg=lambda _: TIMM_CFG,
    processor="levit",
    streams=streams,
    pairs=pairs,
    official=OFFICIAL,
    publishers=("facebook/levit-*", "timm/levit_*"),
)
