"""How four checkpoint layouts name the weights of one LeViT, as literal tables; what a model is by names and shapes.

official      facebookresearch/LeViT, levit.py and levit_c.py; timm before 0.7 used the same names
timm          timm/models/levit.py; `levit_conv_*` holds the same matrices as 1x1 convolutions
transformers  transformers/models/levit/modeling_levit.py
levit-mobile  our own names, those of `levit.LeViT`

Each row is their name -> ours, a module or a single tensor. The numbers in braces:
  {i} stem convolution from 0, {c} the same from 1, {p} its place when activations are counted
  {s} stage from 0, {t} = s + 1, {j} block inside its stage
  {n} layer inside its stage, which the shrinking pair closes (transformers)
  {b} layer in the whole body (official)
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import NamedTuple

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.levit.trained import PATCH_PX, VARIANTS, Variant

Table = dict[str, dict[str, str]]
Shapes = Mapping[str, tuple[int, ...]]

OFFICIAL: Table = {
    "stem": {
        "patch_embed.{p}.c": "stem.conv{i}.conv",
        "patch_embed.{p}.bn": "stem.conv{i}.norm",
    },
    "attention": {
        "blocks.{b}.m.attention_biases": "body.stage{s}.attn{j}.bias.table",
        "blocks.{b}.m.attention_bias_idxs": "body.stage{s}.attn{j}.bias.index",
        "blocks.{b}.m.qkv.c": "body.stage{s}.attn{j}.qkv.linear",
        "blocks.{b}.m.qkv.bn": "body.stage{s}.attn{j}.qkv.norm",
        "blocks.{b}.m.proj.1.c": "body.stage{s}.attn{j}.proj.linear",
        "blocks.{b}.m.proj.1.bn": "body.stage{s}.attn{j}.proj.norm",
    },
    "mlp": {
        "blocks.{b}.m.0.c": "body.stage{s}.mlp{j}.expand.linear",
        "blocks.{b}.m.0.bn": "body.stage{s}.mlp{j}.expand.norm",
        "blocks.{b}.m.2.c": "body.stage{s}.mlp{j}.contract.linear",
        "blocks.{b}.m.2.bn": "body.stage{s}.mlp{j}.contract.norm",
    },
    "shrink": {
        "blocks.{b}.attention_biases": "body.shrink{s}.attn.bias.table",
        "blocks.{b}.attention_bias_idxs": "body.shrink{s}.attn.bias.index",
        "blocks.{b}.kv.c": "body.shrink{s}.attn.kv.linear",
        "blocks.{b}.kv.bn": "body.shrink{s}.attn.kv.norm",
        "blocks.{b}.q.1.c": "body.shrink{s}.attn.q.linear",
        "blocks.{b}.q.1.bn": "body.shrink{s}.attn.q.norm",
        "blocks.{b}.proj.1.c": "body.shrink{s}.attn.proj.linear",
        "blocks.{b}.proj.1.bn": "body.shrink{s}.attn.proj.norm",
    },
    "shrink mlp": {
        "blocks.{b}.m.0.c": "body.shrink{s}.mlp.expand.linear",
        "blocks.{b}.m.0.bn": "body.shrink{s}.mlp.expand.norm",
        "blocks.{b}.m.2.c": "body.shrink{s}.mlp.contract.linear",
        "blocks.{b}.m.2.bn": "body.shrink{s}.mlp.contract.norm",
    },
    "heads": {
        "head.bn": "head.norm",
        "head.l": "head.linear",
        "head_dist.bn": "head_dist.norm",
        "head_dist.l": "head_dist.linear",
    },
}

TIMM: Table = {
    "stem": {
        "stem.conv{c}.linear": "stem.conv{i}.conv",
        "stem.conv{c}.bn": "stem.conv{i}.norm",
    },
    "attention": {
        "stages.{s}.blocks.{j}.attn.attention_biases": "body.stage{s}.attn{j}.bias.table",
        "stages.{s}.blocks.{j}.attn.attention_bias_idxs": "body.stage{s}.attn{j}.bias.index",
        "stages.{s}.blocks.{j}.attn.qkv.linear": "body.stage{s}.attn{j}.qkv.linear",
        "stages.{s}.blocks.{j}.attn.qkv.bn": "body.stage{s}.attn{j}.qkv.norm",
        "stages.{s}.blocks.{j}.attn.proj.ln.linear": "body.stage{s}.attn{j}.proj.linear",
        "stages.{s}.blocks.{j}.attn.proj.ln.bn": "body.stage{s}.attn{j}.proj.norm",
    },
    "mlp": {
        "stages.{s}.blocks.{j}.mlp.ln1.linear": "body.stage{s}.mlp{j}.expand.linear",
        "stages.{s}.blocks.{j}.mlp.ln1.bn": "body.stage{s}.mlp{j}.expand.norm",
        "stages.{s}.blocks.{j}.mlp.ln2.linear": "body.stage{s}.mlp{j}.contract.linear",
        "stages.{s}.blocks.{j}.mlp.ln2.bn": "body.stage{s}.mlp{j}.contract.norm",
    },
    "shrink": {
        "stages.{t}.downsample.attn_downsample.attention_biases": "body.shrink{s}.attn.bias.table",
        "stages.{t}.downsample.attn_downsample.attention_bias_idxs": "body.shrink{s}.attn.bias.index",
        "stages.{t}.downsample.attn_downsample.kv.linear": "body.shrink{s}.attn.kv.linear",
        "stages.{t}.downsample.attn_downsample.kv.bn": "body.shrink{s}.attn.kv.norm",
        "stages.{t}.downsample.attn_downsample.q.ln.linear": "body.shrink{s}.attn.q.linear",
        "stages.{t}.downsample.attn_downsample.q.ln.bn": "body.shrink{s}.attn.q.norm",
        "stages.{t}.downsample.attn_downsample.proj.ln.linear": "body.shrink{s}.attn.proj.linear",
        "stages.{t}.downsample.attn_downsample.proj.ln.bn": "body.shrink{s}.attn.proj.norm",
    },
    "shrink mlp": {
        "stages.{t}.downsample.mlp.ln1.linear": "body.shrink{s}.mlp.expand.linear",
        "stages.{t}.downsample.mlp.ln1.bn": "body.shrink{s}.mlp.expand.norm",
        "stages.{t}.downsample.mlp.ln2.linear": "body.shrink{s}.mlp.contract.linear",
        "stages.{t}.downsample.mlp.ln2.bn": "body.shrink{s}.mlp.contract.norm",
    },
    "heads": {
        "head.bn": "head.norm",
        "head.linear": "head.linear",
        "head_dist.bn": "head_dist.norm",
        "head_dist.linear": "head_dist.linear",
    },
}

TRANSFORMERS: Table = {
    "stem": {
        "levit.patch_embeddings.embedding_layer_{c}.convolution": "stem.conv{i}.conv",
        "levit.patch_embeddings.embedding_layer_{c}.batch_norm": "stem.conv{i}.norm",
    },
    "attention": {
        "levit.encoder.stages.{s}.layers.{n}.module.attention_biases": "body.stage{s}.attn{j}.bias.table",
        "levit.encoder.stages.{s}.layers.{n}.module.attention_bias_idxs": "body.stage{s}.attn{j}.bias.index",
        "levit.encoder.stages.{s}.layers.{n}.module.queries_keys_values.linear": "body.stage{s}.attn{j}.qkv.linear",
        "levit.encoder.stages.{s}.layers.{n}.module.queries_keys_values.batch_norm": "body.stage{s}.attn{j}.qkv.norm",
        "levit.encoder.stages.{s}.layers.{n}.module.projection.linear": "body.stage{s}.attn{j}.proj.linear",
        "levit.encoder.stages.{s}.layers.{n}.module.projection.batch_norm": "body.stage{s}.attn{j}.proj.norm",
    },
    "mlp": {
        "levit.encoder.stages.{s}.layers.{n}.module.linear_up.linear": "body.stage{s}.mlp{j}.expand.linear",
        "levit.encoder.stages.{s}.layers.{n}.module.linear_up.batch_norm": "body.stage{s}.mlp{j}.expand.norm",
        "levit.encoder.stages.{s}.layers.{n}.module.linear_down.linear": "body.stage{s}.mlp{j}.contract.linear",
        "levit.encoder.stages.{s}.layers.{n}.module.linear_down.batch_norm": "body.stage{s}.mlp{j}.contract.norm",
    },
    "shrink": {
        "levit.encoder.stages.{s}.layers.{n}.attention_biases": "body.shrink{s}.attn.bias.table",
        "levit.encoder.stages.{s}.layers.{n}.attention_bias_idxs": "body.shrink{s}.attn.bias.index",
        "levit.encoder.stages.{s}.layers.{n}.keys_values.linear": "body.shrink{s}.attn.kv.linear",
        "levit.encoder.stages.{s}.layers.{n}.keys_values.batch_norm": "body.shrink{s}.attn.kv.norm",
        "levit.encoder.stages.{s}.layers.{n}.queries.linear": "body.shrink{s}.attn.q.linear",
        "levit.encoder.stages.{s}.layers.{n}.queries.batch_norm": "body.shrink{s}.attn.q.norm",
        "levit.encoder.stages.{s}.layers.{n}.projection.linear": "body.shrink{s}.attn.proj.linear",
        "levit.encoder.stages.{s}.layers.{n}.projection.batch_norm": "body.shrink{s}.attn.proj.norm",
    },
    "shrink mlp": {
        "levit.encoder.stages.{s}.layers.{n}.module.linear_up.linear": "body.shrink{s}.mlp.expand.linear",
        "levit.encoder.stages.{s}.layers.{n}.module.linear_up.batch_norm": "body.shrink{s}.mlp.expand.norm",
        "levit.encoder.stages.{s}.layers.{n}.module.linear_down.linear": "body.shrink{s}.mlp.contract.linear",
        "levit.encoder.stages.{s}.layers.{n}.module.linear_down.batch_norm": "body.shrink{s}.mlp.contract.norm",
    },
    "heads": {
        "classifier.batch_norm": "head.norm",
        "classifier.linear": "head.linear",
        "classifier_distill.batch_norm": "head_dist.norm",
        "classifier_distill.linear": "head_dist.linear",
    },
}

LAYOUTS: dict[str, Table] = {
    "official": OFFICIAL,
    "timm": TIMM,
    "transformers": TRANSFORMERS,
    "levit-mobile": {part: {ours: ours for ours in rows.values()} for part, rows in TIMM.items()},
}

# A key that only something else holds -> what that is; the first match names it.
STRANGERS: dict[str, str] = {
    r"(^|\.)(dist_token|distillation_token)$": "a distilled DeiT checkpoint, not a LeViT",
    r"(^|\.)(cls_token|pos_embed|position_embeddings)$": "a DeiT or ViT checkpoint, not a LeViT",
    r"^blocks\.0\.attn\.qkv\.(weight|bias)$": "a DeiT or ViT checkpoint, not a LeViT",
    r"^patch_embed\.0\.bias$": "a LeViT whose batch norms were already fused",
    r"^(patch_embeddings\.embedding_layer_1|encoder\.stages)\.": "a LeViT without its classification head",
}


class _Block(NamedTuple):
    """What one plain attention block's shapes say; heads and entries are 0 where the bias table is missing."""

    width: int
    rows: int
    heads: int
    entries: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a checkpoint's names and shapes say about its net; `side` in pixels."""

    channels: tuple[int, ...]
    key_dim: int
    heads: tuple[int, ...]
    depths: tuple[int, ...]
    classes: int
    side: int
    distillation: bool

    @property
    def stated(self) -> dict[str, int | float | tuple[int, ...] | tuple[float, ...]]:
        """By the paper's names, for the contract."""
        return {"channels": self.channels, "key_dim": self.key_dim, "heads": self.heads, "depths": self.depths}


def detect_layout(keys: Sequence[str]) -> str:
    """The layout that most keys belong to. Raises CheckpointError when none belongs to any."""
    known = {name: sum(_any_row(table, key) for key in keys) for name, table in LAYOUTS.items()}
    best = max(known, key=lambda name: known[name])
    stranger = next((what for pattern, what in STRANGERS.items() if any(re.search(pattern, key) for key in keys)), "")
    if known[best] < len(keys) / 2 and stranger:
        raise CheckpointError(
            f"the weights are those of {stranger}: pass the trained weights of a LeViT with its head",
            fault="not-levit",
        )
    if known[best] == 0:
        raise CheckpointError(
            f"none of the {len(keys)} keys belongs to a LeViT (the first: {', '.join(sorted(keys)[:3])}), expected the "
            f"names of one of these layouts: {', '.join(LAYOUTS)}",
            fault="not-levit",
        )
    return best


def our_names(layout: str, depths: tuple[int, ...]) -> dict[str, str]:
    """Our name of each module and bias tensor -> its name in `layout`, for stages of these depths."""
    table = LAYOUTS[layout]
    return {
        ours.format(**place): theirs.format(**place)
        for part, place in _places(depths)
        for theirs, ours in table[part].items()
    }


def variant_names(layout: str, variant: str) -> dict[str, str]:
    """`our_names` of a variant by name."""
    return our_names(layout, VARIANTS[variant].depths)


def read_sizes(shapes: Shapes, layout: str) -> Sizes:
    """Widths, heads and depths from the attention blocks, side from their bias tables, classes from the head."""
    blocks = _attention_blocks(shapes, layout)
    stages = [list(group) for _, group in groupby(blocks, key=lambda block: block.width)]
    heads = tuple(max(block.heads for block in stage) for stage in stages)
    second_head = _theirs(layout, "head_dist.linear").rpartition(".")[0] + "."
    return Sizes(
        channels=tuple(stage[0].width for stage in stages),
        key_dim=blocks[0].rows // (4 * heads[0]) if blocks and heads[0] else 0,  # rows: q, k and twice as wide a v
        heads=heads,
        depths=tuple(len(stage) for stage in stages),
        classes=_classes(shapes, layout),
        side=_side(max(block.entries for block in stages[0])) if stages else 0,
        distillation=any(key.startswith(second_head) for key in shapes),
    )


def match_variant(sizes: Sizes, asked: str | None) -> str:
    """The row of VARIANTS that was read. Raises CheckpointError for another size, or another than was asked for."""
    found = next((name for name, variant in VARIANTS.items() if _fits(sizes, variant)), None)
    if found is None:
        table = "; ".join(f"{name}: {_row(v.channels, v.key_dim, v.heads, v.depths)}" for name, v in VARIANTS.items())
        read = _row(sizes.channels, sizes.key_dim, sizes.heads, sizes.depths)
        raise CheckpointError(
            f"the LeViT's sizes ({read}) are not those of a known variant, expected one of {table}",
            fault="other-levit",
        )
    if asked is not None and asked != found:
        raise CheckpointError(
            f"the weights are those of {found}, expected {asked}: omit the variant or correct it", fault="variant"
        )
    return found


def _fits(sizes: Sizes, variant: Variant) -> bool:
    """Depths may be too small: then blocks are missing, and the keys say which."""
    same = (sizes.channels, sizes.key_dim, sizes.heads) == (variant.channels, variant.key_dim, variant.heads)
    return same and all(read <= depth for read, depth in zip(sizes.depths, variant.depths, strict=True))


def _row(channels: tuple[int, ...], key_dim: int, heads: tuple[int, ...], depths: tuple[int, ...]) -> str:
    parts = {"widths": channels, "key_dim": (key_dim,), "heads": heads, "depths": depths}
    return ", ".join(f"{name} {' '.join(map(str, numbers)) or 'unknown'}" for name, numbers in parts.items())


def _places(depths: tuple[int, ...]) -> Iterator[tuple[str, dict[str, int]]]:
    """Every part of a LeViT in order, with the numbers that the tables' braces take."""
    for i in range(4):
        yield "stem", {"i": i, "c": i + 1, "p": 2 * i}
    b = 0
    for s, depth in enumerate(depths):
        parts = ["attention", "mlp"] * depth + (["shrink", "shrink mlp"] if s + 1 < len(depths) else [])
        for n, part in enumerate(parts):
            yield part, {"s": s, "t": s + 1, "j": n // 2, "n": n, "b": b}
            b += 1
    yield "heads", {}


@cache
def _pattern(theirs: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w)\\}", r"(?P<\1>\\d+)", re.escape(theirs)))


def _any_row(table: Table, key: str) -> bool:
    modules = (key, key.rpartition(".")[0])
    return any(_pattern(theirs).fullmatch(name) for rows in table.values() for theirs in rows for name in modules)


def _theirs(layout: str, ours: str) -> str:
    """The pattern in `layout` of one of our rows."""
    return next(theirs for rows in LAYOUTS[layout].values() for theirs, name in rows.items() if name == ours)


def _attention_blocks(shapes: Shapes, layout: str) -> list[_Block]:
    """The plain attention blocks in order, those of the checkpoint's own numbering."""
    weight = _pattern(_theirs(layout, "body.stage{s}.attn{j}.qkv.linear") + ".weight")
    table = _theirs(layout, "body.stage{s}.attn{j}.bias.table")
    found = [(match.groupdict(), shape) for key, shape in shapes.items() if (match := weight.fullmatch(key))]
    found.sort(key=lambda block: [int(number) for number in block[0].values()])
    biases = [(*shapes.get(table.format(**place), ()), 0, 0) for place, _ in found]
    return [_Block(shape[1], shape[0], *bias[:2]) for (_, shape), bias in zip(found, biases, strict=True)]


def _classes(shapes: Shapes, layout: str) -> int:
    key = _theirs(layout, "head.linear") + ".weight"
    if len(shapes.get(key, ())) != 2:
        raise CheckpointError(
            f"the weights have no classification head, expected {key} of shape [classes, width]", fault="missing-keys"
        )
    return shapes[key][0]


def _side(entries: int) -> int:
    grid = math.isqrt(entries)
    if grid * grid != entries:
        raise CheckpointError(
            f"the first attention bias table has {entries} entries, expected a square number: only LeViTs for "
            "square images can be imported",
            fault="other-levit",
        )
    return grid * PATCH_PX
