"""The layers of a Core ML neural network, the format before ML programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from levit_mobile.inspection.graph import Graph, GraphTensor, Id, Op, Role, open_shape

ROLES: Mapping[str, Role] = {
    "convolution": "convolution",
    "innerProduct": "linear",
    "batchedMatmul": "matmul",
    "add": "add",
    "addBroadcastable": "add",
    "softmax": "softmax",
    "softmaxND": "softmax",
}
WEIGHTS = "WeightParams"  # the message that holds a layer's constants
FLOATS = {"floatValue": ("float32", 4), "float16Value": ("float16", 1)}  # numbers of four bytes, or bytes


def read(network: Any, outputs: tuple[str, ...]) -> Graph:
    """A network's layers as ops. Constants have their bytes and no shape, and few tensors have one."""
    tensors: dict[Id, GraphTensor] = {}
    ops = tuple(_op(layer, number, tensors) for number, layer in enumerate(network.layers))
    return Graph(tensors, ops, outputs)


def class_labels(network: Any) -> int | None:
    """How many labels a classifier has; None for a model that is not a classifier."""
    if "stringClassLabels" not in network.DESCRIPTOR.fields_by_name:
        return None
    return len(network.stringClassLabels.vector) or len(network.int64ClassLabels.vector)


def _op(layer: Any, number: int, tensors: dict[Id, GraphTensor]) -> Op:
    kind = layer.WhichOneof("layer")
    if kind is None:
        raise ValueError(f"layer {number} is of an unknown kind")
    made = getattr(layer, kind)
    weights: dict[Id, GraphTensor] = {(number, name): tensor for name, tensor in _weights(made, number)}
    tensors |= weights
    for names, ranks in ((layer.input, layer.inputTensor), (layer.output, layer.outputTensor)):
        tensors |= {name: _activation(ranks, i) for i, name in enumerate(names) if name not in tensors}
    inputs = (*layer.input[:1], *sorted(weights, key=lambda key: key != (number, "weights")), *layer.input[1:])
    role: Role = ROLES.get(kind, "other")
    if role == "convolution" and made.isDeconvolution:
        role = "transposed convolution"
    window = math.prod(made.kernelSize) if kind == "convolution" else 1
    return Op(kind, role, inputs, tuple(layer.output), kernel=window)


def _weights(made: Any, number: int) -> Iterator[tuple[str, GraphTensor]]:
    """A layer's constants by the names of their fields."""
    for descriptor, value in made.ListFields():
        if descriptor.message_type is not None and descriptor.message_type.name == WEIGHTS:
            dtype, stored = _stored(value)
            yield descriptor.name, GraphTensor(dtype, None, stored, (number, descriptor.name))


def _stored(value: Any) -> tuple[str, int]:
    """The element type and bytes of one constant."""
    for field, (dtype, size) in FLOATS.items():
        if held := len(getattr(value, field)):
            return dtype, held * size
    bits = value.quantization.numberOfBits
    return (f"uint{bits}", len(value.rawValue)) if value.rawValue else ("int8", len(value.int8RawValue))


def _activation(ranks: Any, index: int) -> GraphTensor:
    """A tensor by its name; networks say nothing of types, and of ranks where coremltools noted them."""
    rank = ranks[index].rank if index < len(ranks) else 0
    return GraphTensor("not declared", tuple(ranks[index].dimValue) or open_shape(rank) if rank else None)
