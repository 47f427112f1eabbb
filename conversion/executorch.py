"""nn.Module -> .pte, lowered to XNNPACK."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from levit_mobile.card import Card
from levit_mobile.errors import ToolchainMissing
from levit_mobile.recipe import Precision, Recipe


def convert(module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> None:
    """Write `module` to `path`: [1,3,side,side] in [0,1] -> logits [1,classes], both in the recipe's precision.

    float16 is float16 throughout: arithmetic, input, output and weights, but for those of the stem's and the shrinking
    queries' convolutions, which ExecuTorch hands to XNNPACK in float32 (5 % of 128S).

    With `taps` the module gives (logits, *taps), and those are outputs too, in this order: a `.pte` has no names for
    them. Raises ToolchainMissing, and ValueError when the module gives more or fewer.
    """
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
    except ImportError as error:
        raise ToolchainMissing("executorch", "executorch") from error
    dtype = torch.float16 if recipe.precision is Precision.FLOAT16 else torch.float32
    example = torch.zeros(1, 3, card.side_px, card.side_px, dtype=dtype)
    program = torch.export.export(module.to(dtype).eval(), (example,), strict=False)
    _require_outputs(program, ("logits", *taps))
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    path.write_bytes(lowered.to_executorch().buffer)


def _require_outputs(program: torch.export.ExportedProgram, names: tuple[str, ...]) -> None:
    """Whoever reads the outputs knows them by their places only."""
    found = len(program.graph_signature.user_outputs)
    if found != len(names):
        raise ValueError(f"the module gives {found} outputs, expected {len(names)}: {', '.join(names)}")
