"""XNNPACK's passes over a graph, without those that find nothing to change in it.

Each of ExecuTorch's 17 passes traces the whole graph again, whether it has changed the graph or not. Two of them also
export networks of their own, as patterns to search for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

from torch.export import ExportedProgram
from torch.fx import Node

Wanted = Callable[[Node], bool]
ONE_AT_A_TIME = RLock()  # two threads that replace and restore in turn could leave the replacement in place


def _named(*parts: str) -> Wanted:
    """Nodes whose op has one of these in its name."""
    return lambda node: any(part in node.target.__name__ for part in parts)  # type: ignore[union-attr]


def _is_1d_convolution(node: Node) -> bool:
    return _named("aten.convolution.")(node) and len(node.args[3]) == 1  # type: ignore[arg-type]


# A pass by its name -> the nodes without which it changes nothing. A pass that is missing here always runs.
NEEDED: Mapping[str, Wanted] = {
    "DimOrderOpsRevertPass": _named("dim_order"),
    "ConvertToUpsampleBilinear2d": _named("upsample"),
    "PropagateCustomMetaPass": lambda node: any("custom" in each.meta for each in (node, *node.all_input_nodes)),
    "ConvertToSDPAPass": _named("logical_not"),
    "FuseBatchNormPass": _named("batch_norm"),
    "DecomposeBatchNorm": _named("batch_norm"),
    "FuseActivationPass": _named("relu", "hardtanh"),
    "DecomposeConcatenate": _named("aten.cat."),
    "RemoveGetItemPass": _named("max_pool2d", "aten.max."),
    "Conv1dUnsqueezePass": _is_1d_convolution,
    "PReLUReshapePass": _named("prelu"),
    "RemoveRedundantCopyPass": _named("_to_copy"),
}


@contextmanager
def idle_passes_left_out() -> Iterator[None]:
    """While this lasts, lowering to XNNPACK runs a pass only if the graph has a node that the pass looks for.

    ExecuTorch has no option for it, so its class is replaced for the whole process and restored at the end. A second
    thread that enters waits for the first.
    """
    from executorch.backends.xnnpack import xnnpack_preprocess as stage

    with ONE_AT_A_TIME:
        original = stage.XNNPACKPassManager
        stage.XNNPACKPassManager = without_idle_passes(original)
        try:
            yield
        finally:
            stage.XNNPACKPassManager = original


def without_idle_passes(original: Any) -> Any:
    """ExecuTorch's class of a list of passes -> one that looks at the graph again before each pass."""

    class Needed(original):  # type: ignore[misc]
        def transform(self) -> ExportedProgram:
            program: ExportedProgram = self.exported_program
            for each in self.passes:
                if has_work(each.__name__, program):
                    program = original(program, passes=[each]).transform()
            return program

    return Needed


def has_work(name: str, program: ExportedProgram) -> bool:
    """Has the graph a node that the pass of this name looks for?"""
    wanted = NEEDED.get(name)
    return wanted is None or any(wanted(node) for node in program.graph.nodes if node.op == "call_function")
