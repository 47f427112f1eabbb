"""The body of a baked CoAtNet, block by block, as a deployable form rebuilds it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import nn

from levit_mobile.model.families.coatnet.trained import CoAtNet, Transformer


def laid_out(baked: CoAtNet, kinds: Mapping[type, Callable[..., nn.Module]]) -> nn.Sequential:
    """The body with every block rebuilt by what `kinds` names for it, under the same names.

    Raises ValueError for scores that are still scaled, which a form would leave out.
    """
    if any(block.attn.scale != 1.0 for block in baked.modules() if isinstance(block, Transformer)):
        raise ValueError("the attention scores are still scaled: bake the model first")
    stages = (
        (name, nn.Sequential(OrderedDict((n, kinds[type(block)](block)) for n, block in stage.named_children())))
        for name, stage in baked.body.named_children()
    )
    return nn.Sequential(OrderedDict(stages)).eval()
