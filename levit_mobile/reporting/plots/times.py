"""Distributions of times, their samples in order, and times by block, as inline SVG: samples in, markup out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from levit_mobile.reporting.plots.axes import Scale, drawing, line, tag, words
from levit_mobile.reporting.plots.scales import Measure, measure
from levit_mobile.reporting.text import ms, share
from levit_mobile.timing.figures import block_medians
from levit_mobile.timing.record import Profile
from levit_mobile.timing.samples import Samples, Summary

WIDTH = 400.0
LEFT, STRIP_END, ORDER_START, MARGIN = 12.0, 0.68, 0.73, 6.0  # px, and shares of the width
HEAD, ROW, HIGH = 22.0, 54.0, 22.0
BIN = 3.0  # px
BEYOND = 1.35  # times the slowest 90th percentile, where the axis ends
DRIFT = (0.75, 1.5)  # of the median, from the bottom to the top of the samples in order
MOST_POINTS = 102  # of the samples in order
LETTER = 6.2  # px of a letter
MOST_STRIPS = 40
BLOCK, BAR = 17.0, 10.0
DIGIT = 7.2  # px of a figure
LONGEST_NAME = 24  # letters of a block's name
WITH_P90 = 400.0  # px of a plot that has room for both figures


@dataclass(frozen=True, slots=True)
class Strip:
    """The samples of one timing in ms, one at least, and what they come to."""

    label: str
    samples: Samples
    summary: Summary
    style: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where times lie, and all figures that are written, so that each column of them has one notation."""

    width: float
    across: Measure
    figures: Samples
    slowest: Samples

    @property
    def strip(self) -> tuple[float, float]:
        """Pixels in which the distributions lie."""
        return strip_of(self.width)

    @property
    def order(self) -> tuple[float, float]:
        """Pixels of the samples in order."""
        return order_of(self.width)


def strip_of(width: float) -> tuple[float, float]:
    """Pixels of a plot in which the distributions lie."""
    return LEFT, width * STRIP_END


def order_of(width: float) -> tuple[float, float]:
    """Pixels of a plot in which the samples lie in order."""
    return width * ORDER_START, width - MARGIN


def distributions(strips: Sequence[Strip], device: str, width: float = WIDTH) -> Markup:
    """One row a timing, the fastest first, on one axis: how often each time was taken, and the samples in order.

    Samples beyond the axis lie at its end; the slowest is written beside.
    """
    shown = sorted(strips, key=lambda strip: strip.summary.median_ms)[:MOST_STRIPS]
    last = max((_reach(strip) for strip in shown), default=1.0)
    across = measure([min(t, last) for strip in shown for t in strip.samples], *strip_of(width))
    figures = tuple(one for strip in shown for one in (strip.summary.median_ms, strip.summary.p90_ms))
    frame = Frame(width, across, figures, tuple(max(strip.samples) for strip in shown))
    bottom = HEAD + ROW * len(shown)
    heads = (words(LEFT, 12, "distribution", "name"), words(frame.order[1], 12, "samples in order", "name", "end"))
    parts = [*_axis(frame, bottom)]
    for index, strip in enumerate(shown):
        parts += _row(strip, HEAD + ROW * index, frame)
    spoken = "; ".join(f"{strip.label} median {ms(strip.summary.median_ms)} ms" for strip in shown)
    return drawing(width, bottom + 36, f"Times on {device}", spoken or "No samples.", *heads, *parts)


def profile_bars(profile: Profile, width: float = WIDTH) -> Markup:
    """Medians by block, in the order in which they run; a block that adds nothing measurable has no bar."""
    medians = [(_short(block.name, LONGEST_NAME), median) for block, median in block_medians(profile)]
    start = LETTER * max((len(name) for name, _ in medians), default=0) + 16
    column = [median for _, median in medians]
    whole = sum(max(median, 0.0) for median in column)
    told = [_of_all(median, whole, column) for median in column]
    across = Scale(0.0, max([*column, 1e-6]), start, width - 8 - DIGIT * max(map(len, told), default=0))
    parts: list[Markup] = []
    for index, ((name, median), figure) in enumerate(zip(medians, told, strict=True)):
        y = BLOCK * index + 4
        parts.append(words(start - 8, y + BAR, name, "tick", "end"))
        parts.append(tag("rect", x=start, y=y, width=across(median) - start, height=BAR, class_="bar candidate"))
        parts.append(words(across(median) + 6, y + BAR, figure, "value"))
    spoken = "; ".join(f"{name} {ms(median, column)} ms" for name, median in medians)
    return drawing(width, BLOCK * len(medians) + 8, "Time by block", spoken or "No blocks.", *parts)


def _of_all(median: float, whole: float, column: Sequence[float]) -> str:
    return f"{ms(median, column)} ms" + (f", {share(median / whole)}" if whole and median > 0 else "")


def _reach(strip: Strip) -> float:
    return min(max(strip.samples), BEYOND * strip.summary.p90_ms)


def _axis(frame: Frame, bottom: float) -> Iterator[Markup]:
    for x, text in frame.across.ticks():
        yield line(x, HEAD, x, bottom, "grid")
        yield words(x, bottom + 14, text, "tick", "middle")
    yield words(sum(frame.strip) / 2, bottom + 31, f"inference, ms{frame.across.told}", "name", "middle")
    yield words(sum(frame.order) / 2, bottom + 14, "first to last", "tick", "middle")


def _row(strip: Strip, top: float, frame: Frame) -> Iterator[Markup]:
    found, floor, across, (left, right) = strip.summary, top + 22 + HIGH, frame.across, frame.strip
    several = len(strip.samples) > 1
    p90 = f", p90 {ms(found.p90_ms, frame.figures)}" if several and frame.width >= WITH_P90 else ""
    told = f"{ms(found.median_ms, frame.figures)} ms{p90}"
    yield words(left, top + 13, _short(strip.label, int((right - left) / LETTER) - len(told) - 1), "label")
    yield words(right, top + 13, told, "value", "end")
    yield _histogram(strip, floor, frame)
    yield line(left, floor, right, floor, "axis")
    yield line(across(found.median_ms), floor - HIGH - 3, across(found.median_ms), floor + 4, "median")
    if several:
        yield line(across(found.p90_ms), floor - HIGH / 2, across(found.p90_ms), floor + 4, "bound")
    yield words(frame.order[1], top + 13, f"slowest {ms(max(strip.samples), frame.slowest)}", "value", "end")
    yield from _in_order(strip, floor, frame.order)


def _histogram(strip: Strip, floor: float, frame: Frame) -> Markup:
    """Bars of BIN px in one path, the highest of HIGH px."""
    left, right = frame.strip
    most = int((right - left) / BIN) - 1
    counts = Counter(min(int((frame.across(one) - left) / BIN), most) for one in strip.samples)
    high = max(counts.values())
    bars = (
        f"M{left + BIN * place:.1f},{floor:.1f}v{-HIGH * count / high:.1f}h{BIN - 0.5:g}v{HIGH * count / high:.1f}z"
        for place, count in sorted(counts.items())
    )
    told = tag("title", f"{strip.label}: {len(strip.samples)} samples")
    return tag("path", told, d="".join(bars), class_=f"bars {strip.style}")


def _in_order(strip: Strip, floor: float, order: tuple[float, float]) -> Iterator[Markup]:
    """From DRIFT[0] to DRIFT[1] of the median: what throttles climbs."""
    low, high = (part * (strip.summary.median_ms or 1.0) for part in DRIFT)
    height = Scale(low, high, floor, floor - HIGH - 4)
    middle = height(strip.summary.median_ms)
    yield line(order[0], middle, order[1], middle, "grid")
    across = Scale(0, max(len(strip.samples) - 1, 1), *order)
    points = [f"{across(place):.1f},{height(ms):.1f}" for place, ms in _thinned(strip.samples)]
    if len(points) == 1:
        x, y = points[0].split(",")
        yield tag("circle", cx=float(x), cy=float(y), r=2, class_=f"mark {strip.style}")
    yield tag("polyline", points=" ".join(points), class_=f"series thin {strip.style}")


def _thinned(samples: Samples) -> Iterator[tuple[int, float]]:
    """All of few samples; of many the least and the largest of each stretch, so that no peak is lost."""
    stretch = -(-2 * len(samples) // MOST_POINTS)
    if len(samples) <= MOST_POINTS:
        yield from enumerate(samples)
        return
    for start in range(0, len(samples), stretch):
        part = range(start, min(start + stretch, len(samples)))
        ends = {min(part, key=samples.__getitem__), max(part, key=samples.__getitem__)}
        yield from ((place, samples[place]) for place in sorted(ends))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
