"""Progress on stderr: a bar on a terminal, else a line per step; what vendors print is kept away from both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from levit_mobile import Progress as Listener
from levit_mobile.cli.common import heed_interruption
from levit_mobile.system.capture_output import diverted
from levit_mobile.system.printable import printable

Draw = Callable[[str, float, float, str], object]

EVERY_S = 30.0  # between two lines about the same step


@contextmanager
def shown(log: Path | None, *, quiet: bool = False) -> Iterator[Listener]:
    """Show progress while the block runs; vendor output goes to `log`, or to stderr without one.

    Progress is also where an interruption that a vendor swallowed is raised again.
    """
    with diverted(log) as terminal, _drawn(terminal, quiet=quiet) as draw:

        def listen(what: str, done: float, of: float) -> None:
            heed_interruption()
            draw(_on_one_line(what), done, of, _on_one_line(getattr(what, "details", "")))

        yield listen
        heed_interruption()


def _on_one_line(text: str) -> str:
    return printable(" ".join(text.split()))


@contextmanager
def _drawn(terminal: TextIO, *, quiet: bool) -> Iterator[Draw]:
    console = Console(file=terminal)
    if quiet:
        yield lambda _what, _done, _of, _details: None
    elif terminal.isatty() and not console.is_dumb_terminal:
        with _bar(console) as draw:
            yield draw
    else:
        with _reminding(Lines(terminal)) as draw:
            yield draw


@contextmanager
def _bar(console: Console) -> Iterator[Draw]:
    description = TextColumn("{task.description}", markup=False)  # names of files may look like markup
    bar = Progress(
        *(description, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn()),
        console=console,
        transient=True,
        redirect_stdout=False,  # Python's own streams go to the log too, as everything below them does
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task("starting", total=None)
        yield lambda what, done, of, details: bar.update(
            task, description=f"{what} ({details})" if details else what, completed=done, total=of
        )


@contextmanager
def _reminding(lines: Lines) -> Iterator[Lines]:
    """A step that goes on for long is named again and again, also while it reports nothing."""
    ended = threading.Event()

    def remind() -> None:
        while not ended.wait(EVERY_S):
            lines.remind()

    thread = threading.Thread(target=remind, daemon=True)
    thread.start()
    try:
        yield lines
    finally:
        ended.set()
        thread.join()


class Lines:
    """A line when a step begins, and when it goes on for long one with its share of the work and its time."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._what, self._details, self._share, self._began_share = "", "", 0.0, 0.0
        self._began_at = self._written_at = clock()
        self._begun: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, what: str, done: float, of: float, details: str = "") -> None:
        """Write a line if a step begins."""
        with self._lock:
            begins = what != self._what and (done == 0 or what not in self._begun)
            self._what, self._details, self._share = what, details, done / of
            self._begun.add(what)
            if begins:
                self._began_at, self._began_share = self._clock(), self._share
                self._write(what)

    def remind(self) -> None:
        """Write a line if the last one is old: `images: 15%, 60 s, about 340 s left`, and the details."""
        with self._lock:
            if self._what and self._clock() - self._written_at >= EVERY_S:
                took_s = self._clock() - self._began_at
                words = f"{self._what}: {self._share:.0%}, {took_s:.0f} s{self._left(took_s)}"
                self._write(f"{words}; {self._details}" if self._details else words)

    def _left(self, took_s: float) -> str:
        if (gained := self._share - self._began_share) <= 0:
            return ""
        return f", about {took_s * (1 - self._share) / gained:.0f} s left"

    def _write(self, line: str) -> None:
        """A reader that has gone away is no reason to stop."""
        with suppress(OSError):
            self._stream.write(line + "\n")
            self._stream.flush()
        self._written_at = self._clock()
