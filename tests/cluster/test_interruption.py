"""Ctrl-C while workers are busy: nothing goes on there, and the same command continues from what is finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Bundles
from support import dask_processes
from support.dask_processes import processes_below
from support.worker_tasks import until

PATIENCE_S = 300.0  # for a few seconds of work on a busy machine


@pytest.mark.slow
def test_an_interruption_ends_the_work_everywhere_and_a_second_run_continues(bundles: Bundles, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    with (
        dask_processes.scheduler(tmp_path) as address,
        dask_processes.worker(address, tmp_path / "worker") as worker,
    ):
        options = ("--count", "40", "--quiet", "--cluster", address, "--resume", str(parts))
        command = [sys.executable, "-m", "levit_mobile", "validate", str(bundles("tflite-fp32").path), *options]
        client = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, **dask_processes.QUICK}
        )
        until(lambda: any(parts.glob("*.partial")) or client.poll() is not None, patience_s=PATIENCE_S)
        assert processes_below(worker)
        client.send_signal(signal.SIGINT)
        _, said = client.communicate(timeout=PATIENCE_S)
        assert (client.returncode, said.strip()) == (130, f"interrupted; the same command continues from {parts}")
        until(lambda: not processes_below(worker))
        (kept,) = parts.glob("*.partial")
        assert 1 <= len(kept.read_text().splitlines()) < 5
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        assert "proven" in done.stdout.lower()
        assert list(parts.iterdir()) == []
        until(lambda: not processes_below(worker))
