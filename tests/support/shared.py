"""What processes share, of a run or of several: made by the first that asks for it, while the others wait."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder of the whole run, whichever of its processes asks."""
    base = factory.getbasetemp()
    found = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    found.mkdir(exist_ok=True)
    return found


def once(folder: Path, name: str, make: Callable[[], T]) -> T:
    """What `make` returns, made once in all processes that share the folder; it is pickled."""
    stored = folder / f"{name}.pickle"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stored.is_file():
            partial = stored.with_suffix(".partial")  # a run that is interrupted leaves no half of it
            partial.write_bytes(pickle.dumps(make()))
            partial.replace(stored)
    found: T = pickle.loads(stored.read_bytes())
    return found
