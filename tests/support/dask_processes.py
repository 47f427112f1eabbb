"""A Dask scheduler and workers in processes of their own, here or in network namespaces; none outlives the block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from support.worker_tasks import runs, until

QUICK = {  # so that a test sees within seconds that a machine is gone
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s",
}


@contextmanager
def started(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """A process at the head of a group of its own; the whole group ends with the block."""
    settings = {**os.environ, **QUICK, **(environment or {})}
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=settings, process_group=0)
    try:
        yield process.pid
    finally:
        for number in (*_below(process.pid), process.pid):
            kill(number)
        process.wait()


@contextmanager
def scheduler(folder: Path, *, host: str = "127.0.0.1", before: Sequence[str] = ()) -> Iterator[str]:
    """A scheduler's address; `before` are words in front of its command. Its number is in the folder's `number`."""
    file = folder / "scheduler.json"
    words = ("--host", host, "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    command = (*before, sys.executable, "-m", "distributed.cli.dask_scheduler", *words)
    with started(command, folder / "scheduler.log") as number:
        (folder / "number").write_text(str(number))
        until(lambda: file.is_file() and bool(file.read_text()))
        yield json.loads(file.read_text())["address"]


@contextmanager
def worker(
    address: str,
    folder: Path,
    *options: str,
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """A worker of one thread that has joined; the number of its process."""
    folder.mkdir()
    words = (address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder), *options)
    command = (*before, sys.executable, "-m", "distributed.cli.dask_worker", *words)
    log = folder / "worker.log"
    with started(command, log, environment) as number:
        until(lambda: "Registered to:" in log.read_text())
        yield number


def processes_below(number: int) -> list[int]:
    """Those that a process started, and those that they did; empty where they have all ended."""
    return [one for one in _below(number) if runs(one)]


def _below(number: int) -> list[int]:
    found = []
    try:
        children = Path(f"/proc/{number}/task").glob("*/children")
        numbers = [int(child) for file in children for child in file.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    for child in numbers:
        found += [child, *_below(child)]
    return found


def kill(number: int) -> None:
    """End it now, as a machine that loses its power does."""
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
