"""A graph on int8 grids -> the same graph with its float parts in float16, which XNNPACK still takes as one partition.

XNNPACK reads a dequantize that gives float16 and a quantize that takes it, so no op casts in between: ExecuTorch's
partitioner takes no cast (`_to_dim_order_copy`), and each would cut the graph in two. The graph runs only on cores with
float16 arithmetic; XNNPACK refuses it on others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch.export import ExportedProgram
from torch.fx import Node

DEQUANTIZE, QUANTIZE = "quantized_decomposed.dequantize_per_tensor.default", "quantized_decomposed.quantize_per_tensor."
SOFTMAX = "softmax"  # what every island holds: scores that do not fit int8


@dataclass(slots=True)
class Island:
    """Ops in float between dequantizes and quantizes.

    Attributes:
        ops: The ops.
        inputs: The dequantizes in front of them, each read by these ops alone.
        constants: Float constants that they read.
    """

    ops: set[Node] = field(default_factory=set)
    inputs: set[Node] = field(default_factory=set)
    constants: set[Node] = field(default_factory=set)


def half_islands(program: ExportedProgram) -> int:
    """Compute attention in float16, in place: the ops around each softmax that no grid interrupts.

    Args:
        program: A graph whose dequantizes have one reader each.

    Returns:
        Number of islands. Ops that reach an input, an output or a layer in float stay as they are.
    """
    found, seen = 0, set[Node]()
    for node in program.graph.nodes:
        if node.op != "call_function" or SOFTMAX not in str(node.target) or node in seen:
            continue
        island = island_of(node, program)
        if island is not None:
            _halve(island, program)
            seen |= island.ops
            found += 1
    program.graph_module.recompile()
    return found


def island_of(seed: Node, program: ExportedProgram) -> Island | None:
    """The island around an op; None where it reaches what cannot be float16."""
    made, waiting = Island({seed}), [seed]
    while waiting:
        node = waiting.pop()
        for other in (*node.all_input_nodes, *node.users):
            if other in made.ops or (other in node.users and _is(other, QUANTIZE)):
                continue
            if _is(other, DEQUANTIZE) and other in node.all_input_nodes:
                made.inputs.add(other)
            elif _is_constant(other, program):
                made.constants.add(other)
            elif other.op != "call_function" or _is(other, QUANTIZE):
                return None
            else:
                made.ops.add(other)
                waiting.append(other)
    return made if _is_bounded(made) else None


def _is_bounded(island: Island) -> bool:
    """Whether nothing else reads what would become float16."""
    readers = [user for node in (*island.inputs, *island.constants) for user in node.users]
    return all(user in island.ops for user in readers)


def _is(node: Node, name: str) -> bool:
    return node.op == "call_function" and name in str(node.target)


def _is_constant(node: Node, program: ExportedProgram) -> bool:
    signature = program.graph_signature
    return node.op == "placeholder" and (
        node.name in signature.inputs_to_parameters or node.name in signature.inputs_to_buffers
    )


def _halve(island: Island, program: ExportedProgram) -> None:
    for node in island.inputs:
        node.kwargs = {**node.kwargs, "out_dtype": torch.float16}
    for name in _stored(island, program):
        kept = program.state_dict[name]
        program.state_dict[name] = type(kept)(kept.half()) if isinstance(kept, torch.nn.Parameter) else kept.half()
    for node in (*island.ops, *island.inputs, *island.constants):
        node.meta["val"] = node.meta["val"].to(torch.float16)


def _stored(island: Island, program: ExportedProgram) -> Iterator[str]:
    signature = program.graph_signature
    known = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    return (known[node.name] for node in island.constants)
