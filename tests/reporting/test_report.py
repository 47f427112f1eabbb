"""The tables are readable in a terminal of 80 characters, and say what the bundles say."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Bundles
from rich.console import Console
from rich.table import Table

from levit_mobile.errors import BundleError
from levit_mobile.parity.report import judge
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.reporting.tables.convert import bundle_table, bundles_json, reasons
from levit_mobile.reporting.tables.doctor import advice, doctor_json, doctor_table
from levit_mobile.runtimes.doctor import Diagnosis, Examination

WIDTH = 80
DEFAULTS = ("coreml-fp16", "executorch-fp32", "tflite-fp32")
NARROW = 6  # characters: below that a column cannot be read


def drawn(table: Table) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=WIDTH).print(table)
    return out.getvalue().splitlines()


def cells(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│┃").split("│")] for line in lines if line.startswith("│")]


def columns(lines: list[str]) -> list[str]:
    """Each column's text, its lines joined again."""
    return ["".join(column) for column in zip(*cells(lines), strict=True)]


def broken(bundle: Bundle) -> Bundle:
    assert bundle.proof.report is not None
    worse = bundle.proof.report.model_copy(update={"centred_sqnr_db": 12.3, "top1_agreement": 0.5})
    return replace(bundle, proof=judge(worse))


@pytest.fixture
def three(bundles: Bundles) -> list[Bundle]:
    return [bundles(name) for name in DEFAULTS]


def test_three_bundles_fit_80_characters(three: list[Bundle]) -> None:
    lines = drawn(bundle_table(three))
    assert max(map(len, lines)) <= WIDTH
    assert "…" not in "".join(lines)
    widths = {len(cell) for line in lines if line.startswith("│") for cell in line.strip("│").split("│")}
    assert min(widths) > NARROW


def test_every_value_is_in_the_table_whole(three: list[Bundle]) -> None:
    for bundle, column in zip(three, columns(drawn(bundle_table(three)))[1:], strict=True):
        artifact = bundle.contract.artifact
        target, _, precision = bundle.contract.recipe.partition("-")
        assert column.startswith(target + precision)
        assert str(bundle.path / artifact.file) in column
        assert f"{artifact.bytes / 1e6:.2f}" in column
        assert column.replace(" ", "").endswith(bundle.proof.verdict.upper().replace(" ", ""))


def test_numbers_of_a_proof_are_shown_when_it_passes(three: list[Bundle]) -> None:
    found = three[2].proof.report
    assert found is not None
    column = columns(drawn(bundle_table(three)))[3]
    for shown in (f"{found.sqnr_db:.1f} dB", f"{found.floor_sqnr_db:.1f} dB", "100.0% of 64", "PROVEN"):
        assert shown in column


def test_nothing_is_claimed_of_what_was_not_run(three: list[Bundle]) -> None:
    if three[0].proof.report is None:
        rows = {row[0]: row[1] for row in cells(drawn(bundle_table(three))) if row[0]}
        assert {rows[heading] for heading in ("max abs error", "SQNR", "top-1 agreement")} == {"-"}
        assert rows["verdict"] == "NOT RUN"
    assert [line for line in reasons(three) if "coreml" not in line] == []


def test_a_broken_bundle_says_why(three: list[Bundle]) -> None:
    bad = broken(three[2])
    assert columns(drawn(bundle_table([bad])))[1].endswith("BROKEN")
    assert reasons([bad]) == [
        "tflite-fp32: BROKEN: SQNR is 12.3 dB, expected at least 100 dB",
        "tflite-fp32: BROKEN: top-1 agrees on 50.00% of 64 images, expected at least 100.00%",
    ]


def test_a_folder_in_brackets_is_no_style(three: list[Bundle]) -> None:
    strange = replace(three[2], path=Path("/out[bold]/[/]"))
    assert "/out[bold]/[/]/model.tflite" in columns(drawn(bundle_table([strange])))[1]


def test_json_holds_contracts_proofs_and_errors(three: list[Bundle]) -> None:
    printed = json.loads(bundles_json([*three, broken(three[1])], {"coreml-fp32": BundleError("no room")}))
    assert printed["errors"] == {"coreml-fp32": "no room"}
    assert printed["error_codes"] == {"coreml-fp32": "bundle"}
    assert len(printed["bundles"]) == 4
    assert printed["bundles"][3]["proof"]["verdict"] == "broken"
    for bundle, row in zip(three, printed["bundles"], strict=False):
        assert row["path"] == str(bundle.path)
        assert row["contract"] == bundle.contract.model_dump(mode="json")
        assert row["ops"] == dict(bundle.inspection.ops)
        assert row["fallback_ops"] == {}
        assert sum(row["weight_bytes"].values()) < bundle.contract.artifact.bytes


def test_json_has_no_naked_nan(three: list[Bundle]) -> None:
    assert three[2].proof.report is not None
    worst = three[2].proof.report.model_copy(update={"sqnr_db": float("nan"), "max_abs_error": float("inf")})
    text = bundles_json([replace(three[2], proof=judge(worst))], {})

    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is not JSON")

    numbers = json.loads(text, parse_constant=refuse)["bundles"][0]["proof"]["report"]
    assert (numbers["sqnr_db"], numbers["max_abs_error"]) == ("NaN", "Infinity")


DIAGNOSES = (
    Diagnosis("coreml", True, False, {"torch": "2.13.0+cpu", "coremltools": "9.0"}, ("Core ML runs on macOS only",)),
    Diagnosis(
        "tflite",
        False,
        False,
        {"torch": "2.13.0+cpu", "litert-torch": None, "ai-edge-quantizer": "0.10.0", "ai-edge-litert": "2.3.0"},
        ("pip install 'levit-mobile[tflite]'",),
    ),
)


def test_doctors_table_fits_80_characters() -> None:
    lines = drawn(doctor_table(DIAGNOSES))
    assert max(map(len, lines)) <= WIDTH
    assert "…" not in "".join(lines)
    assert columns(lines)[0] == "coremltflite"
    assert columns(lines)[3].startswith("torch 2.13.0+cpucoremltools 9.0torch 2.13.0+cpulitert-torch missing")


def test_doctors_advice_is_whole() -> None:
    assert advice(DIAGNOSES) == [
        "coreml: Core ML runs on macOS only",
        "tflite: pip install 'levit-mobile[tflite]'",
    ]


def test_doctors_json_is_the_diagnoses() -> None:
    said = json.loads(doctor_json(Examination("a machine", DIAGNOSES, True, "set up")))
    assert said["arm64"] == {"runs": True, "says": "set up"}
    rows = said["targets"]
    assert rows[1]["versions"]["litert-torch"] is None
    assert rows[1]["advice"] == ["pip install 'levit-mobile[tflite]'"]
    assert [row["converts"] for row in rows] == [True, False]
