"""The sizes of a LeViT, and those of the paper's five."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

PATCH_PX = 16  # the paper's stem halves the picture four times
SHRINK_STRIDE = 2
ATTENTION_RATIO = 2  # value channels / key channels in the paper's plain attention
SHRINK_ATTENTION_RATIO = 4  # the same in its shrinking blocks
MLP_RATIO = 2

Numbers = int | float | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """Attention and MLP, `depth` times on one grid. `key_dim` and `value_dim` are channels of one head."""

    channels: int
    heads: int
    depth: int
    key_dim: int
    value_dim: int
    hidden: int  # channels inside an MLP


@dataclass(frozen=True, slots=True)
class Shrink:
    """Attention from every second row and column, then an MLP, between two stages."""

    heads: int
    key_dim: int
    value_dim: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """Every size of a LeViT but those of its input and its heads.

    Attributes:
        stem: Output channels of the stem's convolutions; each halves the picture. The last is the first stage's width.
        stages: The stages.
        shrinks: What is between them, one fewer.
        drop_path: Probability of stochastic depth, in training.
    """

    stem: tuple[int, ...]
    stages: tuple[Stage, ...]
    shrinks: tuple[Shrink, ...]
    drop_path: float = field(default=0.0, compare=False)

    @property
    def patch_px(self) -> int:
        """Pixels of the input along one edge of a token of the first stage."""
        return 1 << len(self.stem)

    @property
    def channels(self) -> tuple[int, ...]:
        return tuple(stage.channels for stage in self.stages)

    @property
    def heads(self) -> tuple[int, ...]:
        return tuple(stage.heads for stage in self.stages)

    @property
    def depths(self) -> tuple[int, ...]:
        return tuple(stage.depth for stage in self.stages)

    @property
    def stated(self) -> dict[str, Numbers]:
        """By the paper's names, for the contract. What is the same in all stages is one number."""
        return {
            "channels": self.channels,
            "key_dim": _one([stage.key_dim for stage in self.stages]),
            "heads": self.heads,
            "depths": self.depths,
            "attention_ratio": _one([stage.value_dim / stage.key_dim for stage in self.stages]),
            "mlp_ratio": _one([stage.hidden / stage.channels for stage in self.stages]),
            "stem": self.stem,
            "shrink_heads": tuple(shrink.heads for shrink in self.shrinks),
            "shrink_key_dim": tuple(shrink.key_dim for shrink in self.shrinks),
            "shrink_attention_ratio": _whole(shrink.value_dim / shrink.key_dim for shrink in self.shrinks),
            "shrink_mlp_ratio": _whole(
                shrink.hidden / stage.channels for shrink, stage in zip(self.shrinks, self.stages[1:], strict=True)
            ),
        }


def _one(numbers: Iterable[float]) -> Numbers:
    whole = _whole(numbers)
    return whole[0] if len(set(whole)) == 1 else whole


def _whole(numbers: Iterable[float]) -> tuple[int, ...] | tuple[float, ...]:
    """As integers where all are."""
    found = tuple(numbers)
    return tuple(map(int, found)) if all(number == int(number) for number in found) else found


def as_in_paper(
    channels: tuple[int, ...], key_dim: int, heads: tuple[int, ...], depths: tuple[int, ...], drop_path: float = 0.0
) -> Architecture:
    """One row of the paper's table 1, with the ratios and the stem that all its rows share."""
    stages = zip(channels, heads, depths, strict=True)
    return Architecture(
        stem=tuple(channels[0] // share for share in (8, 4, 2, 1)),
        stages=tuple(
            Stage(width, count, depth, key_dim, ATTENTION_RATIO * key_dim, MLP_RATIO * width)
            for width, count, depth in stages
        ),
        shrinks=tuple(
            Shrink(width // key_dim, key_dim, SHRINK_ATTENTION_RATIO * key_dim, MLP_RATIO * wider)
            for width, wider in itertools.pairwise(channels)
        ),
        drop_path=drop_path,
    )


VARIANTS: dict[str, Architecture] = {
    "levit_128s": as_in_paper((128, 256, 384), 16, (4, 6, 8), (2, 3, 4)),
    "levit_128": as_in_paper((128, 256, 384), 16, (4, 8, 12), (4, 4, 4)),
    "levit_192": as_in_paper((192, 288, 384), 32, (3, 5, 6), (4, 4, 4)),
    "levit_256": as_in_paper((256, 384, 512), 32, (4, 6, 8), (4, 4, 4)),
    "levit_384": as_in_paper((384, 512, 768), 32, (6, 9, 12), (4, 4, 4), drop_path=0.1),
}
OTHER = "levit"  # the name of every other one

# timm's own experiments, which compute SiLU unless their user chose another function: timm/models/levit.py, model_cfgs.
_S8 = {"levit_384_s8": VARIANTS["levit_384"], "levit_512_s8": as_in_paper((512, 640, 896), 64, (8, 10, 14), (4, 4, 4))}
SILU: dict[str, Architecture] = {
    **{name: replace(row, stem=tuple(row.channels[0] // share for share in (4, 2, 1))) for name, row in _S8.items()},
    "levit_512": as_in_paper((512, 768, 1024), 64, (8, 12, 16), (4, 4, 4)),
    "levit_256d": as_in_paper((256, 384, 512), 32, (4, 6, 8), (4, 8, 6)),
    "levit_512d": as_in_paper((512, 640, 768), 64, (8, 10, 12), (4, 8, 6)),
}
