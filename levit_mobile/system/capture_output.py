"""Vendor toolchains write to stdout and stderr as they please, from C++ too; this sends it all to one log file."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def diverted(log: Path | None) -> Iterator[TextIO]:
    """Send file descriptors 1 and 2 to `log`, or 1 to 2 without one; yields a stream that still reaches stderr.

    Works below Python's own streams, so that libraries in C++ are covered; both come back when the block ends.
    """
    target = os.dup(2) if log is None else _opened(log)
    _flush()
    kept = os.dup(1), os.dup(2)
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8")
    os.dup2(target, 1)
    os.dup2(target, 2)
    try:
        yield terminal
    finally:
        _flush()
        for saved, descriptor in zip(kept, (1, 2), strict=True):
            os.dup2(saved, descriptor)
            os.close(saved)
        os.close(target)
        terminal.close()


def _opened(log: Path) -> int:
    log.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def _flush() -> None:
    """Python's buffers and C's own, which holds back what it prints when stdout is a pipe."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
