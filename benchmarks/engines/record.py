"""The measured rows as JSON, to go on from after a run that ended, and as the table of docs/measured.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines.engine import PRECISIONS, engine
from engines.floors import Floor, floor
from engines.measuring import ACCURACY_CORE, Accuracy, Measured
from engines.running import HOST
from levit_mobile.arm64.cpus import CPUS

ABSENT = "-"


def read(path: Path) -> list[Measured]:
    """The rows of a JSON file; none where there is no file."""
    if not path.exists():
        return []
    return [_row(fields) for fields in json.loads(path.read_text(encoding="utf-8"))["rows"]]


def _row(fields: Mapping[str, Any]) -> Measured:
    found = Measured(**fields)
    found.accuracy = {where: Accuracy(**values) for where, values in fields["accuracy"].items()}
    found.ratio = None if fields["ratio"] is None else tuple(fields["ratio"])
    return found


def write(path: Path, rows: Sequence[Measured], about: Mapping[str, Any]) -> None:
    """Write rows, and what they were measured with."""
    path.write_text(json.dumps({**about, "rows": [asdict(row) for row in rows]}, indent=2) + "\n", encoding="utf-8")


def ranked(rows: Iterable[Measured]) -> list[Measured]:
    """By precision, and within one by instructions on ACCURACY_CORE, fewest first; rows without a count are last."""
    by_count = sorted(rows, key=lambda row: row.instructions.get(ACCURACY_CORE, sys.maxsize))
    return sorted(by_count, key=lambda row: PRECISIONS.index(row.precision))


def table(rows: Iterable[Measured], cores: Sequence[str], macs: int) -> list[str]:
    """A table in Markdown, one line per row; `macs` are the net's multiply-accumulates."""
    head = ["engine", "recipe", "for", "MB", *cores, "SQNR here", f"SQNR on {ACCURACY_CORE}", "top-1", "CPU time here"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(cells(row, cores, macs))} |" for row in rows)]


def cells(row: Measured, cores: Iterable[str], macs: int) -> list[str]:
    """The texts of one line."""
    return [
        engine(row.engine).NAME,
        row.row,
        row.precision,
        f"{row.bytes / 1e6:.1f}" if row.bytes else ABSENT,
        *(millions(row.instructions.get(core), floor(macs, row.precision, CPUS[core])) for core in cores),
        decibels(row.accuracy.get(HOST)),
        decibels(row.accuracy.get(ACCURACY_CORE), counted=True),
        f"{row.accuracy[HOST].top1:.2%}" if HOST in row.accuracy else ABSENT,
        ratio(row.ratio),
    ]


def millions(instructions: int | None, least: Floor) -> str:
    """Executed instructions in millions, and how many times the floor that is."""
    return ABSENT if instructions is None else f"{instructions / 1e6:.1f} ({instructions / least.instructions:.2f}x)"


def floors(cores: Sequence[str], macs: int) -> list[str]:
    """A table in Markdown of the floors of a net with so many multiply-accumulates, one line per precision."""
    lines = [f"| floor of | {' | '.join(cores)} |", f"|{'---|' * (1 + len(cores))}"]
    of = {precision: [floor(macs, precision, CPUS[core]) for core in cores] for precision in PRECISIONS}
    return [*lines, *(f"| {name} | {' | '.join(map(_sum, found))} |" for name, found in of.items())]


def _sum(least: Floor) -> str:
    return (
        f"{least.instructions / 1e6:.1f} = {least.products / 1e6:.1f} `{least.product.name}`"
        f" + {least.loads / 1e6:.1f} loads"
    )


def decibels(found: Accuracy | None, *, counted: bool = False) -> str:
    """SQNR, with the number of pictures where it is `counted`."""
    if found is None:
        return ABSENT
    return f"{found.sqnr_db:.1f} dB ({found.pictures})" if counted else f"{found.sqnr_db:.1f} dB"


def ratio(found: tuple[float, float, float] | None) -> str:
    """Median ratio of CPU times to tflite-fp32, and its quartiles."""
    return ABSENT if found is None else f"{found[0]:.2f} ({found[1]:.2f} to {found[2]:.2f})"


def reasons(rows: Iterable[Measured]) -> list[str]:
    """A sentence for each cell that could not be had."""
    return [
        f"{engine(row.engine).NAME} {row.row} on {where}: {why}" for row in rows for where, why in row.reasons.items()
    ]
