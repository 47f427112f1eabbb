"""Where a baked LeViT allows channels to be scaled without changing the logits."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from levit_mobile.model.families.family import Pair, Stream
from levit_mobile.model.families.levit.bake import query_rows
from levit_mobile.model.families.levit.trained import Attention, LeViT, Mlp, ShrinkAttention


def streams(model: LeViT) -> Iterator[Stream]:
    """The residual stream of each stage; a shrinking block ends one and begins the next."""
    writers, readers = {"stem": f"stem.{_last_conv(model.stem)}"}, list[str]()
    for name, block in model.named_modules():
        if isinstance(block, Attention):
            writers, readers = {**writers, name: f"{name}.proj"}, [*readers, f"{name}.qkv"]
        elif isinstance(block, Mlp):
            writers, readers = {**writers, name: f"{name}.contract"}, [*readers, f"{name}.expand"]
        elif isinstance(block, ShrinkAttention):
            yield Stream(writers, (*readers, f"{name}.kv", f"{name}.q"))
            writers, readers = {name: f"{name}.proj"}, []
    yield Stream(writers, (*readers, "head"))


def pairs(model: LeViT) -> Iterator[Pair]:
    """The queries and keys of every attention block."""
    for name, block in model.named_modules():
        if isinstance(block, Attention):
            q = query_rows(block)
            yield Pair((f"{name}.qkv", q), (f"{name}.qkv", q + block.key_dim))
        elif isinstance(block, ShrinkAttention):
            yield Pair((f"{name}.q", torch.arange(block.heads * block.key_dim)), (f"{name}.kv", key_rows(block)))


def key_rows(block: ShrinkAttention) -> Tensor:
    """The rows of `kv` that make k, in the order of the rows of `q`. int64 [h * key_dim]."""
    group = block.key_dim + block.value_dim
    return (torch.arange(block.heads)[:, None] * group + torch.arange(block.key_dim)).flatten()


def _last_conv(stem: nn.Module) -> str:
    return list(dict(stem.named_children()))[-1]
