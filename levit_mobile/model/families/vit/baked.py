"""The parts of a baked ViT, as deployable forms rebuild them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, nn

from levit_mobile.model.families.vit.bake import BakedStem
from levit_mobile.model.families.vit.trained import Attention, Mlp, ViT
from levit_mobile.model.parts.norms import Rms

Rows = tuple[Tensor, Tensor | None]  # weight [out, in] and bias [out] of one projection, which may have none


def stem_of(baked: ViT) -> BakedStem:
    """Raises ValueError for a model that is not baked."""
    if not isinstance(baked.stem, BakedStem):
        raise ValueError("tokens and positions are still apart: bake the model first")
    return baked.stem


def epsilon_of(norm: nn.Module) -> float:
    """Raises ValueError for a norm that is not baked."""
    if not isinstance(norm, Rms):
        raise ValueError(f"the norm is a {type(norm).__name__}: bake the model first")
    return norm.epsilon


def laid_out(
    baked: ViT, attention: Callable[[Attention, int | None], nn.Module], mlp: Callable[[Mlp], nn.Module]
) -> nn.Sequential:
    """The body with every block rebuilt under its name; the last attention asks for the tokens that heads read only.

    `attention` takes a block and how many tokens are to be kept, None for all.
    """
    layers = list(baked.body.named_children())
    return nn.Sequential(
        OrderedDict(
            (name, _layer(block, attention, mlp, baked.read_tokens if i + 1 == len(layers) else None))
            for i, (name, block) in enumerate(layers)
        )
    ).eval()


def _layer(
    block: nn.Module,
    attention: Callable[[Attention, int | None], nn.Module],
    mlp: Callable[[Mlp], nn.Module],
    kept: int | None,
) -> nn.Sequential:
    parts = dict(block.named_children())
    attn, wide = parts["attn"], parts["mlp"]
    assert isinstance(attn, Attention)
    assert isinstance(wide, Mlp)
    return nn.Sequential(OrderedDict(attn=attention(attn, kept), mlp=mlp(wide)))
