"""Where a baked graft allows channels to be scaled without changing the logits."""

from __future__ import annotations

from collections.abc import Iterator

from levit_mobile.model.families.family import Pair, Stream
from levit_mobile.model.families.graft.trained import Graft
from levit_mobile.model.families.vit import scaling


def streams(_model: Graft) -> Iterator[Stream]:
    """None: an activation function or a norm over channels is between each stream and the layers that read it."""
    return iter(())


def pairs(model: Graft) -> Iterator[Pair]:
    """The queries and keys of every attention."""
    for pair in scaling.pairs(model.tail):
        (query, q), (key, k) = pair.query, pair.key
        yield Pair((f"tail.{query}", q), (f"tail.{key}", k))
