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
STRIP = (12.0, 272.0)  # px in which the distributions lie
ORDER = (292.0, 394.0)  # px of the samples in order
HEAD, ROW, HIGH = 22.0, 54.0, 22.0
BIN = 3.0  # px
BEYOND = 1.35  # times the slowest 90th percentile, where the axis ends
DRIFT = (0.75, 1.5)  # of the median, from the bottom to the top of the samples in order
MOST_POINTS = 102  # of the samples in order
LONGEST = 28
MOST_STRIPS = 40
BLOCK, BAR, NAMES = 17.0, 10.0, 130.0


@dataclass(frozen=True, slots=True)
class Strip:
    """The samples of one timing in ms, one at least, and what they come to."""

    label: str
    samples: Samples
    summary: Summary
    style: str


def distributions(strips: Sequence[Strip], device: str) -> Markup:
    """One row a timing, the fastest first, on one axis: how often each time was taken, and the samples in order.

    Samples beyond the axis lie at its end; the slowest is written beside.
    """
    shown = sorted(strips, key=lambda strip: strip.summary.median_ms)[:MOST_STRIPS]
    last = max((_reach(strip) for strip in shown), default=1.0)
    across = measure([min(t, last) for strip in shown for t in strip.samples], *STRIP, near=True)
    bottom = HEAD + ROW * len(shown)
    heads = (words(STRIP[0], 12, "distribution", "name"), words(ORDER[0], 12, "samples in order", "name"))
    parts = [*_axis(across, bottom)]
    for index, strip in enumerate(shown):
        parts += _row(strip, HEAD + ROW * index, across)
    spoken = "; ".join(f"{strip.label} median {ms(strip.summary.median_ms)} ms" for strip in shown)
    return drawing(WIDTH, bottom + 36, f"Times on {device}", spoken or "No samples.", *heads, *parts)


def profile_bars(profile: Profile) -> Markup:
    """Medians by block, in the order in which they run; a block that adds nothing measurable has no bar."""
    medians = [(block.name, median) for block, median in block_medians(profile)]
    across = Scale(0.0, max([*(median for _, median in medians), 1e-6]), NAMES, WIDTH - 120)
    whole = sum(max(median, 0.0) for _, median in medians)
    parts: list[Markup] = []
    for index, (name, median) in enumerate(medians):
        y = BLOCK * index + 4
        parts.append(words(NAMES - 8, y + BAR, _short(name, 24), "tick", "end"))
        parts.append(tag("rect", x=NAMES, y=y, width=across(median) - NAMES, height=BAR, class_="bar candidate"))
        parts.append(words(across(median) + 6, y + BAR, _of_all(median, whole), "value"))
    spoken = "; ".join(f"{name} {ms(median)} ms" for name, median in medians)
    return drawing(WIDTH, BLOCK * len(medians) + 8, "Time by block", spoken or "No blocks.", *parts)


def _of_all(median: float, whole: float) -> str:
    return f"{ms(median)} ms" + (f", {share(median / whole)}" if whole and median > 0 else "")


def _reach(strip: Strip) -> float:
    return min(max(strip.samples), BEYOND * strip.summary.p90_ms)


def _axis(across: Measure, bottom: float) -> Iterator[Markup]:
    for x, text in across.ticks():
        yield line(x, HEAD, x, bottom, "grid")
        yield words(x, bottom + 14, text, "tick", "middle")
    yield words(sum(STRIP) / 2, bottom + 31, f"inference, ms{across.told}", "name", "middle")
    yield words(sum(ORDER) / 2, bottom + 14, "first to last", "tick", "middle")


def _row(strip: Strip, top: float, across: Measure) -> Iterator[Markup]:
    found, floor = strip.summary, top + 22 + HIGH
    yield words(STRIP[0], top + 13, _short(strip.label, LONGEST), "label")
    p90 = f", p90 {ms(found.p90_ms)}" if len(strip.samples) > 1 else ""
    yield words(STRIP[1], top + 13, f"{ms(found.median_ms)} ms{p90}", "value", "end")
    yield _histogram(strip, floor, across)
    yield line(STRIP[0], floor, STRIP[1], floor, "axis")
    yield line(across(found.median_ms), floor - HIGH - 3, across(found.median_ms), floor + 4, "median")
    if len(strip.samples) > 1:
        yield line(across(found.p90_ms), floor - HIGH / 2, across(found.p90_ms), floor + 4, "bound")
    yield words(ORDER[1], top + 13, f"slowest {ms(max(strip.samples))}", "value", "end")
    yield from _in_order(strip, floor)


def _histogram(strip: Strip, floor: float, across: Measure) -> Markup:
    """Bars of BIN px in one path, the highest of HIGH px."""
    left, right = STRIP
    most = int((right - left) / BIN) - 1
    counts = Counter(min(int((across(one) - left) / BIN), most) for one in strip.samples)
    high = max(counts.values())
    bars = (
        f"M{left + BIN * place:.1f},{floor:.1f}v{-HIGH * count / high:.1f}h{BIN - 0.5:g}v{HIGH * count / high:.1f}z"
        for place, count in sorted(counts.items())
    )
    told = tag("title", f"{strip.label}: {len(strip.samples)} samples")
    return tag("path", told, d="".join(bars), class_=f"bars {strip.style}")


def _in_order(strip: Strip, floor: float) -> Iterator[Markup]:
    """From DRIFT[0] to DRIFT[1] of the median: what throttles climbs."""
    low, high = (part * (strip.summary.median_ms or 1.0) for part in DRIFT)
    height = Scale(low, high, floor, floor - HIGH - 4)
    middle = height(strip.summary.median_ms)
    yield line(ORDER[0], middle, ORDER[1], middle, "grid")
    across = Scale(0, max(len(strip.samples) - 1, 1), *ORDER)
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
