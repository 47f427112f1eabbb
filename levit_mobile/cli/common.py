"""What every command does alike: one sentence for a known failure, a clean end for an interruption."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import uuid4

import typer

from levit_mobile.errors import LevitMobileError

FAILED, NOT_RUN, INTERRUPTED = 1, 3, 130

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of a table.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show what the vendor toolchains print.")]
SkipBrokenOption = Annotated[bool, typer.Option("--skip-broken", help="Leave out pictures that cannot be read.")]


@contextmanager
def manners() -> Iterator[None]:
    """Known failures become one sentence and exit 1, an interruption a word and exit 130."""
    try:
        yield
    except LevitMobileError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        typer.echo("interrupted; nothing half-made was left behind", err=True)
        raise typer.Exit(INTERRUPTED) from error


_interruptions: list[int] = []


def interrupt(number: int, _: object) -> NoReturn:
    _interruptions.append(number)
    raise KeyboardInterrupt


def heed_interruption() -> None:
    """Raise it again where a vendor swallowed it: with a bare except, or on the way through C++."""
    if _interruptions:
        raise KeyboardInterrupt


def log_file(name: str, *, verbose: bool) -> Path | None:
    """Where vendor output goes: a fresh file in the temporary folder, made when it is written, or None for stderr."""
    return None if verbose else Path(tempfile.gettempdir()) / f"levit-mobile-{uuid4().hex}" / name


def heed_signals() -> None:
    """A polite kill cleans up as Ctrl-C does."""
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
