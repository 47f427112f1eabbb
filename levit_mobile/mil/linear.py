"""Matrix products. Sums run in float32."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from levit_mobile.mil.normalize import softmax
from levit_mobile.mil.tensors import Array, to_torch


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x [..., in], weight [out, in], bias [out] -> [..., out]."""
    return F.linear(to_torch(x), to_torch(weight), None if bias is None else to_torch(bias)).numpy()


def matmul(x: Array, y: Array, transpose_x: Array | bool = False, transpose_y: Array | bool = False) -> Array:
    """Products of the last two axes, the others broadcast. A vector is not transposed."""
    left, right = _turned(x, bool(transpose_x)), _turned(y, bool(transpose_y))
    return torch.matmul(left, right).numpy()


def _turned(x: Array, wanted: bool) -> Tensor:
    tensor = to_torch(x)
    return tensor.transpose(-1, -2) if wanted and x.ndim > 1 else tensor


def einsum(values: Sequence[Array], equation: str) -> Array:
    """Two operands that meet in one axis; an axis of size 1 broadcasts."""
    return torch.einsum(equation, *(to_torch(value) for value in values)).numpy()


def scaled_dot_product_attention(query: Array, key: Array, value: Array, attn_mask: Array | None = None) -> Array:
    """softmax(q k^T / sqrt(E) + mask) v; a mask of truth values keeps what is true."""
    scores = matmul(query, key, transpose_y=True) / np.float32(math.sqrt(query.shape[-1]))
    if attn_mask is not None:
        scores = scores + (np.where(attn_mask, np.float32(0), -np.inf) if attn_mask.dtype == np.bool_ else attn_mask)
    return matmul(softmax(scores.astype(np.float32)), value)
