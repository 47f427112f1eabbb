"""Plots of shares and errors as inline SVG: values in, markup out. Their colours are the page's, by class."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from levit_mobile.reporting.plots.axes import Scale, drawing, line, tag, ticks, upright, words
from levit_mobile.reporting.text import interval, share
from levit_mobile.validation.results import Interval

WIDTH, HEIGHT = 480.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 26.0, 14.0, 48.0  # room around the histogram's bars
BIN_DECADES = (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)
FEWEST_BINS, MOST_BINS = 10, 24
ASIDE = 3  # bins' widths that a bar beside the axis takes, its gap included
PLAIN = 3  # powers of ten beyond have an exponent
FEW_DECADES = 2.5  # below, ticks stand at 1, 2 and 5 of each decade

AXIS_STARTS = (0.99, 0.95, 0.9, 0.8, 0.5, 0.0)
ROW, BAR, SIDE = 46.0, 14.0, 22.0
ONE_LINE, LINE = 420.0, 16.0  # px of a plot whose titles and values fit one line, and the height of a second one


@dataclass(frozen=True, slots=True)
class Share:
    """A bar: a share of pictures, 0 to 1. `bound` is the least that was asked; `role` is reference or candidate."""

    title: str
    value: float
    interval: Interval | None
    bound: float | None
    role: str


@dataclass(frozen=True, slots=True)
class Bins:
    """Errors by their logarithm: bin i counts those from low + i * step, in decades; zero has none, nor has NaN."""

    low: float
    step: float
    counts: tuple[int, ...]
    exact: int
    broken: int


def binned(errors: Sequence[float]) -> Bins:
    """Ten bins at least, so that equal errors are one bar among empty places; no bins for no finite error above 0."""
    logs = [math.log10(error) for error in errors if 0 < error < math.inf]
    exact = sum(error == 0 for error in errors)
    broken = len(errors) - len(logs) - exact
    if not logs:
        return Bins(0.0, 1.0, (), exact, broken)
    step = next(step for step in BIN_DECADES if max(logs) - min(logs) < (MOST_BINS - 1) * step)
    counts = Counter(math.floor(value / step) for value in logs)
    first, last = min(counts), max(counts)
    padding = max(0, FEWEST_BINS - (last - first + 1))
    first, last = first - padding // 2, last + padding - padding // 2
    return Bins(first * step, step, tuple(counts[i] for i in range(first, last + 1)), exact, broken)


def error_histogram(errors: Sequence[float], width: float = WIDTH) -> Markup:
    """How many pictures have which max abs error, in logits, 0 or more, on a logarithmic axis.

    Errors of exactly zero stand left of the axis, NaN and infinite ones right of it.
    """
    bins = binned(errors)
    title = "Images by max abs error"
    if not errors:
        return drawing(width, HEIGHT, title, "No images.", words(width / 2, HEIGHT / 2, "no images", "", "middle"))
    height = Scale(0, max(*bins.counts, bins.exact, bins.broken, 1), HEIGHT - BOTTOM, TOP)
    description = f"{len(errors)} images, {bins.exact} without any error, {bins.broken} with NaN or infinity."
    return drawing(width, HEIGHT, title, description, *_counts_axis(height, width), *_bars(bins, height, width))


def share_bars(shares: Sequence[Share], width: float = WIDTH) -> Markup:
    """Bars with their 95% intervals as whiskers, and the bounds as dashed lines.

    The axis starts at the highest of AXIS_STARTS that shows all of them: near 100% whiskers vanish on a whole axis.
    """
    known = [end for s in shares for end in (s.value, *(s.interval or ()), s.bound) if end is not None]
    lowest = min((value for value in known if math.isfinite(value)), default=0.0)
    start = next((start for start in AXIS_STARTS if lowest > start), 0.0)
    across = Scale(start, 1.0, SIDE, width - SIDE)
    row = ROW if width >= ONE_LINE else ROW + LINE
    bottom = row * len(shares) + 8
    rows = [part for i, one in enumerate(shares) for part in _share_row(one, row * i + 16, across, row - ROW)]
    grid = [part for tick in ticks(start, 1.0) for part in _tick(across(tick), 4, bottom, f"{tick * 100:g}%")]
    told = f"% of images, axis from {start:.0%}; dashed: lower bound"
    name = words(width / 2, bottom + 38, told, "name", "middle")
    spoken = "; ".join(f"{s.title} {_value(s)}" for s in shares)
    return drawing(width, bottom + 46, "Shares of images with their 95% intervals", spoken, *grid, *rows, name)


def _share_row(one: Share, top: float, across: Scale, lower: float) -> Iterator[Markup]:
    """The value is beside the title, or `lower` px below it."""
    yield words(across.start, top, one.title)
    place = (across.start, "start") if lower else (across.end, "end")
    yield words(place[0], top + lower, _value(one), "value", place[1])
    y = top + lower + 8
    if math.isfinite(one.value):
        width = across(one.value) - across.start
        yield tag("rect", x=across.start, y=y, width=width, height=BAR, class_=f"bar {one.role}")
    if one.interval and all(map(math.isfinite, one.interval)):
        yield from _whiskers(across(one.interval[0]), across(one.interval[1]), y)
    if one.bound is not None:
        yield line(across(one.bound), y - 4, across(one.bound), y + BAR + 4, "bound")


def _whiskers(low: float, high: float, y: float) -> Iterator[Markup]:
    middle = y + BAR / 2
    yield line(low, middle, high, middle, "whisker")
    yield line(low, middle - 4, low, middle + 4, "whisker")
    yield line(high, middle - 4, high, middle + 4, "whisker")


def _value(one: Share) -> str:
    return share(one.value) + (f" ({interval(one.interval)})" if one.interval else "")


def _tick(x: float, top: float, bottom: float, text: str) -> tuple[Markup, Markup]:
    return line(x, top, x, bottom, "grid"), words(x, bottom + 16, text, "tick", "middle")


def _counts_axis(height: Scale, width: float) -> Iterator[Markup]:
    for tick in ticks(0, height.high):
        if tick == int(tick):
            yield line(LEFT, height(tick), width - RIGHT, height(tick), "grid")
            yield words(LEFT - 6, height(tick) + 4, f"{tick:.0f}", "tick", "end")
    yield upright(14, (TOP + HEIGHT - BOTTOM) / 2, "images")


def _bars(bins: Bins, height: Scale, width: float) -> Iterator[Markup]:
    """The bar of zeros, the axis with its bins, the bar of NaN, from left to right."""
    slots = len(bins.counts) + ASIDE * (bool(bins.exact) + bool(bins.broken))
    slot = (width - LEFT - RIGHT) / max(slots, FEWEST_BINS)
    left, right = LEFT + ASIDE * slot * bool(bins.exact), width - RIGHT - ASIDE * slot * bool(bins.broken)
    if bins.exact:
        yield from _aside(LEFT, slot, bins.exact, "0", height)
    if bins.broken:
        yield from _aside(right + slot / 2, slot, bins.broken, "NaN, inf", height)
    if bins.counts:
        across = Scale(bins.low, bins.low + bins.step * len(bins.counts), left, right)
        yield from _inside(bins, slot, across, height)
    yield line(left, height.start, right, height.start, "axis")
    yield words((LEFT + width - RIGHT) / 2, HEIGHT - 8, "max abs error per image, logits", "name", "middle")


def _inside(bins: Bins, slot: float, across: Scale, height: Scale) -> Iterator[Markup]:
    for i, count in enumerate(bins.counts):
        if count:
            yield _bar(across(bins.low + i * bins.step), slot, count, height)
    for power in log_ticks(across.low, across.high):
        yield words(across(power), height.start + 16, power_of_ten(power), "tick", "middle")


def _aside(x: float, slot: float, count: int, text: str, height: Scale) -> Iterator[Markup]:
    wide = slot * (ASIDE - 1)
    yield _bar(x, wide, count, height)
    yield words(x + wide / 2, height.start + 16, text, "tick", "middle")


def _bar(x: float, width: float, count: int, height: Scale) -> Markup:
    top = height(count)
    told = tag("title", f"{count} images")
    return tag("rect", told, x=x + 1, y=top, width=max(width - 2, 1), height=height.start - top, class_="bar candidate")


def log_ticks(low: float, high: float) -> list[float]:
    """Where an axis of decades from low to high has its ticks: whole ones, or 1, 2 and 5 of each where it is short."""
    if high - low > FEW_DECADES:
        return [tick for tick in ticks(low, high) if tick == round(tick)]
    decades = range(math.floor(low), math.ceil(high) + 1)
    places = [decade + math.log10(part) for decade in decades for part in (1, 2, 5)]
    return [place for place in places if low <= place <= high]


def power_of_ten(power: float) -> str:
    """10 to that power, as in 0.2 or 2e-05, also where a float cannot hold it."""
    exponent = math.floor(power + 1e-9)
    return f"{10**power:.3g}" if abs(exponent) < PLAIN else f"{10 ** (power - exponent):.0f}e{exponent:+03d}"
