"""Validations in a terminal of 80 characters, in lines and in JSON."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from support import validations as made

from levit_mobile.reporting.pages.validation import page
from levit_mobile.reporting.tables.validate import (
    drill_table,
    flip_table,
    note_lines,
    reason_lines,
    validation_table,
    validations_json,
)
from levit_mobile.reporting.text import clean
from levit_mobile.reporting.verdicts import overall
from levit_mobile.validation.results import Validation

WIDTH = 80
THREE = [made.proven(), made.broken(), made.not_run()]
NAN = math.nan


def drawn(table: Table, width: int = WIDTH, *, colour: bool = False) -> list[str]:
    out = io.StringIO()
    system = "standard" if colour else None
    Console(file=out, width=width, force_terminal=colour, color_system=system).print(table)  # type: ignore[arg-type]
    return out.getvalue().splitlines()


def rows(table: Table) -> list[list[str]]:
    """Cells of every row, unfolded."""
    lines = drawn(table, width=4000)
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


def column(validation: Validation) -> dict[str, str]:
    """Heading -> cell; the headings of intervals get that of the row above."""
    found: dict[str, str] = {}
    above = ""
    for heading, cell in rows(validation_table([validation])):
        above = above if heading == "95% interval" else heading
        found[above if heading == above else f"{above}, {heading}"] = cell
    return found


# Tables


@pytest.mark.parametrize(
    ("source", "cell"),
    [
        ("file", "from a file"),
        ("checkpoint", "from the checkpoint"),
        ("published", "ImageNet's"),
        ("placeholder", "placeholders"),
    ],
)
def test_where_the_labels_are_from_is_a_row(source: str, cell: str) -> None:
    found = made.proven(labels_source=source)
    assert column(found)["labels"] == cell
    assert json.loads(validations_json([found]))["validations"][0]["labels_source"] == source
    assert "labels" not in column(made.proven())  # a bundle that does not state it


def test_three_validations_fit_80_characters() -> None:
    lines = drawn(validation_table(THREE))
    assert max(map(len, lines)) <= WIDTH
    assert "…" not in "".join(lines)
    assert min(len(cell) for line in lines if line.startswith("│") for cell in line.strip("│").split("│")) > 16
    folded = ["".join(cells) for cells in zip(*_cells(lines), strict=True)]
    assert "levit_128s-executorch-fp16" in folded[2]


def _cells(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


@pytest.mark.parametrize(
    ("heading", "cell"),
    [
        ("bundle", "levit_128s-executorch-fp16"),
        ("runtime", "ExecuTorch"),
        ("reference", "levit_128s_digits.safetensors, float32"),
        ("images", "500 of held-out digits"),
        ("images skipped", "1"),
        ("max abs error", "3.21"),
        ("mean abs error", "0.42"),
        ("SQNR", "17.6 dB"),
        ("SQNR, fp32 vs fp64", "133.1 dB"),
        ("cosine", "0.983120"),
        ("KL", "0.0713"),
        ("top-1 agreement", "88.00%"),
        ("top-1 agreement, 95% interval", "84.86 to 90.56%"),
        ("top-5 agreement", "99.80%"),
        ("top-5 agreement, 95% interval", "98.88 to 99.96%"),
        ("flips", "60"),
        ("top-1 accuracy", "87.20%"),
        ("top-1 accuracy, 95% interval", "83.99 to 89.85%"),
        ("reference accuracy", "96.80%"),
        ("reference accuracy, 95% interval", "94.87 to 98.02%"),
        ("McNemar p", "<0.0001"),
        ("first over budget", "shrink0.attn"),
        ("verdict", "BROKEN"),
    ],
)
def test_every_value_has_its_row(heading: str, cell: str) -> None:
    assert column(made.broken())[heading] == cell


@pytest.mark.parametrize(("clusters", "cell"), [(355, "355 source digits"), (500, None), (None, None)])
def test_intervals_over_fewer_digits_than_pictures_say_so(clusters: int | None, cell: str | None) -> None:
    assert column(made.broken(clusters=clusters)).get("intervals over") == cell


def test_what_nobody_has_has_no_row() -> None:
    assert set(column(made.broken())) - set(column(made.proven())) == {
        "images skipped",
        "top-1 accuracy",
        "top-1 accuracy, 95% interval",
        "reference accuracy",
        "reference accuracy, 95% interval",
        "McNemar p",
    }
    assert "first over budget" not in column(made.proven(drill=None))
    assert column(made.proven())["first over budget"] == "none"


def test_nothing_is_claimed_of_what_was_not_run() -> None:
    assert column(made.not_run()) == {
        "bundle": "levit_128s-coreml-fp16",
        "reference": "levit_128s_digits.safetensors, float32",
        "images": "held-out digits",
        "verdict": "NOT RUN",
    }
    beside = {row[0]: row[3] for row in rows(validation_table(THREE))}
    assert {beside[heading] for heading in ("SQNR", "top-1 agreement", "flips", "first over budget")} == {"-"}


def test_nan_is_said_and_its_flips_are_unknown() -> None:
    found = column(made.not_a_number())
    assert {found[heading] for heading in ("max abs error", "SQNR", "cosine", "KL", "top-1 agreement")} == {"NaN"}
    assert "flips" not in found
    assert found["SQNR, fp32 vs fp64"] == "133.1 dB"


@pytest.mark.parametrize(
    ("validation", "code"), [(made.proven(), "\x1b[32m"), (made.broken(), "\x1b[1;31m"), (made.not_run(), "\x1b[33m")]
)
def test_the_verdict_has_its_colour(validation: Validation, code: str) -> None:
    last = [line for line in drawn(validation_table([validation]), colour=True) if "verdict" in line]
    assert f"{code}{validation.verdict.upper()}\x1b[0m" in last[0]


@pytest.mark.parametrize("table", [validation_table, flip_table, lambda found: drill_table(found[0])])
def test_hostile_words_stay_words(table: Callable[[list[Validation]], Table]) -> None:
    lines = drawn(table([made.hostile()]), width=4000)
    assert clean(made.HOSTILE) in "\n".join(lines)
    assert not set("\x07\x1b\x00") & set("".join(lines))


def test_flips_stand_surest_first_up_to_a_limit() -> None:
    table = flip_table([made.proven(), made.broken(flips=12), made.hostile()], limit=3)
    found = [row for row in rows(table) if "script" not in "".join(row)]
    assert [row[1] for row in found] == ["digit-0014", "digit-0013", "digit-0012"]
    assert found[0] == ["levit_128s-executorch-fp16 on ExecuTorch", "digit-0014", "4", "0.034", "7", "0.03"]
    assert [row[0] for row in found[1:]] == ["", ""]
    assert table.caption == "and 9 more"
    assert max(map(len, drawn(table))) <= WIDTH


def test_few_flips_are_all_there() -> None:
    assert len(rows(flip_table([made.broken(flips=10)]))) == 10
    assert flip_table([made.broken(flips=10)]).caption is None
    assert rows(flip_table([made.proven()])) == []


def test_every_block_has_a_row() -> None:
    table = drill_table(made.broken())
    found = rows(table)
    assert [row[0] for row in found] == list(made.block_names())
    assert found[0] == ["stem", "128x14x14", "1.1e-03", "77.5 dB", ">0.999999", "within"]
    assert next(row[0] for row in found if row[5] == "over") == "shrink0.attn"
    assert str(table.caption).startswith("16 images, budget 50.0 dB, every block's output")
    assert max(map(len, drawn(table))) <= WIDTH


def test_what_was_not_drilled_has_no_table() -> None:
    with pytest.raises(ValueError, match="levit_128s-coreml-fp16 was not drilled"):
        drill_table(made.not_run())


def test_a_floor_that_could_not_be_had_is_not_shown() -> None:
    found = made.proven()
    assert found.report is not None
    without = found.model_copy(update={"report": found.report.model_copy(update={"floor_sqnr_db": math.nan})})
    assert "SQNR, fp32 vs fp64" in column(found)
    assert "SQNR, fp32 vs fp64" not in column(without)
    assert "SQNR, fp32 vs fp64" in page([found], {})
    assert "SQNR, fp32 vs fp64" not in page([without], {})


# Lines


def test_reasons_and_notes_are_lines() -> None:
    lines = reason_lines([made.proven(), made.broken(), made.not_run()])
    assert len(lines) == len(made.broken().reasons) + 1
    assert lines[0] == "levit_128s-executorch-fp16 on ExecuTorch: BROKEN: SQNR is 17.6 dB, expected at least 50 dB"
    assert lines[-1].startswith("levit_128s-coreml-fp16: NOT RUN: Core ML runs on macOS only")
    assert note_lines([made.proven(), made.broken()]) == [
        "levit_128s-executorch-fp16 on ExecuTorch: the error starts at shrink0.attn: its softmax overflows float16"
    ]
    assert reason_lines([made.hostile()])[0].endswith(f"BROKEN: {clean(made.HOSTILE)}\nsecond line")


# JSON


def strict(written: str) -> Any:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(written.encode("utf-8"), parse_constant=refuse)


@pytest.mark.parametrize(
    ("validations", "verdict"),
    [
        ([made.proven()], "proven"),
        ([made.proven(), made.not_run()], "not run"),
        ([made.not_run(), made.broken(), made.proven()], "broken"),
        ([], "not run"),
    ],
)
def test_json_has_the_verdict_over_all(validations: list[Validation], verdict: str) -> None:
    found = strict(validations_json(validations))
    assert (found["schema_version"], found["verdict"], overall(validations)) == (1, verdict, verdict)
    assert len(found["validations"]) == len(validations)


@pytest.mark.parametrize("validation", [made.proven(), made.broken(), made.not_run()])
def test_json_gives_the_validation_back(validation: Validation) -> None:
    (found,) = strict(validations_json([validation]))["validations"]
    assert Validation.model_validate_json(json.dumps(found)) == validation
    assert found == json.loads(validation.model_dump_json())


def test_json_has_no_naked_nan() -> None:
    (found,) = strict(validations_json([made.not_a_number()]))["validations"]
    assert found["report"]["sqnr_db"] == "NaN"
    assert found["errors"][-2:] == ["NaN", "Infinity"]
    assert found["drill"]["blocks"][0]["sqnr_db"] == "Infinity"
    again = Validation.model_validate_json(json.dumps(found))
    assert again.errors[-1] == math.inf
    assert math.isnan(again.errors[-2])
    assert found == json.loads(made.not_a_number().model_dump_json())


def test_json_stands_a_name_that_is_not_utf8() -> None:
    (found,) = strict(validations_json([made.hostile()]))["validations"]
    assert found["flips"][0]["name"] == clean(f"{made.HOSTILE}.png")
    assert clean(made.HOSTILE) in found["versions"].values()
