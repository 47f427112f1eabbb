"""Legends of plots: samples with their words, in rows that fit the plot's width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from markupsafe import Markup

from levit_mobile.reporting.plots.axes import tag, words
from levit_mobile.reporting.text import clean

LETTER = 7.6  # px of a letter of 13 px
CAPITAL = 0.3  # of a letter, by which a capital is wider
ROW = 20.0
SAMPLE = 30.0  # px of a sample, before its words
GAP = 18.0  # px between two keys of a row
MOST_LINES = 3  # of one key


@dataclass(frozen=True, slots=True)
class Key:
    """A sample, drawn around 0, 0, and the words that explain it."""

    sample: Markup
    text: str


def legend(keys: Sequence[Key], left: float, right: float) -> tuple[list[Markup], float]:
    """Draw keys in rows from `left` to `right`, from y = 0 downwards.

    Returns:
        The drawn parts, and the height of all rows. A text that is too long for one row continues on the next.
    """
    parts: list[Markup] = []
    x, row = left, 0
    for key in keys:
        lines = _lines(key.text, right - left - SAMPLE)
        width = SAMPLE + max(map(_width, lines))
        if x > left and x + width > right:
            x, row = left, row + 1
        parts += _drawn(key.sample, lines, x, row)
        x, row = x + width + GAP, row + len(lines) - 1
    return parts, ROW * (row + 1) if keys else 0.0


def _width(text: str) -> float:
    return LETTER * (len(text) + CAPITAL * sum(map(str.isupper, text)))


def _lines(text: str, room: float) -> list[str]:
    lines = wrap(clean(text), max(int(room / LETTER), 1), max_lines=MOST_LINES, placeholder="\N{HORIZONTAL ELLIPSIS}")
    return lines or [""]


def _drawn(sample: Markup, lines: Sequence[str], x: float, row: int) -> list[Markup]:
    places = [ROW * (row + index + 1) - 6 for index in range(len(lines))]
    moved = tag("g", sample, transform=f"translate({x + SAMPLE / 2 - 3:.1f} {places[0] - 4:.1f})")
    return [moved, *(words(x + SAMPLE, y, line) for y, line in zip(places, lines, strict=True))]
