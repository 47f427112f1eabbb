"""Compressed constants -> dense ones: the `constexpr_` ops.

Those of iOS 16 hold flat, packed data and a shape; those of iOS 18 hold tensors. Numbers are widened before anything
is subtracted, since uint8 - uint8 would wrap.
"""

from __future__ import annotations

import math

import numpy as np

from levit_mobile.mil.quantize import along
from levit_mobile.mil.tensors import Array
from levit_mobile.mil.weights import from_bits


def affine_dequantize(quantized_data: Array, zero_point: Array, scale: Array, axis: Array) -> Array:
    """scale * (data - zero_point), each a scalar or a vector along `axis`."""
    data = quantized_data.astype(np.float32)
    return along(scale, data, axis) * (data - along(zero_point.astype(np.float32), data, axis))


def cast(source_val: Array, output_dtype: str) -> Array:
    """float16 -> float32: both are held alike."""
    if output_dtype != "fp32":
        raise ValueError(f"output_dtype is {output_dtype}, expected fp32")
    return source_val


def lut_to_dense_flat(indices: Array, lut: Array, shape: Array) -> Array:
    """iOS 16: indices of log2(len(lut)) bits, packed."""
    count = math.prod(shape.tolist())
    bits = lut.size.bit_length() - 1
    if lut.size != 1 << bits or indices.size != -(-count * bits // 8):
        raise ValueError(
            f"{indices.size} bytes of indices into {lut.size} palette entries do not fill the shape {shape.tolist()}"
        )
    return lut[from_bits(indices, bits, count)].reshape(shape)


def sparse_to_dense_flat(nonzero_data: Array, mask: Array, shape: Array) -> Array:
    """iOS 16: one bit an element says whether it is the next of `nonzero_data` or 0."""
    return sparse_to_dense(nonzero_data, from_bits(mask, 1, math.prod(shape.tolist())).reshape(shape))


def blockwise_shift_scale(data: Array, scale: Array, offset: Array | None = None) -> Array:
    """scale * (data - offset), one scale and offset a block; the ratio of the shapes is the block's."""
    shifted = data.astype(np.float32)
    if offset is not None:
        shifted -= repeated(offset.astype(np.float32), data.shape)
    return repeated(scale, data.shape) * shifted


def lut_to_dense(indices: Array, lut: Array, vector_axis: Array | None = None) -> Array:
    """One table a block of indices, lut [*blocks, palettes, vector]; a vector is laid out along `vector_axis`."""
    vectors = lut.reshape(-1, *lut.shape[-2:])[_blocks(indices.shape, lut.shape[:-2]), indices]
    if lut.shape[-1] == 1:
        return vectors[..., 0]
    if vector_axis is None:
        raise ValueError(f"vector_axis is missing, the palette entries are vectors of {lut.shape[-1]} numbers")
    axis = int(vector_axis) % indices.ndim
    sizes = list(indices.shape)
    sizes[axis] *= lut.shape[-1]
    return np.moveaxis(vectors, -1, axis + 1).reshape(sizes)


def sparse_to_dense(nonzero_data: Array, mask: Array) -> Array:
    """The next of `nonzero_data` wherever `mask` is set, else 0."""
    dense = np.zeros(mask.shape, nonzero_data.dtype)
    dense[mask != 0] = nonzero_data
    return dense


def lut_to_sparse(
    indices_mask: Array, indices_nonzero_data: Array, lut: Array, vector_axis: Array | None = None
) -> tuple[Array, Array]:
    """`lut_to_dense` of the set elements only: the mask of the result, and its elements where that is set."""
    dense = lut_to_dense(sparse_to_dense(indices_nonzero_data, indices_mask), lut, vector_axis)
    vector = lut.shape[-1]
    mask = indices_mask if vector == 1 else np.repeat(indices_mask, vector, axis=int(vector_axis))  # type: ignore[arg-type]
    return mask, dense[mask != 0]


def sparse_blockwise_shift_scale(
    data_mask: Array, nonzero_data: Array, scale: Array, offset: Array | None = None
) -> tuple[Array, Array]:
    """`blockwise_shift_scale` of the set elements only: the mask, and its elements."""
    dense = blockwise_shift_scale(sparse_to_dense(nonzero_data, data_mask), scale, offset)
    return data_mask, dense[data_mask != 0]


def repeated(blocks: Array, shape: tuple[int, ...]) -> Array:
    """One value a block -> one an element."""
    return blocks.reshape(-1)[_blocks(shape, blocks.shape)]


def _blocks(shape: tuple[int, ...], counts: tuple[int, ...]) -> Array:
    """The number of the block that each element of `shape` lies in, blocks counted in C order."""
    if len(counts) != len(shape) or any(size % count for size, count in zip(shape, counts, strict=True)):
        raise ValueError(f"the block counts {list(counts)} do not divide the shape {list(shape)}")
    block = np.zeros((), np.int64)
    for size, count in zip(shape, counts, strict=True):
        block = block[..., None] * count + np.arange(size) // (size // count)
    return block
