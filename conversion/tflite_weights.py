"""Weights of a float32 TFLite model -> float16 or integers: ai-edge-quantizer's part, and what it leaves.

    float16         weights and attention biases in float16 behind DEQUANTIZE, float32 arithmetic
    int8-dynamic    int8 a channel, inputs of the products quantized at run time
    int8-weight     int8 a channel behind DEQUANTIZE, float32 arithmetic
    int4-weight     linears in int4 a group of 32 inputs, convolutions in int8; inputs quantized at run time

With integers, the attention biases are int8, one scale a head, behind DEQUANTIZE ops that XNNPACK computes as it loads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from levit_mobile.errors import ConversionError
from levit_mobile.model.int8_steps import steps
from levit_mobile.model.parts.roles import tables_of
from levit_mobile.recipe import Recipe

from .int4 import GROUP, int4, least_squares_scales
from .tflite_model import Model, kinds, opened

MIN_CONSTANT = 1024  # elements; below that a narrow copy and its DEQUANTIZE op cost more than they save
MIN_WEIGHT = 2048  # elements from which a weight must be stored as the recipe says
LEAST_SCALE = 2.0**-14  # of an int4 group: the smallest normal float16, since XNNPACK refuses a scale of zero
DEQUANTIZE_VERSION = 5  # of the op; it reads float16 since 3, int8 with a scale a channel since 5

Floats = NDArray[np.float32]
Narrowed = tuple[str, NDArray[Any], Floats | None]  # TensorType, values, one scale an entry of the first axis


def float16(content: bytes) -> Model:
    """Every weight and every large constant of the model."""
    model = _quantized(content, {"*": _config(16, floating=True, explicit=True)})
    _narrow_constants(model, _half)
    return model


def int8_dynamic(content: bytes) -> Model:
    """Raises ConversionError when a large weight stayed float, as all of these do."""
    return _int8_weights(content, _config(8))


def int8_weight(content: bytes) -> Model:
    """XNNPACK computes in float32 on weights that it widens as it loads the model."""
    return _int8_weights(content, _config(8, explicit=True))


def int4_weight(content: bytes) -> Model:
    """XNNPACK has int4 kernels for FULLY_CONNECTED only, and only with inputs quantized at run time."""
    groups = _config(4, granularity=f"BLOCKWISE_{GROUP}")
    model = _quantized(content, {"CONV_2D": _config(8), "FULLY_CONNECTED": groups})
    _refit_groups(model, opened(content))
    _require_stored(model, {"CONV_2D": "INT8", "FULLY_CONNECTED": "INT4"})
    return model


def narrow_tables(model: Model, module: nn.Module) -> None:
    """The tables that the module declares, the attention biases, to int8: one scale per head.

    Also the large biases of layers, one scale per value. Other constants stay in float32.
    """
    tables = {part.get_buffer(name).numpy().tobytes() for part, name in tables_of(module)}
    _narrow_constants(model, _int8, tables)


def _int8_weights(content: bytes, config: Any) -> Model:
    model = _quantized(content, dict.fromkeys(("CONV_2D", "FULLY_CONNECTED"), config))
    _require_stored(model, {"CONV_2D": "INT8", "FULLY_CONNECTED": "INT8"})
    return model


def _config(bits: int, *, granularity: str = "CHANNELWISE", floating: bool = False, explicit: bool = False) -> Any:
    """How weights are stored; with `explicit` they pass a DEQUANTIZE op, and arithmetic is float32."""
    from ai_edge_quantizer import qtyping

    weights = qtyping.TensorQuantizationConfig(
        num_bits=bits,
        symmetric=True,
        granularity=qtyping.QuantGranularity[granularity],
        dtype=qtyping.TensorDataType.FLOAT if floating else qtyping.TensorDataType.INT,
    )
    compute = qtyping.ComputePrecision.FLOAT if explicit else qtyping.ComputePrecision.INTEGER
    return qtyping.OpQuantizationConfig(
        weight_tensor_config=weights, compute_precision=compute, explicit_dequantize=explicit
    )


def _quantized(content: bytes, configs: dict[str, Any]) -> Model:
    """What ai-edge-quantizer makes of a model with one config for each kind of op."""
    from ai_edge_quantizer import quantizer
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.qtyping import TensorDataType, TFLOperationName

    tool = quantizer.Quantizer(content)
    for operation, config in configs.items():
        floating = config.weight_tensor_config.dtype is TensorDataType.FLOAT
        algorithm = AlgorithmName.FLOAT_CASTING if floating else AlgorithmName.MIN_MAX_UNIFORM_QUANT
        tool.update_quantization_recipe(".*", TFLOperationName(operation), config, algorithm)
    return opened(tool.quantize().quantized_model)


def _refit_groups(model: Model, origin: Model) -> None:
    """Scales of least square error instead of largest values, for every weight with a scale a group.

    The quantizer's own end at zero for groups of tiny weights, which XNNPACK refuses.
    """
    from ai_edge_litert import schema_py_generated as schema

    values = {t.name: origin.buffers[t.buffer].data for t in origin.subgraphs[0].tensors}
    tensors = model.subgraphs[0].tensors
    for tensor in tensors:
        details = tensor.quantization and tensor.quantization.details
        if isinstance(details, schema.BlockwiseQuantizationT):
            weight = np.frombuffer(bytes(values[tensor.name]), np.float32).reshape(tensor.shape)
            codes, scales = _groups(weight)
            model.buffers[tensor.buffer].data = codes
            model.buffers[tensors[details.scales].buffer].data = scales


def _groups(weight: Floats) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """[out, in] -> int4 codes, two a byte, the first in the low half; and float16 scales [out, in/GROUP]."""
    groups = torch.from_numpy(weight.copy()).unflatten(1, (-1, GROUP))
    scales = least_squares_scales(groups).clamp_min(LEAST_SCALE)
    codes = int4(groups, scales).to(torch.int8).flatten().numpy().view(np.uint8)
    packed = (codes[0::2] & 0x0F | codes[1::2] << 4).astype(np.uint8)
    return packed, scales.numpy().astype(np.float16).view(np.uint8).ravel()


def _narrow_constants(model: Model, narrow: Callable[[Floats], Narrowed], tables: Set[bytes] | None = None) -> None:
    """The large constants that the quantizer leaves in float32: all, or with `tables` those of these bytes and vectors.

    before   ADD(scores, float32 constant)
    after    ADD(scores, DEQUANTIZE(narrow constant))
    """
    graph = model.subgraphs[0]
    opcode = _dequantize_opcode(model)
    for index in list(_large_constants(model, graph)):
        stored = graph.tensors[index]
        content = bytes(model.buffers[stored.buffer].data)
        if tables is not None and content not in tables and len(stored.shape) > 1:
            continue
        values = np.frombuffer(content, np.float32).reshape(stored.shape)
        _insert_dequantize(graph, index, opcode)
        _store(model, stored, narrow(values))


def _half(values: Floats) -> Narrowed:
    return "FLOAT16", values.astype(np.float16), None


def _int8(values: Floats) -> Narrowed:
    """One scale an entry of the first axis (a head), its largest value at 127."""
    scales = steps(torch.from_numpy(np.abs(values).reshape(len(values), -1).max(1)), 127).float().numpy()
    codes = np.rint(values / scales.reshape(-1, *[1] * (values.ndim - 1)))
    return "INT8", codes.astype(np.int8), scales


def _store(model: Model, tensor: Any, narrowed: Narrowed) -> None:
    """Give `tensor` the narrowed values in place of its own."""
    from ai_edge_litert import schema_py_generated as schema

    kind, values, scales = narrowed
    tensor.type = getattr(schema.TensorType, kind)
    model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
    if scales is not None:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.quantizedDimension = scales, 0
        tensor.quantization.zeroPoint = np.zeros(len(scales), np.int64)


def _large_constants(model: Model, graph: Any) -> Iterator[int]:
    """Indices of float32 constants of at least MIN_CONSTANT elements that an op reads directly."""
    from ai_edge_litert import schema_py_generated as schema

    for index in sorted({int(index) for op in graph.operators for index in op.inputs if index >= 0}):
        tensor = graph.tensors[index]
        constant = model.buffers[tensor.buffer].data is not None and tensor.type == schema.TensorType.FLOAT32
        if constant and int(np.prod(tensor.shape)) >= MIN_CONSTANT:
            yield index


def _insert_dequantize(graph: Any, index: int, opcode: int) -> None:
    """Route the readers of constant `index` through a DEQUANTIZE."""
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


def _dequantize_opcode(model: Model) -> int:
    """The index of DEQUANTIZE in the model's table, where it is put unless it stands there."""
    from ai_edge_litert import schema_py_generated as schema

    codes = [code.builtinCode for code in model.operatorCodes]
    if schema.BuiltinOperator.DEQUANTIZE not in codes:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
        code.version = DEQUANTIZE_VERSION
        model.operatorCodes.append(code)
        return len(codes)
    return codes.index(schema.BuiltinOperator.DEQUANTIZE)


def _require_stored(model: Model, types: dict[str, str]) -> None:
    """Every weight of MIN_WEIGHT elements has the type that `types` names for its op; raises ConversionError.

    It looks before the constants are narrowed, which would hide a weight that the quantizer passed over.
    """
    wrong = [f"{operation} {kind}" for operation, kind in _large_weights(model) if types.get(operation, kind) != kind]
    if wrong:
        found = ", ".join(f"{wrong.count(each)} x {each}" for each in sorted(set(wrong)))
        raise ConversionError(f"the quantizer did not give these weights the recipe's type: {found}", fault="weights")


def _large_weights(model: Model) -> Iterator[tuple[str, str]]:
    """Kind of op and TensorType of every constant of MIN_WEIGHT elements that is an op's second input."""
    from ai_edge_litert import schema_py_generated as schema

    types = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    graph = model.subgraphs[0]
    named = list(zip(graph.operators, (names[code] for code in kinds(model)), strict=True))
    widened = {op.outputs[0]: op.inputs[0] for op, operation in named if operation == "DEQUANTIZE"}
    for op, operation in (pair for pair in named if len(pair[0].inputs) > 1):
        weight = graph.tensors[widened.get(op.inputs[1], op.inputs[1])]
        constant = model.buffers[weight.buffer].data is not None
        if constant and int(np.prod(weight.shape)) >= MIN_WEIGHT:
            yield operation, types[weight.type]


def table_as_stored(table: torch.Tensor, _recipe: Recipe) -> tuple[str, torch.Tensor]:
    """How a recipe with integers stores an attention bias [h,Tq,Tk], and its values then."""
    if table.numel() < MIN_CONSTANT:
        return "float32", table
    _, codes, scales = _int8(table.numpy())
    assert scales is not None
    return "int8 a head", torch.from_numpy(codes * scales[:, None, None])
