"""How far a long call has come: one protocol for every call that takes longer than a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Progress(Protocol):
    """A callable that is called as a long call advances, in the thread that made the call.

    Whatever it raises ends the call, as KeyboardInterrupt does, and leaves nothing unfinished behind.
    """

    def __call__(self, what: str, done: float, of: float) -> None:
        """Take note of how far the call has come.

        Args:
            what: What is being done now. It may be a ``Detailed``, whose details change while the name stays.
            done: Number of finished parts, from 0 to ``of``.
            of: Number of all parts, above 0.
        """


def silent(what: str, done: float, of: float) -> None:
    """The default: nobody listens."""


def called(progress: Progress, title: str) -> Progress:
    """The same callback under one title, which replaces the name of each step and keeps its details."""
    return lambda what, done, of: progress(Detailed(title, getattr(what, "details", "")), done, of)


class Detailed(str):
    """The name of a step, with details such as which machine does how much of it.

    Attributes:
        details: A phrase, or nothing.
    """

    details: str

    def __new__(cls, name: str, details: str) -> Detailed:
        """A name that is equal to `name`."""
        made = super().__new__(cls, name)
        made.details = details
        return made


@dataclass(frozen=True, slots=True)
class Steps:
    """Named steps, one after the other, of something that has a `title`."""

    progress: Progress
    title: str
    names: tuple[str, ...]

    def begin(self, name: str, share: float = 0.0) -> None:
        """The step of that name begins, or a `share` of it, 0 to 1, is done."""
        self.progress(f"{self.title}: {name}", self.names.index(name) + share, len(self.names))

    def within(self, name: str) -> Progress:
        """The callback that reports how far that step is."""
        return lambda _what, done, of: self.begin(name, done / of)
