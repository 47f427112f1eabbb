"""The LeViT paper's graft, in the form it is trained in.

Graham et al., 2021, arXiv:2104.01136, section on grafting: the first stages of a ResNet-50 (He et al., 2015,
arXiv:1512.03385, with the stride in the 3x3 convolutions), the mean over cells down to a grid of 14 x 14, then blocks
of DeiT-S with a class token and a distillation token.

Shapes: N pictures, C channels, H W pixels or grid cells, T tokens.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.families.graft.architecture import OTHER, PATCH_PX, VARIANTS, WIDENING, Architecture
from levit_mobile.model.families.vit.trained import Stem as Tokens
from levit_mobile.model.families.vit.trained import ViT, as_in_forms
from levit_mobile.model.parts.intermediate_outputs import compared_as


class Stem(nn.Module):
    """[N,3,H,W] -> [N,C,H/4,W/4]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.norm(self.conv(x))), 3, stride=2, padding=1)


class Bottleneck(nn.Module):
    """Convolutions 1x1, 3x3, 1x1 with a residual: [N,C,H,W] -> [N,4c,H/stride,W/stride]."""

    def __init__(self, channels: int, inside: int, stride: int) -> None:
        super().__init__()
        out = WIDENING * inside
        self.conv0, self.norm0 = nn.Conv2d(channels, inside, 1, bias=False), batch_norm(inside)
        self.conv1, self.norm1 = nn.Conv2d(inside, inside, 3, stride, padding=1, bias=False), batch_norm(inside)
        self.conv2, self.norm2 = nn.Conv2d(inside, out, 1, bias=False), batch_norm(out)
        changes = channels != out or stride > 1
        self.shortcut = nn.Conv2d(channels, out, 1, stride, bias=False) if changes else None
        self.shortcut_norm = batch_norm(out) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm0(self.conv0(x)))
        y = F.relu(self.norm1(self.conv1(y)))
        y = self.norm2(self.conv2(y))
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return F.relu(y + x)


def batch_norm(channels: int) -> nn.Module:
    """Identity once it is folded."""
    return nn.BatchNorm2d(channels)


class Graft(nn.Module):
    """A graft as it is trained, before any rewrite for a phone.

    Calling it maps normalised pictures [N,3,H,W] to logits [N,classes]: the mean of both heads in evaluation mode. In
    training mode with a distillation head it returns the pair (class logits, distillation logits).

    Args:
        variant: ``resnet50_<stages>_deit_small_<blocks>`` with 1 to 3 stages and 3 to 11 blocks, or any other sizes.
        classes: Number of logits.
        side: Height and width of the input in pixels, both multiples of 16; one number for a square.
        distillation: Whether there is a second head, which reads the distillation token.

    Raises:
        ValueError: The variant is unknown, or the side is not made of positive multiples of 16 px.
    """

    def __init__(
        self,
        variant: str | Architecture,
        *,
        classes: int = 1000,
        side: int | tuple[int, int] = 224,
        distillation: bool = True,
    ) -> None:
        super().__init__()
        sizes = _architecture(variant)
        self.size = (side, side) if isinstance(side, int) else side
        if any(edge < PATCH_PX or edge % PATCH_PX for edge in self.size):
            raise ValueError(f"the input side is {side} px, expected a positive multiple of {PATCH_PX} px")
        self.variant = variant if isinstance(variant, str) else OTHER
        self.architecture, self.classes, self.distillation = sizes, classes, distillation
        self.stem: nn.Module = Stem(sizes.stem)
        self.trunk = nn.Sequential(OrderedDict((f"stage{i}", _stage(sizes, i)) for i in range(len(sizes.depths))))
        grid = self.size[0] // PATCH_PX, self.size[1] // PATCH_PX
        self.tail = ViT(sizes.tail, classes=classes, side=grid, distillation=distillation)
        assert isinstance(self.tail.stem, Tokens)
        self.tail.stem.embed = nn.Conv2d(sizes.channels[-1], sizes.width, 1)
        self.blocks, self.read = blocks_in(sizes), "tail.norm"
        compared_as(self, _as_in_forms)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return the logits: [N,3,H,W] -> [N,classes], or one such tensor per head in training."""
        grid, pool = self.trunk(self.stem(x)), self.architecture.pool
        logits: Tensor | tuple[Tensor, Tensor] = self.tail(F.avg_pool2d(grid, pool, pool) if pool > 1 else grid)
        return logits


def blocks_in(sizes: Architecture) -> dict[str, str]:
    """Block -> its path, in the order they run: stem, stage0.block0, ..., embed, block0.attn, ..., block5."""
    stages = [f"stage{i}.block{j}" for i, depth in enumerate(sizes.depths) for j in range(depth)]
    return {
        "stem": "stem",
        **{name: f"trunk.{name}" for name in stages},
        "embed": "tail.stem",
        **{name: f"tail.{path}" for name, path in tail_blocks(sizes.blocks).items()},
    }


def tail_blocks(blocks: int) -> dict[str, str]:
    """Block of the tail -> its path there; the last pair is one block, as in a ViT."""
    names = [f"block{i}.{part}" for i in range(blocks - 1) for part in ("attn", "mlp")]
    return {name: f"body.{name}" for name in [*names, f"block{blocks - 1}"]}


def _as_in_forms(output: Tensor) -> Tensor:
    """Tokens as a ViT's forms keep them; grids as they are."""
    return as_in_forms(output) if output.ndim == 3 else output


def _stage(sizes: Architecture, i: int) -> nn.Sequential:
    inside, out = sizes.stem << i, sizes.channels[i]
    before = sizes.channels[i - 1] if i else sizes.stem
    layers = (
        (f"block{j}", Bottleneck(out if j else before, inside, 2 if i and not j else 1)) for j in range(sizes.depths[i])
    )
    return nn.Sequential(OrderedDict(layers))


def _architecture(variant: str | Architecture) -> Architecture:
    if isinstance(variant, Architecture):
        return variant
    if variant not in VARIANTS:
        raise ValueError(f"unknown graft {variant!r}, expected resnet50_<1 to 3>_deit_small_<3 to 11>")
    return VARIANTS[variant]
