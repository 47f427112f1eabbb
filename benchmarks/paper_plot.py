"""Accuracy against latency as one SVG that stands alone, in the colours of the reader's page, light or dark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from levit_mobile.reporting.plots.axes import Scale, around, line, tag, ticks, upright, words
from levit_mobile.reporting.plots.block_error import SHAPES

WIDTH, HEIGHT = 720.0, 480.0
LEFT, RIGHT, TOP, BOTTOM = 60.0, 110.0, 76.0, 52.0
FAMILIES = {"levit": "LeViT", "deit": "DeiT", "vit": "ViT", "efficientnet": "EfficientNet"}
KEY = (
    "solid: LeViT float32; dashed: LeViT int8, at the accuracy of float32",
    "hollow: untrained weights, which miss int8's bound",
)
STYLE = """
svg { font: 13px system-ui, sans-serif; background: #fff; }
text { fill: #222; } .grid { stroke: #ddd; } .axis { stroke: #666; } .name, .tick { fill: #555; }
.levit-fp32 { --c: #0b62c4; } .levit-int8 { --c: #c2410c; } .other { --c: #666; }
path.mark { fill: var(--c); stroke: var(--c); stroke-width: 1.5; } path.hollow { fill-opacity: 0; }
polyline { fill: none; stroke: var(--c); stroke-width: 1.5; }
.levit-int8 polyline, polyline.levit-int8 { stroke-dasharray: 5 3; }
@media (prefers-color-scheme: dark) {
  svg { background: #16181c; } text { fill: #e6e6e6; } .grid { stroke: #333; } .axis { stroke: #999; }
  .name, .tick { fill: #aaa; } .levit-fp32 { --c: #6cb0ff; } .levit-int8 { --c: #ff9a5c; } .other { --c: #aaa; }
}
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One artifact: its network, precision, median in ms, and published top-1 in %, of float32."""

    network: str
    precision: str
    median_ms: float
    top1: float
    proven: bool = True

    @property
    def series(self) -> str:
        """Whose line and colour it has."""
        return f"levit-{self.precision}" if self.network.startswith("levit") else "other"

    @property
    def title(self) -> str:
        """LeViT-128S, DeiT-tiny, ViT-small, EfficientNet-B0."""
        family, _, rest = self.network.partition("_")
        return f"{FAMILIES[family]}-{rest.upper() if rest[-1].isdigit() or rest.endswith('s') else rest}"


def plot(points: Sequence[Point], title: str) -> str:
    """Top-1 in % upwards, median latency in ms to the right, logarithmic."""
    logs = [math.log10(point.median_ms) for point in points]
    across = Scale(*around(logs), LEFT, WIDTH - RIGHT)
    height = Scale(*around([point.top1 for point in points]), HEIGHT - BOTTOM, TOP)
    parts = [*_axes(across, height), *_lines(points, across, height)]
    parts += [part for point in points for part in _mark(point, across, height)]
    told = f"{len(points)} artifacts: {', '.join(f'{p.title} {p.precision} {p.median_ms:.2f} ms' for p in points)}"
    head = (tag("title", f"Accuracy against latency: {title}"), tag("desc", told), tag("style", Markup(STYLE)))
    key = (
        words(LEFT, 22, title),
        *(words(LEFT, 42 + 18 * number, text, "name") for number, text in enumerate(KEY)),
    )
    svg = tag("svg", *head, *key, *parts, viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", xmlns="http://www.w3.org/2000/svg")
    return str(svg) + "\n"


def _axes(across: Scale, height: Scale) -> Iterator[Markup]:
    for tick in ticks(height.low, height.high):
        yield line(LEFT, height(tick), WIDTH - RIGHT, height(tick), "grid")
        yield words(LEFT - 8, height(tick) + 4, f"{tick:g}", "tick", "end")
    for power in range(math.floor(across.low), math.ceil(across.high) + 1):
        for value in (1, 2, 5):
            place = power + math.log10(value)
            if across.low <= place <= across.high:
                yield line(across(place), TOP, across(place), height.start, "grid")
                yield words(across(place), height.start + 18, f"{value * 10.0**power:g}", "tick", "middle")
    yield line(LEFT, height.start, WIDTH - RIGHT, height.start, "axis")
    yield words((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "median latency, ms (logarithmic)", "name", "middle")
    yield upright(16, (TOP + height.start) / 2, "ImageNet top-1, %, published")


def _lines(points: Sequence[Point], across: Scale, height: Scale) -> Iterator[Markup]:
    """LeViT's variants of a precision, joined."""
    ours = sorted((point for point in points if point.series != "other"), key=lambda p: (p.series, p.top1))
    for series, group in groupby(ours, key=lambda point: point.series):
        places = " ".join(f"{across(math.log10(p.median_ms)):.1f},{height(p.top1):.1f}" for p in group)
        yield tag("polyline", points=places, class_=series)


def _mark(point: Point, across: Scale, height: Scale) -> Iterator[Markup]:
    x, y = across(math.log10(point.median_ms)), height(point.top1)
    shape = SHAPES[("levit-fp32", "levit-int8", "other").index(point.series)]
    told = tag("title", f"{point.title} {point.precision}: {point.median_ms:.2f} ms, {point.top1:.2f} %")
    look = f"mark {point.series}{'' if point.proven else ' hollow'}"
    yield tag("path", told, d=shape, transform=f"translate({x:.1f} {y:.1f})", class_=look)
    if point.series != "levit-int8":  # one name for both precisions
        yield words(x + 9, y + 16, point.title)  # below, where no line runs
