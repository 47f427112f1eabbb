"""A form on int8 grids -> a MIL program that computes in int8: dequantize -> op -> quantize, and int8 constants.

Core ML runs an op in int8 when its inputs come from dequantize and its output goes into quantize; what lies between no
such pair, as attention's scores and softmax do, stays float16.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from torch import nn

from levit_mobile.model.fake_quant import replace_with_int8_layers, with_half_scales
from levit_mobile.recipe import Precision, Recipe

# It divides the scales of a sum by that of one term, and float16 rounds the quotients: not what was measured any more.
LEFT_OUT = "common::distributive_quantized_binary_op_scale_normalization"


def prepared(module: nn.Module, recipe: Recipe) -> nn.Module:
    """What is traced: for int8 a copy with int8 layers and with scales that float16 holds; else the module itself."""
    if recipe.precision is not Precision.INT8:
        return module
    made = with_half_scales(module)
    replace_with_int8_layers(made)
    return made


def passes(coremltools: Any, recipe: Recipe) -> dict[str, Any]:
    """The options of coremltools' convert that say which graph passes run."""
    if recipe.precision is not Precision.INT8:
        return {}
    pipeline = coremltools.PassPipeline()
    pipeline.remove_passes({LEFT_OUT})
    return {"pass_pipeline": pipeline}


@contextmanager
def ops_known(recipe: Recipe) -> Iterator[None]:
    """Inside, coremltools' torch frontend knows the two ops that fake quants and int8 layers are traced as.

    Its registry is the whole process's, so it is put back at the end.
    """
    from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY, register_torch_op

    if recipe.precision is not Precision.INT8:
        yield
        return
    known = _TORCH_OPS_REGISTRY.name_to_func_mapping
    before = dict(known)
    register_torch_op(_edge, torch_alias=["fake_quantize_per_tensor_affine"], override=True)
    register_torch_op(_weight, torch_alias=["quantized_decomposed::dequantize_per_channel"], override=True)
    try:
        yield
    finally:
        known.clear()
        known.update(before)


def _edge(context: Any, node: Any) -> None:
    from coremltools.converters.mil.frontend.torch.ops import _get_inputs
    from coremltools.converters.mil.mil import Builder

    x, scale, zero_point, *_ = _get_inputs(context, node, expected=5)
    grid = {"scale": np.float32(scale.val), "zero_point": np.int8(zero_point.val)}
    stored = Builder.quantize(input=x, output_dtype="int8", **grid)
    context.add(Builder.dequantize(input=stored, name=node.name, **grid))


def _weight(context: Any, node: Any) -> None:
    from coremltools.converters.mil.frontend._utils import _construct_constexpr_dequant_op
    from coremltools.converters.mil.frontend.torch.ops import _get_inputs

    stored, scale, *_ = _get_inputs(context, node, min_expected=2)
    zero = np.zeros(len(scale.val), np.int8)
    context.add(_construct_constexpr_dequant_op(stored.val, zero, scale.val, axis=0, name=node.name))
