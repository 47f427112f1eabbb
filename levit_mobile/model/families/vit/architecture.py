"""The sizes of a ViT or DeiT, and those that have a name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Gelu = Literal["none", "tanh"]  # torch's `approximate`
Numbers = int | float | tuple[int, ...] | tuple[float, ...]

OTHER = "vit"  # the name of every net without a name of its own
MLP_RATIO = 4
TIMM_EPSILON, TRANSFORMERS_EPSILON = 1e-6, 1e-12  # of LayerNorm, where no file says otherwise


@dataclass(frozen=True, slots=True)
class Architecture:
    """Every size of a net but those of its input and its heads.

    Attributes:
        width: Channels of a token.
        heads: Heads of each attention.
        depth: Number of pairs of attention and MLP.
        hidden: Channels inside an MLP.
        patch: Pixels of the input along one edge of a token.
        tokens: Tokens before those of patches: 1 for the class, 2 with DeiT's distillation token.
        gelu: Whether GELU is computed exactly or by the hyperbolic tangent.
        epsilon: What LayerNorm adds to the variance.
    """

    width: int
    heads: int
    depth: int
    hidden: int
    patch: int
    tokens: int
    gelu: Gelu = "none"
    epsilon: float = field(default=TIMM_EPSILON, compare=False)

    @property
    def shapes(self) -> tuple[int, ...]:
        """What the shapes of tensors show."""
        return self.width, self.depth, self.hidden, self.patch, self.tokens

    @property
    def stated(self) -> dict[str, Numbers]:
        """By the papers' names, for the contract."""
        names = ("width", "heads", "depth", "hidden", "patch", "tokens", "epsilon")
        return {name: getattr(self, name) for name in names} | {"tanh_gelu": int(self.gelu == "tanh")}


def _architecture(name: str) -> Architecture:
    """Of one of timm's names, such as `deit_tiny_distilled_patch16_224`."""
    width, heads, depth = WIDTHS[name.split("_")[1]]
    patch = int(name.partition("_patch")[2].partition("_")[0])
    return Architecture(width, heads, depth, MLP_RATIO * width, patch, 2 if "_distilled_" in name else 1)


# Width, heads and depth by the word for them, as timm/models/vision_transformer.py and deit.py list them.
WIDTHS = {"tiny": (192, 3, 12), "small": (384, 6, 12), "base": (768, 12, 12), "large": (1024, 16, 24)}
NAMES = (
    "vit_tiny_patch16_224", "vit_tiny_patch16_384", "vit_small_patch16_224", "vit_small_patch16_384",
    "vit_small_patch32_224", "vit_small_patch32_384", "vit_base_patch8_224", "vit_base_patch16_224",
    "vit_base_patch16_384", "vit_base_patch32_224", "vit_base_patch32_384", "vit_large_patch16_224",
    "vit_large_patch16_384", "vit_large_patch32_224", "vit_large_patch32_384",
    "deit_tiny_patch16_224", "deit_small_patch16_224", "deit_base_patch16_224", "deit_base_patch16_384",
    "deit_tiny_distilled_patch16_224", "deit_small_distilled_patch16_224", "deit_base_distilled_patch16_224",
    "deit_base_distilled_patch16_384",
)  # fmt: skip
VARIANTS: dict[str, Architecture] = {name: _architecture(name) for name in NAMES}


def side_of(name: str) -> int:
    """Edge in pixels of the square input of a variant."""
    return int(name.rpartition("_")[2])


def with_epsilon(architecture: Architecture, epsilon: float) -> Architecture:
    """The same net with another epsilon."""
    return replace(architecture, epsilon=epsilon)
