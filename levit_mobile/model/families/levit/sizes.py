"""What a LeViT is by the names and shapes of its tensors, and what its sizes are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.family import Facts
from levit_mobile.model.families.levit.architecture import OTHER, SILU, VARIANTS, Architecture, Numbers
from levit_mobile.model.families.levit.grids import Size, fitting, size_of
from levit_mobile.model.families.levit.keys import head_names, their_row
from levit_mobile.model.families.levit.shapes import Shapes, read_architecture
from levit_mobile.model.families.levit.stated import states_activation
from levit_mobile.model.stored_tensors import few


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a checkpoint's names and shapes say about its net; `size` is height and width in pixels.

    `assumed` says that rectangles would fit too and nothing chose a size, `activation` that a file names the function.
    """

    architecture: Architecture
    classes: int
    size: Size
    distillation: bool
    head_norm: bool = True
    assumed: bool = False
    activation: bool = False

    @property
    def stated(self) -> Mapping[str, Numbers]:
        """By the paper's names, for the contract."""
        return self.architecture.stated

    @property
    def doubt(self) -> str:
        """What the shapes cannot tell, where that is likely to matter."""
        name = next((name for name, architecture in SILU.items() if architecture == self.architecture), "")
        if not name or self.activation:
            return ""
        return f"the net has the sizes of timm's {name}, which computes SiLU by default: Hardswish is assumed"

    def described(self, variant: str) -> str:
        """The variant's name; the sizes of one that has none."""
        return variant if variant != OTHER else f"a LeViT of {listed(self.architecture)}"


def read_sizes(shapes: Shapes, layout: str, asked: Size | None = None, facts: Facts | None = None) -> Sizes:
    """Widths, heads and depths from the blocks, classes from the head; the input size from the bias tables, or as
    `asked` if they fit it. Raises CheckpointError."""
    classes = _classes(shapes, layout)
    architecture, entries = read_architecture(shapes, layout)
    main, second = head_names(layout)
    return Sizes(
        architecture=architecture,
        classes=classes,
        size=size_of(entries, architecture.patch_px, asked),
        distillation=any(key.startswith(f"{second}.") for key in shapes),
        head_norm=f"{main}.weight" not in shapes,
        assumed=asked is None and len(fitting(entries, architecture.patch_px)) > 1,
        activation=states_activation(facts or Facts()),
    )


def match_variant(sizes: Sizes, asked: str | None) -> str:
    """The variant that has these sizes, or `levit`. Raises CheckpointError for another than was asked for."""
    named = (name for name, architecture in VARIANTS.items() if architecture == sizes.architecture)
    found = next(named, OTHER)
    if asked is None or asked == found:
        return found
    raise CheckpointError(
        f"the weights are those of {sizes.described(found)}, expected {asked}: omit the variant or correct it",
        fault="variant",
    )


def listed(architecture: Architecture) -> str:
    """All sizes in words, by the paper's names."""
    numbers = {"widths" if name == "channels" else name: value for name, value in architecture.stated.items()}
    return ", ".join(f"{name} {_spaced(value)}" for name, value in numbers.items() if value != ())


def _spaced(value: Numbers) -> str:
    return " ".join(f"{number:g}" for number in (value if isinstance(value, tuple) else (value,)))


def _classes(shapes: Shapes, layout: str) -> int:
    key, plain = their_row(layout, "head.linear") + ".weight", f"{head_names(layout)[0]}.weight"
    found = shapes.get(key, shapes.get(plain, ()))
    if not found[:1] or found[2:] not in ((), (1, 1)) or len(found) < 2:
        raise CheckpointError(_no_weight(shapes, layout, key, plain), fault="missing-keys")
    return found[0]


def _no_weight(shapes: Shapes, layout: str, key: str, plain: str) -> str:
    """What is missing: the weight of a head of which there is something, or a head."""
    expected = f"expected {key} or {plain} of shape [classes, width]"
    there = sorted(name for name in shapes if name.startswith(f"{head_names(layout)[0]}."))
    if not there:
        return f"the weights have no classification head, {expected}"
    wrong = next((f"{name} has shape {list(shapes[name])}" for name in (key, plain) if name in shapes), "")
    return f"{wrong or f'the classification head has no weight ({few(there)})'}, {expected}"
