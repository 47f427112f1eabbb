"""The sizes of a CoAtNet and what it computes between its weights, and those of the five that timm trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

HEAD_DIM = 32  # channels of one attention head
EXPANSION = 4  # channels inside a block / those of its input; timm expands from the input in all five
GATE_RATIO = 4  # channels inside a block / those inside its gate
STAGES = 4
CONV_STAGES = 2  # the first ones, of convolutions; the others attend
INPUT_PX = 32  # pixels of the input along one edge of a cell of the last grid
BATCH_EPS, LAYER_EPS = 1e-5, 1e-6

Numbers = int | float | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Traits:
    """What differs between CoAtNets of the same sizes and cannot be seen in the shapes of the largest weights.

    Attributes:
        gate_early: Whether the gate (squeeze-excite) comes before the batch norm behind the 3x3 convolution.
        conv_bias: Whether the last convolution of a block of convolutions, and that of its shortcut, have a bias.
        shortcut_bias: Whether the shortcut's convolution of a block with attention has one.
        batch_norm: Whether blocks with attention have batch norms; otherwise layer norms.
        stride: What halves the grid in a block of convolutions: a mean over 2 x 2 before it, or its 3x3 convolution.
        active_norm: Whether an activation function follows the first norm of a block of convolutions.
        gate_function: The function inside the gate.
    """

    gate_early: bool
    conv_bias: bool
    shortcut_bias: bool
    batch_norm: bool
    stride: Literal["pool", "dw"]
    active_norm: bool
    gate_function: Literal["relu", "silu"]

    @property
    def visible(self) -> tuple[bool, ...]:
        """Those that names of tensors reveal."""
        return self.gate_early, self.conv_bias, self.shortcut_bias, self.batch_norm


@dataclass(frozen=True, slots=True)
class Architecture:
    """Every size of a CoAtNet but those of its input and its head, and its traits.

    Attributes:
        stem: Output channels of the stem's two convolutions.
        channels: Channels of the stages.
        depths: Blocks of the stages.
        traits: What else it computes.
        drop_path: Probability of stochastic depth, in training.
    """

    stem: tuple[int, int]
    channels: tuple[int, ...]
    depths: tuple[int, ...]
    traits: Traits
    drop_path: float = field(default=0.0, compare=False)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Channels that the first block of each stage takes."""
        return (self.stem[-1], *self.channels[:-1])

    @property
    def uneven(self) -> tuple[int, ...]:
        """Widths of attentions that are not made of whole heads; the first one in a stage has those of its input."""
        return tuple(width for width in self.channels[CONV_STAGES - 1 :] if width % HEAD_DIM)

    @property
    def sizes(self) -> tuple[tuple[int, ...], ...]:
        """Without the traits."""
        return self.stem, self.channels, self.depths

    @property
    def stated(self) -> dict[str, Numbers]:
        """Widths, depths and heads, for the contract; the stages of convolutions have no heads."""
        heads = [width // HEAD_DIM for width in self.channels[CONV_STAGES:]]
        return {
            "channels": self.channels,
            "depths": self.depths,
            "heads": (0,) * CONV_STAGES + tuple(heads),
            "stem": self.stem,
            "mlp_ratio": EXPANSION,
        }


def _traits(
    stride: Literal["pool", "dw"],
    *,
    gate_function: Literal["relu", "silu"] = "relu",
    gate_early: bool = True,
    shortcut_bias: bool = False,
    batch_norm: bool = False,
) -> Traits:
    return Traits(gate_early, False, shortcut_bias, batch_norm, stride, True, gate_function)


# Source: timm 1.0.31, timm/models/maxxvit.py, model_cfgs, `_rw_coat_cfg` and, for nano, `_rw_max_cfg`.
_NANO = Traits(False, True, True, False, "pool", False, "silu")
_SMALL, _LARGE = (96, 192, 384, 768), (128, 256, 512, 1024)
_LATE = _traits("dw", gate_function="silu", gate_early=False, shortcut_bias=True)
VARIANTS: dict[str, Architecture] = {
    "coatnet_nano_rw": Architecture((32, 64), (64, 128, 256, 512), (3, 4, 6, 3), _NANO),
    "coatnet_0_rw": Architecture((32, 64), _SMALL, (2, 3, 7, 2), _traits("pool")),
    "coatnet_1_rw": Architecture((32, 64), _SMALL, (2, 6, 14, 2), _traits("dw")),
    "coatnet_2_rw": Architecture((64, 128), _LARGE, (2, 6, 14, 2), _LATE),
    "coatnet_bn_0_rw": Architecture((32, 64), _SMALL, (2, 3, 7, 2), _traits("dw", batch_norm=True)),
}
OTHER = "coatnet"  # the name of every other one
