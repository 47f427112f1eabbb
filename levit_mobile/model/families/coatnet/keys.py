"""How timm and this package name the weights of one CoAtNet, as literal tables.

timm          timm/models/maxxvit.py
levit-mobile  our own names, those of `trained.CoAtNet`

Each row is timm's name -> ours, a module or a single tensor. The numbers in braces: {s} stage from 0, {j} block inside
its stage. A gate before its norm, and the norm of a block that halves the grid, have other names in timm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.coatnet.architecture import CONV_STAGES, Architecture
from levit_mobile.model.families.family import State
from levit_mobile.model.parts.heads import no_head
from levit_mobile.model.stored_tensors import shown

Table = dict[str, str]

ENDS: Table = {
    "stem.conv1": "stem.conv0.conv",
    "stem.norm1": "stem.conv0.norm",
    "stem.conv2": "stem.conv1",
    "norm": "norm",
    "head.fc": "head",
}
CONV: Table = {
    "stages.{s}.blocks.{j}.pre_norm": "body.stage{s}.block{j}.norm",
    "stages.{s}.blocks.{j}.conv1_1x1": "body.stage{s}.block{j}.expand.conv",
    "stages.{s}.blocks.{j}.norm1": "body.stage{s}.block{j}.expand.norm",
    "stages.{s}.blocks.{j}.conv2_kxk": "body.stage{s}.block{j}.depthwise",
    "stages.{s}.blocks.{j}.norm2": "body.stage{s}.block{j}.depthwise_norm",
    "stages.{s}.blocks.{j}.conv3_1x1": "body.stage{s}.block{j}.contract",
}
GATE: dict[bool, Table] = {  # whether it comes before the norm
    early: {
        f"stages.{{s}}.blocks.{{j}}.{theirs}.fc1": f"body.stage{{s}}.block{{j}}.{ours}.squeeze",
        f"stages.{{s}}.blocks.{{j}}.{theirs}.fc2": f"body.stage{{s}}.block{{j}}.{ours}.excite",
    }
    for early, theirs, ours in ((True, "se_early", "early_gate"), (False, "se", "gate"))
}
ATTENTION: Table = {
    "stages.{s}.blocks.{j}.attn.qkv": "body.stage{s}.block{j}.attn.qkv",
    "stages.{s}.blocks.{j}.attn.rel_pos.relative_position_bias_table": "body.stage{s}.block{j}.attn.bias.table",
    "stages.{s}.blocks.{j}.attn.rel_pos.relative_position_index": "body.stage{s}.block{j}.attn.bias.index",
    "stages.{s}.blocks.{j}.attn.proj": "body.stage{s}.block{j}.attn.proj",
    "stages.{s}.blocks.{j}.norm2": "body.stage{s}.block{j}.mlp_norm",
    "stages.{s}.blocks.{j}.mlp.fc1": "body.stage{s}.block{j}.expand",
    "stages.{s}.blocks.{j}.mlp.fc2": "body.stage{s}.block{j}.contract",
}
NORM: dict[bool, Table] = {  # whether the block halves the grid
    True: {"stages.{s}.blocks.{j}.norm1.norm": "body.stage{s}.block{j}.norm"},
    False: {"stages.{s}.blocks.{j}.norm1": "body.stage{s}.block{j}.norm"},
}
SHORTCUT: Table = {"stages.{s}.blocks.{j}.shortcut.expand": "body.stage{s}.block{j}.shortcut"}

LAYOUTS = ("timm", "levit-mobile")
BLOCKS = (CONV, GATE[True], GATE[False], ATTENTION, NORM[True], NORM[False], SHORTCUT)

# Rows that no net of another family has; CoAtNets of every kind have one in each block.
OWN = (
    "stages.{s}.blocks.{j}.conv2_kxk",
    "stages.{s}.blocks.{j}.attn.rel_pos.relative_position_bias_table",
)
STRANGERS: dict[str, str] = {
    r"\.blocks\.\d+\.attn_(block|grid)\.": "a MaxViT",
    r"\.rel_pos\.mlp\.": "a CoAtNet whose position biases are made by an MLP (timm's coatnet_rmlp_*)",
    r"\.blocks\.\d+\.conv_dw\.": "a CoAtNet of ConvNeXt blocks (timm's coatnext_*)",
}


def names_in(layout: str, architecture: Architecture) -> dict[str, str]:
    """Our name of each module and constant -> its name in `layout`."""
    rows = dict(_rows(architecture))
    return {ours: ours if layout != "timm" else theirs for theirs, ours in rows.items()}


def their_name(layout: str, ours: str) -> str:
    """The name in `layout` of a module that every CoAtNet has, such as `head`."""
    found = {mine: theirs for theirs, mine in ENDS.items()}
    return found[ours] if layout == "timm" else ours


def _rows(architecture: Architecture) -> Iterator[tuple[str, str]]:
    yield from ENDS.items()
    widths = zip(architecture.inputs, architecture.channels, architecture.depths, strict=True)
    for s, (before, channels, depth) in enumerate(widths):
        for j in range(depth):
            for table in _tables(architecture, s, j, widens=j == 0 and before != channels):
                yield from ((theirs.format(s=s, j=j), ours.format(s=s, j=j)) for theirs, ours in table.items())


def _tables(architecture: Architecture, s: int, j: int, *, widens: bool) -> list[Table]:
    if s < CONV_STAGES:
        return [CONV, GATE[architecture.traits.gate_early], *[SHORTCUT] * widens]
    return [ATTENTION, NORM[j == 0], *[SHORTCUT] * widens]


@cache
def _pattern(layout: str) -> re.Pattern[str]:
    """A key of the trunk, below any prefix."""
    trunk = [row for row in ENDS.items() if row[1] != "head"]
    pairs = (*trunk, *(row for table in BLOCKS for row in table.items()))
    rows = {theirs if layout == "timm" else ours for theirs, ours in pairs}
    names = "|".join(_escaped(row) for row in sorted(rows))
    return re.compile(rf"(?P<prefix>(?:.*\.)?)(?:{names})(?:\.\w+)?", re.DOTALL)


def _escaped(row: str) -> str:
    return re.sub(r"\\{\w\\}", r"\\d+", re.escape(row))


def trunk_places(key: str) -> Iterator[tuple[str, str]]:
    """Each layout in which a key is one of the trunk's, and the prefix of its net there."""
    for layout in LAYOUTS:
        if match := _pattern(layout).fullmatch(key):
            yield layout, match["prefix"]


def detect_layout(keys: Sequence[str]) -> str | None:
    """The layout of a CoAtNet's keys; None for those of something else. Raises CheckpointError for its relatives."""
    for pattern, what in STRANGERS.items():
        if any(re.search(pattern, key) for key in keys):
            raise CheckpointError(
                f"the weights are those of {what}, expected a CoAtNet of MBConv blocks and attention with a table of "
                "position biases: this net cannot be converted",
                fault="not-levit",
            )
    owned = re.compile("|".join(rf"{_escaped(row)}(\.\w+)?" for row in OWN))
    if any(owned.fullmatch(key) for key in keys):
        return "timm"
    ours = re.compile(r"body\.stage\d+\.block\d+\.(depthwise|attn\.bias)\.\w+")
    return "levit-mobile" if any(ours.fullmatch(key) for key in keys) else None


def canonical(inside: State, beside: State, layout: str, base: str) -> tuple[State, State]:
    """The net's tensors as they are. Raises CheckpointError for a net of another kind or without its linear head.

    Args:
        inside: The tensors below the net's prefix, by their names there.
        beside: Tensors of the same state dict outside of the prefix, by their whole names.
        layout: The layout of the trunk.
        base: The prefix.
    """
    detect_layout(list(inside))
    head = their_name(layout, "head")
    if f"{head}.weight" not in inside:
        raise no_head(f"{shown(base)}{head}.weight", beside)
    return inside, beside


def depths_in(keys: Mapping[str, object], layout: str) -> tuple[int, ...]:
    """Blocks of each stage, by the largest number in the names. Raises CheckpointError where a number is left out."""
    stage = r"stages\.(\d+)\.blocks\.(\d+)\." if layout == "timm" else r"body\.stage(\d+)\.block(\d+)\."
    found = {(int(match[1]), int(match[2])) for key in keys if (match := re.match(stage, key))}
    stages = range(max((s for s, _ in found), default=-1) + 1)
    depths = tuple(sum(1 for s, _ in found if s == one) for one in stages)
    if any((s, j) not in found for s in stages for j in range(depths[s])):
        raise CheckpointError(
            f"the stages hold {' '.join(map(str, depths))} blocks, whose numbers do not run from 0: expected all "
            "blocks of every stage",
            fault="missing-keys",
        )
    return depths
