"""GitHub reads one command a line, whatever stands in the names, and a table that Markdown leaves alone."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from support import validations as made

from levit_mobile.reporting.github import commands, summary
from levit_mobile.reporting.text import clean
from levit_mobile.validation.results import Validation

COMMAND = re.compile(r"::(error|warning|notice) title=([^,:\r\n]*)::([^\r\n]*)")
STRANGE = ("100%", "a:b,c", "%0A", "two\nlines", "cr\rlf\r\n", "::error::again", made.HOSTILE)


def read(line: str) -> tuple[str, str, str]:
    """Command, title and message, as the runner takes them apart: https://github.com/actions/runner, ActionCommand."""
    found = COMMAND.fullmatch(line)
    assert found, line
    title = found[2].replace("%3A", ":").replace("%2C", ",")
    return found[1], *(text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%") for text in (title, found[3]))


def table(text: str) -> list[list[str]]:
    """The summary's rows as a reader sees them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level >= 4:
            rows[-1].append("".join(part.content for part in token.children or [] if part.type != "html_inline"))
    return rows


@pytest.mark.parametrize(
    ("validation", "command", "title", "message"),
    [
        (
            made.proven(),
            "notice",
            "PROVEN: levit_128s-tflite-fp32 on LiteRT",
            "SQNR 124.6 dB, max abs error 8.3e-06, top-1 agreement 100.00% on 500 images",
        ),
        (
            made.broken(),
            "error",
            "BROKEN: levit_128s-executorch-fp16 on ExecuTorch",
            "\n".join(made.broken().reasons),
        ),
        (made.not_run(), "warning", "NOT RUN: levit_128s-coreml-fp16", made.not_run().reasons[0]),
    ],
)
def test_a_verdict_is_a_command(validation: Validation, command: str, title: str, message: str) -> None:
    (line,) = commands([validation])
    assert read(line) == (command, title, message)


def test_every_validation_has_its_command() -> None:
    found = [read(line)[0] for line in commands(made.everything())]
    assert found == ["notice", "error", "warning", "error", "error"]


@pytest.mark.parametrize("text", STRANGE)
def test_names_and_reasons_cannot_end_a_command(text: str) -> None:
    (line,) = commands([made.not_run(bundle=text, reasons=(text, text))])
    assert read(line) == ("warning", f"NOT RUN: {clean(text)}", f"{clean(text)}\n{clean(text)}")


def test_the_escapes_are_githubs() -> None:
    (line,) = commands([made.not_run(bundle="a:b,c%", reasons=("a:b,c%\r\n",))])
    assert line == "::warning title=NOT RUN%3A a%3Ab%2Cc%25::a:b,c%25%0D%0A"


def test_the_summary_has_a_row_a_validation() -> None:
    rows = table(summary(made.everything()))
    assert [row[0] for row in rows] == ["verdict", "PROVEN", "BROKEN", "NOT RUN", "BROKEN", "BROKEN"]
    assert {len(row) for row in rows} == {9}
    assert rows[1][1:] == [
        "levit_128s-tflite-fp32",
        "LiteRT",
        "500",
        "8.3e-06",
        "124.6 dB",
        "100.00% (99.24 to 100.00%)",
        "0",
        "-",
    ]
    assert rows[2][8] == "87.20%, reference 96.80%"
    assert rows[3][2:] == ["-"] * 7
    assert rows[4][3:] == ["500", "NaN", "NaN", "NaN", "-", "-"]


@pytest.mark.parametrize(
    ("validations", "heading"),
    [
        (made.everything(), "## levit-mobile validate: BROKEN, 1 of 5 proven, 3 broken, 1 not run"),
        ([made.proven()], "## levit-mobile validate: PROVEN, 1 of 1 proven"),
        ([made.proven(), made.not_run()], "## levit-mobile validate: NOT RUN, 1 of 2 proven, 1 not run"),
    ],
)
def test_the_summary_begins_with_the_verdict(validations: list[Validation], heading: str) -> None:
    assert summary(validations).startswith(heading + "\n\n")


def test_the_summary_ends_with_the_reasons() -> None:
    lines = summary([made.proven(), made.broken(), made.not_run()]).splitlines()
    assert len([line for line in lines if line.startswith("- ")]) == len(made.broken().reasons) + 1
    assert lines[-1].endswith("convert here and prove on a Mac")
    assert not [line for line in summary([made.proven()]).splitlines() if line.startswith("- ")]


@pytest.mark.parametrize("text", [*STRANGE, "*bold* _it_ ~~no~~", "[a](b)", "@someone #12", "$x$", "a\\|b"])
def test_markdown_shows_words_as_they_are(text: str) -> None:
    written = summary([made.not_run(bundle=text, reasons=(text,))])
    assert table(written)[1][1] == " ".join(clean(text).split())
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(written)
    assert not re.findall(r"<(?!/?(?:h2|table|thead|tbody|tr|th|td|strong|ul|li)[ >])", html)
    assert not re.search(r"(?<!\\)[@#$](?!\s|#)", written.partition("\n")[2])
