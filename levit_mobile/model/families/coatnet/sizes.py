"""Names and shapes of a checkpoint, and what files say of it -> the sizes and traits of its CoAtNet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.coatnet.architecture import (
    CONV_STAGES,
    HEAD_DIM,
    INPUT_PX,
    OTHER,
    STAGES,
    VARIANTS,
    Architecture,
    Numbers,
    Traits,
)
from levit_mobile.model.families.coatnet.keys import depths_in, their_name
from levit_mobile.model.families.coatnet.stated import stated_traits, unseen
from levit_mobile.model.families.family import Facts, Shapes
from levit_mobile.model.stated import size_text

Size = tuple[int, int]  # height, width in pixels

MOST_CELLS = 64  # of the last grid, along one edge
TIMM_NAMES = ("se_early.fc1", "conv3_1x1", "shortcut.expand")  # of layers that not every net has, or not with a bias
OUR_NAMES = ("early_gate.squeeze", "contract", "shortcut")
VISIBLE = ("gate_early", "conv_bias", "shortcut_bias", "batch_norm")


@dataclass(frozen=True, slots=True)
class Sizes:
    """What names, shapes and files say about a net; `size` is height and width in pixels.

    `named` says that a file or the user names the net, not its shapes alone.
    """

    architecture: Architecture
    classes: int
    size: Size
    named: bool
    assumed: bool = False
    distillation: bool = False

    @property
    def stated(self) -> Mapping[str, Numbers]:
        """For the contract."""
        return self.architecture.stated

    @property
    def doubt(self) -> str:
        """Traits that no name and no shape shows, where no file shows them either."""
        if self.named:
            return ""
        assumed = unseen(self.architecture.traits)
        return f"no file names the net: it is taken for timm's {match_variant(self, None)}, with {assumed}"

    def described(self, variant: str) -> str:
        """The variant's name, or the sizes of a net that has none."""
        if variant != OTHER:
            return variant
        listed = (f"{name} {' '.join(map(str, part))}" for name, part in
                  zip(("stem", "widths", "depths"), self.architecture.sizes, strict=True))  # fmt: skip
        return f"a CoAtNet of {', '.join(listed)}"


def read_sizes(shapes: Shapes, layout: str, asked: Size | None = None, facts: Facts | None = None) -> Sizes:
    """Widths, depths, classes and the input size from the shapes; traits from what is stated, else from the shapes.

    Raises CheckpointError, for shapes that several variants fit too.
    """
    said = stated_traits(facts or Facts())
    read = _Reader(shapes, layout)
    bare = read.architecture(VARIANTS["coatnet_0_rw"].traits)
    _require_whole_heads(bare)
    traits = said or _matching(bare, read)
    _require_visible(traits, read)
    entries = tuple(read.entries(stage) for stage in range(CONV_STAGES, STAGES))
    return Sizes(
        architecture=read.architecture(traits),
        classes=read.first("head"),
        size=size_of(entries, asked),
        named=said is not None,
    )


def _require_whole_heads(architecture: Architecture) -> None:
    if architecture.uneven:
        raise CheckpointError(
            f"an attention of the weights has {architecture.uneven[0]} channels, expected a multiple of {HEAD_DIM}: "
            "CoAtNets with heads of a different width cannot be converted",
            fault="other-net",
        )


def match_variant(sizes: Sizes, asked: str | None) -> str:
    """The variant that has these sizes and traits, or `coatnet`. Raises CheckpointError for another than asked for."""
    named = (name for name, architecture in VARIANTS.items() if architecture == sizes.architecture)
    found = next(named, OTHER)
    if asked is None or asked == found:
        return found
    raise CheckpointError(
        f"the weights are those of {sizes.described(found)}, expected {asked}: omit the variant or correct it",
        fault="variant",
    )


class _Reader:
    """Sizes by our names of the layers, whatever the layout."""

    def __init__(self, shapes: Shapes, layout: str) -> None:
        self.shapes, self.layout, self.timm = shapes, layout, layout == "timm"
        self.depths = depths_in(shapes, layout)
        if len(self.depths) != STAGES:
            raise CheckpointError(
                f"the weights have {len(self.depths)} stages, expected {STAGES}: others cannot be converted",
                fault="other-net",
            )

    def block(self, stage: int, name: str) -> str:
        """Prefix of the first block's entry in this layout."""
        return f"stages.{stage}.blocks.0.{name}" if self.timm else f"body.stage{stage}.block0.{name}"

    def shape(self, key: str, axes: tuple[int, ...]) -> tuple[int, ...]:
        """Of a tensor that must be there with so many axes. Raises CheckpointError."""
        found = self.shapes.get(key)
        if found is None:
            raise CheckpointError(f"1 key is missing ({key}) for a CoAtNet", fault="missing-keys")
        if len(found) not in axes:
            raise CheckpointError(
                f"{key} has shape {list(found)}, expected {axes[-1]} axes as in a CoAtNet", fault="shape"
            )
        return found

    def first(self, ours: str) -> int:
        """Outputs of a layer that is not in a block."""
        return self.shape(f"{their_name(self.layout, ours)}.weight", (4, 2))[0]

    def architecture(self, traits: Traits) -> Architecture:
        """With traits that shapes do not reveal."""
        last = ("conv3_1x1" if self.timm else "contract", "attn.proj")
        widths = [
            self.shape(self.block(stage, f"{last[stage >= CONV_STAGES]}.weight"), (4,))[0] for stage in range(STAGES)
        ]
        stem = self.first("stem.conv0.conv"), self.first("stem.conv1")
        return Architecture(stem, tuple(widths), self.depths, traits)

    def entries(self, stage: int) -> int:
        """Entries of the bias tables of a stage."""
        name = "attn.rel_pos.relative_position_bias_table" if self.timm else "attn.bias.table"
        return self.shape(self.block(stage, name), (2,))[0]

    def visible(self) -> tuple[bool, ...]:
        """The traits that names reveal."""
        gate, last, shortcut = TIMM_NAMES if self.timm else OUR_NAMES
        return (
            self.block(0, f"{gate}.weight") in self.shapes,
            self.block(0, f"{last}.bias") in self.shapes,
            self.block(CONV_STAGES, f"{shortcut}.bias") in self.shapes,
            f"{their_name(self.layout, 'norm')}.running_mean" in self.shapes,
        )


def _matching(bare: Architecture, read: _Reader) -> Traits:
    """Those of the only variant that fits. Raises CheckpointError where several do, or none."""
    fitting = {name: one.traits for name, one in VARIANTS.items() if one.traits.visible == read.visible()}
    exact = [one for name, one in fitting.items() if VARIANTS[name].sizes == bare.sizes]
    if len(exact) == 1:
        return exact[0]
    listed = ", ".join(fitting) or "none of the known ones"
    raise CheckpointError(
        f"the names and shapes of the weights do not show how the net computes; variants that fit are: {listed}. "
        "Expected config.json beside the weights, whose architecture names the one that it was made from",
        fault="ambiguous",
    )


def _require_visible(traits: Traits, read: _Reader) -> None:
    """The weights have what the named net has. Raises CheckpointError."""
    if traits.visible != read.visible():
        pairs = zip(VISIBLE, traits.visible, read.visible(), strict=True)
        wrong = [f"{name} {found}, expected {stated}" for name, stated, found in pairs if stated != found]
        raise CheckpointError(
            f"the weights are not those of the named net: they show {'; '.join(wrong)}: correct config.json or the "
            "variant",
            fault="variant",
        )


def fitting(entries: tuple[int, ...]) -> tuple[Size, ...]:
    """Every size whose two grids have bias tables of so many entries; the square first."""
    edges = range(1, MOST_CELLS + 1)
    grids = [(rows, columns) for rows in edges for columns in edges if _entries(rows, columns) == entries]
    grids.sort(key=lambda grid: abs(grid[0] - grid[1]))
    return tuple((rows * INPUT_PX, columns * INPUT_PX) for rows, columns in grids)


def _entries(rows: int, columns: int) -> tuple[int, ...]:
    return tuple((2 * scale * rows - 1) * (2 * scale * columns - 1) for scale in (2, 1))


def size_of(entries: tuple[int, ...], asked: Size | None) -> Size:
    """The size that was asked for or is stated elsewhere, else the square. Raises CheckpointError for one that the
    tables do not fit: timm would interpolate them, which is another net than the trained one."""
    found = fitting(entries)
    listed = ", ".join(map(size_text, found))
    if not found:
        raise CheckpointError(
            f"the tables of position biases have {' '.join(map(str, entries))} entries, expected those of an input of "
            f"multiples of {INPUT_PX} px, up to {MOST_CELLS * INPUT_PX} px",
            fault="other-net",
        )
    if asked is not None and asked not in found:
        raise CheckpointError(
            f"the input size is {size_text(asked)}, expected {listed}, which the tables of position biases fit: set "
            "a different size in timm, which interpolates them, and save its state_dict()",
            fault="variant",
        )
    if asked is None and found[0][0] != found[0][1]:
        raise CheckpointError(
            f"the tables of position biases fit several input sizes ({listed}): choose one with --side HEIGHTxWIDTH",
            fault="variant",
        )
    return asked or found[0]
