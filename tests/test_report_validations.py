"""Validations in a terminal of 80 characters, in lines and in JSON, and how numbers are written everywhere."""

from __future__ import annotations

import dataclasses
import io
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import validations as made
from rich.console import Console
from rich.table import Table

from levit_mobile.findings import Validation
from levit_mobile.recipe import FP32, Tolerance
from levit_mobile.report import text
from levit_mobile.report.html import page
from levit_mobile.report.text import clean
from levit_mobile.report.validations import (
    drill_table,
    flip_table,
    note_lines,
    reason_lines,
    validation_table,
    validations_json,
)
from levit_mobile.report.verdicts import TITLES, bounds, counted, overall

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
        ("pictures", "500 of held-out digits"),
        ("pictures skipped", "1"),
        ("max abs error", "3.21"),
        ("mean abs error", "0.42"),
        ("SQNR", "17.6 dB"),
        ("SQNR of fp32 itself", "133.1 dB"),
        ("cosine", "0.983120"),
        ("KL", "0.0713"),
        ("top-1 agreement", "88.00%"),
        ("top-1 agreement, 95% interval", "84.86 to 90.56%"),
        ("top-5 agreement", "99.80%"),
        ("top-5 agreement, 95% interval", "98.88 to 99.96%"),
        ("flips", "60"),
        ("top-1 accuracy", "87.20%"),
        ("top-1 accuracy, 95% interval", "83.99 to 89.85%"),
        ("of the reference", "96.80%"),
        ("of the reference, 95% interval", "94.87 to 98.02%"),
        ("McNemar p", "<0.0001"),
        ("first over budget", "shrink0.attn"),
        ("verdict", "BROKEN"),
    ],
)
def test_every_value_has_its_row(heading: str, cell: str) -> None:
    assert column(made.broken())[heading] == cell


def test_what_nobody_has_has_no_row() -> None:
    assert set(column(made.broken())) - set(column(made.proven())) == {
        "pictures skipped",
        "top-1 accuracy",
        "top-1 accuracy, 95% interval",
        "of the reference",
        "of the reference, 95% interval",
        "McNemar p",
    }
    assert "first over budget" not in column(made.proven(drill=None))
    assert column(made.proven())["first over budget"] == "none"


def test_nothing_is_claimed_of_what_was_not_run() -> None:
    assert column(made.not_run()) == {
        "bundle": "levit_128s-coreml-fp16",
        "reference": "levit_128s_digits.safetensors, float32",
        "pictures": "held-out digits",
        "verdict": "NOT RUN",
    }
    beside = {row[0]: row[3] for row in rows(validation_table(THREE))}
    assert {beside[heading] for heading in ("SQNR", "top-1 agreement", "flips", "first over budget")} == {"-"}


def test_nan_is_said_and_its_flips_are_unknown() -> None:
    found = column(made.not_a_number())
    assert {found[heading] for heading in ("max abs error", "SQNR", "cosine", "KL", "top-1 agreement")} == {"NaN"}
    assert "flips" not in found
    assert found["SQNR of fp32 itself"] == "133.1 dB"


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
    assert str(table.caption).startswith("16 pictures, budget 50.0 dB, every block's output")
    assert max(map(len, drawn(table))) <= WIDTH


def test_what_was_not_drilled_has_no_table() -> None:
    with pytest.raises(ValueError, match="levit_128s-coreml-fp16 was not drilled"):
        drill_table(made.not_run())


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


# Verdicts

# Bound -> the hardest that `bounded` holds, and one that it just misses.
HARDEST: dict[str, tuple[float, float]] = {
    "min_sqnr_db": (124.6, 124.6001),
    "min_top1_agreement": (0.998, 0.9981),
    "min_top5_agreement": (0.999, 0.9991),
    "min_cosine": (0.99, 0.990001),
    "max_abs_error": (8.3e-06, 8.29e-06),
    "max_mean_abs_error": (9.4e-07, 9.39e-07),
    "max_kl": (3.1e-13, 3.09e-13),
    "min_top1_accuracy": (0.872, 0.8721),
    "max_accuracy_drop": (0.968 - 0.872, 0.0959),
}


def bounded(**asked: float) -> Validation:
    """`proven` with labels, of which these bounds are asked."""
    shares = {"top1_agreement": 0.998, "top5_agreement": 0.999, "cosine": 0.99}
    report = made.parity(dataclasses.replace(FP32, **asked), **shares)
    return made.proven(report=report, accuracy=made.broken().accuracy)


def test_every_bound_of_a_tolerance_has_a_title() -> None:
    fields = [field.name for field in dataclasses.fields(Tolerance)]
    assert list(HARDEST) == list(TITLES) == fields
    assert [bound.name for bound in bounds(made.broken())] == fields


@pytest.mark.parametrize("name", HARDEST)
def test_a_bound_holds_up_to_itself(name: str) -> None:
    at, beyond = ({b.name: b for b in bounds(bounded(**{name: value}))}[name] for value in HARDEST[name])
    assert (at.holds, beyond.holds) == (True, False)
    assert at.expected.startswith("at least" if name.startswith("min_") else "at most")


def test_a_bound_that_is_missed_by_less_than_it_is_written_shows_all_digits() -> None:
    (sqnr, *_) = bounds(made.proven(report=made.parity(sqnr_db=99.99)))
    assert (sqnr.found, sqnr.expected, sqnr.holds) == ("99.99", "at least 100.0 dB", False)
    (sqnr, *_) = bounds(made.proven(report=made.parity(sqnr_db=99.9)))
    assert sqnr.found == "99.9 dB"


def test_nan_holds_no_bound() -> None:
    assert [bound.holds for bound in bounds(made.not_a_number())] == [False, False]
    without_labels = bounds(made.broken(accuracy=None))
    assert [(bound.found, bound.holds) for bound in without_labels[-2:]] == [("NaN", False)] * 2


def test_nothing_run_nothing_bound() -> None:
    assert bounds(made.not_run()) == ()


def test_verdicts_are_counted() -> None:
    assert counted(made.everything()) == "1 of 5 proven, 3 broken, 1 not run"
    assert counted([made.proven()]) == "1 of 1 proven"
    assert counted([]) == "0 of 0 proven"


# Numbers


@pytest.mark.parametrize(
    ("write", "value", "written"),
    [
        (text.error, 8.3e-06, "8.3e-06"),
        (text.error, 0.0421, "0.0421"),
        (text.error, 3.2101, "3.21"),
        (text.error, 12345.0, "1.2e+04"),
        (text.error, 0.0, "0"),
        (text.error, math.inf, "inf"),
        (text.error, NAN, "NaN"),
        (text.db, 124.61, "124.6 dB"),
        (text.db, math.inf, "inf dB"),
        (text.db, -math.inf, "-inf dB"),
        (text.db, NAN, "NaN"),
        (text.share, 1.0, "100.00%"),
        (text.share, 0.99998, ">99.99%"),
        (text.share, 0.99994, "99.99%"),
        (text.share, 0.00002, "<0.01%"),
        (text.share, 0.0, "0.00%"),
        (text.share, -0.00001, "0.00%"),
        (text.share, NAN, "NaN"),
        (text.cosine, 1.0, "1.000000"),
        (text.cosine, 0.9999999, ">0.999999"),
        (text.cosine, 0.98312, "0.983120"),
        (text.cosine, NAN, "NaN"),
        (text.p_value, 0.03125, "0.0312"),
        (text.p_value, 9e-05, "<0.0001"),
        (text.p_value, 1.0, "1.0000"),
        (text.margin, 0.0821, "0.0821"),
        (text.margin, math.inf, "inf"),
        (text.interval, (0.9972, 1.0), "99.72 to 100.00%"),
        (text.interval, (0.0, 0.99999), "0.00 to >99.99%"),
    ],
)
def test_numbers_are_written_so(write: Callable[[Any], str], value: Any, written: str) -> None:
    assert write(value) == written


@pytest.mark.parametrize("kept", ["tab\t", "line\nend\r\n", "ümlaut", "数字", "\U0001f600", "a-b"])
def test_words_are_left_as_they_are(kept: str) -> None:
    assert clean(kept) == kept


@pytest.mark.parametrize("refused", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\ud83d", "\ufffe", "\uffff"])
def test_what_cannot_be_written_is_replaced(refused: str) -> None:
    assert clean(f"a{refused}b") == "a\ufffdb"


def test_a_floor_that_could_not_be_had_is_not_shown() -> None:
    found = made.proven()
    assert found.report is not None
    without = found.model_copy(update={"report": found.report.model_copy(update={"floor_sqnr_db": math.nan})})
    assert "SQNR of fp32 itself" in column(found)
    assert "SQNR of fp32 itself" not in column(without)
    assert "SQNR of fp32 itself" in page([found], {})
    assert "SQNR of fp32 itself" not in page([without], {})
