"""Axes of measured values above zero: they begin where the values do, and are logarithmic for values far apart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from levit_mobile.reporting.plots.axes import Scale, around, ticks
from levit_mobile.reporting.plots.validation import log_ticks, power_of_ten

FAR = 10.0  # times the smallest, from which on an axis is logarithmic
SINGLE = 1.2  # times a single value, where its axis ends
ROOM = 1.08  # beyond the last value


@dataclass(frozen=True, slots=True)
class Measure:
    """Values onto pixels; of a logarithmic one `scale` holds powers of ten. What lies beyond stays at the ends."""

    scale: Scale
    log: bool

    def __call__(self, value: float) -> float:
        """Its pixel."""
        if self.log:
            return self.scale(math.log10(value) if value > 0 else -math.inf)
        return self.scale(value)

    def ticks(self, about: int = 6) -> list[tuple[float, str]]:
        """Pixels, and what stands there."""
        low, high = self.scale.low, self.scale.high
        if self.log:
            return [(self.scale(power), power_of_ten(power)) for power in log_ticks(low, high)]
        return [(self.scale(tick), f"{tick:g}") for tick in ticks(low, high, about)]

    @property
    def told(self) -> str:
        """What a reader must know of it: ", logarithmic" or ", not from zero"."""
        return ", logarithmic" if self.log else ", not from zero" if self.scale.low else ""


def measure(values: Iterable[float], start: float, end: float) -> Measure:
    """An axis for values of 0 or more, which begins where they do; those that are not finite are passed over.

    No values at all are 0 to 1.
    """
    kept = [value for value in values if math.isfinite(value) and value >= 0]
    low, high = min((v for v in kept if v > 0), default=0.0), max(kept, default=0.0)
    if not low:
        return Measure(Scale(0.0, 1.0, start, end), log=False)
    if high > FAR * low:
        return Measure(Scale(math.log10(low / ROOM), math.log10(high * ROOM), start, end), log=True)
    lowest, highest = around(kept) if high > min(kept) else (high / SINGLE, high * SINGLE)
    return Measure(Scale(max(lowest, 0.0), highest, start, end), log=False)
