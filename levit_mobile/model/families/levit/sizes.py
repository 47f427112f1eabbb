"""What a LeViT is by the names and shapes of its tensors, and which variant has these sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.levit.grids import Size, fitting, size_of
from levit_mobile.model.families.levit.keys import head_names, our_names, row_pattern, their_row
from levit_mobile.model.families.levit.trained import ATTENTION_RATIO, MLP_RATIO, VARIANTS, Variant

Shapes = Mapping[str, tuple[int, ...]]

COLOURS = 3


class _Block(NamedTuple):
    """What one plain attention block's shapes say; a number is 0 where its tensor is missing."""

    width: int
    rows: int
    heads: int
    entries: int
    values: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a checkpoint's names and shapes say about its net; `size` is height and width in pixels.

    Ratios are as in `trained`. `whole` says that the blocks' numbers have no gap, `assumed` that rectangles would fit
    too and nothing chose a size.
    """

    channels: tuple[int, ...]
    key_dim: int
    heads: tuple[int, ...]
    depths: tuple[int, ...]
    classes: int
    size: Size
    distillation: bool
    head_norm: bool = True
    attention_ratio: float = ATTENTION_RATIO
    mlp_ratio: float = MLP_RATIO
    whole: bool = False
    assumed: bool = False

    @property
    def stated(self) -> dict[str, int | float | tuple[int, ...] | tuple[float, ...]]:
        """By the paper's names, for the contract."""
        return {
            "channels": self.channels,
            "key_dim": self.key_dim,
            "heads": self.heads,
            "depths": self.depths,
            "attention_ratio": self.attention_ratio,
            "mlp_ratio": self.mlp_ratio,
        }

    def remark(self, variant: str) -> str:
        """Where no block is missing between others, the net may be a whole one of fewer blocks."""
        if not self.whole or self.depths == VARIANTS[variant].depths:
            return ""
        read = " ".join(map(str, self.depths))
        return f"; if they are those of a whole LeViT of depths {read}, only the known variants' depths can be imported"


def read_sizes(shapes: Shapes, layout: str, asked: Size | None = None) -> Sizes:
    """Widths, heads and depths from the attention blocks, classes from the head; the input size from the bias tables,
    or as `asked` if they fit it. Raises CheckpointError."""
    _require_colours(shapes, layout)
    blocks = _attention_blocks(shapes, layout)
    stages = [list(group) for _, group in groupby(blocks, key=lambda block: block.width)]
    heads = tuple(max(block.heads for block in stage) for stage in stages)
    main, second = head_names(layout)
    key_dim, attention_ratio = _attention_sizes(blocks[0], heads[0]) if blocks and heads[0] else (0, ATTENTION_RATIO)
    entries = [max(block.entries for block in stage) for stage in stages]
    return Sizes(
        channels=tuple(stage[0].width for stage in stages),
        key_dim=key_dim,
        heads=heads,
        depths=tuple(len(stage) for stage in stages),
        classes=_classes(shapes, layout),
        size=size_of(entries, asked) if stages else (0, 0),
        distillation=any(key.startswith(f"{second}.") for key in shapes),
        head_norm=f"{main}.weight" not in shapes,
        attention_ratio=attention_ratio,
        mlp_ratio=_mlp_ratio(shapes, layout),
        assumed=bool(stages) and asked is None and len(fitting(entries)) > 1 and entries[0] > 0,
        whole=_is_whole(shapes, layout, tuple(len(stage) for stage in stages)),
    )


def _is_whole(shapes: Shapes, layout: str, depths: tuple[int, ...]) -> bool:
    names = [name for ours, name in our_names(layout, depths).items() if ours.endswith("qkv.linear")]
    return all(f"{name}.weight" in shapes for name in names)


def _require_colours(shapes: Shapes, layout: str) -> None:
    key = f"{their_row(layout, 'stem.conv{i}.conv').format(i=0, c=1, p=0)}.weight"
    shape = shapes.get(key, ())
    if len(shape) == 4 and shape[1] != COLOURS:
        raise CheckpointError(
            f"the net takes images of {shape[1]} channels ({key} has shape {list(shape)}), expected {COLOURS}: only "
            "LeViTs for red, green and blue can be imported",
            fault="shape",
        )


def _attention_sizes(block: _Block, heads: int) -> tuple[int, float]:
    """key_dim, and value channels per key channel: q, k and v are the rows of qkv, and v enters the projection."""
    values = block.values or block.rows // 2
    key_dim = (block.rows - values) // (2 * heads)
    return key_dim, values / heads / key_dim if key_dim > 0 else ATTENTION_RATIO


def _mlp_ratio(shapes: Shapes, layout: str) -> float:
    """That of most blocks: an odd one is a wrong shape, which is refused by its name."""
    weight = row_pattern(their_row(layout, "body.stage{s}.mlp{j}.expand.linear") + ".weight")
    matrices = (shape for key, shape in shapes.items() if weight.fullmatch(key) and len(shape) > 1 and shape[1])
    ratios = Counter(shape[0] / shape[1] for shape in matrices)
    return max(ratios, key=lambda ratio: ratios[ratio], default=MLP_RATIO)


def match_variant(sizes: Sizes, asked: str | None) -> str:
    """The row of VARIANTS that was read. Raises CheckpointError for another size, or another than was asked for."""
    found = next((name for name, variant in VARIANTS.items() if _fits(sizes, variant)), None)
    if found is None:
        table = "; ".join(f"{name}: {_row(v.channels, v.key_dim, v.heads, v.depths)}" for name, v in VARIANTS.items())
        read = _row(sizes.channels, sizes.key_dim, sizes.heads, sizes.depths)
        ratios = f"attention_ratio {sizes.attention_ratio:g}, mlp_ratio {sizes.mlp_ratio:g}"
        raise CheckpointError(
            f"the LeViT's sizes ({read}, {ratios}) are not those of a known variant, expected attention_ratio "
            f"{ATTENTION_RATIO}, mlp_ratio {MLP_RATIO} and one of {table}",
            fault="other-levit",
        )
    if asked is not None and asked != found:
        raise CheckpointError(
            f"the weights are those of {found}, expected {asked}: omit the variant or correct it", fault="variant"
        )
    return found


def _fits(sizes: Sizes, variant: Variant) -> bool:
    """Depths may be too small: then blocks are missing, and the keys say which."""
    ratios = (sizes.attention_ratio, sizes.mlp_ratio) == (ATTENTION_RATIO, MLP_RATIO)
    same = ratios and (sizes.channels, sizes.key_dim, sizes.heads) == (variant.channels, variant.key_dim, variant.heads)
    return same and all(read <= depth for read, depth in zip(sizes.depths, variant.depths, strict=True))


def _row(channels: tuple[int, ...], key_dim: int, heads: tuple[int, ...], depths: tuple[int, ...]) -> str:
    parts = {"widths": channels, "key_dim": (key_dim,), "heads": heads, "depths": depths}
    return ", ".join(f"{name} {' '.join(map(str, numbers)) or 'unknown'}" for name, numbers in parts.items())


def _attention_blocks(shapes: Shapes, layout: str) -> list[_Block]:
    """The plain attention blocks in order, those of the checkpoint's own numbering."""
    weight = row_pattern(their_row(layout, "body.stage{s}.attn{j}.qkv.linear") + ".weight")
    table = their_row(layout, "body.stage{s}.attn{j}.bias.table")
    projection = their_row(layout, "body.stage{s}.attn{j}.proj.linear") + ".weight"
    found = [(match.groupdict(), key) for key in shapes if (match := weight.fullmatch(key))]
    found.sort(key=lambda block: [int(number) for number in block[0].values()])
    return [
        _Block(width, rows, *_matrix(shapes, table.format(**place)), _matrix(shapes, projection.format(**place))[1])
        for place, (rows, width) in ((place, _matrix(shapes, key)) for place, key in found)
    ]


def _matrix(shapes: Shapes, key: str) -> tuple[int, int]:
    """The shape of a matrix or a 1x1 convolution; zeros for one that is missing. Raises CheckpointError for others."""
    shape = shapes.get(key, (0, 0))
    if len(shape) == 2 or (len(shape) == 4 and shape[2:] == (1, 1)):
        return shape[0], shape[1]
    raise CheckpointError(f"{key} has shape {list(shape)}, expected a matrix", fault="shape")


def _classes(shapes: Shapes, layout: str) -> int:
    key, plain = their_row(layout, "head.linear") + ".weight", f"{head_names(layout)[0]}.weight"
    found = shapes.get(key, shapes.get(plain, ()))
    if not found[:1] or found[2:] not in ((), (1, 1)) or len(found) < 2:
        raise CheckpointError(
            f"the weights have no classification head, expected {key} or {plain} of shape [classes, width]",
            fault="missing-keys",
        )
    return found[0]
