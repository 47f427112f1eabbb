"""What every command does alike: one sentence for a known failure, a clean end for an interruption."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import typer

from levit_mobile.errors import LevitMobileError, RecipeError
from levit_mobile.system import logs

FAILED, NOT_RUN, INTERRUPTED = 1, 3, 130
NOTHING_PARTIAL = "no partial output was left behind"
Value = TypeVar("Value")


@contextmanager
def known_failures(*, as_json: bool = False) -> Iterator[None]:
    """A known failure becomes one sentence and exit 1, an interruption a word and exit 130.

    With `as_json` the failure stands on stdout too, with its code: {"error": {"code": ..., "message": ...}}.
    """
    try:
        yield
    except LevitMobileError as error:
        if as_json:
            typer.echo(json.dumps({"error": {"code": error.code, "message": str(error)}}, indent=2))
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        notes = getattr(error, "__notes__", [NOTHING_PARTIAL])
        typer.echo(f"interrupted; {'; '.join(notes)}", err=True)
        raise typer.Exit(INTERRUPTED) from error


@contextmanager
def interruption_noted(notes: Callable[[], Iterable[str]]) -> Iterator[None]:
    """An interruption of the block says these sentences too, which are made when it comes."""
    try:
        yield
    except KeyboardInterrupt as error:
        for note in notes():
            error.add_note(note)
        raise


def understood(parse: Callable[[], Value]) -> Value:
    """What `parse` makes of an option's words; a RecipeError or ValueError is a usage error."""
    try:
        return parse()
    except (RecipeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


_interruptions: list[int] = []


def interrupt(number: int, _: object) -> NoReturn:
    _interruptions.append(number)
    raise KeyboardInterrupt


def heed_interruption() -> None:
    """Raise it again where a vendor swallowed it: with a bare except, or on the way through C++."""
    if _interruptions:
        raise KeyboardInterrupt


def log_file(command: str, *, verbose: bool) -> Path | None:
    """Where vendor output goes: a fresh log in the state folder, or None for stderr."""
    return None if verbose else logs.log_file(command, tell=lambda sentence: typer.echo(sentence, err=True))


@contextmanager
def signals_heeded() -> Iterator[None]:
    """Inside, a polite kill cleans up as Ctrl-C does."""
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        _interruptions.clear()
        for number, handler in before.items():
            signal.signal(number, handler)
