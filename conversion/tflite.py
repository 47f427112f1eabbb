"""nn.Module -> .tflite, by litert-torch, and float16 by ai-edge-quantizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from levit_mobile.card import Card
from levit_mobile.errors import ToolchainMissing
from levit_mobile.recipe import Precision, Recipe

MIN_CONSTANT = 1024  # elements; below that a float16 copy and its DEQUANTIZE op cost more than they save


class NamedTensors(nn.Module):
    """Gives the graph's input and outputs the names that the contract and the apps use."""

    def __init__(self, module: nn.Module, taps: tuple[str, ...]) -> None:
        super().__init__()
        self.module, self.names = module, ("logits", *taps)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        made: Tensor | tuple[Tensor, ...] = self.module(image)
        return dict(zip(self.names, (made,) if isinstance(made, Tensor) else made, strict=True))


def convert(module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> None:
    """Write `module` to `path`: image float32 [1,side,side,3] in [0,1] -> logits float32 [1,classes].

    float16 keeps float32 arithmetic and I/O and stores every large constant in float16, as TFLite's own float16 does.
    With `taps` the module gives (logits, *taps), and those are outputs too, under these names. Raises ToolchainMissing.
    """
    try:
        import litert_torch
    except ImportError as error:
        raise ToolchainMissing("litert-torch", "tflite") from error
    example = torch.zeros(1, card.side_px, card.side_px, 3)
    model = litert_torch.convert(NamedTensors(module, taps).eval(), sample_kwargs={"image": example})
    path.write_bytes(model.model_content())  # model.export writes in C++, which ends the process when the disk is full
    if recipe.precision is Precision.FLOAT16:
        _cast_weights(path)
        _cast_constants(path)


def _cast_weights(path: Path) -> None:
    """Every convolution's and linear's weights to float16, by ai-edge-quantizer."""
    from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    tool = quantizer.Quantizer(str(path))
    tool.update_quantization_recipe(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        algorithm_key=algorithm_manager.AlgorithmName.FLOAT_CASTING,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=weights,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
    )
    tool.quantize().export_model(str(path), overwrite=True)


def _cast_constants(path: Path) -> None:
    """The large constants that the quantizer leaves in float32: the attention biases.

    before   ADD(scores, float32 constant)
    after    ADD(scores, DEQUANTIZE(float16 constant))
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(path))
    graph = model.subgraphs[0]
    opcode = _dequantize_opcode(model)
    for index in _large_constants(model, graph):
        _insert_dequantize(model, graph, index, opcode)
    flatbuffer_utils.write_model(model, str(path))


def _large_constants(model: Any, graph: Any) -> list[int]:
    """Indices of float32 constants of at least MIN_CONSTANT elements that an op reads directly."""
    from ai_edge_litert import schema_py_generated as schema

    read = {int(index) for op in graph.operators for index in op.inputs}
    return [
        index
        for index in sorted(read)
        if index >= 0
        and graph.tensors[index].type == schema.TensorType.FLOAT32
        and model.buffers[graph.tensors[index].buffer].data is not None
        and int(np.prod(graph.tensors[index].shape)) >= MIN_CONSTANT
    ]


def _insert_dequantize(model: Any, graph: Any, index: int, opcode: int) -> None:
    """Store constant `index` in float16 and route its readers through a DEQUANTIZE."""
    from ai_edge_litert import schema_py_generated as schema

    stored = graph.tensors[index]
    widened = schema.TensorT()
    widened.shape, widened.type = stored.shape, schema.TensorType.FLOAT32
    widened.name, widened.buffer = stored.name + b"_float32", 0
    graph.tensors.append(widened)
    for op in graph.operators:
        op.inputs = [len(graph.tensors) - 1 if i == index else i for i in op.inputs]
    dequantize = schema.OperatorT()
    dequantize.opcodeIndex, dequantize.inputs, dequantize.outputs = opcode, [index], [len(graph.tensors) - 1]
    graph.operators.insert(0, dequantize)
    buffer = model.buffers[stored.buffer]
    halves = np.frombuffer(bytes(buffer.data), np.float32).astype(np.float16)
    buffer.data, stored.type = np.frombuffer(halves.tobytes(), np.uint8), schema.TensorType.FLOAT16


def _dequantize_opcode(model: Any) -> int:
    """The index of DEQUANTIZE in the model's table; the casts before have put it there."""
    from ai_edge_litert import schema_py_generated as schema

    codes = [code.builtinCode for code in model.operatorCodes]
    return codes.index(schema.BuiltinOperator.DEQUANTIZE)
