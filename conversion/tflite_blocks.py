"""A `.tflite` cut into its blocks, each a model of its own, for a runtime that does not tell where its time goes."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any


def blocks(
    path: Path, folder: Path, block_of: Callable[[str], str | None]
) -> Iterator[tuple[str, Path, dict[str, int]]]:
    """Every block in order, each as a model of it alone in `folder`.

    before   image -> stem -> stage0.attn0 -> ... -> logits
    after    image -> stem -> x;   x -> stage0.attn0 -> y;   ...

    `block_of` tells a tensor's block from its name, or None: then its op is of the block that runs. Raises ValueError
    when a block's ops do not stand together, or none is known.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(path))
    (graph,) = model.subgraphs
    running = [op for op in graph.operators if not _is_constant(model, op)]
    names = _names(model, running, block_of)
    for number, block in enumerate(dict.fromkeys(names)):
        first, last = names.index(block), len(names) - names[::-1].index(block)
        if set(names[first:last]) != {block}:
            raise ValueError(f"the ops of {block} are not in one sequence")
        target = folder / f"{number}.tflite"
        flatbuffer_utils.write_model(_cut(model, running[first:last], running[last:]), str(target))
        yield block, target, dict(Counter(_kind(model, op) for op in running[first:last]).most_common())


def _names(model: Any, running: Sequence[Any], block_of: Callable[[str], str | None]) -> list[str]:
    """Each op's block; a block may widen what an earlier one gave, and that tensor has the earlier one's name."""
    (graph,) = model.subgraphs
    named = [None if _kind(model, op) == "DEQUANTIZE" else graph.tensors[op.outputs[0]].name for op in running]
    own = [None if name is None else block_of(name.decode()) for name in named]
    current = next((name for name in own if name), None)
    if current is None:
        raise ValueError("no tensor has the name of a block")
    return [current := name or current for name in own]


def _is_constant(model: Any, op: Any) -> bool:
    """Does it only prepare a constant, as one that widens stored integers?"""
    (graph,) = model.subgraphs
    return all(tensor < 0 or model.buffers[graph.tensors[tensor].buffer].data is not None for tensor in op.inputs)


def _cut(model: Any, ops: Sequence[Any], after: Sequence[Any]) -> Any:
    """A model of these ops, with what prepares their constants; constants of others lose their bytes."""
    graph = copy.copy(model.subgraphs[0])
    preparing = [op for op in graph.operators if _is_constant(model, op) and _tensors([op], "outputs") & _tensors(ops)]
    made, later = _tensors(ops, "outputs"), _tensors(after) | set(map(int, graph.outputs))
    held = {place for place, tensor in enumerate(graph.tensors) if model.buffers[tensor.buffer].data is not None}
    graph.inputs = sorted(_tensors(ops) - made - held - _tensors(preparing, "outputs"))
    graph.outputs = sorted(made & later)
    graph.operators = [*preparing, *ops]
    used = {graph.tensors[tensor].buffer for tensor in _tensors(graph.operators)}
    used |= {entry.buffer for entry in model.metadata or ()}  # a core may choose its arithmetic by one
    cut = copy.copy(model)
    cut.subgraphs, cut.signatureDefs = [graph], []
    cut.buffers = [buffer if place in used else _emptied(buffer) for place, buffer in enumerate(model.buffers)]
    return cut


def _tensors(ops: Sequence[Any], role: str = "inputs") -> set[int]:
    return {int(tensor) for op in ops for tensor in getattr(op, role) if tensor >= 0}


def _emptied(buffer: Any) -> Any:
    empty = copy.copy(buffer)
    empty.data = None
    return empty


def _kind(model: Any, op: Any) -> str:
    from ai_edge_litert import schema_py_generated as schema

    kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    return str(kinds[model.operatorCodes[op.opcodeIndex].builtinCode])
