"""How checkpoint layouts name the weights of one ViT or DeiT, as literal tables.

timm            timm/models/vision_transformer.py and deit.py; facebookresearch/deit has the same names
transformers    what transformers/models/vit and deit write, whatever the version
transformers-5  what their models call them inside since version 5
levit-mobile    our own names, those of `trained.ViT`

Each row is their name -> ours, a module or a single tensor; {b} is a block from 0. timm holds queries, keys and values
in one matrix, of which `[q]`, `[k]` and `[v]` are thirds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from levit_mobile.model.families.vit.architecture import Architecture

Table = dict[str, str]

TIMM: Table = {
    "patch_embed.proj": "stem.embed",
    "cls_token": "stem.class_token",
    "dist_token": "stem.distillation_token",
    "pos_embed": "stem.position",
    "blocks.{b}.norm1": "body.block{b}.attn.norm",
    "blocks.{b}.attn.qkv[q]": "body.block{b}.attn.q",
    "blocks.{b}.attn.qkv[k]": "body.block{b}.attn.k",
    "blocks.{b}.attn.qkv[v]": "body.block{b}.attn.v",
    "blocks.{b}.attn.proj": "body.block{b}.attn.proj",
    "blocks.{b}.norm2": "body.block{b}.mlp.norm",
    "blocks.{b}.mlp.fc1": "body.block{b}.mlp.expand",
    "blocks.{b}.mlp.fc2": "body.block{b}.mlp.contract",
    "norm": "norm",
    "head": "head",
    "head_dist": "head_dist",
}

TRANSFORMERS: Table = {
    "embeddings.patch_embeddings.projection": "stem.embed",
    "embeddings.cls_token": "stem.class_token",
    "embeddings.distillation_token": "stem.distillation_token",
    "embeddings.position_embeddings": "stem.position",
    "encoder.layer.{b}.layernorm_before": "body.block{b}.attn.norm",
    "encoder.layer.{b}.attention.attention.query": "body.block{b}.attn.q",
    "encoder.layer.{b}.attention.attention.key": "body.block{b}.attn.k",
    "encoder.layer.{b}.attention.attention.value": "body.block{b}.attn.v",
    "encoder.layer.{b}.attention.output.dense": "body.block{b}.attn.proj",
    "encoder.layer.{b}.layernorm_after": "body.block{b}.mlp.norm",
    "encoder.layer.{b}.intermediate.dense": "body.block{b}.mlp.expand",
    "encoder.layer.{b}.output.dense": "body.block{b}.mlp.contract",
    "layernorm": "norm",
    "classifier": "head",
    "distillation_classifier": "head_dist",
}

TRANSFORMERS_5: Table = {
    "embeddings.patch_embeddings.projection": "stem.embed",
    "embeddings.cls_token": "stem.class_token",
    "embeddings.distillation_token": "stem.distillation_token",
    "embeddings.position_embeddings": "stem.position",
    "layers.{b}.layernorm_before": "body.block{b}.attn.norm",
    "layers.{b}.attention.q_proj": "body.block{b}.attn.q",
    "layers.{b}.attention.k_proj": "body.block{b}.attn.k",
    "layers.{b}.attention.v_proj": "body.block{b}.attn.v",
    "layers.{b}.attention.o_proj": "body.block{b}.attn.proj",
    "layers.{b}.layernorm_after": "body.block{b}.mlp.norm",
    "layers.{b}.mlp.fc1": "body.block{b}.mlp.expand",
    "layers.{b}.mlp.fc2": "body.block{b}.mlp.contract",
    "layernorm": "norm",
    "classifier": "head",
    "distillation_classifier": "head_dist",
}

LAYOUTS: dict[str, Table] = {
    "timm": TIMM,
    "transformers": TRANSFORMERS,
    "transformers-5": TRANSFORMERS_5,
    "levit-mobile": {ours: ours for ours in TIMM.values()},
}
FROM_TRANSFORMERS = ("transformers", "transformers-5")
TRUNKS = ("vit.", "deit.")  # around transformers' trunk; heads are beside it
CLASS_HEAD = "cls_classifier"  # transformers' name of the first head where there are two
HEADS = ("head", "head_dist")
COMMON = ("norm", "layernorm")  # names that any other net may have too
SHARED = ("embeddings.",)  # of both layouts of transformers: they count for neither alone
OF_ANOTHER_NET = re.compile(r"(?:.*\.)?(?:layers|stages|levels)\.\d+\.")  # before the blocks of a net with stages


def names_in(layout: str, architecture: Architecture) -> dict[str, str]:
    """Our name of each module and tensor -> its name in `layout`."""
    return {
        ours.format(b=b): theirs.format(b=b)
        for theirs, ours in LAYOUTS[layout].items()
        for b in range(architecture.depth if "{b}" in theirs else 1)
    }


def head_names(layout: str) -> tuple[str, str]:
    """Names of the class head and of the second head."""
    ours = {name: theirs for theirs, name in LAYOUTS[layout].items()}
    return ours["head"], ours["head_dist"]


@cache
def _trunk_pattern(layout: str) -> re.Pattern[str]:
    """A key of the trunk, below any prefix."""
    rows = (theirs for theirs, ours in LAYOUTS[layout].items() if ours not in HEADS and theirs not in COMMON)
    names = {re.escape(row.partition("[")[0]).replace(r"\{b\}", r"\d{1,6}") for row in rows}
    return re.compile(rf"(?P<prefix>(?:.*\.)?)(?:{'|'.join(sorted(names))})(?:\.\w+)?", re.DOTALL)


def trunk_places(key: str) -> Iterator[tuple[str, str]]:
    """Each layout in which a key is one of the trunk's, and the prefix of its net there."""
    for layout in LAYOUTS:
        match = _trunk_pattern(layout).fullmatch(key)
        if match and not OF_ANOTHER_NET.fullmatch(match["prefix"]):
            yield layout, outside(match["prefix"]) if layout in FROM_TRANSFORMERS else match["prefix"]


def outside(prefix: str) -> str:
    """`model.vit.` -> `model.`: the prefix of a trunk together with its heads."""
    return next((prefix.removesuffix(trunk) for trunk in TRUNKS if f".{prefix}".endswith(f".{trunk}")), prefix)


def detect_layout(keys: Sequence[str]) -> str | None:
    """The layout that most keys belong to; None when none belongs to any."""
    known = {layout: sum(map(bool, map(_trunk_pattern(layout).fullmatch, keys))) for layout in LAYOUTS}
    best = max(known, key=lambda layout: known[layout])
    return best if known[best] else None
