"""Progress bars over recipes and their steps, or over pictures, with vendor chatter kept away from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from levit_mobile.system.capture_output import diverted

Advance = Callable[..., None]  # (recipe name, step that begins, how much of it is done)
Count = Callable[[str, int, int], None]  # (what is at work, pictures done, of how many)


@contextmanager
def shown(names: Sequence[str], steps: Sequence[str], log: Path | None) -> Iterator[Advance]:
    """Draw on stderr while the block runs; vendor output goes to `log`, or to stderr without one."""
    with diverted(log) as terminal:
        columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
        with Progress(*columns, console=Console(file=terminal), transient=True) as bar:
            task = bar.add_task("starting", total=len(names) * len(steps))

            def advance(name: str, step: str, done: float = 0.0) -> None:
                bar.update(task, description=f"{name}: {step}", completed=_position(names, steps, name, step) + done)

            yield advance


@contextmanager
def counted(log: Path | None) -> Iterator[Count]:
    """The same for pictures: what is at work, how many are done, of how many."""
    with diverted(log) as terminal:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=Console(file=terminal), transient=True) as bar:
            task = bar.add_task("opening", total=None)
            yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of)


def _position(names: Sequence[str], steps: Sequence[str], name: str, step: str) -> int:
    return names.index(name) * len(steps) + steps.index(step)
