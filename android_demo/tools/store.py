"""Keeps what a step has made in the cache folder, by the digest of everything that it was made from.

An unchanged step costs nothing, in a fresh clone too. An entry is written aside and renamed when it is complete, so
that a build that is stopped leaves no half of one, and two builds at once do not disturb each other.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache as remembered
from pathlib import Path

from lock import locked
from maven import cache, sha256

Input = str | Path  # a word, or a file or folder that counts by its content
PART = ".part-"
HOUR, DAY = 3600.0, 86400.0
KEPT_PER_STEP, LONGEST_UNUSED = 6, 14 * DAY
_busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def folder() -> Path:
    """Where the entries are."""
    return cache().parent / "android"


def made(step: str, inputs: Iterable[Input], make: Callable[[Path], object]) -> Path:
    """The folder with what a step makes from these inputs; it is made if it is not there.

    Args:
        step: Name of the step, the beginning of the folder's name.
        inputs: Everything that the result depends on: options as words, files and folders. The source of `make`'s
            module counts too.
        make: Fills an empty folder.
    """
    source = inspect.getsourcefile(make)
    key = digest([step, *([Path(source)] if source else []), *inputs])
    entry = folder() / f"{step}-{key[:20]}"
    with _busy[entry.name]:
        if not entry.exists():
            _make(entry, make)
        os.utime(entry)
    return entry


def _make(entry: Path, make: Callable[[Path], object]) -> None:
    part = entry.parent / f"{PART}{uuid.uuid4().hex}"
    part.mkdir(parents=True)
    try:
        make(part)
        try:
            part.rename(entry)
        except OSError:  # another build was faster
            if not entry.exists():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def digest(inputs: Iterable[Input]) -> str:
    """Digest of words, and of the names and contents of files and folders."""
    total = hashlib.sha256()
    for one in inputs:
        total.update(f"{_described(one)}\n".encode())
    return total.hexdigest()


def _described(one: Input) -> str:
    if isinstance(one, str):
        return f"word {one}"
    if one.is_dir():
        files = sorted(path for path in one.rglob("*") if path.is_file())
        return "\n".join(f"{path.relative_to(one).as_posix()} {_content(path)}" for path in files)
    return f"{one.name} {_content(one)}" if one.exists() else f"no {one.name}"


def _content(path: Path) -> str:
    if cache() in path.parents:
        known = _locked_paths().get(path)
        if known:
            return known
    state = path.stat()
    return _hashed(path, state.st_size, state.st_mtime_ns)


@remembered
def _hashed(path: Path, _size: int, _time: int) -> str:
    return sha256(path)


@remembered
def _locked_paths() -> dict[Path, str]:
    return {cache() / one.path: digest for one, (digest, _) in locked().items()}


def prune(now: float | None = None) -> list[Path]:
    """Remove entries that are not used any more, and parts of builds that were stopped.

    An entry is removed when it was not used for two weeks, or when six of the same step were used after it. One that
    was used within the last hour stays, because another build may be reading it.
    """
    now = time.time() if now is None else now
    by_step: defaultdict[str, list[Path]] = defaultdict(list)
    for path in folder().glob("*-*"):
        by_step[PART if path.name.startswith(PART) else path.name.rpartition("-")[0]].append(path)
    removed = [path for step, found in by_step.items() for path in _unused(step, found, now)]
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)
    return removed


def _unused(step: str, entries: list[Path], now: float) -> list[Path]:
    ages = sorted((now - path.stat().st_mtime, path) for path in entries)
    if step == PART:
        return [path for age, path in ages if age > DAY]
    return [
        path
        for place, (age, path) in enumerate(ages)
        if age > HOUR and (place >= KEPT_PER_STEP or age > LONGEST_UNUSED)
    ]
