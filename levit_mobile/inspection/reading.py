"""What all readers share: why an op is outside its delegate, and the sentence about a damaged file."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from levit_mobile.errors import ArtifactError
from levit_mobile.interfaces.inspection import Fallback

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
DAMAGE = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError),
    struct.error,
)
MOST_QUOTED = 300  # characters of an error that may quote the file
NO_KERNEL = "the delegate has no kernel for this op with these shapes and types"
OPEN = "the sizes of its input are set at run time: its MACs depend on them"
NO_DELEGATE = "the program was lowered without a delegate"


def fallbacks(
    counts: Mapping[str, int], reasons: Mapping[str, str] = FALLBACK_REASONS, unknown: str = NO_KERNEL
) -> tuple[Fallback, ...]:
    """Counts by op name -> sorted fallbacks, each with the delegate's reason where it is known, else `unknown`."""
    return tuple(Fallback(op, n, reasons.get(op.split("::")[-1], unknown)) for op, n in sorted(counts.items()))


def unreadable(path: Path, kind: str, error: Exception) -> ArtifactError:
    """The error for a damaged file. Exceptions other than ValueError hold only a bad number or name."""
    text = " ".join(str(error).split())[:MOST_QUOTED] or type(error).__name__
    why = text if isinstance(error, ValueError) else f"it is damaged or contradicts itself ({text})"
    return ArtifactError(
        f"{path} cannot be read as {kind}: {why}; copy the whole artifact again or convert it again", fault="damaged"
    )
