"""How numbers and names are written, in every rendering."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from levit_mobile.recipe import Verdict
from levit_mobile.reporting import text
from levit_mobile.reporting.text import clean

NAN = math.nan


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
        (text.error, 0.01, "0.01"),
        (text.error, 0.00999, "1.0e-02"),
        (text.error, 999.0, "999"),
        (text.error, 1000.0, "1.0e+03"),
        (text.error, -0.5, "-0.5"),
        (text.error, -0.001, "-1.0e-03"),
        (text.error, -math.inf, "-inf"),
        (text.ms, 0.0421, "0.0421"),
        (text.ms, 0.0999, "0.0999"),
        (text.ms, 0.1, "0.10"),
        (text.ms, 9.99, "9.99"),
        (text.ms, 10.0, "10.0"),
        (text.ms, 99.9, "99.9"),
        (text.ms, 100.0, "100"),
        (text.ms, 1234.5, "1234"),
        (text.ms, NAN, "NaN"),
        (text.db, 0.0, "0.0 dB"),
        (text.share, 0.5, "50.00%"),
        (text.share, 0.00005, "0.01%"),
        (text.share, 1.2, "120.00%"),
        (text.share, -0.25, "-25.00%"),
        (text.cosine, 0.9999994, "0.999999"),
        (text.cosine, -1.0, "-1.000000"),
        (text.cosine, 1.0000001, "1.000000"),
        (text.p_value, 1e-4, "0.0001"),
        (text.p_value, 0.0, "<0.0001"),
        (text.margin, NAN, "NaN"),
        (text.interval, (0.25, 0.5), "25.00 to 50.00%"),
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


def test_json_for_any_reader_has_words_for_numbers_that_are_none() -> None:
    given = {"a\x07": [NAN, math.inf, -math.inf, 1.5], "b": ({"c": "d\x00"}, 2, True, None)}
    assert text.strict(given) == {
        "a\ufffd": ["NaN", "Infinity", "-Infinity", 1.5],
        "b": [{"c": "d\ufffd"}, 2, True, None],
    }


@pytest.mark.parametrize(
    ("verdict", "written"),
    [
        (Verdict.PROVEN, "[green]PROVEN[/]"),
        (Verdict.BROKEN, "[bold red]BROKEN[/]"),
        (Verdict.NOT_RUN, "[yellow]NOT RUN[/]"),
    ],
)
def test_a_verdict_has_its_colour(verdict: Verdict, written: str) -> None:
    assert text.verdict(verdict) == written
