"""Every error sentence in the code follows the convention: a lower-case subject first, short, in plain words.

The sentences are found in the syntax tree. They are the literals passed first to an error class, to ValueError and to
`reworded`, and those assigned to `sentence` or `why`. Each placeholder of an f-string is written `{}` here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from levit_mobile import errors

ROOT = Path(__file__).parents[1]
FOLDERS = ("levit_mobile", "conversion")
HOLE = "{}"
CLASSES = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.LevitMobileError) and name != "ToolchainMissing"
} | {"ValueError", "reworded"}
ASSIGNED = {"sentence", "why"}
MOST_CHARACTERS = 240  # of literal text
# Names that keep their capital at the beginning of a sentence.
NAMES = ("ARM64", "Core ML", "ExecuTorch", "LiteRT", "SQNR", "KL", "XNNPACK", "TFLite", "EXIF", "MIL")
# Pattern -> the plain way to write it.
BANNED = {
    r"\b(is|are) no\b(?! longer)": "is not a ...",
    r"\b(says?|said|tells?|told)\b": "reports, has, prints",
    r"\b(lies|lie|lay|stands|stand)\b": "is",
    r"\b(another|other than)\b": "different, a second",
    r"\botherwise than\b": "differently from",
    r"\bwants?\b": "needs, expected",
    r"\bheld against\b|\bhold(s)? .{0,20}against\b": "compared with",
    r"\bcomes? to\b": "is",
    r"(?<!-)\bpictures?\b": "image",
    r"\d %": "95%",
    r"\bone a (class|line|label|channel)\b|\blabel a line\b|\ba channel\b": "per",
    r"^(what|whatever|which)\b": "a noun as the subject",
    r"^it\b(?! (is|holds|has|does|reads|cannot)\b)": "a noun as the subject",
    r"\b(anew|of its own|nobody|thing)\b": "plain words",
    r"\bexists already\b": "already exists",
    r"\bleave .{0,20}out\b": "omit",
}


class Sentence(NamedTuple):
    """One literal: where it is, the class that gets it, and its text with `{}` for each placeholder."""

    place: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@cache
def sentences() -> tuple[Sentence, ...]:
    """All of them, in the order of files and lines."""
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    return tuple(found for file in files for found in sentences_of(file))


def sentences_of(file: Path) -> Iterator[Sentence]:
    """Those of one file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        for kind, text in literals(node):
            yield Sentence(f"{file.relative_to(ROOT).as_posix()}:{getattr(node, 'lineno', 0)}", kind, text)


def literals(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The class or variable that a node gives sentences to, and each sentence."""
    if isinstance(node, ast.Call) and node.args and called(node) in CLASSES:
        yield from ((called(node), text) for text in texts(node.args[0]))
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in ASSIGNED:
        yield from ((node.targets[0].id, text) for text in texts(node.value))


def called(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def texts(node: ast.expr) -> Iterator[str]:
    """The sentences that an expression can be: one for a literal, one for each branch of a choice, none for a name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else HOLE for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))


# The search itself


def test_the_search_sees_every_error_class() -> None:
    assert len(sentences()) > 250
    assert {one.kind for one in sentences()} >= CLASSES - {"LevitMobileError"} | ASSIGNED
    assert {one.place.split("/")[0] for one in sentences()} == set(FOLDERS)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('ValueError("plain")', ["plain"]),
        ('errors.ImageError(f"{path} is {size} px", fault="x")', ["{} is {} px"]),
        ('ImageError(f"{path} " "goes on")', ["{} goes on"]),
        ('ImageError("one" if a else f"{b} two")', ["one", "{} two"]),
        ('why = f"it has {count} parts"', ["it has {} parts"]),
        ("ImageError(sentence)", []),
        ('print("not an error")', []),
    ],
)
def test_the_search_reads_literals(source: str, found: list[str]) -> None:
    assert [text for node in ast.walk(ast.parse(source)) for _, text in literals(node)] == found


# The convention


def test_a_sentence_begins_in_lower_case_or_with_a_name() -> None:
    wrong = [str(one) for one in sentences() if one.text[:1].isupper() and not one.text.startswith(NAMES)]
    assert wrong == []


def test_a_sentence_ends_without_a_stop() -> None:
    wrong = [
        str(one) for one in sentences() if one.text.rstrip() != one.text or one.text.endswith((".", "!", ",", ";"))
    ]
    assert wrong == []


def test_a_sentence_is_one_line_of_readable_length() -> None:
    wrong = [
        str(one)
        for one in sentences()
        if len(one.text.replace(HOLE, "")) > MOST_CHARACTERS or "\n" in one.text or "  " in one.text
    ]
    assert wrong == []


@pytest.mark.parametrize(("pattern", "better"), BANNED.items())
def test_a_sentence_is_in_plain_words(pattern: str, better: str) -> None:
    wrong = [str(one) for one in sentences() if re.search(pattern, one.text)]
    assert wrong == [], f"better: {better}"
