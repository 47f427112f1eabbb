"""The progress bar on stderr, with what vendors print kept away from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from levit_mobile import Progress as Listener
from levit_mobile.cli.common import heed_interruption
from levit_mobile.system.capture_output import diverted


@contextmanager
def shown(log: Path | None) -> Iterator[Listener]:
    """Draw while the block runs; vendor output goes to `log`, or to stderr without one.

    The bar is also where an interruption that a vendor swallowed is raised again.
    """
    with diverted(log) as terminal:
        columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
        bar = Progress(
            *columns,
            console=(console := Console(file=terminal)),
            transient=True,
            disable=not console.is_terminal,
            redirect_stdout=False,  # Python's own streams go to the log too, as everything below them does
            redirect_stderr=False,
        )
        with bar:
            task = bar.add_task("starting", total=None)

            def listen(what: str, done: float, of: float) -> None:
                heed_interruption()
                bar.update(task, description=what, completed=done, total=of)

            yield listen
            heed_interruption()
