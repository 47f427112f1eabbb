"""Diagnoses as a table and JSON: what `doctor` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from levit_mobile.reporting.strict_json import to_json
from levit_mobile.runtimes.doctor import Diagnosis, Examination

if TYPE_CHECKING:
    from levit_mobile.reporting.outputs import DoctorOutput, ExaminedArm64, ExaminedTarget


def doctor_table(diagnoses: Sequence[Diagnosis]) -> Table:
    """One row a target; what to do about it is in `advice`, where a pip line stays whole."""
    table = Table("target", "converts", "runs here", "versions")
    for found in diagnoses:
        versions = "\n".join(f"{name} {installed or 'missing'}" for name, installed in found.versions.items())
        table.add_row(found.target, _cell(found, "converts"), _cell(found, "runs"), versions)
    return table


def advice(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """One line for each thing that does not work on this machine."""
    return [f"{found.target}: {line}" for found in diagnoses for line in found.advice]


def phones_line(found: Examination) -> str:
    """Which adb reaches phones, or what `bench --on android` lacks."""
    if found.adb is None:
        return "phones: NOT RUN: adb was not found; install Android's platform-tools (on Debian: apt-get install adb)"
    return f"phones: reached by {found.adb}"


def doctor_json(found: Examination) -> str:
    """All targets, and whether ARM64 kernels run here, with the line that says so."""
    rows: list[ExaminedTarget] = [
        {
            "target": one.target,
            "converts": one.converts,
            "runs": one.runs,
            "versions": dict(one.versions),
            "advice": list(one.advice),
            "unknown": list(one.unknown),
        }
        for one in found.targets
    ]
    arm64: ExaminedArm64 = {"runs": found.arm64_runs, "says": found.arm64}
    adb = None if found.adb is None else str(found.adb)
    written: DoctorOutput = {"schema_version": 1, "targets": rows, "arm64": arm64, "adb": adb}
    return to_json(written)


def _cell(found: Diagnosis, name: str) -> str:
    if name in found.unknown:
        return "[yellow]unknown[/]"
    return "[green]yes[/]" if getattr(found, name) else "[red]no[/]"
