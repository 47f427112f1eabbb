"""What is at a path, a bundle or an artifact of any origin, looked into; and what differs between two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from levit_mobile import contract as c
from levit_mobile.images.labels import origin
from levit_mobile.interfaces.inspection import Inspection, Port
from levit_mobile.interfaces.toolchain import surveyor
from levit_mobile.system.file_signature import MODEL_SUFFIX, target_of
from levit_mobile.system.files import Sha256, as_on_disk, clutter, clutter_note, digest, size_bytes
from levit_mobile.targets import TARGETS

CHANNELS_LAST = (0, 2, 3, 1)  # of [N,C,H,W]
FILE = "file"  # the group of rows in which any two files differ
Scalar = str | int | None
Row = tuple[str, str]  # a group, and a name in it


@dataclass(frozen=True, slots=True)
class Inspected:
    """One artifact and its contents.

    Attributes:
        path: The path that was given: a bundle's folder or an artifact.
        target: ``coreml``, ``executorch`` or ``tflite``.
        bytes: Size of the artifact's file, or of all files in its folder.
        sha256: SHA-256 of the file, or of the folder as ``system.files.digest`` computes it.
        inspection: Ops, inputs, outputs, types and sizes that were read from the artifact.
        contract: The bundle's contract; None if the path is not a bundle.
        contradictions: One sentence for each fact on which contract and artifact differ.
    """

    path: Path
    target: str
    bytes: int
    sha256: Sha256
    inspection: Inspection
    contract: c.Contract | None = None
    contradictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One row in which two artifacts differ.

    Attributes:
        group: The section of the row, such as ``input`` or ``file``; empty for facts about the whole artifact.
        name: What the row is about.
        a: Value of the first artifact; None if it has no such row.
        b: Value of the second artifact; None if it has no such row.
    """

    group: str
    name: str
    a: Scalar
    b: Scalar


def inspect(artifact: str | Path) -> Inspected:
    """Read what is inside a bundle's artifact or a model file of any origin.

    It reads ``.tflite``, ``.pte``, ``.mlpackage`` and ``.mlmodel``. Nothing is run, and no vendor package is imported
    except parts of coremltools for Core ML. Thread-safe.

    Args:
        artifact: A bundle's folder, or the path of an artifact.

    Returns:
        The artifact's contents, and for a bundle its contract and where the two contradict each other.

    Raises:
        ArtifactError: It is not there, not readable or damaged (``artifact.missing``, ``artifact.unreadable``,
            ``artifact.damaged``), or of an unknown kind (``artifact.unknown-format``, ``artifact.unsupported-model``).
        BundleError: The bundle is damaged; the codes are those of ``open_bundle``.
        ToolchainMissing: coremltools is not installed, and the artifact is a Core ML model (``toolchain``).

    Example:
        >>> found = levit_mobile.inspect("build/levit_128s-tflite-fp32")
        >>> found.target, found.inspection.partitions, found.contradictions
        ('tflite', 1, ())
    """
    path = as_on_disk(Path(artifact))
    if (path / c.CONTRACT_FILE).is_file():
        return _bundle(path)
    target = target_of(path)
    found = surveyor(TARGETS[target])(path)
    suffix = TARGETS[target].suffix
    if path.is_file() and path.suffix not in (suffix, MODEL_SUFFIX):
        found = _noted(found, f"the file is called {path.name} but holds a {suffix}")
    return _inspected(path, target, found)


def differences(a: Inspected, b: Inspected) -> tuple[Difference, ...]:
    """List every row in which two artifacts differ.

    Args:
        a: The first artifact.
        b: The second artifact, of the same or another target.

    Returns:
        The rows that differ, the files' sizes and digests last. If both are bundles, rows of their contracts are
        included.

    Example:
        >>> fp32 = levit_mobile.inspect("build/levit_128s-tflite-fp32")
        >>> levit_mobile.differences(fp32, fp32)
        ()
    """
    first, second = dict(_rows(a)), dict(_rows(b))
    if a.contract and b.contract:
        first |= dict(_contract_rows(a.contract))
        second |= dict(_contract_rows(b.contract))
    rows = dict.fromkeys((*first, *second))
    changed = [row for row in rows if first.get(row) != second.get(row)]
    changed.sort(key=lambda row: row[0] == FILE)
    return tuple(Difference(*row, first.get(row), second.get(row)) for row in changed)


# At a path


def _bundle(path: Path) -> Inspected:
    from levit_mobile.bundle.reader import open_bundle

    bundle = open_bundle(path)
    found = _inspected(bundle.artifact, bundle.target.name, surveyor(bundle.target)(bundle.artifact))
    return replace(found, path=path, contract=bundle.contract, contradictions=_contradictions(found, bundle.contract))


def _noted(found: Inspection, note: str) -> Inspection:
    return replace(found, notes=(note, *found.notes))


def _inspected(path: Path, target: str, found: Inspection) -> Inspected:
    if left_out := clutter(path):
        found = _noted(found, clutter_note(left_out))
    return Inspected(path, target, size_bytes(path), digest(path), found)


# A bundle's contract against its artifact


def _contradictions(found: Inspected, stated: c.Contract) -> tuple[str, ...]:
    """One sentence per fact in which the contract contradicts the artifact."""
    inside = found.inspection
    ports = ((inside.inputs, stated.input), (inside.outputs, stated.output))
    return tuple(
        sentence for declared, wanted in ports for sentence in _about_port(_named(declared, wanted.name), wanted)
    ) + tuple(_about_counts(inside, stated))


def _named(declared: tuple[Port, ...], name: str) -> Port | None:
    """The port of that name; a `.pte` has no names, and one of each."""
    exact = next((port for port in declared if port.name == name), None)
    return exact or (declared[0] if len(declared) == 1 and declared[0].name.split()[-1] == "0" else None)


def _about_port(port: Port | None, wanted: c.Input | c.Output) -> Iterator[str]:
    if port is None:
        yield f"the artifact has no input or output {wanted.name}, which the contract names"
        return
    shape = wanted.shape[2:] if wanted.dtype == "image" else wanted.shape
    for what, stated, found in (("type", wanted.dtype, port.dtype), ("shape", list(shape), list(port.shape))):
        if stated != found:
            yield f"the {what} of {wanted.name} is {found} in the artifact, expected {stated} by the contract"
    grid = wanted.quantization
    if (
        grid
        and port.scale is not None
        and (_rounded(grid.scale), grid.zero_point) != (_rounded(port.scale), port.zero_point)
    ):
        yield (
            f"{wanted.name} has the scale {port.scale:g} and zero point {port.zero_point} in the artifact, expected "
            f"{grid.scale:g} and {grid.zero_point} by the contract"
        )


def _rounded(scale: float) -> str:
    return f"{scale:.6e}"  # one is float32


def _about_counts(inside: Inspection, stated: c.Contract) -> Iterator[str]:
    classes, partitions = stated.model.classes, stated.artifact.partitions
    if inside.class_labels not in (None, classes):
        yield f"the number of labels is {inside.class_labels} in the artifact, expected {classes} by the contract"
    if inside.partitions != partitions:
        yield f"the number of partitions is {inside.partitions} in the artifact, expected {partitions} by the contract"
    if (arithmetic := stated.artifact.arithmetic) not in (None, inside.arithmetic):
        yield f"the float arithmetic is {inside.arithmetic} in the artifact, expected {arithmetic} by the contract"


# As rows


def _rows(found: Inspected) -> Iterator[tuple[Row, Scalar]]:
    """All that is worth comparing, by group and name."""
    inside = found.inspection
    yield ("", "format"), inside.format
    yield ("", "minimum"), inside.minimum
    for group, ports in (("input", inside.inputs), ("output", inside.outputs)):
        yield from (((group, port.name), port_text(port)) for port in ports)
    yield ("", "class labels"), inside.class_labels
    yield ("", "float arithmetic"), inside.arithmetic
    yield ("", "partitions"), inside.partitions
    yield from ((("fallback op", item.op), f"{item.count} x: {item.reason}") for item in inside.fallbacks)
    for group, counts in counted(inside).items():
        yield from (((group, name), count) for name, count in counts.items())
    yield ("", "highest rank"), inside.max_rank
    yield ("", "MACs"), inside.macs
    yield ("", "convolutions and linears"), inside.products
    yield ("", "of them in integers"), inside.integer_products
    yield from ((("metadata", name), text) for name, text in inside.metadata.items())
    yield from ((("note", str(n + 1)), note) for n, note in enumerate(inside.notes))
    yield (FILE, "bytes"), found.bytes
    yield (FILE, "sha256"), found.sha256


def _contract_rows(stated: c.Contract) -> Iterator[tuple[Row, Scalar]]:
    yield ("bundle", "recipe"), stated.recipe
    yield ("bundle", "variant"), stated.model.variant
    yield ("bundle", "classes"), stated.model.classes
    yield ("bundle", "labels"), origin(stated.output.labels_source)
    yield ("bundle", "labels sha256"), stated.output.labels_sha256
    yield ("bundle", "checkpoint sha256"), stated.model.checkpoint_sha256
    yield ("bundle", "verdict"), stated.verdict
    yield from ((("made with", name), version) for name, version in stated.artifact.toolchain.items())


def counted(inside: Inspection) -> dict[str, Mapping[str, int]]:
    """The histograms by their titles."""
    return {
        "delegate": inside.delegates,
        "op": inside.ops,
        "weight bytes, type": inside.weight_bytes,
        "weight bytes, kind": {kind: size for kind, size in inside.kind_bytes.items() if size},
        "activations": inside.activations,
    }


def port_text(port: Port) -> str:
    """float32 [1 to 8, 224, 224, 3]; image [224, 224] RGB; int8 [1, 10], scale 0.12, zero point 3."""
    parts = [part for part in (port.dtype, port.sizes, port.color) if part]
    grid = "" if port.scale is None else f", scale {port.scale:g}, zero point {port.zero_point}"
    return " ".join(parts) + grid + _memory(port.dim_order)


def _memory(order: tuple[int, ...]) -> str:
    """How its values follow each other in memory, where that is not the order of its axes."""
    if not order:
        return ""
    name = "channels last" if order == CHANNELS_LAST else f"axes {', '.join(map(str, order))}"
    return f", in memory {name}"
