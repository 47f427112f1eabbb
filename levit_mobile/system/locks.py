"""Who may do what to a folder now: one process at a time, and nobody while it is in use.

All locks are the kernel's: they end with their process, however it ends. Those that have a file of their own are by
`filelock`. It cannot lock a folder itself, which `turn` and `opened_and_held` do, so that no file is left in it.
"""

from __future__ import annotations

import atexit
import fcntl
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
    """One process at a time in a folder, which is made for this user alone. The others wait, for `timeout_s` at most
    where it is not -1.

    Raises OSError when the folder cannot be written, and TimeoutError, which is one, when the wait was too long.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """One process or thread at a time in a folder, which exists and gets no file; the others wait. Raises OSError."""
    descriptor = opened_and_held(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def opened_and_held(path: Path) -> int:
    """A descriptor of a file or folder; `is_held(path)` is true until it is closed. Others who hold it are waited for.

    On a file system without locks nobody waits, and nothing is held. Raises OSError when it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_held(path: Path) -> bool:
    """Does anybody hold it, in this process or in another? True as well for one that cannot be asked."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


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
