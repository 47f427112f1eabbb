"""Whether programs in a folder are only what this user put there: nobody else may own, add or change a file.

Root may, since it may change this package too. What an access control list grants is not seen.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from levit_mobile.errors import RunnerUnavailable
from levit_mobile.system.folders import CACHE_VARIABLE

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def require_own_cache(folder: Path) -> None:
    """Raise RunnerUnavailable where others may put files into a folder of the cache; one that is not there is safe."""
    if folder.exists() and (why := _weakness(folder.resolve())):
        raise RunnerUnavailable(
            f"programs in {folder} are not run: {why}; {CACHE_VARIABLE} can name a different folder", fault="unsafe"
        )


def weakness(folder: Path) -> str | None:
    """Who else may have put or changed something in or below a folder, in a few words; None for nobody."""
    return next(filter(None, map(_weakness, _everything(folder))), None)


def keep_from_others(folder: Path) -> None:
    """Take from others the right to write into a folder and below, which a permissive umask has given them."""
    for path in _everything(folder):
        mode = path.lstat().st_mode
        if mode & OTHERS_WRITE and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~OTHERS_WRITE)


def _everything(folder: Path) -> Iterator[Path]:
    yield folder
    for here, folders, files in os.walk(folder):
        yield from (Path(here, name) for name in (*folders, *files))


def _weakness(path: Path) -> str | None:
    about = path.lstat()
    if about.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to the user {about.st_uid}, expected {os.geteuid()}"
    if about.st_mode & OTHERS_WRITE and not stat.S_ISLNK(about.st_mode):  # a link's own mode means nothing
        return f"other users may write to {path}: `chmod go-w {shlex.quote(str(path))}`"
    return None
