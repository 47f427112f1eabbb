"""How five checkpoint layouts name the weights of one LeViT, as literal tables.

official      facebookresearch/LeViT, levit.py and levit_c.py; timm before 0.7 used the same names
timm          timm/models/levit.py; `levit_conv_*` holds the same matrices as 1x1 convolutions
transformers  transformers/models/levit/modeling_levit.py
mmpretrain    mmpretrain/models/backbones/levit.py and heads/levit_head.py
levit-mobile  our own names, those of `levit.LeViT`

Each row is their name -> ours, a module or a single tensor. The numbers in braces:
  {i} stem convolution from 0, {c} the same from 1, {p} its place when activations are counted
  {s} stage from 0, {t} = s + 1, {j} block inside its stage
  {n} layer inside its stage, which the shrinking pair closes (transformers)
  {m} layer inside its stage, which the shrinking pair opens (mmpretrain)
  {b} layer in the whole body (official)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.levit.architecture import Architecture

Table = dict[str, dict[str, str]]

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

MMPRETRAIN: Table = {
    "stem": {
        "backbone.patch_embed.patch_embed.{p}.conv": "stem.conv{i}.conv",
        "backbone.patch_embed.patch_embed.{p}.bn": "stem.conv{i}.norm",
    },
    "attention": {
        "backbone.stages.{s}.{m}.block.attention_biases": "body.stage{s}.attn{j}.bias.table",
        "backbone.stages.{s}.{m}.block.attention_bias_idxs": "body.stage{s}.attn{j}.bias.index",
        "backbone.stages.{s}.{m}.block.qkv.linear": "body.stage{s}.attn{j}.qkv.linear",
        "backbone.stages.{s}.{m}.block.qkv.bn": "body.stage{s}.attn{j}.qkv.norm",
        "backbone.stages.{s}.{m}.block.proj.1.linear": "body.stage{s}.attn{j}.proj.linear",
        "backbone.stages.{s}.{m}.block.proj.1.bn": "body.stage{s}.attn{j}.proj.norm",
    },
    "mlp": {
        "backbone.stages.{s}.{m}.block.linear1.linear": "body.stage{s}.mlp{j}.expand.linear",
        "backbone.stages.{s}.{m}.block.linear1.bn": "body.stage{s}.mlp{j}.expand.norm",
        "backbone.stages.{s}.{m}.block.linear2.linear": "body.stage{s}.mlp{j}.contract.linear",
        "backbone.stages.{s}.{m}.block.linear2.bn": "body.stage{s}.mlp{j}.contract.norm",
    },
    "shrink": {
        "backbone.stages.{t}.0.attention_biases": "body.shrink{s}.attn.bias.table",
        "backbone.stages.{t}.0.attention_bias_idxs": "body.shrink{s}.attn.bias.index",
        "backbone.stages.{t}.0.kv.linear": "body.shrink{s}.attn.kv.linear",
        "backbone.stages.{t}.0.kv.bn": "body.shrink{s}.attn.kv.norm",
        "backbone.stages.{t}.0.q.1.linear": "body.shrink{s}.attn.q.linear",
        "backbone.stages.{t}.0.q.1.bn": "body.shrink{s}.attn.q.norm",
        "backbone.stages.{t}.0.proj.1.linear": "body.shrink{s}.attn.proj.linear",
        "backbone.stages.{t}.0.proj.1.bn": "body.shrink{s}.attn.proj.norm",
    },
    "shrink mlp": {
        "backbone.stages.{t}.1.block.linear1.linear": "body.shrink{s}.mlp.expand.linear",
        "backbone.stages.{t}.1.block.linear1.bn": "body.shrink{s}.mlp.expand.norm",
        "backbone.stages.{t}.1.block.linear2.linear": "body.shrink{s}.mlp.contract.linear",
        "backbone.stages.{t}.1.block.linear2.bn": "body.shrink{s}.mlp.contract.norm",
    },
    "heads": {
        "head.head.bn": "head.norm",
        "head.head.linear": "head.linear",
        "head.head_dist.bn": "head_dist.norm",
        "head.head_dist.linear": "head_dist.linear",
    },
}

LAYOUTS: dict[str, Table] = {
    "official": OFFICIAL,
    "timm": TIMM,
    "transformers": TRANSFORMERS,
    "mmpretrain": MMPRETRAIN,
    "levit-mobile": {part: {ours: ours for ours in rows.values()} for part, rows in TIMM.items()},
}

TRUNKS = {"transformers": "levit.", "mmpretrain": "backbone."}  # their heads are beside it

# A key that only a LeViT of another kind holds -> what that is; the first match names it.
STRANGERS: dict[str, str] = {
    r"^patch_embed\.0\.bias$": "a LeViT whose batch norms were already fused",
    r"^(patch_embeddings\.embedding_layer_1|encoder\.stages)\.": "a LeViT without its classification head",
}


def detect_layout(keys: Sequence[str]) -> str | None:
    """The layout that most keys belong to; None when none belongs to any. Raises CheckpointError for a stranger."""
    known = {name: sum(_any_row(table, key) for key in keys) for name, table in LAYOUTS.items()}
    best = max(known, key=lambda name: known[name])
    stranger = next((what for pattern, what in STRANGERS.items() if any(re.search(pattern, key) for key in keys)), "")
    if known[best] < len(keys) / 2 and stranger:
        raise CheckpointError(
            f"the weights are those of {stranger}: pass the trained weights of a LeViT with its head",
            fault="not-levit",
        )
    return best if known[best] else None


def our_names(layout: str, depths: tuple[int, ...], convolutions: int = 4) -> dict[str, str]:
    """Our name of each module and bias tensor -> its name in `layout`, for stages of these depths.

    `convolutions` is the number of those in the stem.
    """
    table = LAYOUTS[layout]
    return {
        ours.format(**place): theirs.format(**place)
        for part, place in _places(depths, convolutions)
        for theirs, ours in table[part].items()
    }


def head_names(layout: str) -> tuple[str, str]:
    """Names of the class head and of the second head."""
    one, two = (their_row(layout, f"{head}.linear").rpartition(".")[0] for head in ("head", "head_dist"))
    return one, two


def head_parts(layout: str) -> tuple[str, str]:
    """Names of the norm and of the linear layer inside a head."""
    norm, linear = (their_row(layout, f"head.{part}").rpartition(".")[2] for part in ("norm", "linear"))
    return norm, linear


def names_in(layout: str, architecture: Architecture) -> dict[str, str]:
    """`our_names` of a LeViT, and those of heads that are linear layers alone."""
    plain = dict(zip(("head", "head_dist"), head_names(layout), strict=True))
    return our_names(layout, architecture.depths, len(architecture.stem)) | plain


@cache
def trunk_parts(layout: str) -> tuple[str, ...]:
    """What names of the trunk begin with when it is saved without the model around it, such as ``encoder.``."""
    trunk = TRUNKS[layout]
    rows = (theirs for part, table in LAYOUTS[layout].items() if part != "heads" for theirs in table)
    return tuple({f"{row.removeprefix(trunk).split('.')[0]}." for row in rows})


@cache
def _trunk_pattern(layout: str) -> re.Pattern[str]:
    """A key of the trunk, below any prefix: every row of the layout's table but those of the heads."""
    rows = (theirs for part, table in LAYOUTS[layout].items() if part != "heads" for theirs in table)
    trunk = TRUNKS.get(layout, "")
    names = (re.sub(r"\\{\w\\}", r"\\d+", re.escape(row.removeprefix(trunk))) for row in rows)
    return re.compile(rf"(?P<prefix>(?:.*\.)?)(?:{'|'.join(names)})(?:\.\w+)?", re.DOTALL)


def trunk_places(key: str) -> Iterator[tuple[str, str]]:
    """Each layout in which a key is one of the trunk's, and the prefix of its net there."""
    for layout in LAYOUTS:
        if match := _trunk_pattern(layout).fullmatch(key):
            prefix, trunk = match["prefix"], TRUNKS.get(layout, "")
            yield layout, prefix.removesuffix(trunk) if f".{prefix}".endswith(f".{trunk}") else prefix


def _places(depths: tuple[int, ...], convolutions: int) -> Iterator[tuple[str, dict[str, int]]]:
    """Every part of a LeViT in order, with the numbers that the tables' braces take."""
    for i in range(convolutions):
        yield "stem", {"i": i, "c": i + 1, "p": 2 * i}
    b = 0
    for s, depth in enumerate(depths):
        parts = ["attention", "mlp"] * depth + (["shrink", "shrink mlp"] if s + 1 < len(depths) else [])
        for n, part in enumerate(parts):
            yield part, {"s": s, "t": s + 1, "j": n // 2, "n": n, "m": n + 2 * (s > 0), "b": b}
            b += 1
    yield "heads", {}


def numbered(keys: Iterable[str], layout: str, ours: str) -> list[tuple[dict[str, int], str]]:
    """The weights of every module that one of our rows stands for: its numbers in the layout, and its key."""
    weight = row_pattern(their_row(layout, ours) + ".weight")
    found = [(match.groupdict(), key) for key in keys if (match := weight.fullmatch(key))]
    return [({name: int(digits) for name, digits in numbers.items()}, key) for numbers, key in found]


@cache
def row_pattern(theirs: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w)\\}", r"(?P<\1>\\d{1,6})", re.escape(theirs)))


def _any_row(table: Table, key: str) -> bool:
    modules = (key, key.rpartition(".")[0])
    return any(row_pattern(theirs).fullmatch(name) for rows in table.values() for theirs in rows for name in modules)


def their_row(layout: str, ours: str) -> str:
    """The pattern in `layout` of one of our rows."""
    return next(theirs for rows in LAYOUTS[layout].values() for theirs, name in rows.items() if name == ours)
