"""The body of a baked LeViT, block by block, as a deployable form rebuilds it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import nn

from levit_mobile.model.families.levit.trained import Attention, Cells, LeViT, Mlp, ShrinkAttention, shrunk


def laid_out(
    baked: LeViT, kinds: Mapping[type, Callable[..., nn.Module]], *, last: Callable[[Mlp], nn.Module]
) -> nn.Sequential:
    """The body with every block rebuilt by the class that `kinds` names for it, under the same names.

    The last block is rebuilt by `last`, which takes the mean over tokens in: the body gives what the head takes.
    """
    _require_baked(baked)
    stages: OrderedDict[str, nn.Module] = OrderedDict(
        (name, nn.Sequential(OrderedDict((n, kinds[type(block)](block)) for n, block in stage.named_children())))
        for name, stage in baked.body.named_children()
    )
    stage, (name, block) = next(reversed(stages.values())), list(next(reversed(baked.body)).named_children())[-1]
    if not isinstance(block, Mlp):
        raise ValueError(f"the body ends with {type(block).__name__}, expected an Mlp before the mean over tokens")
    stage.add_module(name, last(block))
    return nn.Sequential(stages).eval()


def _require_baked(model: LeViT) -> None:
    """Refuse what a form would silently leave out: a second head, a scale beside the scores."""
    if model.head_dist is not None:
        raise ValueError("the model still has two heads: bake the model first")
    if any(block.scale != 1.0 for block in model.modules() if isinstance(block, Attention | ShrinkAttention)):
        raise ValueError("the attention scores are still scaled: bake the model first")


def last_cells(baked: LeViT) -> Cells:
    """Rows and columns of the last stage's grid."""
    cells = baked.cells
    for _ in (block for block in baked.modules() if isinstance(block, ShrinkAttention)):
        cells = shrunk(cells)
    return cells
