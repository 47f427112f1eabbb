"""Where this package keeps what it makes: a cache, which can be made again, a state, such as logs, and for a while."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from platformdirs import PlatformDirs

from levit_mobile.system.locks import IN_USE, in_use, used

CACHE_VARIABLE, STATE_VARIABLE = "LEVIT_MOBILE_CACHE", "LEVIT_MOBILE_STATE"
DIRS = PlatformDirs("levit-mobile", appauthor=False)
PREFIX = "levit-mobile-"  # of names in the system's temporary folder
GRACE_S = 3600.0  # a temporary folder that is younger is left alone: its run may be about to say that it uses it


def cache_folder() -> Path:
    """LEVIT_MOBILE_CACHE, or the system's place for caches: `levit-mobile` in XDG_CACHE_HOME or ~/.cache on Linux.

    Absolute, not always there. On macOS it lies in ~/Library/Caches.
    """
    return _named(CACHE_VARIABLE) or DIRS.user_cache_path


def state_folder() -> Path:
    """LEVIT_MOBILE_STATE, or the system's place for state: `levit-mobile` in XDG_STATE_HOME or ~/.local/state on Linux.

    Absolute, not always there. On macOS it lies in ~/Library/Application Support.
    """
    return _named(STATE_VARIABLE) or DIRS.user_state_path


def _named(variable: str) -> Path | None:
    own = os.environ.get(variable)
    return Path(own).absolute() if own else None


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder that is removed when the block ends.

    A run that is killed leaves its own behind, for an hour at least; the next run after that removes it. Nothing else
    in the temporary folder is touched: neither a folder without our mark in it nor one whose run still goes on.
    Raises OSError when the temporary folder cannot be written.
    """
    _clear_leftovers(Path(gettempdir()))
    with TemporaryDirectory(prefix=PREFIX) as folder, used(Path(folder)):
        inside = Path(folder) / "work"
        inside.mkdir()
        yield inside


def _clear_leftovers(folder: Path) -> None:
    for found in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another run removes it now
            if _left_behind(found):
                shutil.rmtree(found, ignore_errors=True)


def _left_behind(found: Path) -> bool:
    about = found.lstat()
    ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and (found / IN_USE).is_dir()
    return ours and time.time() - about.st_mtime > GRACE_S and not in_use(found)
