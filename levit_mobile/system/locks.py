"""Who may do what to a folder now: one process at a time, and nobody while it is in use.

All locks are the kernel's, by `filelock`: they end with their process, however it ends.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

LOCK, IN_USE = ".lock", ".in-use"


@contextmanager
def alone(folder: Path, *, timeout_s: float = -1) -> Iterator[None]:
    """One process at a time in a folder, which is made; the others wait, for `timeout_s` at most where it is not -1.

    Raises OSError when the folder cannot be written, and TimeoutError, which is one, when the wait was too long.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK, timeout=timeout_s):
        yield


@contextmanager
def used(folder: Path) -> Iterator[None]:
    """`in_use(folder)` is true during the block. Raises OSError when the folder cannot be written."""
    mark = folder / IN_USE / f"{os.getpid()}-{uuid4().hex}"
    mark.parent.mkdir(exist_ok=True)
    with FileLock(mark):
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


@cache
def use_until_exit(folder: Path) -> None:
    """The same until this process ends. Where the folder cannot be written, nobody can remove it either."""
    with suppress(OSError):
        held = used(folder)
        held.__enter__()
        atexit.register(held.__exit__, None, None, None)


def in_use(folder: Path) -> bool:
    """Does a process use the folder now, by `used` or `use_until_exit`? A process that was killed does not."""
    return any(_held(mark) for mark in (folder / IN_USE).glob("*"))


def _held(mark: Path) -> bool:
    try:
        with FileLock(mark, timeout=0):
            return False
    except OSError:  # somebody has it, or it cannot be asked
        return True
