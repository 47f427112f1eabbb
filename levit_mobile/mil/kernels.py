"""The table: which function runs which op. A function's parameters are the op's inputs, its defaults MIL's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from levit_mobile.mil import constexpr, elementwise, linear, normalize, quantize, shapes, windows
from levit_mobile.mil.elementwise import binary, unary
from levit_mobile.mil.normalize import reduction

Kernel = Callable[..., Any]

KERNELS: dict[str, Kernel] = {
    "abs": unary(np.abs),
    "add": binary(np.add),
    "avg_pool": windows.avg_pool,
    "batch_norm": normalize.batch_norm,
    "cast": elementwise.cast,
    "ceil": unary(np.ceil),
    "clamped_relu": elementwise.clamped_relu,
    "classify": normalize.classify,
    "clip": elementwise.clip,
    "concat": shapes.concat,
    "conv": windows.conv,
    "dequantize": quantize.dequantize,
    "einsum": linear.einsum,
    "elu": elementwise.elu,
    "equal": binary(np.equal),
    "erf": elementwise.erf,
    "exp": unary(np.exp),
    "exp2": unary(np.exp2),
    "expand_dims": shapes.expand_dims,
    "floor": unary(np.floor),
    "floor_div": binary(np.floor_divide),
    "gather": shapes.gather,
    "gelu": elementwise.gelu,
    "greater": binary(np.greater),
    "greater_equal": binary(np.greater_equal),
    "identity": shapes.identity,
    "instance_norm": normalize.instance_norm,
    "inverse": elementwise.inverse,
    "l2_norm": normalize.l2_norm,
    "layer_norm": normalize.layer_norm,
    "leaky_relu": elementwise.leaky_relu,
    "less": binary(np.less),
    "less_equal": binary(np.less_equal),
    "linear": linear.linear,
    "linear_activation": elementwise.linear_activation,
    "log": elementwise.log,
    "logical_and": binary(np.logical_and),
    "logical_not": unary(np.logical_not),
    "logical_or": binary(np.logical_or),
    "matmul": linear.matmul,
    "max_pool": windows.max_pool,
    "maximum": binary(np.maximum),
    "minimum": binary(np.minimum),
    "mod": binary(np.mod),
    "mul": binary(np.multiply),
    "not_equal": binary(np.not_equal),
    "pad": shapes.pad,
    "pow": binary(np.power),
    "prelu": elementwise.prelu,
    "quantize": quantize.quantize,
    "real_div": binary(np.true_divide),
    "reduce_argmax": normalize.reduce_argmax,
    "reduce_l2_norm": reduction(normalize.l2),
    "reduce_max": reduction(np.max),
    "reduce_mean": reduction(np.mean),
    "reduce_min": reduction(np.min),
    "reduce_prod": reduction(np.prod),
    "reduce_sum": reduction(np.sum),
    "reduce_sum_square": reduction(normalize.sum_square),
    "relu": elementwise.relu,
    "relu6": elementwise.relu6,
    "reshape": shapes.reshape,
    "round": unary(np.rint),
    "rsqrt": elementwise.rsqrt,
    "scaled_tanh": elementwise.scaled_tanh,
    "select": elementwise.select,
    "sigmoid": unary(elementwise.sigmoid),
    "sigmoid_hard": elementwise.sigmoid_hard,
    "sign": unary(np.sign),
    "silu": elementwise.silu,
    "slice_by_index": shapes.slice_by_index,
    "slice_by_size": shapes.slice_by_size,
    "softmax": normalize.softmax,
    "softplus": elementwise.softplus,
    "softsign": elementwise.softsign,
    "split": shapes.split,
    "sqrt": unary(np.sqrt),
    "square": unary(np.square),
    "squeeze": shapes.squeeze,
    "stack": shapes.stack,
    "sub": binary(np.subtract),
    "tanh": unary(np.tanh),
    "threshold": elementwise.threshold,
    "thresholded_relu": elementwise.thresholded_relu,
    "tile": shapes.tile,
    "transpose": shapes.transpose,
}

# Decoded when a program is read. Their inputs are constants.
CONSTANT: dict[str, Kernel] = {
    "constexpr_affine_dequantize": constexpr.affine_dequantize,
    "constexpr_cast": constexpr.cast,
    "constexpr_lut_to_dense": constexpr.lut_to_dense_flat,
    "constexpr_sparse_to_dense": constexpr.sparse_to_dense_flat,
}

# What an iOS version changed or brought.
SINCE: dict[int, dict[str, Kernel]] = {
    17: {"reshape": shapes.reshape_from_right},
    18: {
        "constexpr_blockwise_shift_scale": constexpr.blockwise_shift_scale,
        "constexpr_lut_to_dense": constexpr.lut_to_dense,
        "constexpr_lut_to_sparse": constexpr.lut_to_sparse,
        "constexpr_sparse_blockwise_shift_scale": constexpr.sparse_blockwise_shift_scale,
        "constexpr_sparse_to_dense": constexpr.sparse_to_dense,
        "scaled_dot_product_attention": linear.scaled_dot_product_attention,
    },
}


def kernels_of(ios: int) -> dict[str, Kernel]:
    """Every op of the opset that this iOS version brought."""
    found = KERNELS | CONSTANT
    for since, changed in SINCE.items():
        if ios >= since:
            found |= changed
    return found
