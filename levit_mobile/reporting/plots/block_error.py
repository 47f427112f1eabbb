"""Plots of the error block by block, as inline SVG: drills in, markup out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from levit_mobile.reporting.plots.axes import Scale, around, drawing, line, tag, ticks, upright, words
from levit_mobile.reporting.text import db
from levit_mobile.validation.results import Block, Drill

WIDTH, HEIGHT = 960.0, 250.0
LEFT, RIGHT = 56.0, 16.0  # room beside the points
LETTER = 5.2  # height of a letter of a block's name, which hangs below at 45 degrees
KEY_ROW = 22.0
LONGEST_NAME, LONGEST_KEY, LONGEST_TOLD = 22, 100, 60  # letters
SERIES = 6  # classes s0..s5 of the page

# Around 0, 0: circle, square, diamond, triangle, each also told apart without colour.
SHAPES = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    "M-3.6,-3.6h7.2v7.2h-7.2z",
    "M0,-5.2L5.2,0L0,5.2L-5.2,0z",
    "M0,-5L4.8,3.6L-4.8,3.6z",
)
CROSS = "M-4,-4L4,4M-4,4L4,-4"
ARROW = "M0,-6L6,4L-6,4z"
KEYS = ((640.0, "infinite", ARROW, "no error (inf dB)"), (840.0, "nan", CROSS, "not a number"))


@dataclass(frozen=True, slots=True)
class Frame:
    """Where blocks and decibels lie: `columns` is a block's name -> x."""

    columns: Mapping[str, float]
    height: Scale


def sqnr_plot(drill: Drill) -> Markup:
    """SQNR in dB of every block, in the order in which they run; those over the budget are marked, the first named."""
    frame = _frame([drill], keys=1)
    first = drill.first_over
    parts = [*_axes(frame, over={block.name for block in drill.blocks if not block.within})]
    if first is not None and first in frame.columns:
        x = frame.columns[first]
        parts.append(line(x, frame.height.end, x, frame.height.start, "first-over"))
    parts += [*_budgets(frame, [drill]), *_series(frame, drill, 0)]
    told = f"first over budget: {_short(first, LONGEST_TOLD)}" if first else "every block is within its budget"
    parts += [*_marks_key([drill], KEY_ROW), words(LEFT, KEY_ROW - 6, told, "over" if first else "")]
    return _whole(frame, "SQNR block by block", f"{len(drill.blocks)} blocks; {told}.", parts)


def sqnr_comparison(drills: Mapping[str, Drill]) -> Markup:
    """One line a drill, by its name."""
    frame = _frame(list(drills.values()), keys=len(drills) + 1)
    parts = [*_axes(frame, over=set()), *_budgets(frame, list(drills.values()))]
    for number, (name, drill) in enumerate(drills.items()):
        y = KEY_ROW * (number + 1) - 6
        parts += [*_series(frame, drill, number), *_key(LEFT + 8, y, name, number)]
    parts += _marks_key(list(drills.values()), KEY_ROW * (len(drills) + 1))
    return _whole(frame, "SQNR block by block, all validations", "; ".join(drills), parts)


def _frame(drills: Sequence[Drill], *, keys: int) -> Frame:
    names = _in_order(drills)
    values = [block.sqnr_db for drill in drills for block in drill.blocks] + [drill.min_sqnr_db for drill in drills]
    top = KEY_ROW * keys + 8
    slot = (WIDTH - LEFT - RIGHT) / max(len(names), 1)
    columns = {name: LEFT + slot * (i + 0.5) for i, name in enumerate(names)}
    return Frame(columns, Scale(*around(values), top + HEIGHT, top))


def _in_order(drills: Sequence[Drill]) -> list[str]:
    """All blocks' names; one that an earlier drill lacks stands behind its own predecessor."""
    names: list[str] = []
    for drill in drills:
        place = 0
        for block in drill.blocks:
            if block.name not in names:
                names.insert(place, block.name)
            place = names.index(block.name) + 1
    return names


def _whole(frame: Frame, title: str, description: str, parts: Sequence[Markup]) -> Markup:
    below = 30 + LETTER * max((len(_short(name)) for name in frame.columns), default=0)
    return drawing(WIDTH, frame.height.start + below, title, description, *parts)


def _axes(frame: Frame, *, over: set[str]) -> Iterator[Markup]:
    floor, ceiling = frame.height.start, frame.height.end
    for tick in ticks(frame.height.low, frame.height.high, about=8):
        yield line(LEFT, frame.height(tick), WIDTH - RIGHT, frame.height(tick), "grid")
        yield words(LEFT - 6, frame.height(tick) + 4, f"{tick:g}", "tick", "end")
    yield upright(14, (floor + ceiling) / 2, "SQNR, dB")
    yield line(LEFT, floor, WIDTH - RIGHT, floor, "axis")
    for name, x in frame.columns.items():
        text, turned = _short(name), f"translate({x + 4:.1f} {floor + 16:.1f}) rotate(-45)"
        yield tag("text", text, transform=turned, text_anchor="end", class_="tick over" if name in over else "tick")
    if not frame.columns:
        yield words(WIDTH / 2, (floor + ceiling) / 2, "no blocks", "", "middle")


def _budgets(frame: Frame, drills: Sequence[Drill]) -> Iterator[Markup]:
    for budget in sorted({drill.min_sqnr_db for drill in drills}):
        y = frame.height(budget)
        yield line(LEFT, y, WIDTH - RIGHT, y, "bound")
        yield words(WIDTH - RIGHT, y - 5, f"budget {db(budget)}", "value", "end")


def _series(frame: Frame, drill: Drill, number: int) -> Iterator[Markup]:
    """A line that breaks where a value is not finite, and a mark a block."""
    style = f"s{number % SERIES}"
    for finite, run in groupby(drill.blocks, key=lambda block: math.isfinite(block.sqnr_db)):
        if finite:
            points = " ".join("{:.1f},{:.1f}".format(*_place(frame, block)) for block in run)
            yield tag("polyline", points=points, class_=f"series {style}")
    for block in drill.blocks:
        yield _mark(frame, block, number, style)


def _mark(frame: Frame, block: Block, number: int, style: str) -> Markup:
    x, y = _place(frame, block)
    classes = f"mark {style}" + ("" if block.within else " over")
    if math.isnan(block.sqnr_db):
        shape, classes = CROSS, f"{classes} nan"
    else:
        shape = ARROW if block.sqnr_db == math.inf else SHAPES[number % len(SHAPES)]
    told = tag("title", f"{block.name}: {db(block.sqnr_db)}")
    return tag("path", told, d=shape, transform=f"translate({x:.1f} {y:.1f})", class_=classes)


def _place(frame: Frame, block: Block) -> tuple[float, float]:
    """NaN lies at the bottom, infinity at the top."""
    value = frame.height.low if math.isnan(block.sqnr_db) else block.sqnr_db
    return frame.columns[block.name], frame.height(value)


def _key(x: float, y: float, text: str, number: int) -> tuple[Markup, Markup, Markup]:
    style = f"s{number % SERIES}"
    shape = tag("path", d=SHAPES[number % len(SHAPES)], transform=f"translate({x:g} {y - 4:g})", class_=f"mark {style}")
    return line(x - 12, y - 4, x + 12, y - 4, f"series {style}"), shape, words(x + 20, y, _short(text, LONGEST_KEY))


def _marks_key(drills: Sequence[Drill], y: float) -> Iterator[Markup]:
    """What the special marks mean, on the right, where there are any."""
    values = [block.sqnr_db for drill in drills for block in drill.blocks]
    present = {"infinite": math.inf in values, "nan": any(map(math.isnan, values))}
    for x, kind, shape, text in KEYS:
        if present[kind]:
            yield tag("path", d=shape, transform=f"translate({x:g} {y - 10:g})", class_=f"mark {kind}")
            yield words(x + 12, y - 6, text)


def _short(name: str, most: int = LONGEST_NAME) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
