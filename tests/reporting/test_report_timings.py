"""A run of times on a terminal: every figure, every warning, nothing that a name could forge."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.table import Table
from support.timings import PIXEL, PROVEN, STEADY, run, slower, timing

from levit_mobile.reporting.tables.bench import baselines, headline, profile_table, reason_lines, timing_table
from levit_mobile.timing.record import Block, Conditions, Parity, Profile, Timing, TimingRun
from levit_mobile.timing.regression import slowdowns


def drawn(table: Table, width: int = 100) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(table)
    return console.export_text()


def row(text: str, heading: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"│ {heading}"))


def table(found: TimingRun) -> str:
    return drawn(timing_table(found, found.timings))


def test_the_headline_says_what_ran_where() -> None:
    assert headline(run()) == (
        "Sample EPYC (x86_64, 2 cores), Linux 6.1; pinned to core 0; 10 interleaved rounds in 1 process, after 5 "
        "discarded warm-up rounds in each; only the runtime's call, on one image"
    )


def test_a_column_has_every_figure() -> None:
    text = table(run())
    expected = {
        "parity": "PROVEN 38.1 dB",
        "load": "21.0",
        "first run": "3.50",
        "memory, MB": "80",
        "  added by model": "30.0",
        "inference, min": "2.97",
        "  median": "3.00",
        "  p99": "-",
        "  images per second": "333.3",
        "end to end, median": "6.00",
        "MB": "8.02",
    }
    for heading, value in expected.items():
        assert value in row(text, heading), heading


def test_ratios_are_to_the_yardsticks_or_else_to_the_first() -> None:
    ours, stock = timing(), timing("stock", samples_ms=slower(2.5))
    assert [one.name for one in baselines(run(ours, stock))] == [ours.name]
    found = run(ours, stock, against=("stock",))
    assert [one.name for one in baselines(found)] == ["stock"]
    assert "0.400 (no interval)" in row(table(found), "vs stock")
    assert "1 process" in row(table(found), "  95% interval over")


def in_processes(count: int, name: str = "levit_128s-tflite-int8", by: float = 1.0) -> Timing:
    return timing(name, samples_ms=slower(by), process_samples=(10 // count,) * count)


def test_an_interval_has_the_number_of_its_processes_beside_it() -> None:
    found = run(in_processes(5), in_processes(5, "stock", 2.5), against=("stock",))
    assert "0.400 (0.400 to 0.400)" in row(table(found), "vs stock")
    assert "5 processes" in row(table(found), "  95% interval over")
    assert "10 interleaved rounds in 5 processes" in headline(found)


@pytest.mark.parametrize(
    ("count", "note"),
    [
        (1, "NOTE: ratios have no interval: the samples of one process do not show how much processes differ"),
        (2, "NOTE: the intervals are over 2 processes: they hold, but 5 or more give narrower ones"),
        (5, None),
    ],
)
def test_few_processes_are_noted_where_anything_is_compared(count: int, note: str | None) -> None:
    assert reason_lines(run(in_processes(count), in_processes(5, "stock"))) == ([note] if note else [])
    assert reason_lines(run(in_processes(count))) == []


def test_a_baseline_has_a_row_and_the_processes_of_both_runs() -> None:
    now = run(in_processes(5, by=1.2))
    text = drawn(timing_table(now, now.timings, slowdowns(now, run(in_processes(2)))))
    assert "1.20" in row(text, "vs the baseline")
    assert "5 and 2 processes" in row(text, "  its 95% over")


def test_what_was_not_run_has_no_figures_and_a_reason() -> None:
    away = Parity(verdict="not run", reasons=("no Mac here",))
    found = run(timing(samples_ms=(), load_ms=(), not_run="no Mac here", parity=away))
    assert "NOT RUN" in row(table(found), "timed")
    assert "inference" not in table(found)
    assert reason_lines(found) == ["levit_128s-tflite-int8: NOT RUN: no Mac here"]


def test_a_wrong_artifact_is_called_wrong_where_it_was_timed() -> None:
    broken = Parity(verdict="broken", reasons=("SQNR is 3.0 dB, expected at least 25 dB",), sqnr_db=3.0)
    found = run(timing(parity=broken))
    assert "BROKEN 3.0 dB" in row(table(found), "parity")
    assert reason_lines(found) == ["levit_128s-tflite-int8: BROKEN, but timed: SQNR is 3.0 dB, expected at least 25 dB"]


def test_a_disturbed_run_is_flagged_and_a_steady_one_is_not() -> None:
    found = run(timing("steady"), timing("busy", samples_ms=(3.0, 4.0, 5.0, 6.0)))
    assert row(table(found), "  IQR / median").count("NOISY") == 1
    assert reason_lines(found)[0] == "busy: NOISY: IQR / median is 33%: the machine was busy; repeat the timing"


def test_logits_without_an_error_are_exact() -> None:
    same = PROVEN.model_copy(update={"sqnr_db": None, "max_abs_error": 0.0})
    assert "PROVEN exact" in row(table(run(timing(parity=same))), "parity")


def test_names_cannot_forge_markup() -> None:
    text = table(run(timing("[bold red]BROKEN[/]\x1b[2J")))
    assert "[bold red]" in text
    assert "\x1b" not in text


def test_a_profile_lists_blocks_with_their_share() -> None:
    blocks = (
        Block(name="stem", samples_ms=(1.0, 1.0), ops={"CONV_2D": 4, "PAD": 1}),
        Block(name="stage0.attn0", samples_ms=(2.9, 3.1)),
    )
    text = drawn(profile_table(timing(samples_ms=STEADY, profile=Profile(how="cut", blocks=blocks))))
    assert "4 CONV_2D, PAD" in text
    assert "25.0%" in next(line for line in text.splitlines() if "stem" in line)
    assert "4.000" in next(line for line in text.splitlines() if "all blocks" in line)
    assert "whole artifact: 3.000" in text


def hot() -> TimingRun:
    """Two artifacts on a charging phone that grew hot."""
    before, after = Conditions(thermal="none", charging=True), Conditions(thermal="severe", charging=True)
    return run(in_processes(5), in_processes(5, "stock"), timing("away", samples_ms=(), not_run="no kernel"),
               device=PIXEL, before=before, after=after)  # fmt: skip


def test_a_hot_and_charging_phone_marks_every_row_that_has_times() -> None:
    text = drawn(timing_table(hot(), hot().timings), width=80)
    first = text.splitlines().index(row(text, "marks"))
    cells = [line.split("│")[2:5] for line in text.splitlines()[first : first + 2]]
    assert [[cell.strip() for cell in line] for line in cells] == [
        ["HOTTER", "HOTTER", "-"],
        ["CHARGING", "CHARGING", ""],
    ]
    assert max(map(len, text.splitlines())) <= 80


def test_each_mark_has_one_line_however_many_rows_it_is_of() -> None:
    assert [line for line in reason_lines(hot()) if not line.startswith("away")] == [
        "HOTTER: the thermal state went from none to severe during the run",
        "CHARGING: the device was charging, which warms it",
    ]


def test_a_run_in_good_conditions_has_no_row_of_marks() -> None:
    assert "marks" not in table(run())
