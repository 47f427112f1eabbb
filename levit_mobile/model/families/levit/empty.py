"""A LeViT that waits for the weights of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.family import Names
from levit_mobile.model.families.levit.architecture import OTHER
from levit_mobile.model.families.levit.sizes import Sizes
from levit_mobile.model.families.levit.trained import AttentionBias, LeViT, bias_index


def empty_model(variant: str, sizes: Sizes) -> LeViT:
    """Without the seconds that random initial weights take; only the fixed index buffers are filled."""
    with torch.device("meta"):
        model = LeViT(
            sizes.architecture if variant == OTHER else variant,
            classes=sizes.classes,
            side=sizes.size,
            distillation=sizes.distillation,
            head_norm=sizes.head_norm,
        )
    index = cache(bias_index)  # blocks on the same grid share one
    for bias in _biases(model).values():
        bias.index = index(bias.queries, bias.keys, bias.stride)
    return model


def check_numbering(state: Mapping[str, Tensor], model: LeViT, names: Names) -> None:
    """A bias table means what its index buffer says. The original numbers offsets |dy|,|dx| as it first meets them,
    from query (0, 0) on and so row by row: that is `bias_index`, with stride 1 and 2 alike."""
    for name, bias in _biases(model).items():
        key = names[f"{name}.index"]
        if key in state and not torch.equal(state[key].to(torch.int64), bias.index):
            raise CheckpointError(
                f"{key} does not number the attention offsets as |dy| * columns + |dx|, so the bias table cannot be "
                "read: reorder the table's columns and omit this buffer",
                fault="other-levit",
            )


def _biases(model: LeViT) -> dict[str, AttentionBias]:
    return {name: module for name, module in model.named_modules() if isinstance(module, AttentionBias)}
