"""The part of a model that stored bytes belong to, by the ops that read them; names of tensors are not used."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from functools import partial

from levit_mobile.inspection.graph import PRODUCTS, WITH_WEIGHTS, Graph, Id, Op, constants, folded

# What a constant that several ops read counts as: the first of these.
KINDS = ("head", "projections", "convolutions", "bias tables", "other")


def bytes_by_kind(graph: Graph) -> dict[str, int]:
    """Stored bytes of KINDS; their sum is that of all constants.

    `convolutions` have windows of more than one place; `projections` are linears, convolutions of one place and
    constant matrices; `head` is the linear that makes an output; `bias tables` are added to the product of two
    activations on its way to a softmax. Biases, scales, shapes and what is not known are `other`.
    """
    stored, reads = constants(graph), _reads(graph)
    found = dict.fromkeys(KINDS, 0)
    for key, tensor in stored.items():
        kind = min(reads.get(key, {"other"}), key=KINDS.index)
        found[kind] += tensor.stored_bytes
    return found


def _reads(graph: Graph) -> Mapping[Hashable, set[str]]:
    """The key of each constant -> what it is read as."""
    held, heads = folded(graph), _heads(graph)
    fixed = frozenset(held)
    is_table = partial(_is_table, held=fixed, makers=_makers(graph), readers=_readers(graph))
    reads: dict[Hashable, set[str]] = defaultdict(set)
    for op in graph.ops:
        for tensor, kind in _read_by(op, graph, fixed, is_table):
            for key in held.get(tensor, ()):
                reads[key].add("head" if kind == "projections" and id(op) in heads else kind)
    return reads


def _is_scale(op: Op, graph: Graph) -> bool:
    """A 1x1 depthwise convolution with one number per channel: some converters leave this of a norm."""
    if op.role != "convolution" or op.kernel > 1:
        return False
    weight, result = (graph.tensors[i].shape for i in (op.inputs[1], op.outputs[0]))
    return bool(weight and result and math.prod(weight) == result[op.channels])


def _read_by(op: Op, graph: Graph, held: frozenset[Id], is_table: partial[bool]) -> list[tuple[Id, str]]:
    """The inputs of an op that are constants of a kind, with that kind."""
    if op.role in WITH_WEIGHTS:
        kind = "convolutions" if op.kernel > 1 else "projections"
        return [] if len(op.inputs) < 2 or _is_scale(op, graph) else [(op.inputs[1], kind)]
    if op.role == "matmul":
        return [(i, "projections") for i in op.inputs if i in held]
    if op.role == "attention":
        return [(i, "bias tables") for i in op.inputs[3:4]]
    return [(i, "bias tables") for i in op.inputs if op.role == "add" and is_table(op, i)]


def _is_table(
    op: Op, constant: Id, *, held: frozenset[Id], makers: Mapping[Id, Op], readers: Mapping[Id, list[Op]]
) -> bool:
    """Is `constant` added to attention scores: to a product of two activations, before a softmax?"""
    others = [i for i in op.inputs if i != constant]
    if constant not in held or not others or others[0] in held:
        return False
    return _comes_from_scores(others[0], held, makers) and _reaches_softmax(op, readers)


def _comes_from_scores(tensor: Id, held: frozenset[Id], makers: Mapping[Id, Op]) -> bool:
    pending, seen = [tensor], set[Id]()
    while pending:
        op = makers.get(current := pending.pop())
        if op is None or current in seen:
            continue
        seen.add(current)
        if op.role in ("matmul", "linear") and not held.intersection(op.inputs[:2]):
            return True
        if op.role in ("other", "link"):
            pending.extend(op.inputs)
    return False


def _reaches_softmax(op: Op, readers: Mapping[Id, list[Op]]) -> bool:
    pending, seen = list(op.outputs), set[Id]()
    while pending:
        if (current := pending.pop()) in seen:
            continue
        seen.add(current)
        for reader in readers.get(current, ()):
            if reader.role == "softmax":
                return True
            if reader.role in ("other", "link", "add"):
                pending.extend(reader.outputs)
    return False


def _heads(graph: Graph) -> set[int]:
    """The ids of the linears behind the outputs, unless one of them feeds another: then they are a trunk's."""
    makers = _makers(graph)
    last = _products_behind(graph.outputs, makers)
    before = {id(op) for found in last for op in _all_behind(found.inputs, makers)}
    heads = [op for op in last if op.role in ("convolution", "linear", "matmul") and op.kernel == 1]
    return set() if any(id(op) in before for op in last) else {id(op) for op in heads}


def _products_behind(tensors: Iterable[Id], makers: Mapping[Id, Op]) -> list[Op]:
    return [op for op in _walk(tensors, makers, stop=PRODUCTS) if op.role in PRODUCTS]


def _all_behind(tensors: Iterable[Id], makers: Mapping[Id, Op]) -> list[Op]:
    return _walk(tensors, makers, stop=())


def _walk(tensors: Iterable[Id], makers: Mapping[Id, Op], *, stop: tuple[str, ...]) -> list[Op]:
    """Every op from which `tensors` are made; the inputs of ops with a role in `stop` are left out."""
    pending, found = list(tensors), dict[int, Op]()
    while pending:
        op = makers.get(pending.pop())
        if op is not None and id(op) not in found:
            found[id(op)] = op
            pending.extend(() if op.role in stop else op.inputs)
    return list(found.values())


def _makers(graph: Graph) -> dict[Id, Op]:
    return {output: op for op in graph.ops for output in op.outputs}


def _readers(graph: Graph) -> dict[Id, list[Op]]:
    found: dict[Id, list[Op]] = defaultdict(list)
    for op in graph.ops:
        for tensor in op.inputs:
            found[tensor].append(op)
    return found
