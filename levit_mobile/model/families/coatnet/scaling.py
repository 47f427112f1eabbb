"""Where a baked CoAtNet allows channels to be scaled without changing the logits."""

from __future__ import annotations

from collections.abc import Iterator

from levit_mobile.model.families.coatnet.architecture import HEAD_DIM
from levit_mobile.model.families.coatnet.bake import query_rows
from levit_mobile.model.families.coatnet.trained import CoAtNet, Transformer
from levit_mobile.model.families.family import Pair, Stream


def streams(_model: CoAtNet) -> Iterator[Stream]:
    """None: an activation function or a norm over channels is between the stream and the layers that read it."""
    return iter(())


def pairs(model: CoAtNet) -> Iterator[Pair]:
    """The queries and keys of every attention."""
    for name, block in model.named_modules():
        if isinstance(block, Transformer):
            q = query_rows(block.attn.heads)
            yield Pair((f"{name}.attn.qkv", q), (f"{name}.attn.qkv", q + HEAD_DIM))
