"""Bundles as a table and JSON: what `convert` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from levit_mobile.bundle import Bundle
from levit_mobile.parity import Proof
from levit_mobile.report.text import verdict

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
    """One line for each thing that a verdict other than proven rests on, and for each doubt about a calibration."""
    lines = [f"{b.contract.recipe}: {b.proof.verdict.upper()}: {why}" for b in bundles for why in b.proof.reasons]
    measured = [b.contract for b in bundles if b.contract.calibration]
    return lines + [f"{c.recipe}: NOTE: {why}" for c in measured for why in c.calibration.concerns]  # type: ignore[union-attr]


def bundles_json(bundles: Sequence[Bundle], errors: dict[str, str]) -> str:
    """Contracts, proofs and places of all bundles, and the sentence of each recipe that failed."""
    return json.dumps(
        {"schema_version": 1, "bundles": [_bundle_dict(bundle) for bundle in bundles], "errors": errors}, indent=2
    )


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
        "integer products": f"{found.integer_products} of {found.products}",
        "fallback ops": str(sum(fallback.count for fallback in found.fallbacks)) if split else ON_DEVICE,
    }


def _proof_cells(proof: Proof) -> dict[str, str]:
    report = proof.report
    return {
        "max abs error": f"{report.max_abs_error:.1e}" if report else "-",
        "SQNR": f"{report.sqnr_db:.1f} dB" if report else "-",
        "SQNR of fp32 itself": f"{report.floor_sqnr_db:.1f} dB" if report else "-",
        "top-1 agreement": f"{report.top1_agreement:.1%} of {report.images}" if report else "-",
        "verdict": verdict(proof.verdict),
    }


def _bundle_dict(bundle: Bundle) -> dict[str, Any]:
    found = bundle.inspection
    return {
        "path": str(bundle.path),
        "contract": json.loads(bundle.contract.model_dump_json()),
        "proof": json.loads(bundle.proof.model_dump_json()),
        "ops": dict(found.ops),
        "products": found.products,
        "integer_products": found.integer_products,
        "fallback_ops": {fallback.op: fallback.count for fallback in found.fallbacks},
        "weight_bytes": dict(found.weight_bytes),
    }
