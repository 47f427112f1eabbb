"""Folders that earlier versions set up, about 190 MB each: removed once a new one is there, and nobody uses them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from levit_mobile.arm64.folder import PREFIX
from levit_mobile.system.atomic_write import beside
from levit_mobile.system.files import size_bytes
from levit_mobile.system.locks import in_use

# The folders themselves, and what a set-up that was killed left of one.
EARLIER = re.compile(rf"{PREFIX}[0-9a-f]{{16}}|\.{PREFIX}[0-9a-f]{{16}}\.partial-\d+(-[0-9a-f]{{8}})?(-old)?")
PROCESSES = Path("/proc")


def remove(new: Path, tell: Callable[[str], None]) -> None:
    """Remove what lies beside `new`; `tell` is given one line with all names, where there were any.

    For who holds the lock of the folder that they lie in, so that none of them is being set up.
    """
    gone = [(path.name, size) for path, size in _unused(new) if _removed(path)]
    if gone:
        megabytes = sum(size for _, size in gone) / 1e6
        tell(f"removed {', '.join(name for name, _ in gone)} of earlier versions: {megabytes:.0f} MB")


def _unused(new: Path) -> Iterator[tuple[Path, int]]:
    for path in sorted(new.parent.iterdir()):
        earlier = path != new and path.is_dir() and EARLIER.fullmatch(path.name)
        if earlier and not in_use(path) and not _run_from(path):
            yield path, size_bytes(path)


def _run_from(path: Path) -> bool:
    """Does a process run what lies there? Versions before this one did not say that they use a folder."""
    wanted = f"{path}/".encode()
    return any(wanted in _command(process) for process in PROCESSES.glob("[0-9]*"))


def _command(process: Path) -> bytes:
    with suppress(OSError):  # it has ended
        return (process / "cmdline").read_bytes()
    return b""


def _removed(path: Path) -> bool:
    """By one rename first, so that nobody finds half of it; what is not ours to remove stays."""
    aside = beside(path.with_name(path.name.lstrip(".").partition(".")[0]))
    with suppress(OSError):
        path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    return not path.exists() and not aside.exists()
