"""What all three formats have in common: tensors, ops and what the ops do; and the sums over them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

Role = Literal[
    "convolution", "transposed convolution", "linear", "matmul", "attention", "add", "softmax", "other", "link"
]
MOST_RANK = 64  # no format's runtime takes a tensor of more dimensions; a larger number is damage
MOST = 2**63 - 1  # no file stores so many bytes, and no model has so many MACs
WITH_WEIGHTS = ("convolution", "transposed convolution", "linear")
PRODUCTS = (*WITH_WEIGHTS, "matmul", "attention")
Id = Hashable


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """`shape` is None where the file does not have it; a size that is set at run time is below 1.

    A constant has `stored_bytes` under a `key`; what several tensors share has one key, and is stored once.
    """

    dtype: str
    shape: tuple[int, ...] | None
    stored_bytes: int = 0
    key: Hashable = None

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that no tensor has: only a damaged file holds them."""
        if self.shape is not None and len(self.shape) > MOST_RANK:
            raise ValueError(f"a tensor has {len(self.shape)} dimensions, expected {MOST_RANK} at most")
        if self.stored_bytes > MOST:
            raise ValueError("a constant is larger than any file")


@dataclass(frozen=True, slots=True)
class Op:
    """One op. Of WITH_WEIGHTS the second input is the weight; of attention the inputs are query, key, value and mask. A
    "link" is no op: it gives a tensor of the program its id inside of a delegate, or back.

    `kernel` is how many places a convolution's window has, `channels` which dimension of its output the channels are.
    """

    name: str
    role: Role
    inputs: tuple[Id, ...]
    outputs: tuple[Id, ...]
    kernel: int = 1
    channels: int = -1

    def within(self, delegate: Hashable) -> Op:
        """The same op by the ids that its tensors have outside of the delegate: with the delegate's before them."""
        inputs, outputs = (tuple((delegate, tensor) for tensor in end) for end in (self.inputs, self.outputs))
        return replace(self, inputs=inputs, outputs=outputs)


@dataclass(frozen=True, slots=True)
class Graph:
    """Ops in the order in which they run; `outputs` are the ids of what the model gives."""

    tensors: Mapping[Id, GraphTensor]
    ops: tuple[Op, ...]
    outputs: tuple[Id, ...]


def open_shape(rank: int) -> tuple[int, ...]:
    """The shape of a tensor of which only the rank is known. `GraphTensor` refuses a rank that no tensor has."""
    return (-1,) * min(rank, MOST_RANK + 1)


def op_counts(graph: Graph) -> dict[str, int]:
    """How many ops of each name."""
    return dict(sorted(Counter(op.name for op in graph.ops if op.role != "link").items()))


def max_rank(graph: Graph) -> int:
    """The highest rank of what running ops read and make, where the shape is known.

    What only a compressed constant is stored in, such as a table of palettes, never reaches a device's units.
    """
    prepared = folded(graph).keys()
    running = [op for op in graph.ops if not prepared & set(op.outputs)]
    touched = {tensor for op in running for tensor in (*op.inputs, *op.outputs)}
    return max((len(shape) for i in touched if (shape := _known(i, graph)) is not None), default=0)


def _known(tensor: Id, graph: Graph) -> tuple[int, ...] | None:
    return graph.tensors[tensor].shape if tensor in graph.tensors else None


def constants(graph: Graph) -> dict[Hashable, GraphTensor]:
    """The stored tensors, each once, by their keys."""
    return {tensor.key: tensor for tensor in graph.tensors.values() if tensor.stored_bytes}


def weight_bytes(graph: Graph) -> dict[str, int]:
    """Stored bytes by element type."""
    stored: Counter[str] = Counter()
    for tensor in constants(graph).values():
        stored[tensor.dtype] += tensor.stored_bytes
    return dict(sorted(stored.items()))


def activations(graph: Graph) -> dict[str, int]:
    """How many tensors are computed at run time, by element type."""
    made = {output for op in graph.ops if op.role != "link" for output in op.outputs} - folded(graph).keys()
    return dict(sorted(Counter(graph.tensors[i].dtype for i in made if i in graph.tensors).items()))


def folded(graph: Graph) -> dict[Id, frozenset[Hashable]]:
    """Every tensor that is computed from constants alone -> the keys of those whose values it holds.

    Integers that say which elements, or what shape, are not among those values.
    """
    found = {i: frozenset((tensor.key,)) for i, tensor in graph.tensors.items() if tensor.stored_bytes}
    fixed = {i for i, tensor in graph.tensors.items() if tensor.stored_bytes or tensor.key is not None}
    for op in graph.ops:
        if op.inputs and fixed.issuperset(op.inputs):
            values = [i for i in op.inputs if i in found and graph.tensors[i].dtype not in ("int32", "int64", "bool")]
            fixed.update(op.outputs)
            found |= dict.fromkeys(op.outputs, frozenset[Hashable]().union(*(found[i] for i in values)))
    return found


def macs(graph: Graph) -> int | None:
    """Multiply-accumulates of one run in convolutions, linears and matmuls.

    None where a shape is open, and where a damaged file claims more of them than any model has.
    """
    try:
        found = sum(_macs(op, graph.tensors) for op in graph.ops if op.role in PRODUCTS)
        return found if found <= MOST else None
    except (LookupError, ValueError, ZeroDivisionError):
        return None


def _macs(op: Op, tensors: Mapping[Id, GraphTensor]) -> int:
    result = _shape(op.outputs[0], tensors)
    shapes = [_shape(i, tensors) for i in op.inputs[:2]]
    if op.role == "matmul":
        left = shapes[0]  # [.., m, k], or [.., k, m] transposed
        return math.prod(result) * (left[-1] if left[-2] == result[-2] else left[-2])
    if op.role == "attention":
        return (math.prod(shapes[0]) + math.prod(result)) * shapes[1][-2]
    over = shapes[0] if op.role == "transposed convolution" else result
    return math.prod(over) * math.prod(shapes[1]) // over[op.channels]


def _shape(tensor: Id, tensors: Mapping[Id, GraphTensor]) -> tuple[int, ...]:
    shape = tensors[tensor].shape
    if shape is None or any(size < 1 for size in shape):
        raise ValueError("a tensor's shape is not fixed")
    return shape
