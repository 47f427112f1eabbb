"""Writing a folder or a file so that it is there whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from levit_mobile.errors import BundleError
from levit_mobile.system.processes import alive

PARTIAL, ASIDE = "partial", "-old"


@contextmanager
def staged(final: Path, *, force: bool) -> Iterator[Path]:
    """Yield a folder to write into, which becomes ``final`` if the block succeeds and is removed otherwise.

    Leftovers of runs that were killed are cleared first.

    Args:
        final: The folder to make.
        force: Replace an existing folder.

    Yields:
        The folder to write into, beside ``final``.

    Raises:
        BundleError: ``final`` exists without ``force``, or is a file (``bundle.exists``), or the disk is full or cannot
            be written (``bundle.unwritable``).
    """
    partial = final.with_name(f".{final.name}.{PARTIAL}-{os.getpid()}")
    try:
        _clear_leftovers(final)
        if final.is_file():
            raise BundleError(
                f"{final} is a file, expected a folder or nothing: delete the file or choose a different folder",
                fault="exists",
            )
        if final.exists() and not force:
            raise BundleError(
                f"{final} already exists: use --force to replace it, or --out to choose a different folder",
                fault="exists",
            )
        final.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
        _replace(partial, final)
    except OSError as error:
        raise BundleError(
            f"{final} could not be written: {error.strerror or error}; no partial result was left", fault="unwritable"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def staged_file(final: Path) -> Iterator[Path]:
    """The same for a file, which may exist: a path beside `final` to write at; its folder is made. Raises OSError."""
    beside = final.with_name(f".{final.name}.{PARTIAL}-{os.getpid()}")
    final.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(final)
    try:
        yield beside
        beside.replace(final)
    finally:
        with suppress(OSError):  # it has moved, or there never was a place for it
            beside.unlink()


def write_text(path: Path, text: str) -> None:
    """A file that is there whole, or as it was before; its folder is made. Raises BundleError when it cannot be."""
    try:
        with staged_file(path) as beside:
            beside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BundleError(f"{path} could not be written: {error.strerror or error}", fault="unwritable") from error


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


def _clear_leftovers(final: Path) -> None:
    """Remove what killed runs left behind; an old folder that had stepped aside for nothing comes back."""
    for leftover in list(final.parent.glob(f".{final.name}.{PARTIAL}-*")):
        owner = leftover.name.rpartition(f"{PARTIAL}-")[2].removesuffix(ASIDE)
        if not owner.isdigit() or _alive(int(owner)):
            continue
        if leftover.name.endswith(ASIDE) and not final.exists():
            leftover.rename(final)
        elif leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    """With our own number it was an earlier process, as in a container."""
    return process != os.getpid() and alive(process)
