"""Makes the files of rows, each in a process of its own that sees the pinned packages and no network.

python -m engines.making ENGINE ROW FOLDER PATH
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engines.engine import Given, Row, Unavailable, engine
from engines.environment import offline, search_path, target_of
from engines.guest import first_line

LIMIT_S = 1800
MARKER = "unavailable: "


def source(folder: Path) -> Given:
    """What every engine starts from, written into a folder unless it is there. Raises Unavailable."""
    given = folder / "given"
    if not (given / "calibration.npy").exists():
        given.mkdir(parents=True, exist_ok=True)
        _python("host", ["engines.source", str(given)], folder / "given.log")
    return Given(given)


def make(name: str, row: Row, given: Given, folder: Path) -> Path:
    """The file of a row, in a folder of its engine; made unless it is there. Raises Unavailable with the reason."""
    path = folder / name / row.file
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        words = ["engines.making", name, row.name, str(given.folder), str(path)]
        _python(target_of(name), words, path.with_suffix(".log"))
    return path


def _python(target: str, words: list[str], log: Path) -> None:
    command = [*offline(), sys.executable, "-P", "-m", *words]
    environment = {**os.environ, "PYTHONPATH": search_path(target), "OMP_NUM_THREADS": "1"}
    with log.open("w") as output:
        done = subprocess.run(
            command, stdout=output, stderr=output, env=environment, cwd=log.parent, timeout=LIMIT_S, check=False
        )
    if done.returncode:
        raise Unavailable(complaint(log.read_text(errors="replace"), done.returncode))


def complaint(printed: str, status: int) -> str:
    """Why a process failed: its own sentence, else the last line that it printed, else its status."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    own = [line.removeprefix(MARKER) for line in lines if line.startswith(MARKER)]
    return [f"it ended with status {status}", *lines[-1:], *own][-1]


def main(name: str, row_name: str, given: str, path: str) -> None:
    """Make one file here. A file that breaks off is removed."""
    (row,) = (row for row in engine(name).ROWS if row.name == row_name)
    try:
        engine(name).make(row, Given(Path(given)), Path(path))
    except Exception as error:
        Path(path).unlink(missing_ok=True)
        sentence = str(error) if isinstance(error, Unavailable) else first_line(error)
        raise SystemExit(MARKER + sentence) from error


if __name__ == "__main__":
    main(*sys.argv[1:])
