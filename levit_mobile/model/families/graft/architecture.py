"""The sizes of a graft: first stages of a ResNet-50 under the last blocks of a DeiT-S."""

from __future__ import annotations

from dataclasses import dataclass

from levit_mobile.model.families.vit.architecture import MLP_RATIO
from levit_mobile.model.families.vit.architecture import Architecture as Tail

HEAD_DIM = 64  # channels of one attention head, as in DeiT-S
WIDENING = 4  # channels that a bottleneck gives / channels inside it
PATCH_PX = 16  # pixels of the input along one edge of a token, as in DeiT-S
TRUNK_PX = 4  # the same of a cell of the first stage
TOKENS = 2  # before those of the grid: for the class and for distillation
RESNET_50 = (3, 4, 6)  # bottlenecks of its first stages
STAGES, BLOCKS = range(1, 4), range(3, 12)  # in the paper's table on grafting

Numbers = int | float | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    """Every size of a graft but those of its input and its heads.

    Attributes:
        stem: Output channels of the first convolution, and channels inside the first stage's bottlenecks.
        depths: Bottlenecks of each stage; each stage after the first halves the grid and doubles the channels.
        width: Channels of a token, a multiple of 64.
        blocks: Pairs of attention and MLP.
    """

    stem: int
    depths: tuple[int, ...]
    width: int
    blocks: int

    @property
    def channels(self) -> tuple[int, ...]:
        """Those that the stages give."""
        return tuple(WIDENING * self.stem << i for i in range(len(self.depths)))

    @property
    def pool(self) -> int:
        """Cells of the last stage along one edge of a token."""
        return PATCH_PX // (TRUNK_PX << (len(self.depths) - 1))

    @property
    def tail(self) -> Tail:
        """What is behind the stages, on a grid of tokens."""
        return Tail(self.width, self.width // HEAD_DIM, self.blocks, MLP_RATIO * self.width, 1, TOKENS)

    @property
    def stated(self) -> dict[str, Numbers]:
        """For the contract."""
        return {
            "stem": self.stem,
            "channels": self.channels,
            "depths": self.depths,
            "width": self.width,
            "heads": self.width // HEAD_DIM,
            "blocks": self.blocks,
        }


VARIANTS: dict[str, Architecture] = {
    f"resnet50_{stages}_deit_small_{blocks}": Architecture(64, RESNET_50[:stages], 384, blocks)
    for stages in STAGES
    for blocks in BLOCKS
}
OTHER = "graft"  # the name of every other one
