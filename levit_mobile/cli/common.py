"""What every command does alike: one sentence for a known failure, a clean end for an interruption."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, TypeVar

import typer

from levit_mobile.errors import DeviceError, LevitMobileError, RecipeError, TimingError
from levit_mobile.system import interruption, logs
from levit_mobile.system.printable import printable

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # of a stream, whose errors have no name of a file
FAILED, NOT_RUN, INTERRUPTED = 1, 3, 130
NOTHING_PARTIAL = "no partial output was left behind"
Value = TypeVar("Value")


def say(sentence: str, *, err: bool = True) -> None:
    """Print one line, on stderr unless told otherwise, whatever names it quotes."""
    typer.echo(printable(sentence), err=err)


@contextmanager
def known_failures(*, as_json: bool = False) -> Iterator[None]:
    """A known failure becomes one sentence and exit 1, an interruption a word and exit 130.

    With `as_json` the failure stands on stdout too, with its code: {"error": {"code": ..., "message": ...}}.
    """
    try:
        yield
    except LevitMobileError as error:
        if as_json:
            from levit_mobile.reporting.strict_json import to_json

            typer.echo(to_json({"error": {"code": error.code, "message": str(error)}}))
        say(f"error: {error}")
        if isinstance(error, DeviceError) and error.log:
            say("the end of the device's log:")
            for line in error.log:
                say(f"  {line}")
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        notes = getattr(error, "__notes__", [NOTHING_PARTIAL])
        with suppress(OSError):  # the terminal may have closed
            say(f"interrupted; {'; '.join(notes)}")
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
    """What `parse` makes of an option's words; a RecipeError, TimingError or ValueError is a usage error."""
    try:
        return parse()
    except (RecipeError, TimingError, ValueError) as error:
        raise typer.BadParameter(printable(str(error))) from error


_interruptions: list[int] = []


def interrupt(number: int, _: object) -> None:
    _interruptions.append(number)
    if not interruption.is_held() or len(_interruptions) > 1:
        raise KeyboardInterrupt


def heed_interruption() -> None:
    """Raise it where it was kept, or again where a vendor swallowed it with a bare except."""
    if _interruptions:
        raise KeyboardInterrupt


def log_file(command: str, *, verbose: bool) -> Path | None:
    """Where vendor output goes: a fresh log in the state folder, or None for stderr."""
    return None if verbose else logs.log_file(command, tell=say)


@contextmanager
def signals_heeded() -> Iterator[None]:
    """Inside, a polite kill and a terminal that closes clean up as Ctrl-C does; what `nohup` ignores stays ignored."""
    heeded = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if not _ignored_hang_up(number)]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        _interruptions.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def full_output_named() -> Iterator[None]:
    """Where stdout cannot be written, such as to a full disk, that is one sentence and exit 1."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            raise
        with suppress(OSError):  # stderr may be full too
            say(f"error: the output could not be written: {error.strerror or error}")
        _discard_output()
        raise SystemExit(FAILED) from error


def _writable(stream: TextIO) -> bool:
    """False where something is still waiting to be written, and cannot be."""
    try:
        stream.flush()
    except OSError:
        return False
    return True


def _discard_output() -> None:
    """What could not be written is tried again when Python ends, and would be a second complaint."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if not _writable(stream):
            os.dup2(nothing, stream.fileno())


def _ignored_hang_up(number: int) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN
