"""Everything found below a folder as JSON, with the statistics computed: what `report --json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from levit_mobile.overview.collect import Gathered
from levit_mobile.overview.join import Artifact, DeviceRow, Timed, rows
from levit_mobile.overview.shipping import shipping_line
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.reporting.text import strict
from levit_mobile.reporting.warnings import overall
from levit_mobile.timing.samples import Summary

if TYPE_CHECKING:
    from levit_mobile.reporting import report_output


def overview_json(found: Gathered, artifacts: Sequence[Artifact]) -> str:
    """One object a row of the page, the verdict over all, and what could not be read. Samples stay in their files."""
    whole: report_output.ReportOutput = {
        "schema_version": 1,
        "verdict": overall(artifacts),
        "rows": [_row(row) for row in rows(artifacts)],
        "not_read": [{"place": one.place, "reason": one.reason} for one in found.unread],
    }
    return to_json(strict(whole))


def _row(row: DeviceRow) -> report_output.ReportRow:
    artifact, timed = row.artifact, row.timed
    return {
        "artifact": artifact.title,
        "sha256": artifact.sha256,
        "target": artifact.target,
        "recipe": artifact.recipe,
        "variant": artifact.variant,
        "labels_source": artifact.contract.output.labels_source if artifact.contract else None,
        "bytes": artifact.size_bytes,
        "bundles": [bundle.place for bundle in artifact.bundles],
        "shipping": shipping_line(artifact),
        "verdict": row.verdict,
        "claims": [asdict(claim) for claim in row.claims],
        "timing": _timing(timed) if timed else None,
    }


def _timing(timed: Timed) -> report_output.ReportedTiming:
    timing, found, run = timed.timing, timed.figures, timed.found.run
    return {
        "file": timed.place,
        "name": timing.name,
        "started_at": run.started_at.isoformat(),
        "latest": timed.latest,
        "device": run.device.model_dump(mode="json"),
        "runtime": timing.runtime,
        "runtime_version": timing.runtime_version,
        "accelerator": timing.accelerator,
        "threads": timing.threads,
        "compute_units": timing.compute_units,
        "samples": len(timing.samples_ms),
        "inference_ms": _summary(found.inference),
        "end_to_end_ms": _summary(found.end_to_end),
        "load_ms": found.load_ms,
        "first_run_ms": found.first_run_ms,
        "peak_memory_bytes": found.peak_bytes,
        "added_memory_bytes": found.added_bytes,
        "second_half_over_first": found.slowed,
        "ratios": {one.name: asdict(one.ratio) for one in found.against},
        "not_run": timing.not_run,
        "doubts": [asdict(doubt) for doubt in timed.doubts],
        "command": run.command,
    }


def _summary(found: Summary | None) -> report_output.Statistics | None:
    if found is None:
        return None
    return {
        "minimum": found.minimum_ms,
        "median": found.median_ms,
        "p90": found.p90_ms,
        "p99": found.p99_ms,
        "iqr": found.iqr_ms,
        "spread": found.spread,
        "noisy": found.noisy,
        "pictures_per_second": found.pictures_per_second,
    }
