"""ViT and DeiT in one file, in the form they are trained in.

Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020, arXiv:2010.11929; Touvron et al., "Training data-efficient
image transformers & distillation through attention", 2020, arXiv:2012.12877.
One convolution cuts the picture into patches, a class token goes before them and in DeiT a distillation token behind
that, a learnt position is added to each, and attention and MLP alternate. Heads read the first tokens.

Shapes: N pictures, C channels, T tokens, h heads, d channels a head.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.families.vit.architecture import OTHER, VARIANTS, Architecture, Gelu
from levit_mobile.model.parts.intermediate_outputs import compared_as

STREAM_SCALE = 2.0**-4  # of the residual stream in deployable forms: the square of 4000 still fits float16


class Stem(nn.Module):
    """Patches, special tokens and positions: [N,3,H,W] -> [N,T,C]."""

    def __init__(self, sizes: Architecture, cells: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, sizes.width, sizes.patch, stride=sizes.patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, sizes.width))
        distillation = torch.zeros(1, 1, sizes.width)
        self.distillation_token = nn.Parameter(distillation) if sizes.tokens == 2 else None
        self.position = nn.Parameter(torch.zeros(1, sizes.tokens + cells, sizes.width))
        for weight in (self.embed.weight, *self.parameters(recurse=False)):
            nn.init.trunc_normal_(weight, std=0.02)

    @property
    def special(self) -> Tensor:
        """The tokens before those of patches: [1,t,C]."""
        return torch.cat([token for token in (self.class_token, self.distillation_token) if token is not None], 1)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.embed(x).flatten(2).transpose(1, 2)  # N T C
        return torch.cat([self.special.expand(len(x), -1, -1), patches], 1) + self.position


class Attention(nn.Module):
    """Multi-head attention over a normalised stream, with a residual: [N,T,C] -> [N,T,C]."""

    def __init__(self, sizes: Architecture) -> None:
        super().__init__()
        self.heads, self.scale = sizes.heads, (sizes.width // sizes.heads) ** -0.5
        self.norm: nn.Module = nn.LayerNorm(sizes.width, sizes.epsilon)
        self.q, self.k, self.v = (nn.Linear(sizes.width, sizes.width) for _ in range(3))
        self.proj = nn.Linear(sizes.width, sizes.width)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        q, k, v = (split_heads(layer(normed), self.heads) for layer in (self.q, self.k, self.v))
        weights = (q @ k.transpose(-2, -1) * self.scale).softmax(-1)  # N h T T
        y: Tensor = x + self.proj((weights @ v).transpose(1, 2).flatten(2))
        return y


class Mlp(nn.Module):
    """Two linears around a GELU over a normalised stream, with a residual: [N,T,C] -> [N,T,C]."""

    def __init__(self, sizes: Architecture) -> None:
        super().__init__()
        self.gelu: Gelu = sizes.gelu
        self.norm: nn.Module = nn.LayerNorm(sizes.width, sizes.epsilon)
        self.expand = nn.Linear(sizes.width, sizes.hidden)
        self.contract = nn.Linear(sizes.hidden, sizes.width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.contract(F.gelu(self.expand(self.norm(x)), approximate=self.gelu))
        return y


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[N,T,h*d] -> [N,h,T,d]."""
    split: Tensor = x.unflatten(2, (heads, -1))
    return split.transpose(1, 2)


def layer(sizes: Architecture) -> nn.Sequential:
    """Attention, then MLP."""
    return nn.Sequential(OrderedDict(attn=Attention(sizes), mlp=Mlp(sizes)))


class ViT(nn.Module):
    """ViT or DeiT as it is trained, before any rewrite for a phone.

    Calling it maps normalised pictures [N,3,H,W] to logits [N,classes]: of the class token, or the mean of both heads
    in evaluation mode. In training mode with a distillation head it returns the pair (class logits, distillation
    logits).

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020, arXiv:2010.11929; Touvron et al., "Training
    data-efficient image transformers & distillation through attention", 2020, arXiv:2012.12877.

    Args:
        variant: One of timm's names, such as ``deit_tiny_patch16_224``, or any other sizes.
        classes: Number of logits.
        side: Height and width of the input in pixels, both multiples of a patch; one number for a square.
        distillation: Whether there is a second head, which reads the distillation token.

    Raises:
        ValueError: The variant is unknown, the side is not made of multiples of the patch, or there is a second head
            without a distillation token.
    """

    def __init__(
        self,
        variant: str | Architecture,
        *,
        classes: int = 1000,
        side: int | tuple[int, int] = 224,
        distillation: bool = False,
    ) -> None:
        super().__init__()
        sizes = _architecture(variant)
        self.size = (side, side) if isinstance(side, int) else side
        if any(edge < sizes.patch or edge % sizes.patch for edge in self.size):
            raise ValueError(f"the input side is {side} px, expected a positive multiple of {sizes.patch} px")
        if distillation and sizes.tokens < 2:
            raise ValueError("a second head needs a distillation token, and the net has none")
        self.variant = variant if isinstance(variant, str) else OTHER
        self.architecture, self.classes, self.distillation = sizes, classes, distillation
        self.cells = self.size[0] // sizes.patch, self.size[1] // sizes.patch
        self.stem: nn.Module = Stem(sizes, self.cells[0] * self.cells[1])
        self.body = nn.Sequential(OrderedDict((f"block{i}", layer(sizes)) for i in range(sizes.depth)))
        self.norm: nn.Module = nn.LayerNorm(sizes.width, sizes.epsilon)
        self.head = nn.Linear(sizes.width, classes)
        self.head_dist = nn.Linear(sizes.width, classes) if distillation else None
        self.read_tokens = 2 if distillation else 1
        self.blocks, self.read = blocks_in(sizes.depth), "norm"
        compared_as(self, as_in_forms)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return the logits: [N,3,H,W] -> [N,classes], or one such tensor per head in training."""
        tokens = self.norm(self.body(self.stem(x))[:, : self.read_tokens])  # N t C
        if self.head_dist is None:
            logits: Tensor = self.head(tokens.flatten(1))
            return logits
        one, two = self.head(tokens[:, 0]), self.head_dist(tokens[:, 1])
        return (one, two) if self.training else (one + two) / 2


def as_in_forms(stream: Tensor) -> Tensor:
    """The stream as deployable forms keep it: scaled, and without the mean over channels that norms take off."""
    return (stream - stream.mean(-1, keepdim=True)) * STREAM_SCALE


def blocks_in(depth: int) -> dict[str, str]:
    """Block -> its path, in the order they run: stem, block0.attn, block0.mlp, ..., block11.

    The last pair is one block: what a form computes inside it is for the tokens that heads read.
    """
    names = [f"block{i}.{part}" for i in range(depth - 1) for part in ("attn", "mlp")]
    return {"stem": "stem", **{name: f"body.{name}" for name in [*names, f"block{depth - 1}"]}}


def _architecture(variant: str | Architecture) -> Architecture:
    if isinstance(variant, Architecture):
        return variant
    if variant not in VARIANTS:
        raise ValueError(f"unknown ViT variant {variant!r}, expected one of {', '.join(VARIANTS)}")
    return VARIANTS[variant]
