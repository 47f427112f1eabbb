"""Diagnoses as a table and JSON: what `doctor` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.table import Table

from levit_mobile.runtimes.doctor import Diagnosis


def doctor_table(diagnoses: Sequence[Diagnosis]) -> Table:
    """One row a target; what to do about it is in `advice`, where a pip line stays whole."""
    table = Table("target", "converts", "runs here", "versions")
    for found in diagnoses:
        versions = "\n".join(f"{name} {installed or 'missing'}" for name, installed in found.versions.items())
        table.add_row(found.target, _yes(found.converts), _yes(found.runs), versions)
    return table


def advice(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """One line for each thing that does not work on this machine."""
    return [f"{found.target}: {line}" for found in diagnoses for line in found.advice]


def doctor_json(diagnoses: Sequence[Diagnosis], arm64: tuple[bool, str]) -> str:
    """All diagnoses, and whether ARM64 kernels run here, with the line that says so."""
    rows = [
        {
            "target": found.target,
            "converts": found.converts,
            "runs": found.runs,
            "versions": dict(found.versions),
            "advice": list(found.advice),
        }
        for found in diagnoses
    ]
    return json.dumps({"schema_version": 1, "targets": rows, "arm64": {"runs": arm64[0], "says": arm64[1]}}, indent=2)


def _yes(works: bool) -> str:
    return "[green]yes[/]" if works else "[red]no[/]"
