"""What is inside an artifact: its ops, partitions, what fell out of the delegate, ranks, types and stored bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from levit_mobile.errors import ArtifactError

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
# What reading a damaged file may raise, where a reader's own bounds do not see the damage first.
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)
NO_KERNEL = "the delegate has no kernel for this op with these shapes and types"
NO_DELEGATE = "the program was lowered without a delegate"


@dataclass(frozen=True, slots=True)
class Fallback:
    """One kind of op that the delegate left to the runtime's reference kernels."""

    op: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output as the artifact declares it.

    `shape` is [] where it has none, and [height, width] of an image, whose `color` is its layout; a size below 1 is set
    at run time. With a `scale`, real = (stored - zero_point) * scale.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    scale: float | None = None
    zero_point: int | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """One artifact, read from its bytes.

    `ops` counts the ops by the format's own names, inside and outside of delegates, constants excluded. `partitions`
    is None where the split is decided on the phone (Core ML), or is not known, for which a note says why.
    `weight_bytes` is stored bytes by element type, `kind_bytes` the same bytes by what they are for, in the order of
    `kinds.KINDS`. `products` are the convolutions and linears, and `integer_products` those of them that run in
    integers. `activations` counts tensors that are computed, by element type. `macs` are of one run, None where a shape
    is open. `minimum` is the oldest system or runtime. `notes` are what a reader should know, a sentence each.
    """

    ops: Mapping[str, int]
    partitions: int | None
    fallbacks: tuple[Fallback, ...]
    max_rank: int
    weight_bytes: Mapping[str, int]
    products: int
    integer_products: int
    format: str = ""
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    class_labels: int | None = None
    delegates: Mapping[str, int] = field(default_factory=dict)
    kind_bytes: Mapping[str, int] = field(default_factory=dict)
    activations: Mapping[str, int] = field(default_factory=dict)
    macs: int | None = None
    minimum: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def fallbacks(
    counts: Mapping[str, int], reasons: Mapping[str, str] = FALLBACK_REASONS, unknown: str = NO_KERNEL
) -> tuple[Fallback, ...]:
    """Counts by op name -> sorted fallbacks, each with the delegate's reason where it is known, else `unknown`."""
    return tuple(Fallback(op, n, reasons.get(op.split("::")[-1], unknown)) for op, n in sorted(counts.items()))


def unreadable(path: Path, kind: str, error: Exception) -> ArtifactError:
    """The sentence about a damaged file; numbers and names that lead nowhere say only themselves."""
    text = " ".join(str(error).split()) or type(error).__name__
    why = text if isinstance(error, ValueError) else f"something in it leads nowhere ({text})"
    return ArtifactError(f"{path} is not {kind} that can be read: {why}; copy it again, whole, or convert it again")
