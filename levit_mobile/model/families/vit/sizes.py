"""What a ViT or DeiT is by the names and shapes of its tensors, and what its sizes are called."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.family import Facts, Shapes
from levit_mobile.model.families.vit.architecture import OTHER, Architecture, Numbers
from levit_mobile.model.families.vit.identity import Seen, identified
from levit_mobile.model.families.vit.keys import LAYOUTS, head_names

Size = tuple[int, int]
MATRIX, FOUR = 2, 4  # dimensions


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a checkpoint and the files beside it say about its net; `size` is height and width in pixels.

    `assumed` says that rectangles would fit too and that no size is stated, and none is in the variant's name.
    """

    name: str
    architecture: Architecture
    classes: int
    size: Size
    distillation: bool
    assumed: bool = False
    doubt: str = ""

    @property
    def stated(self) -> Mapping[str, Numbers]:
        """By the papers' names, for the contract."""
        return self.architecture.stated

    def described(self, variant: str) -> str:
        """The variant's name; the sizes of one that has none."""
        sizes = ", ".join(f"{name} {value:g}" for name, value in self.stated.items() if isinstance(value, int | float))
        return variant if variant != OTHER else f"a ViT of {sizes}"


def read_sizes(shapes: Shapes, layout: str, asked: Size | None = None, facts: Facts | None = None) -> Sizes:
    """Width, depth and so on from the shapes, the rest from what else is known. Raises CheckpointError."""
    names = {ours: theirs for theirs, ours in LAYOUTS[layout].items()}
    embed = _shape(shapes, f"{names['stem.embed']}.weight", FOUR)
    tokens = 1 + (names["stem.distillation_token"] in shapes)
    main, second = head_names(layout)
    rows = _shape(shapes, names["stem.position"], 3)[1] - tokens
    size = _size(rows, embed[2], asked)
    seen = Seen(
        width=embed[0],
        depth=_depth(shapes, names["body.block{b}.mlp.expand"]),
        hidden=_shape(shapes, names["body.block{b}.mlp.expand"].format(b=0) + ".weight", MATRIX)[0],
        patch=embed[2],
        tokens=tokens,
        size=size,
        layout=layout,
    )
    name, architecture, doubt = identified(seen, facts or Facts())
    return Sizes(
        name=name,
        architecture=architecture,
        classes=_shape(shapes, f"{main}.weight", MATRIX)[0],
        size=size,
        distillation=f"{second}.weight" in shapes,
        assumed=asked is None and name == OTHER and len(_grids(rows)) > 1,
        doubt=doubt,
    )


def match_variant(sizes: Sizes, asked: str | None) -> str:
    """The variant's name. Raises CheckpointError for another than was asked for."""
    if asked is None or asked == sizes.name:
        return sizes.name
    raise CheckpointError(
        f"the weights are those of {sizes.described(sizes.name)}, expected {asked}: omit the variant or correct it",
        fault="variant",
    )


def _depth(shapes: Shapes, row: str) -> int:
    """One more than the largest number of a block."""
    pattern = re.compile(re.escape(row).replace(r"\{b\}", r"(\d{1,4})") + r"\.\w+")
    numbers = [int(match[1]) for key in shapes if (match := pattern.fullmatch(key))]
    if not numbers:
        raise CheckpointError(f"the weights have no block, expected {row.format(b=0)}.weight", fault="missing-keys")
    return max(numbers) + 1


def _shape(shapes: Shapes, key: str, dimensions: int) -> tuple[int, ...]:
    if (shape := shapes.get(key)) is None:
        raise CheckpointError(f"the weights have no {key}, which shows the sizes of the net", fault="missing-keys")
    if len(shape) != dimensions or not all(shape):
        raise CheckpointError(f"{key} has shape {list(shape)}, expected {dimensions} dimensions", fault="shape")
    return shape


def _grids(rows: int) -> list[Size]:
    """Every grid of patches with so many positions."""
    return [(h, rows // h) for h in range(1, rows + 1) if rows % h == 0]


def _size(rows: int, patch: int, asked: Size | None) -> Size:
    """The input size that a position table is for; positions are not resampled for another one."""
    side = math.isqrt(max(rows, 0))
    fits = asked is None or (asked[0] % patch == asked[1] % patch == 0 and asked[0] * asked[1] == rows * patch**2)
    if rows > 0 and asked is not None and fits:
        return asked
    if rows > 0 and asked is None and side * side == rows:
        return side * patch, side * patch
    wanted = f"for {asked[0]}x{asked[1]} px" if asked else "for a square"
    table = f"{rows} patches of {patch} px"
    square = f", such as {side * patch}x{side * patch} px" if side and side * side == rows else ""
    raise CheckpointError(
        f"the position table is for {table}{square}, expected one {wanted}: choose a size that fits with --side "
        "HEIGHTxWIDTH, or resample the table with the framework that trained the net",
        fault="variant",
    )
