"""A ViT that waits for the weights of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from levit_mobile.model.families.family import Names
from levit_mobile.model.families.vit.sizes import Sizes
from levit_mobile.model.families.vit.trained import ViT


def empty_model(variant: str, sizes: Sizes) -> ViT:
    """Without the seconds that random initial weights take."""
    with torch.device("meta"):
        model = ViT(sizes.architecture, classes=sizes.classes, side=sizes.size, distillation=sizes.distillation)
    model.variant = variant
    return model


def check_constants(_state: Mapping[str, Tensor], _model: ViT, _names: Names) -> None:
    """A checkpoint of a ViT holds no constants: whatever it has is learnt."""
