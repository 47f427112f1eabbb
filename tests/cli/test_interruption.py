"""Runs that are cut short: Ctrl-C, a polite kill, a kill, a full disk. A bundle is whole, or it is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Run
from support.warm import SHALLOW

from levit_mobile.contract import Contract

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000


def lowering(target: str, checkpoint: Path, out: Path) -> subprocess.Popen[str]:
    """A conversion that has reached its toolchain."""
    process = subprocess.Popen(
        [*SHALLOW, "convert", "-t", target, "-c", str(checkpoint), "-o", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while not list(out.glob(".*partial*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "lowering never began"
        time.sleep(0.05)
    time.sleep(2)
    assert process.poll() is None, process.communicate()
    return process


@pytest.mark.parametrize(
    ("number", "target"), [(signal.SIGINT, "tflite"), (signal.SIGTERM, "executorch")], ids=["Ctrl-C", "kill"]
)
def test_an_interrupted_run_leaves_nothing(
    shallow_checkpoint: Path, tmp_path: Path, number: signal.Signals, target: str
) -> None:
    process = lowering(target, shallow_checkpoint, tmp_path)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=600)  # at the next step, where a vendor swallows it
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "interrupted; no partial output was left behind" in stderr
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


SWALLOWS = """
import os, signal, time
def convert(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    except:
        return type("Model", (), {"model_content": lambda _: b"a model"})()
"""


def test_an_interruption_that_a_vendor_swallows_is_heeded(
    levit_mobile: Run, shallow_checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "litert_torch.py").write_text(SWALLOWS)
    out, path = tmp_path / "out", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = levit_mobile(
        "convert", "-t", "tflite", "-c", shallow_checkpoint, "-o", out, env={"PYTHONPATH": path}, shallow=True
    )
    assert done.returncode == 130
    assert "interrupted; no partial output was left behind" in done.stderr
    assert list(out.iterdir()) == []


def test_a_killed_run_is_cleared_away_by_the_next(levit_mobile: Run, shallow_checkpoint: Path, tmp_path: Path) -> None:
    process = lowering("coreml", shallow_checkpoint, tmp_path)
    process.kill()
    process.communicate(timeout=600)
    (leftover,) = tmp_path.iterdir()
    assert leftover.name.startswith(f".levit_128s-coreml-fp16.partial-{process.pid}-")
    words = ("convert", "-t", "coreml", "-c", shallow_checkpoint, "-o", tmp_path)
    done = levit_mobile(*words, shallow=True, converted_once=True)
    assert done.returncode == 0
    assert [item.name for item in tmp_path.iterdir()] == ["levit_128s-coreml-fp16"]
    assert Contract.read(tmp_path / "levit_128s-coreml-fp16").recipe == "coreml-fp16"


def test_a_full_disk_is_one_sentence_each_and_leaves_nothing(
    levit_mobile: Run, shallow_checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("convert", "-t", "all", "-c", shallow_checkpoint, "-o", out, "--quiet")
    done = levit_mobile(*words, file_bytes=MEGABYTE, shallow=True)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(": ")[1] for line in errors] == ["coreml-fp16", "executorch-fp32", "tflite-fp32"]
    assert len(done.stderr.strip().splitlines()) <= 6  # images, a note, three errors, the log, and none of a vendor's
    assert "[MIL FileWriter]" in errors[0]  # Core ML's writer has no better word for it
    assert [line for line in errors[1:] if "could not be written: File too large" not in line] == []
    assert list(out.iterdir()) == []
