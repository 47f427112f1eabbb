"""Which artifacts are worth choosing on a device: by size, time and how near they are to the trained model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from levit_mobile.recipe import Verdict


@dataclass(frozen=True, slots=True)
class Point:
    """One artifact on one device, at the median of its inferences; `sqnr_db` is None where it is unknown."""

    label: str
    target: str
    size_mb: float
    median_ms: float
    sqnr_db: float | None
    verdict: Verdict

    @property
    def counts(self) -> bool:
        """A broken artifact is no choice."""
        return self.verdict != Verdict.BROKEN

    @property
    def nearness(self) -> float:
        """SQNR in dB; an unknown one ranks last."""
        return -math.inf if self.sqnr_db is None or math.isnan(self.sqnr_db) else self.sqnr_db


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """The artifacts that no other beats in both size and time, by size: smaller ones are slower along it."""
    best: list[Point] = []
    for point in sorted((p for p in points if p.counts), key=lambda p: (p.size_mb, p.median_ms)):
        if not best or point.median_ms < best[-1].median_ms:
            best.append(point)
    return tuple(best)


def dominated(point: Point, points: Sequence[Point]) -> bool:
    """Is another no worse in size, time and SQNR, and better in one of them? Then there is no reason to take this."""
    mine = _costs(point)
    others = (_costs(other) for other in points if other.counts)
    return not point.counts or any(_no_worse(theirs, mine) and theirs != mine for theirs in others)


def _costs(point: Point) -> tuple[float, float, float]:
    return point.size_mb, point.median_ms, -point.nearness


def _no_worse(these: tuple[float, ...], those: tuple[float, ...]) -> bool:
    return all(one <= other for one, other in zip(these, those, strict=True))
