"""A validation over machines of their own: one is killed, one is cut off, one is slow, and no figure changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Bundles
from support import dask_processes, namespaces
from support.dask_processes import processes_below
from support.worker_tasks import until

COUNT = 64  # pictures, in eight parts
PATIENCE_S = 300.0  # for a few seconds of work on a busy machine

REASON = namespaces.impossible()
if REASON is not None and os.environ.get("CI") == "true":
    pytest.fail(REASON, pytrace=False)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(REASON is not None, reason=str(REASON))]


@contextmanager
def throttled(number: int) -> Iterator[None]:
    """The process stands still for three quarters of the time."""
    ended = threading.Event()

    def hold() -> None:
        while not ended.is_set():
            os.kill(number, signal.SIGSTOP)
            ended.wait(0.3)
            os.kill(number, signal.SIGCONT)
            time.sleep(0.1)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def figures(printed: str) -> Any:
    """Everything but how long it took, and on how many processes."""
    (found,) = json.loads(printed)["validations"]
    return {name: value for name, value in found.items() if name not in ("seconds", "processes")}


def parts(folder: Path) -> int:
    """How many parts are finished."""
    return sum(len(file.read_text().splitlines()) for file in folder.glob("*.partial"))


def test_the_figures_are_one_machines_whatever_happens_to_three_workers(bundles: Bundles, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "levit_mobile", "validate", str(bundles("tflite-fp32").path))
    words = ("--count", str(COUNT), "--json", "--quiet")
    desk = subprocess.run([*command, *words], capture_output=True, text=True, check=True)
    with ExitStack() as stack:
        hub, *machines = stack.enter_context(namespaces.network(4))
        address = stack.enter_context(dask_processes.scheduler(tmp_path, host=hub.address, before=hub.inside))
        killed, lost, slow = (
            stack.enter_context(
                dask_processes.worker(address, tmp_path / one.name, "--host", one.address, before=one.inside)
            )
            for one in machines
        )
        resume = ("--resume", str(tmp_path / "parts"))
        client = subprocess.Popen(
            [*hub.inside, *command, *words, *resume, "--cluster", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **dask_processes.QUICK},
        )
        until(lambda: parts(tmp_path / "parts") >= 1 or client.poll() is not None, patience_s=PATIENCE_S)
        stack.enter_context(throttled(slow))
        os.kill(killed, signal.SIGKILL)
        until(lambda: parts(tmp_path / "parts") >= 3 or client.poll() is not None, patience_s=PATIENCE_S)
        assert client.poll() is None, "it ended before a machine was cut off"
        machines[1].cut_off()
        printed, said = client.communicate(timeout=PATIENCE_S)
        assert client.returncode == 0, said
        assert figures(printed) == figures(desk.stdout)
        until(lambda: not processes_below(slow))
        until(lambda: not processes_below(lost))
