"""Logs of what vendor toolchains print: one for each command that ran, the newest kept, below the state folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from levit_mobile.system.folders import STATE_VARIABLE, state_folder
from levit_mobile.system.locks import alone
from levit_mobile.system.processes import alive

KEPT, KEPT_BYTES = 20, 50_000_000  # whichever is reached first
PATIENCE_S = 2.0  # for another process that clears up
NAME = re.compile(r"[a-z]+-\d{8}T\d{6}\.\d{6}Z-(?P<process>\d+)\.log")


def log_file(command: str, *, tell: Callable[[str], None]) -> Path | None:
    """A new, empty log of a command, such as "convert": `<state>/logs/<command>-<UTC time>-<process>.log`.

    Of older ones the newest stay, 20 files or 50 MB, and those of commands that still run. Where the folder cannot be
    written there is None, and `tell` is given one sentence that says so; with None, `diverted` sends all to stderr.
    """
    folder = state_folder() / "logs"
    path = folder / f"{command}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.log"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        tell(
            f"{folder} cannot be written ({error.strerror}), so what the toolchains print is shown here: "
            f"{STATE_VARIABLE} can name another folder for logs"
        )
        return None
    _remove_old(folder)
    return path


def _remove_old(folder: Path) -> None:
    """The next command does what cannot be done now: another process is at it for long, or a file is not ours."""
    with suppress(OSError), alone(folder, timeout_s=PATIENCE_S):
        found = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
        newest = sorted(found, key=lambda path: path.name.partition("-")[2], reverse=True)
        taken = 0
        for place, path in enumerate(newest):
            taken += path.stat().st_size
            if (place >= KEPT or taken > KEPT_BYTES) and not _running(path):
                path.unlink()


def _running(path: Path) -> bool:
    found = NAME.fullmatch(path.name)
    return found is not None and alive(int(found["process"]))
