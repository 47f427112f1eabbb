"""Names and shapes of a checkpoint -> the sizes of its graft: they show all of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.family import Facts, Shapes
from levit_mobile.model.families.graft.architecture import (
    HEAD_DIM,
    OTHER,
    PATCH_PX,
    STAGES,
    TOKENS,
    VARIANTS,
    Architecture,
    Numbers,
)
from levit_mobile.model.families.graft.trained import Graft
from levit_mobile.model.stated import size_text

Size = tuple[int, int]  # height, width in pixels


@dataclass(frozen=True, slots=True)
class Sizes:
    """What names and shapes show of a net; `size` is height and width in pixels."""

    architecture: Architecture
    classes: int
    size: Size
    distillation: bool
    assumed: bool = False
    doubt: str = ""

    @property
    def stated(self) -> Mapping[str, Numbers]:
        """For the contract."""
        return self.architecture.stated

    def described(self, variant: str) -> str:
        """The variant's name, or the sizes of a net that has none."""
        one = self.architecture
        depths = " ".join(map(str, one.depths))
        sizes = f"{depths} bottlenecks from {one.stem} channels, {one.blocks} blocks of width {one.width}"
        return variant if variant != OTHER else f"a graft of {sizes}"


def read_sizes(shapes: Shapes, _layout: str, asked: Size | None = None, _facts: Facts | None = None) -> Sizes:
    """Widths, depths and classes from the shapes; the input size from the positions. Raises CheckpointError."""
    depths = _depths(shapes)
    width = _shape(shapes, "tail.stem.embed.weight", 4)[0]
    if width % HEAD_DIM:
        raise CheckpointError(
            f"tail.stem.embed.weight has {width} outputs, expected a multiple of {HEAD_DIM}, the channels of a head",
            fault="other-net",
        )
    blocks = _count(shapes, r"tail\.body\.block(\d+)\.")
    rows = _shape(shapes, "tail.stem.position", 3)[1] - TOKENS
    size = _size(rows, asked)
    return Sizes(
        architecture=Architecture(_shape(shapes, "stem.conv.weight", 4)[0], depths, width, blocks),
        classes=_shape(shapes, "tail.head.weight", 2)[0],
        size=size,
        distillation="tail.head_dist.weight" in shapes,
        assumed=asked is None and any(rows % edge == 0 for edge in range(2, math.isqrt(rows))),
    )


def match_variant(sizes: Sizes, asked: str | None) -> str:
    """The variant that has these sizes, or `graft`. Raises CheckpointError for another than was asked for."""
    named = (name for name, architecture in VARIANTS.items() if architecture == sizes.architecture)
    found = next(named, OTHER)
    if asked is None or asked == found:
        return found
    raise CheckpointError(
        f"the weights are those of {sizes.described(found)}, expected {asked}: omit the variant or correct it",
        fault="variant",
    )


def empty_model(variant: str, sizes: Sizes) -> Graft:
    """A graft that waits for the weights of a checkpoint."""
    with torch.device("meta"):
        model = Graft(sizes.architecture, classes=sizes.classes, side=sizes.size, distillation=sizes.distillation)
    model.variant = variant
    return model


def _depths(shapes: Shapes) -> tuple[int, ...]:
    stages = _count(shapes, r"trunk\.stage(\d+)\.")
    if stages not in STAGES:
        raise CheckpointError(
            f"the weights have {stages} stages of bottlenecks, expected {STAGES.start} to {STAGES.stop - 1}",
            fault="other-net",
        )
    return tuple(_count(shapes, rf"trunk\.stage{i}\.block(\d+)\.") for i in range(stages))


def _count(shapes: Shapes, pattern: str) -> int:
    """One more than the largest number in the names; the check of all keys finds those that are left out."""
    return 1 + max((int(match[1]) for key in shapes if (match := re.match(pattern, key))), default=-1)


def _shape(shapes: Shapes, key: str, axes: int) -> tuple[int, ...]:
    found = shapes.get(key)
    if found is None:
        raise CheckpointError(f"1 key is missing ({key}) for a graft", fault="missing-keys")
    if len(found) != axes or not all(found):
        raise CheckpointError(f"{key} has shape {list(found)}, expected {axes} axes", fault="shape")
    return found


def _size(rows: int, asked: Size | None) -> Size:
    side = math.isqrt(max(rows, 0))
    size = asked or (side * PATCH_PX, side * PATCH_PX)
    if rows < 1 or size[0] % PATCH_PX or size[1] % PATCH_PX or size[0] * size[1] != rows * PATCH_PX**2:
        wanted = size_text(asked) if asked else "a square"
        raise CheckpointError(
            f"tail.stem.position has places for {rows} cells of {PATCH_PX} px, expected those of {wanted}: choose the "
            "size that the net was trained for with --side HEIGHTxWIDTH",
            fault="variant",
        )
    return size
