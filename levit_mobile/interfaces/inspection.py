"""What is inside an artifact: its ops, partitions, fallbacks, ranks, types and stored bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fallback:
    """One kind of op that the delegate left to the runtime's reference kernels.

    Attributes:
        op: Name of the op in the format.
        count: Number of such ops.
        reason: Why the delegate did not take it.
    """

    op: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output as the artifact declares it.

    Attributes:
        name: Its name.
        dtype: Element type, or ``image``.
        shape: Sizes of the axes; empty if it declares none, [height, width] for an image. A size below 1 is set at run
            time.
        scale: Distance of two levels: real = (stored - zero_point) * scale. None without quantization.
        zero_point: The stored integer that stands for 0.0; None without quantization.
        color: Colour layout of an image; None for a tensor.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    scale: float | None = None
    zero_point: int | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """The contents of one artifact, read from its bytes.

    Attributes:
        ops: Number of ops by the format's own names, inside and outside delegates, without constants.
        partitions: Number of delegate partitions; None if the phone decides (Core ML) or a note says why it is unknown.
        fallbacks: Ops outside the delegate.
        max_rank: Largest number of axes of any tensor.
        weight_bytes: Stored bytes by element type.
        products: Number of convolutions and linears.
        integer_products: Number of those that run in integers.
        format: Name and version of the format.
        inputs: Declared inputs.
        outputs: Declared outputs.
        class_labels: Number of class labels in the artifact; None if it has none.
        delegates: Number of partitions by delegate.
        kind_bytes: Stored bytes by their purpose, in the order of ``kinds.KINDS``.
        activations: Number of computed tensors by element type.
        macs: Multiply-accumulates of one run; None if a shape is open.
        minimum: Oldest system or runtime that runs it.
        metadata: Metadata stored in the artifact.
        notes: What a reader should know besides, one sentence each.
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
