"""nn.Module -> .pte, lowered to XNNPACK."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from levit_mobile.errors import ToolchainMissing
from levit_mobile.interfaces.card import Card
from levit_mobile.recipe import Precision, Recipe

from . import executorch_gelu, executorch_half, executorch_int8, executorch_weights, int4
from .executorch_passes import idle_passes_left_out, quantizing_ops_remembered

# Ops of the forms that XNNPACK takes whole. `to_edge_transform_and_lower` asks the partitioner for them, which takes
# it three decompositions of the graph instead of one.
WHOLE = tuple(getattr(torch.ops.aten, name).default for name in ("hardswish", "linear", "gelu", "max_pool2d"))

# What makes a module's weights integers, in place, for a precision that has any; it returns their number.
QUANTIZERS: Mapping[Precision, Callable[[nn.Module], int]] = {
    Precision.INT8: executorch_int8.to_int8,
    Precision.INT8_DYNAMIC: executorch_weights.to_int8_dynamic,
    Precision.INT4_WEIGHT: executorch_weights.to_int4_weight,
}


def convert(module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> int:
    """Write `module` to `path`: [1,3,side,side] in [0,1] -> logits [1,classes], in float32 or float16.

    float16 is float16 throughout: arithmetic, input, output and weights, but for those of the stem's convolutions,
    which ExecuTorch hands to XNNPACK in float32. Every other precision keeps float32 input and output, but where the
    recipe's `io` asks for int8; executorch_int8.py and executorch_weights.py say what it stores and computes in, and
    executorch_half.py what `allows_half` makes of static int8.

    With `taps` the module gives (logits, *taps), and those are outputs too, in this order: a `.pte` has no names for
    them. Returns how many convolutions and linears must run in integers. Raises ToolchainMissing, and ValueError when
    the module gives more or fewer.
    """
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import EdgeCompileConfig, to_edge
        from executorch.exir.verification.verifier import EXIREdgeDialectVerifier
    except ImportError as error:
        raise ToolchainMissing("executorch", "executorch") from error
    int4.require_groups(module, recipe)
    dtype = torch.float16 if recipe.precision is Precision.FLOAT16 else torch.float32
    example = torch.zeros(1, 3, card.height, card.width, dtype=torch.int8 if recipe.io == "int8" else dtype)
    prepared, integers = _prepared(module, recipe)
    with quantizing_ops_remembered(), idle_passes_left_out():
        program = torch.export.export(prepared.to(dtype).eval(), (example,), strict=False)
        _require_outputs(program, ("logits", *taps))
        executorch_int8.one_dequantize_a_reader(program)
        if recipe.allows_half:
            executorch_half.half_islands(program)
        # ExecuTorch would check the graph at seven steps, each time by running it.
        edge = to_edge(program, compile_config=EdgeCompileConfig(preserve_ops=list(WHOLE), _check_ir_validity=False))
        checked = EXIREdgeDialectVerifier(EdgeCompileConfig(preserve_ops=list(WHOLE)))
        checked(edge.exported_program().graph_module)
        path.write_bytes(edge.to_backend(XnnpackPartitioner()).to_executorch().buffer)
    return integers


def _prepared(module: nn.Module, recipe: Recipe) -> tuple[nn.Module, int]:
    """The module with its weights as the recipe says, and how many are integers; the caller's own stays as it is."""
    in_half = recipe.precision is Precision.FLOAT16
    if recipe.precision not in QUANTIZERS and not executorch_gelu.needs_drawing(module, in_half=in_half):
        return module, 0
    prepared = executorch_gelu.draw_gelus(copy.deepcopy(module), in_half=in_half)
    if recipe.precision not in QUANTIZERS:
        return prepared, 0
    integers = QUANTIZERS[recipe.precision](prepared)
    return executorch_int8.IntegerEnds(prepared) if recipe.io == "int8" else prepared, integers


def _require_outputs(program: torch.export.ExportedProgram, names: tuple[str, ...]) -> None:
    """Whoever reads the outputs knows them by their places only."""
    found = len(program.graph_signature.user_outputs)
    if found != len(names):
        raise ValueError(f"the module has {found} outputs, expected {len(names)}: {', '.join(names)}")
