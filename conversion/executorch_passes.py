"""ExecuTorch's passes over a graph, without those that find nothing to change in it, and one of our own behind them.

Most of the ten passes to the edge dialect and of XNNPACK's 17 trace the whole graph again, whether they have changed it
or not. Two of them also export networks of their own, as patterns to search for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Graph, GraphModule, Node
from torch.fx.passes.infra.pass_base import PassResult

Wanted = Callable[[Node], bool]
QUANTIZING = "quantized_decomposed"
TO_CHANNELS_FIRST = [0, 3, 1, 2]
ONE_AT_A_TIME = RLock()  # two threads that replace and restore in turn could leave the replacement in place


def _named(*parts: str) -> Wanted:
    """Nodes whose op has one of these in its name."""
    return lambda node: any(part in node.target.__name__ for part in parts)  # type: ignore[union-attr]


def _is_long_concatenation(node: Node) -> bool:
    return _named("aten.cat.")(node) and len(node.args[0]) > XNNPACK_CONCATENATES  # type: ignore[arg-type]


def _has_only_constants(node: Node) -> bool:
    return all(each.op == "get_attr" for each in node.all_input_nodes)


def _is_view(node: Node) -> bool:
    return bool(getattr(node.target, "is_view", False))


def _has_a_number_for_a_tensor(node: Node) -> bool:
    """Is an argument a number where the op's schema has a tensor?"""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return False
    given = [*zip(node.args, schema.arguments, strict=False)]
    given += [(node.kwargs[each.name], each) for each in schema.arguments if each.name in node.kwargs]
    return any(isinstance(value, int | float) and isinstance(each.type, torch.TensorType) for value, each in given)


def _has_a_symbol(node: Node) -> bool:
    """Has one of its values a size that is not known before the graph runs?"""
    values = [each.meta.get("val") for each in (node, *node.all_input_nodes)]
    return any(isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool) for value in values)


def _mixes_types(node: Node) -> bool:
    """Has an op of arithmetic anything but floats of one type?"""
    if not _named("add.", "mul.", "sub.", "div.", "minimum.")(node):
        return False
    types = {getattr(each.meta.get("val"), "dtype", None) for each in (node, *node.all_input_nodes)}
    same = len(types) == 1 and all(getattr(each, "is_floating_point", False) for each in types)
    return not same or not all(isinstance(each, Node) for each in node.args)


def _is_1d_convolution(node: Node) -> bool:
    return _named("aten.convolution.")(node) and len(node.args[3]) == 1  # type: ignore[arg-type]


XNNPACK_CONCATENATES = 5  # tensors at a time

# A pass by its name -> the nodes without which it changes nothing. A pass that is missing here always runs.
TO_EDGE: Mapping[str, Wanted] = {
    "NormalizeTransposePass": lambda node: node.target is torch.ops.aten.t.default,
    "ReplaceBrokenOpsWithFunctionalOpsPass": _is_view,
    "ScalarToTensorPass": _has_a_number_for_a_tensor,
    "SymToTensorPass": _has_a_symbol,
    "RemoveMixedTypeOperators": _mixes_types,
    "MemoryFormatOpsPass": _named("aten._to_copy.", "aten.empty.", "aten.clone."),
}
NEEDED: Mapping[str, Wanted] = {
    "DimOrderOpsRevertPass": _named("dim_order"),
    "ConvertToUpsampleBilinear2d": _named("upsample"),
    "PropagateCustomMetaPass": lambda node: any("custom" in each.meta for each in (node, *node.all_input_nodes)),
    "ConvertToSDPAPass": _named("logical_not"),
    "FuseBatchNormPass": _named("batch_norm"),
    "DecomposeBatchNorm": _named("batch_norm"),
    "FuseActivationPass": _named("relu", "hardtanh"),
    "ConstPropPass": _has_only_constants,
    "DecomposeConcatenate": _is_long_concatenation,
    "RemoveGetItemPass": _named("max_pool2d", "aten.max."),
    "Conv1dUnsqueezePass": _is_1d_convolution,
    "PReLUReshapePass": _named("prelu"),
    "RemoveRedundantCopyPass": _named("_to_copy"),
}


@contextmanager
def idle_passes_left_out() -> Iterator[None]:
    """While this lasts, a pass to the edge dialect or to XNNPACK runs only if the graph has a node that it looks for.

    ExecuTorch has no option for it, so names in its modules are replaced for the whole process and restored at the end.
    A second thread that enters waits for the first. Behind XNNPACK's passes, `skip_turns` runs in any case.
    """
    from executorch.backends.xnnpack import xnnpack_preprocess
    from executorch.exir.program import _program

    def passes_to_edge(*arguments: Any) -> tuple[list[Any], list[Any]]:
        before, after = listed(*arguments)
        return [where_it_has_work(each) for each in before], after

    def memory_format() -> Any:
        return where_it_has_work(last())

    with ONE_AT_A_TIME:
        listed, last = _program._get_aten_to_edge_passes, _program.MemoryFormatOpsPass
        manager = without_idle_passes(xnnpack_preprocess.XNNPACKPassManager)
        with (
            _replaced(_program, "_get_aten_to_edge_passes", passes_to_edge),
            _replaced(_program, "MemoryFormatOpsPass", memory_format),
            _replaced(xnnpack_preprocess, "XNNPACKPassManager", manager),
        ):
            yield


@contextmanager
def quantizing_ops_remembered() -> Iterator[None]:
    """While this lasts, torch remembers what a quantizing op gives for a shape, as it does for its own ops.

    A graph is traced some thirty times, and torch works out each op anew that it did not define itself. What these
    give follows from the shapes and types that go in alone.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    def validate(mode: Any, function: Any, *arguments: Any) -> None:
        if getattr(function, "namespace", None) != QUANTIZING:
            original(mode, function, *arguments)

    with ONE_AT_A_TIME:
        original = FakeTensorMode._validate_cache_key
        with _replaced(FakeTensorMode, "_validate_cache_key", validate):
            yield


@contextmanager
def _replaced(place: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, original)


def where_it_has_work(each: Any) -> Callable[[GraphModule], PassResult]:
    """A pass to the edge dialect -> one that leaves a graph as it is where there is nothing to change."""
    name = getattr(each, "__name__", type(each).__name__)

    def run(module: GraphModule) -> PassResult:
        if not has_work(name, module.graph, TO_EDGE):
            return PassResult(module, False)
        found: PassResult = each(module)
        return found

    return run


def without_idle_passes(original: Any) -> Any:
    """ExecuTorch's class of a list of passes -> one that looks at the graph again before each pass."""

    class Needed(original):  # type: ignore[misc]
        def transform(self) -> ExportedProgram:
            program: ExportedProgram = self.exported_program
            for each in self.passes:
                if has_work(each.__name__, program.graph, NEEDED):
                    program = original(program, passes=[each]).transform()
            skip_turns(program)
            return program

    return Needed


def skip_turns(program: ExportedProgram) -> None:
    """Let convolutions read what is channels last already, in place.

    before   [1,H,W,C] -> permute to [1,C,H,W] -> XNNPACK's own copy to channels last -> convolution
    after    [1,H,W,C] -> convolution

    It comes last: from here on only XNNPACK's serializer reads the graph, which takes shapes as they lie in memory.
    """
    for conv in [node for node in program.graph.nodes if _is_a(node, "aten.convolution.")]:
        copied = _behind_grids(conv.args[0])
        if not _is_a(copied, "aten._to_copy.") or copied.kwargs.get("memory_format") is not torch.channels_last:
            continue
        turned = _behind_grids(copied.args[0])
        if _is_a(turned, "aten.permute_copy.") and list(turned.args[1]) == TO_CHANNELS_FIRST:  # type: ignore[arg-type]
            conv.replace_input_with(conv.all_input_nodes[0], turned.all_input_nodes[0])
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()


def _is_a(node: Node, op: str) -> bool:
    return node.op == "call_function" and _named(op)(node)


def _behind_grids(node: Any) -> Node:
    """The op whose result is here, through the quantize and the dequantize behind it."""
    found: Node = node
    while _is_a(found, "quantize_per_tensor"):
        found = found.all_input_nodes[0]
    return found


def has_work(name: str, graph: Graph, table: Mapping[str, Wanted]) -> bool:
    """Has the graph a node that the pass of this name in the table looks for?"""
    wanted = table.get(name)
    return wanted is None or any(wanted(node) for node in graph.nodes if node.op == "call_function")
