"""Axes and SVG elements that the plots are made of. Pixels are those of the view box, y downwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from levit_mobile.reporting.text import clean

STEPS = (1.0, 2.0, 5.0, 10.0)
NARROW = 360.0  # px of a plot on a phone
ROUNDING = 1e-9  # of a step: a tick that lies this far outside still lies on the axis


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high`, low < high, onto pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Its pixel; values beyond the axis, infinities too, stay at its ends."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round values within low..high, a step of 1, 2 or 5 times a power of ten apart, `about` as many."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = min(STEPS, key=lambda nice: abs(math.log(nice * power / rough))) * power
    first, last = math.ceil(low / step - ROUNDING), math.floor(high / step + ROUNDING)
    return [index * step for index in range(first, last + 1)]


def around(values: Iterable[float], *, margin: float = 0.08) -> tuple[float, float]:
    """An axis that holds all finite values with some room, wherever they lie; (0, 1) for none."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    room = (high - low) * margin or max(abs(high) * margin, 1.0)
    return low - room, high + room


def tag(name: str, *content: str, **attributes: str | float) -> Markup:
    """An element; its content and attributes are escaped. `text_anchor` is text-anchor, `class_` is class."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    written = Markup("").join(Markup(' {}="{}"').format(key, _attribute(value)) for key, value in pairs)
    inner = Markup("").join(part if isinstance(part, Markup) else escape(clean(part)) for part in content)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inner)


def drawing(width: float, height: float, title: str, description: str, *parts: Markup) -> Markup:
    """The whole SVG, with the words that a screen reader says."""
    head = (tag("title", title), tag("desc", description))
    return tag("svg", *head, *parts, viewBox=f"0 0 {width:g} {height:g}", role="img")


def responsive(draw: Callable[[float], Markup], wide: float) -> Markup:
    """A plot drawn twice, `wide` for screens and NARROW for phones: the page's style shows one of them."""
    both = Markup('<div class="on-wide">{}</div><div class="on-narrow">{}</div>')
    return both.format(draw(wide), draw(NARROW))


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def words(x: float, y: float, text: str, class_: str = "", anchor: str = "start") -> Markup:
    """A line of text on the baseline y; `anchor` is start, middle or end."""
    return tag("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def upright(x: float, y: float, text: str) -> Markup:
    """An axis' name, read from below, centred on x, y."""
    return tag("text", text, transform=f"translate({x:g} {y:g}) rotate(-90)", text_anchor="middle", class_="name")


def _attribute(value: str | float) -> str:
    return clean(value) if isinstance(value, str) else f"{value:.2f}"
