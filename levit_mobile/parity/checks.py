"""A bound held against what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One bound that was asked: its name, what was found, how far that may go, and all of it in a sentence.

    `found` and `limit` are in the unit of what is bounded. `sentence` says what was found and what was expected.
    """

    name: str
    found: float
    limit: float
    sentence: str

    @property
    def is_least(self) -> bool:
        """Is `limit` the least that may be found? Else it is the most: "min_cosine" and "max_kl" say so."""
        return self.name.startswith("min_")

    @property
    def holds(self) -> bool:
        """A bound holds up to itself; NaN never holds, on either side."""
        return self.found >= self.limit if self.is_least else self.found <= self.limit


def broken(checks: Iterable[Check]) -> tuple[str, ...]:
    """The sentences of those that do not hold, in their order."""
    return tuple(check.sentence for check in checks if not check.holds)
