"""The deployable forms by name, and baked nets to lay out."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from torch import Tensor, nn

from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.channels import ChannelsFirst
from levit_mobile.model.families.levit.tokens import TokenMajor
from levit_mobile.model.families.levit.trained import LeViT
from support.nets import MEAN, STD, levit

Form = Callable[[LeViT], nn.Module]

FORMS: dict[str, Form] = {
    "tokens NCHW": partial(TokenMajor, channels_last=False),
    "tokens NHWC": partial(TokenMajor, channels_last=True),
    "channels": ChannelsFirst,
}


@lru_cache(maxsize=4)
def baked(variant: str = "levit_128s", side: int = 96, heads: int = 2) -> LeViT:
    return bake(levit(variant, side=side, heads=heads), mean=MEAN, std=STD)


def arranged(x: Tensor, form: str) -> Tensor:
    return x.permute(0, 2, 3, 1).contiguous() if form == "tokens NHWC" else x
