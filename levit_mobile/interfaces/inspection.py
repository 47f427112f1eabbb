"""What is inside an artifact: its ops, partitions, fallbacks, ranks, types and stored bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
