"""What is inside an artifact: its ops, partitions, what fell out of the delegate, ranks and stored bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FALLBACK_REASONS: Mapping[str, str] = {
    "slice_copy": "XNNPACK slices with stride 1 only",
    "STRIDED_SLICE": "XNNPACK slices with stride 1 only",
    "split_with_sizes_copy": "XNNPACK in ExecuTorch has no split",
    "expand_copy": "XNNPACK in ExecuTorch has no broadcast copy; a matmul of rank 4 brings it in",
    "mean": "XNNPACK in ExecuTorch takes a mean of rank 4 over dims 2 and 3 only, dims kept",
    "_to_dim_order_copy": "XNNPACK in ExecuTorch has no memory-format copy",
    "HARD_SWISH": "XNNPACK takes HARD_SWISH in float only",
    "SOFTMAX": "XNNPACK takes SOFTMAX in float only",
    "BATCH_MATMUL": "XNNPACK takes BATCH_MATMUL in float, or in int8 with zero point 0 on the right",
    "GATHER": "XNNPACK has no gather",
    "index": "XNNPACK has no gather",
}


@dataclass(frozen=True, slots=True)
class Fallback:
    """One kind of op that the delegate left to the runtime's reference kernels."""

    op: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """One artifact, read from its bytes.

    `ops` counts the ops by the format's own names, inside and outside of delegates, constants excluded. `partitions`
    is None where the split is decided on the phone (Core ML). `weight_bytes` is stored bytes by element type.
    `products` are the convolutions and linears, and `integer_products` those of them that run in integers.
    """

    ops: Mapping[str, int]
    partitions: int | None
    fallbacks: tuple[Fallback, ...]
    max_rank: int
    weight_bytes: Mapping[str, int]
    products: int
    integer_products: int


def fallbacks(counts: Mapping[str, int]) -> tuple[Fallback, ...]:
    """Counts by op name -> sorted fallbacks, each with the delegate's reason where it is known."""
    unknown = "the delegate has no kernel for this op with these shapes and types"
    return tuple(Fallback(op, n, FALLBACK_REASONS.get(op.split("::")[-1], unknown)) for op, n in sorted(counts.items()))
