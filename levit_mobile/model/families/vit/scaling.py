"""Where a baked ViT allows channels to be scaled without changing the logits."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from levit_mobile.model.families.family import Pair, Stream
from levit_mobile.model.families.vit.trained import Attention, ViT


def streams(_model: ViT) -> Iterator[Stream]:
    """None: a norm over channels is between the stream and every layer that reads it."""
    return iter(())


def pairs(model: ViT) -> Iterator[Pair]:
    """The queries and keys of every attention."""
    for name, block in model.named_modules():
        if isinstance(block, Attention):
            rows = torch.arange(block.q.out_features)
            yield Pair((f"{name}.q", rows), (f"{name}.k", rows))
