"""What is read of a device's lines: events, conditions and waits; all else is noise, and no line stops the reading."""

from __future__ import annotations

import json
import random

import pytest
from support.device_lines import event, moment, read

from levit_mobile.device.printed import MOST_CONDITIONS, TAIL, Printed


def test_times_are_kept_by_process_and_in_order() -> None:
    lines = [
        event("sample", "a0", number, what="inference", ms=float(number + turn)) for number in (1, 0) for turn in (5, 2)
    ]
    one = read(iter(lines)).artifacts["a0"]
    assert one.samples["inference"] == {0: [5.0, 2.0], 1: [6.0, 3.0]}
    assert one.count == 4


def test_answers_are_the_bytes_of_the_outputs() -> None:
    printed = read(iter([event("answer", "a0", 0, picture=3, output=1, values="AAECAw==")]))
    assert printed.artifacts["a0"].answers == {(3, 1): b"\x00\x01\x02\x03"}


def test_conditions_are_the_lines_between_their_marks_even_if_they_look_like_events() -> None:
    inside = ("== battery", event("failed", "a0", 0, error="no"), "", "@cooling 5 1")
    printed = read(iter([*moment("before", *inside), *moment("after")]))
    assert printed.conditions == [("before", "\n".join(inside)), ("after", "")]
    assert printed.artifacts == {}
    assert printed.finished


def test_a_run_is_finished_by_the_conditions_after_it_only() -> None:
    assert not read(moment("before")).finished
    assert not read(iter([*moment("before"), "@conditions after", "cut"])).finished


def test_reasons_of_failures_are_kept() -> None:
    lines = [
        event("failed", "a0", 0, error="it is refused"),
        event("ended", "a1", 1, signal=11),
        event("ended", "a2", 0, code=3),
        json.dumps({"event": "refused", "error": "programs do not run"}),
    ]
    printed = read(iter(lines))
    assert printed.artifacts["a0"].failed == "it is refused"
    assert (printed.artifacts["a1"].signal, printed.artifacts["a2"].code) == (11, 3)
    assert printed.refused == "programs do not run"


@pytest.mark.parametrize(
    "line",
    [
        '{"event":"sample","name":"a0","process":0,"what":"inference","ms":',
        '{"event":"sample","name":"a0","process":0,"what":"inference","ms":-1}',
        '{"event":"sample","name":"a0","process":0,"what":"a nap","ms":1}',
        '{"event":"sample","name":"a0","process":0,"what":"inference","ms":NaN}',
        '{"event":"answer","name":"a0","process":0,"picture":0,"output":0,"values":"?"}',
        '{"event":"loaded","name":"a0","process":0}',
        '{"event":"unknown","name":"a0"}',
        '["event"]',
        "{}",
        "{" * 100_000,
        "WARNING: linker: unused DT entry",
        "\x00\udcff",
    ],
)
def test_a_line_that_says_nothing_is_noise(line: str) -> None:
    printed = Printed()
    assert printed.feed(line) == "noise"
    assert all(one.count == 0 and not one.answers and not one.loaded for one in printed.artifacts.values())


def test_the_last_lines_of_noise_are_kept() -> None:
    assert list(read(f"line {number}" for number in range(100)).noise) == [f"line {n}" for n in range(100 - TAIL, 100)]


def test_no_garbled_line_is_an_error() -> None:
    """Cables and buffers cut lines anywhere."""
    drawn = random.Random(0)
    lines = [
        event("loaded", "a0", 0, load_ms=1.5, outputs=[{"shape": [1, 10], "dtype": "float32"}], cores=[4]),
        event("first_run", "a0", 0, first_run_ms=1.5, peak_memory_bytes=5),
        event("answer", "a0", 0, picture=0, output=0, values="AAAAAA=="),
        event("sample", "a0", 0, what="inference", ms=1.5),
        "@cooling 10 2",
        *moment("before", "== getprop"),
    ]
    printed = Printed()
    for _ in range(5000):
        line = list(drawn.choice(lines))
        for _ in range(drawn.randrange(4)):
            line[drawn.randrange(len(line))] = chr(drawn.randrange(32, 127))
        printed.feed("".join(line[: drawn.randrange(1, len(line) + 1)]))


def test_only_the_mark_alone_ends_a_moment() -> None:
    printed = read(iter(["@conditions before", "@end of a log", " @end", "@end", "", "  ", "noise"]))
    assert printed.conditions == [("before", "@end of a log\n @end")]
    assert list(printed.noise) == ["noise"]


def test_a_clock_that_did_not_move_is_a_time() -> None:
    printed = read(iter([event("sample", "a0", 0, what="inference", ms=0.0)]))
    assert printed.artifacts["a0"].samples["inference"][0] == [0.0]


def test_conditions_without_an_end_are_cut_in_time_that_grows_with_their_length() -> None:
    """A cable may have taken the line that ends them; empty lines count too."""
    printed = Printed()
    printed.feed("@conditions before")
    for _ in range(MOST_CONDITIONS + 2):
        printed.feed("")
    assert len(printed.conditions) == 1
    assert printed.feed(event("sample", "a0", 0, what="inference", ms=1.0)) == "sample"
