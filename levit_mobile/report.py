"""Reports as tables and JSON; computes nothing that is not in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from levit_mobile.bundle import Bundle
from levit_mobile.doctor import Diagnosis
from levit_mobile.parity import Proof

STYLES = {"proven": "green", "broken": "bold red", "not run": "yellow"}
MEGA = 1e6
ON_DEVICE = "decided on device"


def bundle_table(bundles: Sequence[Bundle]) -> Table:
    """One column a bundle: three of them fit a terminal of 80 characters, paths and all."""
    table = Table(title="Converted, and held against the trained model", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    for _ in bundles:
        table.add_column(overflow="fold")
    cells = [{**_artifact_cells(bundle), **_proof_cells(bundle.proof)} for bundle in bundles]
    for heading in cells[0]:
        table.add_row(heading, *(column[heading] for column in cells))
    return table


def reasons(bundles: Sequence[Bundle]) -> list[str]:
    """One line for each thing that a verdict other than proven rests on."""
    return [f"{b.contract.recipe}: {b.proof.verdict.upper()}: {why}" for b in bundles for why in b.proof.reasons]


def bundles_json(bundles: Sequence[Bundle], errors: dict[str, str]) -> str:
    """Contracts, proofs and places of all bundles, and the sentence of each recipe that failed."""
    return json.dumps(
        {"schema_version": 1, "bundles": [_bundle_dict(bundle) for bundle in bundles], "errors": errors}, indent=2
    )


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


def doctor_json(diagnoses: Sequence[Diagnosis]) -> str:
    """All diagnoses."""
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
    return json.dumps({"schema_version": 1, "targets": rows}, indent=2)


def _artifact_cells(bundle: Bundle) -> dict[str, str]:
    artifact, found = bundle.contract.artifact, bundle.inspection
    target, _, precision = bundle.contract.recipe.partition("-")
    split = found.partitions is not None
    return {
        "target": target,
        "precision": precision,
        "file": escape(str(bundle.path / artifact.file)),
        "MB": f"{artifact.bytes / MEGA:.2f}",
        "MMACs": f"{bundle.contract.model.macs / MEGA:.1f}",
        "partitions": str(found.partitions) if split else ON_DEVICE,
        "fallback ops": str(sum(fallback.count for fallback in found.fallbacks)) if split else ON_DEVICE,
    }


def _proof_cells(proof: Proof) -> dict[str, str]:
    report = proof.report
    return {
        "max abs error": f"{report.max_abs_error:.1e}" if report else "-",
        "SQNR": f"{report.sqnr_db:.1f} dB" if report else "-",
        "SQNR of fp32 itself": f"{report.floor_sqnr_db:.1f} dB" if report else "-",
        "top-1 agreement": f"{report.top1_agreement:.1%} of {report.images}" if report else "-",
        "verdict": f"[{STYLES[proof.verdict]}]{proof.verdict.upper()}[/]",
    }


def _bundle_dict(bundle: Bundle) -> dict[str, Any]:
    found = bundle.inspection
    return {
        "path": str(bundle.path),
        "contract": json.loads(bundle.contract.model_dump_json()),
        "proof": json.loads(bundle.proof.model_dump_json()),
        "ops": dict(found.ops),
        "fallback_ops": {fallback.op: fallback.count for fallback in found.fallbacks},
        "weight_bytes": dict(found.weight_bytes),
    }


def _yes(works: bool) -> str:
    return "[green]yes[/]" if works else "[red]no[/]"
