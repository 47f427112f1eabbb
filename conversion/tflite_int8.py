"""A float TFLite model and the edges of the module that it was made from -> static int8, by ai-edge-quantizer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from levit_mobile.errors import ConversionError
from levit_mobile.model.fake_quant import QParams, fake_quants_of, without_fake_quant

from . import tflite_weights
from .tflite_model import Model, kinds, opened

Values = NDArray[np.floating[Any]]
INTEGER_OPS = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "ADD",
    "PAD",
    "CONCATENATION",
    "TRANSPOSE",
    "RESHAPE",
    "MEAN",
)
KEEP_GRID = ("PAD",)  # ops whose output has other values than any edge, on the grid of their input
NEAR, APART = 0.05, 4  # where rounding is amplified: how far, and how much further the next tensor has to be
CLOSE = 1e-3  # of a tensor's largest value: how far float32 kernels of two runtimes may lie apart


@dataclass(frozen=True, slots=True)
class Seen:
    """What an edge held for one picture, whatever the layout: its values, sorted, and its grid."""

    name: str
    values: Values
    grid: QParams

    def holds(self, values: Values) -> bool:
        """Are these, sorted, the same values?"""
        return self.distance(values) <= CLOSE

    def distance(self, values: Values) -> float:
        """The largest difference of sorted values, as a share of the largest value; infinite for another number."""
        if len(values) != len(self.values):
            return math.inf
        largest, apart = float(np.abs(self.values).max()), float(np.abs(values - self.values).max())
        return apart / largest if largest else (math.inf if apart else 0.0)


def quantized(content: bytes, module: nn.Module) -> Model:
    """Rewrite a float model in int8: an op is int8 where all its activations lie on grids of `module`.

    Both run one image of noise, and know each other's tensors by their values: a tensor that holds an edge's values
    gets its grid. The attention biases become int8, one scale a head. Raises ConversionError for an edge whose values
    no tensor holds.
    """
    from ai_edge_quantizer import quantizer

    image, origin = _noise(content), opened(content)
    grids = _grids(content, image, _seen(module, image))
    tool = quantizer.Quantizer(content)
    for operation, scope in _integer_ops(origin, grids):
        tool.update_quantization_recipe(f"^{re.escape(scope)}$", operation, _static())
    model = opened(tool.quantize(_ranges(origin, grids), enable_progress_report=False).quantized_model)
    _mend_outputs(model)
    tflite_weights.narrow_tables(model, module)
    return model


def take_integers(model: Model, output: str) -> None:
    """Let an int8 model take int8 pixels, and give its `output` in int8.

    before   image float32 -> QUANTIZE -> int8        int8 -> DEQUANTIZE -> logits float32
    after    image int8                               logits int8
    A uint8 input would want a QUANTIZE that XNNPACK has no kernel for.
    """
    graph, (signature,) = model.subgraphs[0], model.signatureDefs
    (image,) = signature.inputs
    (logits,) = [each for each in signature.outputs if each.name.decode() == output]
    (reader,) = [op for op in graph.operators if image.tensorIndex in op.inputs]
    (writer,) = [op for op in graph.operators if logits.tensorIndex in op.outputs]
    _end_at(graph, image, reader, reader.outputs[0])
    _end_at(graph, logits, writer, writer.inputs[0])


def _end_at(graph: Any, end: Any, op: Any, tensor: int) -> None:
    """Take `op` off an end of the graph, which is now `tensor`."""
    from ai_edge_litert import schema_py_generated as schema

    if [graph.tensors[index].type == schema.TensorType.INT8 for index in (end.tensorIndex, tensor)] != [False, True]:
        raise ConversionError(
            f"the layer at {end.name.decode()} computes in float, expected int8: the plan must keep it in int8",
            fault="ends",
        )
    graph.operators.remove(op)
    graph.inputs = [tensor if index == end.tensorIndex else index for index in graph.inputs]
    graph.outputs = [tensor if index == end.tensorIndex else index for index in graph.outputs]
    end.tensorIndex = tensor


def _noise(content: bytes) -> Tensor:
    """float32 in [0,1], in the shape of the model's input."""
    from ai_edge_litert.interpreter import Interpreter

    shape = Interpreter(model_content=content).get_input_details()[0]["shape"]
    return torch.from_numpy(np.random.default_rng(0).random(shape, np.float32))


def _seen(module: nn.Module, image: Tensor) -> list[Seen]:
    """What every edge that has a grid holds while the module computes in float."""
    found: list[Seen] = []

    def keep(name: str, grid: QParams, tensor: Tensor) -> None:
        found.append(Seen(name, np.sort(tensor.numpy().ravel()), grid))

    with without_fake_quant(module) as grids, torch.no_grad():
        for name, edge in fake_quants_of(module).items():
            edge.watch = partial(keep, name, grids[name]) if name in grids else None
        module(image)
        for edge in fake_quants_of(module).values():
            edge.watch = None
    return found


def _grids(content: bytes, image: Tensor, seen: list[Seen]) -> dict[str, QParams]:
    """Tensor name -> its grid, for every tensor that holds what an edge holds."""
    grids: dict[str, QParams] = {}
    missing = {edge.name for edge in seen}
    for name, values in _float_values(content, image):
        matches = [edge for edge in seen if edge.holds(values)]
        if matches:
            grids[name] = matches[0].grid
            missing -= {edge.name for edge in matches}
    for edge in (edge for edge in seen if edge.name in missing):
        if moved := _nearest(edge, (one for one in _float_values(content, image) if one[0] not in grids)):
            grids[moved] = edge.grid
            missing.discard(edge.name)
    if missing:
        raise ConversionError(
            f"the TFLite model has no tensor for {', '.join(sorted(missing))}, whose ranges were measured",
            fault="lost-edges",
        )
    return grids


def _nearest(edge: Seen, tensors: Iterable[tuple[str, Values]]) -> str | None:
    """The tensor that a network which amplifies rounding has moved away from an edge, if only one is in question."""
    ranked = sorted((edge.distance(values), name) for name, values in tensors)
    best, second = (ranked + [(math.inf, "")] * 2)[:2]
    return best[1] if best[0] <= NEAR and second[0] >= APART * best[0] else None


def _float_values(content: bytes, image: Tensor) -> Iterator[tuple[str, Values]]:
    """Name and sorted values of every float activation, by LiteRT's reference of itself: no delegate, all kept."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image.numpy())
    interpreter.invoke()
    made = {int(i) for op in interpreter._get_ops_details() for i in op["outputs"]}
    made.add(int(interpreter.get_input_details()[0]["index"]))
    for tensor in interpreter.get_tensor_details():
        if tensor["index"] in made and tensor["dtype"] is np.float32:
            yield tensor["name"], np.sort(interpreter.get_tensor(tensor["index"]).ravel())


def _integer_ops(model: Model, grids: dict[str, QParams]) -> list[tuple[Any, str]]:
    """Operation and scope of every op that is to be int8; what keeps a grid adds its output to `grids`."""
    from ai_edge_quantizer.qtyping import TFLOperationName
    from ai_edge_quantizer.utils import tfl_flatbuffer_utils as names

    graph, found = model.subgraphs[0], []
    tensors = graph.tensors
    for op, code in zip(graph.operators, kinds(model), strict=True):
        kind = names.TFL_OP_CODE_TO_NAME.get(code)
        takes, gives = _activations(model, tensors, op.inputs), _activations(model, tensors, op.outputs)
        if kind in KEEP_GRID and takes[0] in grids:
            grids[gives[0]] = grids[takes[0]]
        if kind in INTEGER_OPS and grids.keys() >= {*takes, *gives}:
            found.append((TFLOperationName(kind), names.get_op_scope(op, tensors)))
    return found


def _activations(model: Model, tensors: Any, indices: Any) -> list[str]:
    """Names of the tensors that are no constants."""
    chosen = [tensors[i] for i in indices if i >= 0]
    return [t.name.decode() for t in chosen if model.buffers[t.buffer].data is None]


def _static() -> Any:
    from ai_edge_quantizer import qtyping

    tensor, kinds = qtyping.TensorQuantizationConfig, qtyping.QuantGranularity
    return qtyping.OpQuantizationConfig(
        activation_tensor_config=tensor(num_bits=8, symmetric=False, granularity=kinds.TENSORWISE),
        weight_tensor_config=tensor(num_bits=8, symmetric=True, granularity=kinds.CHANNELWISE),
        compute_precision=qtyping.ComputePrecision.INTEGER,
    )


def _ranges(model: Model, grids: Mapping[str, QParams]) -> dict[str, dict[str, Values]]:
    """The ends of every grid as the quantizer wants them: arrays of one element, of the tensor's rank."""
    ranks = {tensor.name.decode(): len(tensor.shape) for tensor in model.subgraphs[0].tensors}

    def end(value: float, name: str) -> Values:
        return np.full((1,) * ranks[name], value, np.float32)

    return {name: {"min": end(grid.low, name), "max": end(grid.high, name)} for name, grid in grids.items()}


def _mend_outputs(model: Model) -> None:
    """What the quantizer makes of a tensor that is an output of the graph and is read inside it too.

    before   int8 -> DEQUANTIZE -> output, int8 op                   float -> QUANTIZE -> output, int8 op
    after    int8 -> DEQUANTIZE -> output       int8 -> int8 op      float -> output      QUANTIZE -> int8 op
    """
    from ai_edge_litert import schema_py_generated as schema

    graph, codes = model.subgraphs[0], schema.BuiltinOperator
    named = list(zip(graph.operators, kinds(model), strict=True))
    stored = {op.outputs[0]: op.inputs[0] for op, code in named if code == codes.DEQUANTIZE}
    rounded = {op.outputs[0]: op.inputs[0] for op, code in named if code == codes.QUANTIZE}
    for op, code in named:
        if code != codes.QUANTIZE and graph.tensors[op.outputs[0]].type == schema.TensorType.INT8:
            op.inputs = [stored.get(index, index) if index in graph.outputs else index for index in op.inputs]
    graph.outputs = [rounded.get(index, index) for index in graph.outputs]
