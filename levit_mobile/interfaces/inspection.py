"""What is inside an artifact: its ops, partitions, fallbacks, ranks, types and stored bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from levit_mobile.contract import Arithmetic

Ranges = tuple[tuple[int, int | None], ...]  # lowest and highest size of each axis; None has no bound
IN_DATA_FILE = "(.ptd)"  # in the note about constants that are in a separate file


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
            time. Where ``shapes`` lists several, it is the default one.
        scale: Distance of two levels: real = (stored - zero_point) * scale. None without quantization.
        zero_point: The stored integer that stands for 0.0; None without quantization.
        color: Colour layout of an image; None for a tensor.
        ranges: Lowest and highest size of each axis; a highest size of None has no bound. Empty if all sizes are fixed.
        shapes: The shapes to choose from at run time; empty if the artifact lists none.
        dim_order: Its axes as they are nested in memory, the outermost first; empty if that is their own order.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    scale: float | None = None
    zero_point: int | None = None
    color: str | None = None
    ranges: Ranges = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    dim_order: tuple[int, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether its shape is chosen at run time."""
        return bool(self.ranges or self.shapes)

    def allows(self, shape: tuple[int, ...]) -> bool:
        """Whether it can have this shape at run time."""
        if self.shapes:
            return shape in self.shapes
        ranges = self.ranges or _fixed(self.shape)
        return len(shape) == len(ranges) and all(
            low <= size and (high is None or size <= high) for size, (low, high) in zip(shape, ranges, strict=True)
        )

    @property
    def sizes(self) -> str:
        """Its shape in words: [1 to 8, 3, 224, 224], or several shapes."""
        if self.shapes:
            return " or ".join(str(list(shape)) for shape in self.shapes)
        ranges = self.ranges or _fixed(self.shape)
        return f"[{', '.join(_size(low, high) for low, high in ranges)}]" if ranges else ""


def unbounded(shape: tuple[int, ...]) -> Ranges:
    """The ranges of a shape in which a negative size stands for any; empty if it has none."""
    return tuple((1, None) if size < 0 else (size, size) for size in shape) if min(shape, default=0) < 0 else ()


def _fixed(shape: tuple[int, ...]) -> Ranges:
    return tuple((size, size) for size in shape)


def _size(low: int, high: int | None) -> str:
    if high is None:
        return "any" if low <= 1 else f"{low} or more"
    return str(low) if low == high else f"{low} to {high}"


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
        arithmetic: What a core computes the float parts in, where the format leaves it the choice; None elsewhere.
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
    arithmetic: Arithmetic | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
