"""Bundles as a table and JSON: what `convert` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from levit_mobile.errors import LevitMobileError
from levit_mobile.images.labels import origin
from levit_mobile.parity.report import Proof
from levit_mobile.pipeline.half import HalfProof
from levit_mobile.pipeline.quantization_summary import NO_TABLES, QuantizationSummary, Speed
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.reporting.strict_json import to_json
from levit_mobile.reporting.text import MEGA, MISSING, db, ratio_text, shown, verdict
from levit_mobile.system.files import model_json
from levit_mobile.timing.ratios import told

if TYPE_CHECKING:
    from levit_mobile.reporting import outputs

ON_DEVICE = "decided on device"


def bundle_table(bundles: Sequence[Bundle]) -> Table:
    """One column per bundle: three of them fit a terminal of 80 characters, paths and all."""
    table = Table(title="Converted and compared with the trained model", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    for _ in bundles:
        table.add_column(overflow="fold")
    cells = [
        {
            **_artifact_cells(bundle),
            **_integer_cells(bundle.integers),
            HALF_ROW: _half_cell(bundle.half),
            **_proof_cells(bundle.proof),
        }
        for bundle in bundles
    ]
    left_out = {*(INTEGER_ROWS if not any(b.integers for b in bundles) else ())}
    left_out |= {*([HALF_ROW] if not any(b.half for b in bundles) else ())}
    for heading in (heading for heading in cells[0] if heading not in left_out):
        table.add_row(heading, *(column[heading] for column in cells))
    return table


def reasons(bundles: Sequence[Bundle]) -> list[str]:
    """One line per reason for a verdict that is not proven, and one per note."""
    lines = [f"{b.contract.recipe}: {b.proof.verdict.upper()}: {why}" for b in bundles for why in b.proof.reasons]
    return lines + [f"{b.contract.recipe}: NOTE: {why}" for b in bundles for why in _notes(b)]


def _notes(bundle: Bundle) -> Iterator[str]:
    if bundle.proof.report is not None and bundle.proof.report.amplifies:
        yield bundle.proof.report.amplifies
    if bundle.contract.calibration:
        yield from bundle.contract.calibration.concerns
    if bundle.half and bundle.half.not_run:
        yield f"half precision NOT RUN here: {bundle.half.not_run}"
    found = bundle.integers
    if found and found.not_timed:
        yield f"not timed: {found.not_timed}"
    if found and found.speed and found.speed.ratio.middle > 1:
        median, in_float = found.speed.median_ms, found.speed.float_median_ms
        yield f"slower than float32 on this machine: {median:.2f} ms vs {in_float:.2f} ms"


def bundles_json(bundles: Sequence[Bundle], errors: Mapping[str, LevitMobileError]) -> str:
    """Contracts, proofs and places of all bundles, and the sentence and code of each recipe that failed."""
    written: outputs.ConvertOutput = {
        "schema_version": 1,
        "bundles": [_bundle_dict(bundle) for bundle in bundles],
        "errors": {name: str(error) for name, error in errors.items()},
        "error_codes": {name: error.code for name, error in errors.items()},
    }
    return to_json(written)


def _artifact_cells(bundle: Bundle) -> dict[str, str]:
    artifact, found = bundle.contract.artifact, bundle.inspection
    target, _, precision = bundle.contract.recipe.partition("-")
    split = found.partitions is not None
    return {
        "target": target,
        "precision": precision,
        "file": shown(bundle.path / artifact.file),
        "MB": f"{artifact.bytes / MEGA:.2f}",
        "MMACs": f"{bundle.contract.model.macs / MEGA:.1f}",
        "labels": origin(bundle.contract.output.labels_source) or MISSING,
        "partitions": str(found.partitions) if split else ON_DEVICE,
        "integer products": f"{found.integer_products} of {found.products}",
        "fallback ops": str(sum(fallback.count for fallback in found.fallbacks)) if split else ON_DEVICE,
    }


def _proof_cells(proof: Proof) -> dict[str, str]:
    report = proof.report
    return {
        "max abs error": f"{report.max_abs_error:.1e}" if report else "-",
        "SQNR": f"{report.sqnr_db:.1f} dB" if report else "-",
        "SQNR, centred": f"{report.centred_sqnr_db:.1f} dB" if report and report.centred_sqnr_db is not None else "-",
        "SQNR, fp32 vs fp64": f"{report.floor_sqnr_db:.1f} dB" if report else "-",
        "top-1 agreement": f"{report.top1_agreement:.1%} of {report.images}" if report else "-",
        "verdict": verdict(proof.verdict),
    }


HALF_ROW = "half precision"
INTEGER_ROWS = ("kept in float", "attention biases", "median time", "vs float32")


def _half_cell(found: HalfProof | None) -> str:
    """SQNR on the emulated cores; NOT RUN where there are none."""
    if found is None:
        return MISSING
    return (
        ", ".join(f"{MISSING if core.sqnr_db is None else db(core.sqnr_db)} on {core.cpu}" for core in found.cores)
        or "NOT RUN here"
    )


def _half_dict(found: HalfProof | None) -> outputs.Half | None:
    if found is None:
        return None
    cores: list[outputs.HalfCore] = [
        {
            "cpu": core.cpu,
            "images": core.images,
            "sqnr_db": core.sqnr_db,
            "host_sqnr_db": core.host_sqnr_db,
            "reasons": list(core.reasons),
        }
        for core in found.cores
    ]
    return {"cores": cores, "not_run": found.not_run or None}


def _integer_cells(found: QuantizationSummary | None) -> dict[str, str]:
    if found is None:
        return dict.fromkeys(INTEGER_ROWS, MISSING)
    plan, tables, speed = found.float_by_plan, found.tables, found.speed
    timed = (MISSING, MISSING) if not found.not_timed else ("NOT RUN", MISSING)
    if speed:
        of, noisy = speed.ratio, ", noisy" if speed.noisy else ""
        timed = (
            f"{speed.median_ms:.2f} ms{noisy}",
            f"{speed.float_median_ms:.2f} ms: {ratio_text(of)}, 95% over {told(of.processes)}",
        )
    floats = MISSING if plan is None else ", ".join(plan) or "nothing"
    rounded = tables.stored if tables.stored == NO_TABLES else f"{tables.stored}, {db(tables.sqnr_db)} alone"
    return dict(zip(INTEGER_ROWS, (floats, rounded, *timed), strict=True))


def _integers_dict(found: QuantizationSummary | None) -> outputs.Integers | None:
    if found is None:
        return None
    tables: outputs.BiasTables = {
        "stored": found.tables.stored,
        "pictures": found.tables.pictures,
        "sqnr_db": found.tables.sqnr_db,
    }
    return {
        "float_by_plan": None if found.float_by_plan is None else list(found.float_by_plan),
        "bias_tables": tables,
        "speed": _speed_dict(found.speed) if found.speed else None,
        "not_timed": found.not_timed or None,
    }


def _speed_dict(speed: Speed) -> outputs.Speed:
    return {
        "median_ms": speed.median_ms,
        "float32_median_ms": speed.float_median_ms,
        "ratio": speed.ratio.middle,
        "ratio_interval": [speed.ratio.low, speed.ratio.high],
        "processes": len(speed.process_samples),
        "process_samples": speed.process_samples,
        "warmup_rounds": speed.warmup,
        "threads": 1,
        "samples_ms": list(speed.samples_ms),
        "float32_samples_ms": list(speed.float_samples_ms),
    }


def _bundle_dict(bundle: Bundle) -> outputs.ConvertedBundle:
    found = bundle.inspection
    return {
        "path": str(bundle.path),
        "contract": json.loads(model_json(bundle.contract)),
        "proof": json.loads(model_json(bundle.proof)),
        "ops": dict(found.ops),
        "products": found.products,
        "integer_products": found.integer_products,
        "fallback_ops": {fallback.op: fallback.count for fallback in found.fallbacks},
        "weight_bytes": dict(found.weight_bytes),
        "integers": _integers_dict(bundle.integers),
        "half": _half_dict(bundle.half),
    }
