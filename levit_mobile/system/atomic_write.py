"""Writing a folder or a file so that it is there whole, or not at all.

Several processes may write the same result at once, in containers that share a folder and number their processes
alike. So every run writes under a name of its own, and holds a lock on it: an unlocked one is of a run that was killed.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from uuid import uuid4

from levit_mobile.errors import BundleError
from levit_mobile.system.locks import is_held, opened_and_held, turn
from levit_mobile.system.processes import alive

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
PARTIAL, ASIDE = "partial", "-old"
OWN: set[Path] = set()  # partial folders of this process, which nobody else looks into, and which are locked already
LEFTOVER = re.compile(rf"{PARTIAL}-(?P<process>\d+)(?P<run>-[0-9a-f]{{8}})?({ASIDE})?")


def _is_about(error: OSError, folder: Path) -> bool:
    """Is it about a path in the folder or on the way to it, or of a disk, whose errors may name no path?"""
    named = [Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    if not named:
        return error.errno in DISK
    place = folder.resolve()
    return any(path.resolve().is_relative_to(place) or place.is_relative_to(path.resolve()) for path in named)


@contextmanager
def staged(final: Path, *, force: bool) -> Iterator[Path]:
    """Yield a folder to write into, which becomes ``final`` if the block succeeds and is removed otherwise.

    Leftovers of runs that were killed are cleared first. Of several runs without ``force`` that write the same folder
    at once, the first to finish makes it, and the others raise.

    Args:
        final: The folder to make.
        force: Replace an existing folder.

    Yields:
        The folder to write into, beside ``final``.

    Raises:
        BundleError: ``final`` exists without ``force``, before or after the block, or is a file (``bundle.exists``), or
            the disk is full or cannot be written (``bundle.unwritable``).
        OSError: The block raised one about another place, such as a file that it reads.
    """
    partial = beside(final)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with _turn(final.parent):
            _clear_leftovers(final)
            _require_free(final, force=force)
            partial.mkdir()
            lock = opened_and_held(partial)
        OWN.add(partial)
        try:
            yield partial
            with _turn(final.parent):
                _require_free(final, force=force, meanwhile=True)
                _replace(partial, final)
        finally:
            OWN.discard(partial)
            os.close(lock)
    except OSError as error:
        if not _is_about(error, final.parent):
            raise
        raise BundleError(
            f"{final} could not be written: {error.strerror or error}; no partial result was left", fault="unwritable"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def staged_file(final: Path, *, force: bool = True) -> Iterator[Path]:
    """The same for a file: yields an empty file beside `final`, whose folder is made. Raises OSError.

    With `force` the last of several runs that write the same file at once wins. Without it the first does, and the
    others raise BundleError (`bundle.exists`).
    """
    partial = beside(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _turn(final.parent):
            _clear_leftovers(final)
            partial.touch(exist_ok=False)
            lock = opened_and_held(partial)
        try:
            yield partial
            with _turn(final.parent):
                if not force:
                    _require_absent(final, "was written by another run in the meantime")
                partial.replace(final)
        finally:
            os.close(lock)
    finally:
        with suppress(OSError):  # it has moved, or there never was a place for it
            partial.unlink()


def beside(final: Path) -> Path:
    """A new name for a partial result, which no other process has."""
    return final.with_name(f".{final.name}.{PARTIAL}-{os.getpid()}-{uuid4().hex[:8]}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system raises inside becomes the BundleError that `path` could not be written."""
    try:
        yield
    except OSError as error:
        raise BundleError(f"{path} could not be written: {error.strerror or error}", fault="unwritable") from error


def write_text(path: Path, text: str, *, force: bool = True) -> None:
    """A file that is there whole, or as it was before; its folder is made. Raises BundleError when it cannot be.

    Without `force` a file that is there is left, which is a BundleError too.
    """
    with writing(path), staged_file(path, force=force) as partial:
        partial.write_text(text, encoding="utf-8")


def _replace(partial: Path, final: Path) -> None:
    """Put the new folder in place; an old one steps aside first and returns if the swap fails."""
    if not final.exists():
        partial.rename(final)
        return
    aside = partial.with_name(partial.name + ASIDE)
    final.rename(aside)
    try:
        partial.rename(final)
    except BaseException:
        aside.rename(final)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _turn(folder: Path) -> AbstractContextManager[None]:
    return nullcontext() if folder in OWN else turn(folder)


def _require_free(final: Path, *, force: bool, meanwhile: bool = False) -> None:
    if final.is_file():
        raise BundleError(
            f"{final} is a file, expected a folder or nothing: delete the file or choose a different folder",
            fault="exists",
        )
    if not force:
        _require_absent(final, "was written by another run in the meantime" if meanwhile else "already exists")


def _require_absent(final: Path, what: str) -> None:
    if final.exists():
        raise BundleError(
            f"{final} {what}: use --force to replace it, or --out to choose a different path", fault="exists"
        )


def _clear_leftovers(final: Path) -> None:
    """Remove what killed runs left behind; an old folder that had stepped aside for nothing comes back."""
    for leftover in [path for path in final.parent.iterdir() if _is_left_behind(path, final)]:
        if leftover.name.endswith(ASIDE) and not final.exists():
            leftover.rename(final)
        elif leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _is_left_behind(path: Path, final: Path) -> bool:
    """Is it a partial result of `final` that nobody writes any more?

    Versions before this one took no lock, and named the process alone. With our own number it was an earlier process,
    as in a container.
    """
    found = LEFTOVER.fullmatch(path.name.removeprefix(f".{final.name}."))
    if not found or not path.name.startswith(f".{final.name}.") or is_held(path):
        return False
    process = int(found["process"])
    return bool(found["run"]) or process == os.getpid() or not alive(process)
