"""What is inside artifacts as tables and JSON: what `inspect` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from rich.table import Table

from levit_mobile.bundle.inspect import FILE, Difference, Inspected, Scalar, counted, port_text
from levit_mobile.contract import Contract
from levit_mobile.images.labels import origin
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.reporting.text import MISSING, shown, table_title

if TYPE_CHECKING:
    from levit_mobile.reporting import outputs

SCHEMA_VERSION: Literal[1] = 1
ON_DEVICE = "decided on the device"
UNKNOWN = "unknown"


def inspection_table(found: Inspected) -> Table:
    """One artifact, one row per fact."""
    table = Table(show_header=False, title=table_title(found.path), title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _rows(found):
        table.add_row(shown(name), shown(text))
    return table


def difference_table(a: Inspected, b: Inspected, rows: Sequence[Difference]) -> Table:
    """Only the differences, one row each."""
    table = Table("", shown(a.path), shown(b.path))
    table.columns[0].style = "bold"
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(shown(f"{row.group} {row.name}".strip()), _value(row.a), _value(row.b))
    return table


def equality(rows: Sequence[Difference]) -> str | None:
    """A sentence for two artifacts between which nothing differs, or nothing but their files' bytes."""
    if not rows:
        return "no difference: the files are identical"
    if all(row.group == FILE for row in rows):
        return "no difference except the digest: everything else that inspect reads is equal"
    return None


def inspections_json(found: Sequence[Inspected], broken: Sequence[str], codes: Mapping[str, str]) -> str:
    """All artifacts as they are, a sentence for each that is broken, and by path the codes of those not read."""
    written: outputs.InspectOutput = {
        "schema_version": SCHEMA_VERSION,
        "artifacts": [_as_dict(item) for item in found],
        "broken": list(broken),
        "error_codes": dict(codes),
    }
    return to_json(written)


def differences_json(a: Inspected, b: Inspected, rows: Sequence[Difference]) -> str:
    """Both paths and digests, and what differs."""
    written: outputs.DiffOutput = {
        "schema_version": SCHEMA_VERSION,
        "a": _side(a),
        "b": _side(b),
        "equal": equality(rows) is not None,
        "differences": [{"group": row.group, "name": row.name, "a": row.a, "b": row.b} for row in rows],
    }
    return to_json(written)


def _side(one: Inspected) -> outputs.Side:
    return {"path": str(one.path), "sha256": one.sha256}


def _value(value: Scalar) -> str:
    return MISSING if value is None else f"{value:,}" if isinstance(value, int) else shown(value)


def _rows(found: Inspected) -> Iterator[tuple[str, str]]:
    inside = found.inspection
    yield "format", inside.format
    yield "file", f"{found.bytes:,} bytes"
    yield "sha256", found.sha256
    yield "needs", inside.minimum
    yield from _bundle_rows(found)
    for title, ports in (("input", inside.inputs), ("output", inside.outputs)):
        yield from ((_called(port.name, title), port_text(port)) for port in ports)
    if inside.class_labels is not None:
        yield "class labels", f"{inside.class_labels:,}"
    yield from _graph_rows(found, inside)
    yield from _size_rows(inside)
    yield from ((f"metadata {name}", text) for name, text in inside.metadata.items())
    yield from (("NOTE", note) for note in inside.notes)


def _called(name: str, title: str) -> str:
    """input image; a .pte's are only counted, and are `input 0` already."""
    return name if name.startswith(f"{title} ") else f"{title} {name}"


def _bundle_rows(found: Inspected) -> Iterator[tuple[str, str]]:
    stated = found.contract
    if stated is None:
        return
    yield "bundle", f"{stated.recipe}, {stated.model.variant}, {stated.model.classes} classes, {stated.verdict.upper()}"
    if named := origin(stated.output.labels_source):
        yield "labels", named
    yield "made with", ", ".join(f"{name} {version}" for name, version in stated.artifact.toolchain.items())
    yield "contract", "; ".join(found.contradictions) or "agrees with the artifact"


def _graph_rows(found: Inspected, inside: Inspection) -> Iterator[tuple[str, str]]:
    yield "partitions", _partitions(found, inside)
    for item in inside.fallbacks:
        yield "fallback op", f"{item.count} x {item.op}: {item.reason}"
    yield f"ops {sum(inside.ops.values())}", _counts(inside.ops)
    integers = f", {inside.integer_products} in integers" if inside.integer_products else ""
    yield "products", f"{inside.products} convolutions and linears{integers}"
    if inside.arithmetic is not None:
        yield "float arithmetic", inside.arithmetic
    yield "MACs", _macs(found)
    yield "highest rank", str(inside.max_rank) if inside.max_rank else UNKNOWN
    yield "activations", _counts(inside.activations) or UNKNOWN


def _macs(found: Inspected) -> str:
    """Of one run; the trained model has more where it has two heads."""
    counted = UNKNOWN if found.inspection.macs is None else f"{found.inspection.macs:,}"
    stated = found.contract.model.macs if found.contract else found.inspection.macs
    return counted if stated == found.inspection.macs else f"{counted}; trained model: {stated:,}"


def _partitions(found: Inspected, inside: Inspection) -> str:
    if inside.partitions is None:
        return ON_DEVICE if found.target == "coreml" else UNKNOWN
    by = ", ".join(f"{count} of {name}" for name, count in inside.delegates.items())
    return by or "none (no delegate)"


def _size_rows(inside: Inspection) -> Iterator[tuple[str, str]]:
    total = sum(inside.weight_bytes.values())
    yield f"weights {total:,} B", _counts(inside.weight_bytes, unit=" B") or "none"
    for kind, size in counted(inside)["weight bytes, kind"].items():
        yield f"  {kind}", f"{size:,} B, {size / total:.1%}"


def _counts(counts: Mapping[str, int], unit: str = "") -> str:
    """ADD 33, CONV_2D 6: most first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}{unit}" for name, count in ordered)


def _as_dict(found: Inspected) -> outputs.InspectedArtifact:
    inside = found.inspection
    return {
        "path": str(found.path),
        "target": found.target,
        "bytes": found.bytes,
        "sha256": found.sha256,
        "ops": dict(inside.ops),
        "partitions": inside.partitions,
        "fallbacks": [asdict(one) for one in inside.fallbacks],
        "max_rank": inside.max_rank,
        "weight_bytes": dict(inside.weight_bytes),
        "products": inside.products,
        "integer_products": inside.integer_products,
        "format": inside.format,
        "inputs": [asdict(port) for port in inside.inputs],
        "outputs": [asdict(port) for port in inside.outputs],
        "class_labels": inside.class_labels,
        "delegates": dict(inside.delegates),
        "kind_bytes": dict(inside.kind_bytes),
        "activations": dict(inside.activations),
        "macs": inside.macs,
        "minimum": inside.minimum,
        "arithmetic": inside.arithmetic,
        "metadata": dict(inside.metadata),
        "notes": list(inside.notes),
        "bundle": _bundle_dict(found, found.contract) if found.contract else None,
    }


def _bundle_dict(found: Inspected, stated: Contract) -> outputs.InspectedBundle:
    return {
        "recipe": stated.recipe,
        "verdict": stated.verdict,
        "model": stated.model.model_dump(mode="json"),
        "toolchain": dict(stated.artifact.toolchain),
        "input": stated.input.model_dump(mode="json"),
        "output": stated.output.model_dump(mode="json"),
        "contradictions": list(found.contradictions),
    }
