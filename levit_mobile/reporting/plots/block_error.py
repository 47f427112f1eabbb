"""Plots of the error block by block, as inline SVG: drills in, markup out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from levit_mobile.reporting.plots.axes import Scale, around, drawing, line, tag, ticks, upright, words
from levit_mobile.reporting.plots.legend import Key, legend
from levit_mobile.reporting.text import db
from levit_mobile.validation.results import Block, Drill

WIDTH, HEIGHT = 960.0, 250.0
LEFT, RIGHT = 56.0, 16.0  # room beside the points
LETTER = 6.4  # px of a letter of a block's name
LINE = 11.0  # px between two names, at least
SLANTED, UPRIGHT = 45.0, 90.0  # degrees by which names are turned
TOLD_ROW = 22.0
LONGEST_NAME, LONGEST_KEY, LONGEST_TOLD = 22, 100, 60  # letters
SERIES = 6  # classes s0..s5 of the page
APART = 6.0  # px between the marks of two drills of one block, at most
OF_SLOT = 0.7  # share of a block's width that its marks may take
REACH = 1.0  # times the range of the values: a budget that is further away does not stretch the axis

# Around 0, 0: circle, square, diamond, triangle, each also told apart without colour.
SHAPES = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    "M-3.6,-3.6h7.2v7.2h-7.2z",
    "M0,-5.2L5.2,0L0,5.2L-5.2,0z",
    "M0,-5L4.8,3.6L-4.8,3.6z",
)
# Where a line covers another, the one below shows between its dashes.
DASHES = ("", "7 4", "2 3", "11 3 2 3", "4 6")
CROSS = "M-4,-4L4,4M-4,4L4,-4"
ARROW = "M0,-6L6,4L-6,4z"
KEYS = (("infinite", ARROW, "no error (inf dB)"), ("nan", CROSS, "not a number"))


@dataclass(frozen=True, slots=True)
class Frame:
    """Where blocks and decibels lie: `columns` is a block's name -> x. Neighbouring drills are `apart` px apart."""

    width: float
    columns: Mapping[str, float]
    height: Scale
    drills: int

    @property
    def right(self) -> float:
        """Where the axis ends."""
        return self.width - RIGHT

    @property
    def slot(self) -> float:
        """Width of a block."""
        return (self.right - LEFT) / max(len(self.columns), 1)

    def place(self, block: Block, number: int) -> tuple[float, float]:
        """The mark of a drill's block. NaN lies at the bottom, infinity at the top; drills lie beside each other."""
        value = self.height.low if math.isnan(block.sqnr_db) else block.sqnr_db
        apart = min(APART, OF_SLOT * self.slot / max(self.drills - 1, 1))
        return self.columns[block.name] + (number - (self.drills - 1) / 2) * apart, self.height(value)


def sqnr_plot(drill: Drill, width: float = WIDTH) -> Markup:
    """SQNR in dB of every block, in the order in which they run; those over the budget are marked, the first named."""
    keys, below = legend(list(_marks_keys([drill])), LEFT, width - RIGHT)
    frame = _frame([drill], width, top=TOLD_ROW + below)
    first = drill.first_over
    parts = [*_axes(frame, over={block.name for block in drill.blocks if not block.within})]
    if first is not None and first in frame.columns:
        x = frame.columns[first]
        parts.append(line(x, frame.height.end, x, frame.height.start, "first-over"))
    parts += [*_budgets(frame, [drill]), *_line(frame, drill, 0), *_marks(frame, drill, 0)]
    told = f"first over budget: {_short(first, LONGEST_TOLD)}" if first else "every block is within its budget"
    parts += [words(LEFT, TOLD_ROW - 6, told, "over" if first else ""), _moved(keys, TOLD_ROW)]
    return _whole(frame, "SQNR block by block", f"{len(drill.blocks)} blocks; {told}.", parts)


def sqnr_comparison(drills: Mapping[str, Drill], width: float = WIDTH) -> Markup:
    """One line a drill, by its name. Drills of equal values have their marks beside each other."""
    listed = list(drills.values())
    keys = [Key(_sample(number), _short(name, LONGEST_KEY)) for number, name in enumerate(drills)]
    drawn_keys, top = legend([*keys, *_marks_keys(listed)], LEFT, width - RIGHT)
    frame = _frame(listed, width, top=top)
    parts = [*_axes(frame, over=set()), *_budgets(frame, listed)]
    parts += [part for number, drill in enumerate(listed) for part in _line(frame, drill, number)]
    parts += [part for number, drill in enumerate(listed) for part in _marks(frame, drill, number)]
    return _whole(frame, "SQNR block by block, all validations", "; ".join(drills), [*parts, *drawn_keys])


def _frame(drills: Sequence[Drill], width: float, *, top: float) -> Frame:
    names = _in_order(drills)
    start = top + 8
    slot = (width - LEFT - RIGHT) / max(len(names), 1)
    columns = {name: LEFT + slot * (i + 0.5) for i, name in enumerate(names)}
    return Frame(width, columns, Scale(*_range(drills), start + HEIGHT, start), len(drills))


def _range(drills: Sequence[Drill]) -> tuple[float, float]:
    """Around the values, and around those budgets that are not far from them."""
    values = [block.sqnr_db for drill in drills for block in drill.blocks if math.isfinite(block.sqnr_db)]
    budgets = [drill.min_sqnr_db for drill in drills]
    if not values:
        return around(budgets)
    reach = max(REACH * (max(values) - min(values)), 1.0)
    near = [budget for budget in budgets if min(values) - reach <= budget <= max(values) + reach]
    return around([*values, *near])


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
    longest = LETTER * max((len(_short(name)) for name in frame.columns), default=0)
    below = 30 + longest * math.sin(math.radians(_turn(frame)))
    return drawing(frame.width, frame.height.start + below, title, description, *parts)


def _turn(frame: Frame) -> float:
    """Names are slanted where none meets the next or the left edge, and else upright."""
    slanted = math.cos(math.radians(SLANTED))
    inside = all(x - LETTER * slanted * len(_short(name)) >= 0 for name, x in frame.columns.items())
    return SLANTED if inside and frame.slot * slanted >= LINE - 1 else UPRIGHT


def _axes(frame: Frame, *, over: set[str]) -> Iterator[Markup]:
    floor, ceiling = frame.height.start, frame.height.end
    for tick in ticks(frame.height.low, frame.height.high, about=8):
        yield line(LEFT, frame.height(tick), frame.right, frame.height(tick), "grid")
        yield words(LEFT - 6, frame.height(tick) + 4, f"{tick:g}", "tick", "end")
    yield upright(14, (floor + ceiling) / 2, "SQNR, dB")
    yield line(LEFT, floor, frame.right, floor, "axis")
    yield from _names(frame, over)
    if not frame.columns:
        yield words(frame.width / 2, (floor + ceiling) / 2, "no blocks", "", "middle")


def _names(frame: Frame, over: set[str]) -> Iterator[Markup]:
    """Below the axis; where there are too many, every second or third."""
    turn, every = _turn(frame), math.ceil(LINE / frame.slot)
    for name, x in list(frame.columns.items())[::every]:
        turned = f"translate({x + 4:.1f} {frame.height.start + 16:.1f}) rotate({-turn:g})"
        class_ = "tick over" if name in over else "tick"
        yield tag("text", _short(name), transform=turned, text_anchor="end", class_=class_)


def _budgets(frame: Frame, drills: Sequence[Drill]) -> Iterator[Markup]:
    """A line for each; those outside of the axis are words."""
    budgets = sorted({drill.min_sqnr_db for drill in drills})
    for budget in budgets:
        if frame.height.low <= budget <= frame.height.high:
            y = frame.height(budget)
            yield line(LEFT, y, frame.right, y, "bound")
            yield words(frame.right, y - 5, f"budget {db(budget)}", "value", "end")
    below = [budget for budget in budgets if budget < frame.height.low]
    above = [budget for budget in budgets if budget > frame.height.high]
    if below:
        yield words(LEFT + 6, frame.height.start - 6, f"{_listed(below)}, below this axis", "value")
    if above:
        yield words(frame.right, frame.height.end + 12, f"{_listed(above)}, above this axis", "value", "end")


def _listed(budgets: Sequence[float]) -> str:
    return "budget " + " and ".join(map(db, budgets))


def _line(frame: Frame, drill: Drill, number: int) -> Iterator[Markup]:
    """It breaks where a value is not finite."""
    for finite, run in groupby(drill.blocks, key=lambda block: math.isfinite(block.sqnr_db)):
        if finite:
            points = " ".join("{:.1f},{:.1f}".format(*frame.place(block, number)) for block in run)
            yield tag("polyline", points=points, **_style(number))


def _style(number: int) -> dict[str, str]:
    dashes = DASHES[number % len(DASHES)]
    return {"class_": f"series s{number % SERIES}"} | ({"stroke_dasharray": dashes} if dashes else {})


def _marks(frame: Frame, drill: Drill, number: int) -> Iterator[Markup]:
    for block in drill.blocks:
        x, y = frame.place(block, number)
        classes = f"mark s{number % SERIES}" + ("" if block.within else " over")
        if math.isnan(block.sqnr_db):
            shape, classes = CROSS, f"{classes} nan"
        else:
            shape = ARROW if block.sqnr_db == math.inf else SHAPES[number % len(SHAPES)]
        told = tag("title", f"{block.name}: {db(block.sqnr_db)}")
        yield tag("path", told, d=shape, transform=f"translate({x:.1f} {y:.1f})", class_=classes)


def _sample(number: int) -> Markup:
    shape = tag("path", d=SHAPES[number % len(SHAPES)], class_=f"mark s{number % SERIES}")
    return tag("path", d="M-12,0h24", **_style(number)) + shape


def _marks_keys(drills: Iterable[Drill]) -> Iterator[Key]:
    """What the special marks mean, where there are any."""
    values = [block.sqnr_db for drill in drills for block in drill.blocks]
    present = {"infinite": math.inf in values, "nan": any(map(math.isnan, values))}
    for kind, shape, text in KEYS:
        if present[kind]:
            yield Key(tag("path", d=shape, class_=f"mark {kind}"), text)


def _moved(parts: Sequence[Markup], down: float) -> Markup:
    return tag("g", *parts, transform=f"translate(0 {down:g})")


def _short(name: str, most: int = LONGEST_NAME) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
