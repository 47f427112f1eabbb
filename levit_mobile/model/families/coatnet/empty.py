"""A CoAtNet that waits for the weights of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.coatnet.architecture import OTHER
from levit_mobile.model.families.coatnet.sizes import Sizes
from levit_mobile.model.families.coatnet.trained import CoAtNet, RelativeBias
from levit_mobile.model.families.family import Names
from levit_mobile.model.parts.grids import relative_index


def empty_model(variant: str, sizes: Sizes) -> CoAtNet:
    """Without random initial weights; only the fixed index buffers are filled."""
    with torch.device("meta"):
        model = CoAtNet(sizes.architecture if variant == OTHER else variant, classes=sizes.classes, side=sizes.size)
    index = cache(relative_index)  # blocks on the same grid share one
    for bias in _biases(model).values():
        bias.index = index(bias.cells)
    return model


def check_numbering(state: Mapping[str, Tensor], model: CoAtNet, names: Names) -> None:
    """A bias table means what its index buffer says, which timm's older versions saved. Raises CheckpointError."""
    for name, bias in _biases(model).items():
        key = names[f"{name}.index"]
        if key in state and not torch.equal(state[key].to(torch.int64), bias.index):
            raise CheckpointError(
                f"{key} does not number the attention offsets as timm does, so the bias table cannot be read: reorder "
                "the table's rows and omit this buffer",
                fault="other-net",
            )


def _biases(model: CoAtNet) -> dict[str, RelativeBias]:
    return {name: module for name, module in model.named_modules() if isinstance(module, RelativeBias)}
