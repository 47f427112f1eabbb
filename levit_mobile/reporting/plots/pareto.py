"""Size against time, one drawing a device, as inline SVG: points in, markup out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from levit_mobile.overview.pareto import Point, dominated, front
from levit_mobile.reporting.plots.axes import NARROW, drawing, line, tag, upright, words
from levit_mobile.reporting.plots.block_error import CROSS, SHAPES
from levit_mobile.reporting.plots.legend import Key, legend
from levit_mobile.reporting.plots.scales import Measure, measure
from levit_mobile.reporting.text import db

WIDTH, HEIGHT = 400.0, 310.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 12.0, 44.0
TARGETS = ("coreml", "executorch", "tflite")  # in the order of SHAPES and of the classes s0..s2
OTHER = 3  # the shape of a target that is none of ours
# SQNR from which a mark has this size.
SIZES = ((60.0, 1.5, "60 dB or more"), (40.0, 1.2, "40 to 60"), (25.0, 0.9, "25 to 40"), (-1e9, 0.65, "below 25 dB"))
UNKNOWN = 1.0
LETTER, LINE = 5.7, 12.0  # px of a letter of a label, and of a label's height
LONGEST, MOST_LABELS = 28, 24
# Where a label may stand beside its mark: dx, dy of its baseline, and the end that dx is of.
PLACES = (
    (10, 4, "start"),
    (-10, 4, "end"),
    (0, -10, "middle"),
    (0, 19, "middle"),
    (7, -8, "start"),
    (7, 16, "start"),
    (-7, -8, "end"),
    (-7, 16, "end"),
)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that nothing else may cover."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Do they share a place?"""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class Frame:
    """Where MB and ms lie."""

    width: float
    across: Measure
    height: Measure

    def place(self, point: Point) -> tuple[float, float]:
        """Of a point, x and y."""
        return self.across(point.size_mb), self.height(point.median_ms)


def front_plot(points: Sequence[Point], device: str, width: float = WIDTH) -> Markup:
    """Every point, the front as a line, and names where there is room: those of the front first."""
    frame = Frame(
        width,
        measure((p.size_mb for p in points), LEFT, width - RIGHT),
        measure((p.median_ms for p in points), HEIGHT - BOTTOM, TOP),
    )
    best = front(points)
    spoken = "; ".join(f"{_short(p)} {p.size_mb:.2f} MB {p.median_ms:.2f} ms" for p in best)
    parts = [*_axes(frame), _line(frame, best)]
    small_last = sorted(points, key=_size, reverse=True)  # so that no mark hides one of the same place
    parts += [_mark(frame, p, pale=p.counts and p not in best and dominated(p, points)) for p in small_last]
    parts += _labels(frame, best, [p for p in points if p not in best])
    return drawing(width, HEIGHT, f"Size and time on {device}", f"Smallest and fastest: {spoken or 'none'}.", *parts)


def front_key(width: float = NARROW) -> Markup:
    """What shapes and sizes mean."""
    keys = [Key(_shape(0, 0, number, 1.2, f"mark s{number}"), target) for number, target in enumerate(TARGETS)]
    keys.append(Key(tag("path", d=CROSS, class_="mark nan"), "BROKEN"))
    keys += [Key(_shape(0, 0, 0, size, "mark"), text) for _, size, text in SIZES]
    keys.append(Key(_shape(0, 0, 0, UNKNOWN, "mark hollow"), "unknown"))
    parts, height = legend(keys, 0, width)
    return drawing(width, height, "Key", "Shape and colour: target. Size of a mark: SQNR.", *parts)


def _axes(frame: Frame) -> Iterator[Markup]:
    floor, ceiling = HEIGHT - BOTTOM, TOP
    for y, text in frame.height.ticks():
        yield line(LEFT, y, frame.width - RIGHT, y, "grid")
        yield words(LEFT - 6, y + 4, text, "tick", "end")
    for x, text in frame.across.ticks():
        yield line(x, ceiling, x, floor, "grid")
        yield words(x, floor + 16, text, "tick", "middle")
    yield line(LEFT, floor, frame.width - RIGHT, floor, "axis")
    yield line(LEFT, floor, LEFT, ceiling, "axis")
    yield words((LEFT + frame.width - RIGHT) / 2, HEIGHT - 8, f"MB{frame.across.told}", "name", "middle")
    yield upright(14, (floor + ceiling) / 2, f"median inference, ms{frame.height.told}")


def _corners(frame: Frame, best: Sequence[Point]) -> list[tuple[float, float]]:
    """Steps: between two points of the front, nothing smaller is as fast."""
    corners: list[tuple[float, float]] = []
    for point in best:
        x, y = frame.place(point)
        corners += [(x, corners[-1][1])] if corners else []
        corners.append((x, y))
    return corners


def _line(frame: Frame, best: Sequence[Point]) -> Markup:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in _corners(frame, best))
    return tag("polyline", points=points, class_="front")


def _mark(frame: Frame, point: Point, *, pale: bool) -> Markup:
    x, y = frame.place(point)
    number = TARGETS.index(point.target) if point.target in TARGETS else OTHER
    told = tag("title", _told(point))
    if not point.counts:
        return tag("path", told, d=CROSS, transform=f"translate({x:.1f} {y:.1f})", class_="mark nan")
    hollow = " hollow" if point.sqnr_db is None else ""
    return _shape(x, y, number, _size(point), f"mark s{number}{hollow}{' pale' if pale else ''}", told)


def _shape(x: float, y: float, number: int, size: float, class_: str, *inner: Markup) -> Markup:
    where = f"translate({x:.1f} {y:.1f}) scale({size:g})"
    return tag("path", *inner, d=SHAPES[number], transform=where, class_=class_)


def _size(point: Point) -> float:
    if point.sqnr_db is None:
        return UNKNOWN
    return next(size for least, size, _ in SIZES if not point.sqnr_db < least)


def _labels(frame: Frame, best: Sequence[Point], rest: Sequence[Point]) -> Iterator[Markup]:
    """Each where it covers no mark, line or other label; without such a place it is left to the table."""
    points = [*best, *rest]
    taken = [Box(x - 7, y - 7, x + 7, y + 7) for x, y in map(frame.place, points)]
    corners = _corners(frame, best)
    taken += [_along(one, other) for one, other in pairwise(corners)]
    for own, point in enumerate(points[:MOST_LABELS]):
        x, y = frame.place(point)
        text = _told(point, short=True)
        others = [box for number, box in enumerate(taken) if number != own]
        for dx, dy, anchor in PLACES:
            box = _box(x + dx, y + dy, len(text) * LETTER, anchor)
            if _inside(box, frame.width) and not any(map(box.meets, others)):
                taken.append(box)
                yield words(x + dx, y + dy, text, "label", anchor)
                break


def _along(one: tuple[float, float], other: tuple[float, float]) -> Box:
    (left, right), (top, bottom) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    return Box(left, top - 1, right + 1, bottom + 1)


def _box(x: float, y: float, width: float, anchor: str) -> Box:
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return Box(left, y - LINE + 2, left + width, y + 2)


def _inside(box: Box, width: float) -> bool:
    return box.left >= LEFT and box.right <= width and box.top >= 0 and box.bottom <= HEIGHT - BOTTOM


def _short(point: Point) -> str:
    name = point.label
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _told(point: Point, *, short: bool = False) -> str:
    near = "" if point.sqnr_db is None else f", {db(point.sqnr_db)}"
    broken = "" if point.counts else ", BROKEN"
    if short:
        return f"{_short(point)}{near if point.counts else broken}"
    return f"{point.label}: {point.size_mb:.2f} MB, {point.median_ms:.2f} ms{near}{broken}"
