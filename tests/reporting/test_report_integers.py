"""The rows, JSON and notes of an artifact with integers; no row of them where there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from levit_mobile.pipeline.half import CoreProof, HalfProof
from levit_mobile.pipeline.quantization_summary import NO_TABLES, QuantizationSummary, Speed, Tables
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.reporting.tables.convert import INTEGER_ROWS, bundle_table, bundles_json, reasons

TABLES = Tables("int8 a head", 64.46, 8)
FASTER = Speed((3.0, 3.1, 3.2) * 5, (8.0, 8.1, 8.2) * 5, 5, (3,) * 5)
SLOWER = Speed((9.0, 9.1, 9.2) * 5, (8.0, 8.1, 8.2) * 5, 5, (3,) * 5)


@pytest.fixture
def plain(shallow_bundle: Bundle) -> Bundle:
    return shallow_bundle


def with_integers(bundle: Bundle, **fields: Any) -> Bundle:
    return replace(bundle, integers=QuantizationSummary(**{"float_by_plan": (), "tables": TABLES} | fields))


def rows(*bundles: Bundle) -> dict[str, str]:
    console = Console(width=200, record=True)
    console.print(bundle_table(bundles))
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in console.export_text().splitlines()]
    return {line[0]: line[-1] for line in lines if len(line) > 1}


def found(bundle: Bundle) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(bundles_json([bundle], {}))["bundles"][0]
    return made


def test_without_integers_there_is_nothing_to_say(plain: Bundle) -> None:
    assert not rows(plain).keys() & set(INTEGER_ROWS)
    assert found(plain)["integers"] is None
    assert set(INTEGER_ROWS) <= rows(plain, with_integers(plain)).keys()
    assert {rows(with_integers(plain), plain)[row] for row in INTEGER_ROWS} == {"-"}


@pytest.mark.parametrize(("plan", "row"), [((), "nothing"), (("head", "stem.conv0"), "head, stem.conv0"), (None, "-")])
def test_what_is_float_by_plan(plain: Bundle, plan: tuple[str, ...] | None, row: str) -> None:
    made = with_integers(plain, float_by_plan=plan)
    assert rows(made)["kept in float"] == row
    assert found(made)["integers"]["float_by_plan"] == (None if plan is None else list(plan))


def test_what_tables_cost(plain: Bundle) -> None:
    made = with_integers(plain)
    assert rows(made)["attention biases"] == "int8 a head, 64.5 dB alone"
    assert found(made)["integers"]["bias_tables"] == {"stored": "int8 a head", "pictures": 8, "sqnr_db": 64.46}
    exact = with_integers(plain, tables=Tables("float32", float("inf"), 8))
    assert found(exact)["integers"]["bias_tables"]["sqnr_db"] == "Infinity"
    none = with_integers(plain, tables=Tables(NO_TABLES, float("inf"), 8))
    assert rows(none)["attention biases"] == "none"


def test_the_time_beside_float32(plain: Bundle) -> None:
    made = with_integers(plain, speed=FASTER)
    assert rows(made)["median time"] == "3.10 ms"
    assert rows(made)["vs float32"] == "8.10 ms: 0.383 (0.383 to 0.383), 95% over 5 processes"
    speed = found(made)["integers"]["speed"]
    assert (speed["median_ms"], speed["float32_median_ms"], speed["threads"]) == (3.1, 8.1, 1)
    assert speed["ratio_interval"][0] <= speed["ratio"] <= speed["ratio_interval"][1]
    assert (len(speed["samples_ms"]), speed["processes"], speed["process_samples"]) == (15, 5, [3] * 5)
    assert reasons([made]) == []


def test_a_disturbed_run_is_called_noisy(plain: Bundle) -> None:
    made = with_integers(plain, speed=Speed((3.0, 4.0, 5.0) * 5, FASTER.float_samples_ms, 5, (3,) * 5))
    assert rows(made)["median time"] == "4.00 ms, noisy"


def test_integers_that_are_slower_are_a_note_with_both_numbers(plain: Bundle) -> None:
    made = with_integers(plain, speed=SLOWER)
    assert reasons([made]) == ["executorch-fp32: NOTE: slower than float32 on this machine: 9.10 ms vs 8.10 ms"]


def test_what_was_not_timed_is_not_run(plain: Bundle) -> None:
    made = with_integers(plain, not_timed="NOT RUN: Core ML runs on macOS only; this machine runs linux")
    assert rows(made)["median time"] == "NOT RUN"
    assert found(made)["integers"]["speed"] is None
    assert reasons([made]) == [
        "executorch-fp32: NOTE: not timed: NOT RUN: Core ML runs on macOS only; this machine runs linux"
    ]


def test_half_precision_has_a_row_only_where_it_was_asked(plain: Bundle) -> None:
    cores = (CoreProof("cortex-a53", 8, 34.42, 34.42), CoreProof("cortex-a76", 8, None, None, ("it crashed",)))
    made = replace(plain, half=HalfProof(cores))
    assert "half precision" not in rows(plain)
    assert found(plain)["half"] is None
    assert rows(made)["half precision"] == "34.4 dB on cortex-a53, - on cortex-a76"
    assert [core["reasons"] for core in found(made)["half"]["cores"]] == [[], ["it crashed"]]
    assert made.half is not None
    assert made.half.reasons == ("on an emulated cortex-a76, it crashed",)


def test_half_precision_that_could_not_be_run_is_said(plain: Bundle) -> None:
    made = replace(plain, half=HalfProof(not_run="ARM64 is not set up: `levit-mobile setup arm64`"))
    assert rows(made)["half precision"] == "NOT RUN here"
    (note,) = [line for line in reasons([made]) if "half" in line]
    assert note.endswith("NOTE: half precision NOT RUN here: ARM64 is not set up: `levit-mobile setup arm64`")
    assert found(made)["half"] == {"cores": [], "not_run": made.half.not_run if made.half else ""}
