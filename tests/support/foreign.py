"""Artifacts that this tool did not make: a small attention net by each vendor's shortest way, and edited ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SIDE, CHANNELS, CLASSES, TOKENS, QUERIES = 8, 8, 5, 16, 8
# Numbers in each kind; a float32 is four bytes.
NUMBERS = {
    "head": CLASSES * CHANNELS,
    "projections": 4 * CHANNELS * CHANNELS,
    "convolutions": CHANNELS * 3 * 9,
    "bias tables": QUERIES * TOKENS,
}
LINEAR_MACS = (2 * QUERIES + 2 * TOKENS) * CHANNELS * CHANNELS + CLASSES * CHANNELS
MACS = TOKENS * CHANNELS * 27 + LINEAR_MACS + 2 * QUERIES * TOKENS * CHANNELS


class Net(nn.Module):
    """A stem, one attention whose queries are every other token, and a head; a stride of 2 is what XNNPACK leaves."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, CHANNELS, 3, 2, 1)
        self.query, self.key, self.value, self.projection = (nn.Linear(CHANNELS, CHANNELS) for _ in range(4))
        self.table = nn.Parameter(torch.randn(1, QUERIES, TOKENS))
        self.head = nn.Linear(CHANNELS, CLASSES)

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.stem(image).flatten(2).transpose(1, 2)  # [1, 16, 8]
        scores = torch.bmm(self.query(tokens[:, ::2]), self.key(tokens).transpose(1, 2)) + self.table
        mixed = self.projection(torch.bmm(scores.softmax(-1), self.value(tokens)))
        logits: Tensor = self.head(mixed.mean(1))
        return logits


EXAMPLE = torch.zeros(1, 3, SIDE, SIDE)


def tflite(path: Path) -> None:
    import litert_torch

    litert_torch.convert(Net().eval(), (EXAMPLE,)).export(str(path))


def int8_tflite(path: Path, source: Path) -> None:
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(str(source))
    tool.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    tool.quantize().export_model(str(path), overwrite=True)


def edited_tflite(path: Path, source: Path, edit: Callable[[Any], object]) -> None:
    """`edit` changes the object of the flatbuffer's schema."""
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(source))
    edit(model)
    flatbuffer_utils.write_model(model, str(path))


def with_custom_op(model: Any) -> None:
    """Its softmax becomes an op that LiteRT does not have."""
    from ai_edge_litert import schema_py_generated as schema

    kinds = schema.BuiltinOperator
    for code in model.operatorCodes:
        if code.builtinCode == kinds.SOFTMAX:
            code.builtinCode = code.deprecatedBuiltinCode = kinds.CUSTOM
            code.customCode = b"FlexErf"


def with_second_subgraph(model: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def with_deep_concatenation(model: Any) -> None:
    """The op between two reshapes puts its input of rank 7 beside itself, which is the output then.

    LiteRT's kernel takes any rank; XNNPACK takes the op, and fails to prepare it.
    """
    from ai_edge_litert import schema_py_generated as schema

    graph = model.subgraphs[0]
    _, middle, _ = graph.operators
    model.operatorCodes[middle.opcodeIndex].builtinCode = schema.BuiltinOperator.CONCATENATION
    model.operatorCodes[middle.opcodeIndex].deprecatedBuiltinCode = schema.BuiltinOperator.CONCATENATION
    middle.inputs = [middle.inputs[0]] * 2
    middle.builtinOptionsType, middle.builtinOptions = (
        schema.BuiltinOptions.ConcatenationOptions,
        schema.ConcatenationOptionsT(),
    )
    middle.builtinOptions.axis = 1
    graph.tensors[middle.outputs[0]].shape[1] *= 2
    graph.operators, graph.outputs = graph.operators[:2], list(middle.outputs)
    for signature in model.signatureDefs or ():
        signature.outputs[0].tensorIndex = middle.outputs[0]


def with_open_sizes(model: Any) -> None:
    """Height and width are set at run time, and stored as 1, which its reshape does not fit."""
    graph = model.subgraphs[0]
    source = graph.tensors[graph.inputs[0]]
    source.shape = np.array([1, 3, 1, 1], np.int32)
    source.shapeSignature = np.array([1, 3, -1, -1], np.int32)


class Deep(nn.Module):
    """An op on a tensor of rank 7."""

    def forward(self, image: Tensor) -> Tensor:
        return image.reshape(1, 3, 2, 2, 2, 2, 4).abs().reshape(1, -1)


def deep_tflite(path: Path) -> None:
    import litert_torch

    litert_torch.convert(Deep(), (EXAMPLE,)).export(str(path))


def pte(path: Path, *, delegated: bool) -> None:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    exported = torch.export.export(Net().eval(), (EXAMPLE,))
    partitioner = [XnnpackPartitioner()] if delegated else []
    lowered = to_edge_transform_and_lower(exported, partitioner=partitioner, constant_methods={"side": SIDE})
    path.write_bytes(lowered.to_executorch().buffer)


def mlpackage(path: Path) -> None:
    import coremltools

    traced = torch.jit.trace(Net().eval(), EXAMPLE)
    kind = coremltools.TensorType(name="image", shape=EXAMPLE.shape)
    coremltools.convert(traced, inputs=[kind], compute_precision=coremltools.precision.FLOAT32).save(str(path))


def network() -> Any:
    """A neural network of two layers, as a protobuf."""
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder

    made = NeuralNetworkBuilder([("image", datatypes.Array(4))], [("scores", datatypes.Array(3))])
    made.add_inner_product(
        "head",
        W=np.ones((3, 4), np.float32),
        b=np.zeros(3, np.float32),
        input_channels=4,
        output_channels=3,
        has_bias=True,
        input_name="image",
        output_name="logits",
    )
    made.add_softmax("softmax", "logits", "scores")
    return made.spec


def pipeline(*models: Any) -> Any:
    from coremltools.models import datatypes
    from coremltools.models.pipeline import Pipeline

    made = Pipeline([("image", datatypes.Array(4))], [("scores", datatypes.Array(3))])
    for model in models:
        made.add_model(model)
    return made.spec
