"""What C and C++ libraries print goes to the log, by every road, and stdout stays clean for JSON."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from levit_mobile.system.capture_output import diverted

# Every road to a terminal: descriptors, C's buffered streams, Python's own, a child process.
NOISE = """
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None)
def noise():
    os.write(1, b"[fd1]")
    os.write(2, b"[fd2]")
    libc.printf(b"[printf]")
    libc.puts(b"[puts]")
    print("[print]")
    print("[print to stderr]", file=sys.stderr)
    subprocess.run(["sh", "-c", "echo '[child]'; echo '[child to stderr]' >&2"], check=True)
"""
ROADS = ("fd1", "fd2", "printf", "puts", "print", "print to stderr", "child", "child to stderr")
AROUND = """
from pathlib import Path
from levit_mobile.system.capture_output import diverted
log = Path(sys.argv[1]) if len(sys.argv) > 1 else None
libc.printf(b"before|")
print("before", end="|")
print("before", end="|", file=sys.stderr)
"""
WITHIN = """
with diverted(log) as terminal:
    noise()
    print("to the terminal", end="|", file=terminal)
"""
AFTER = """
print("after")
libc.puts(b"after")
print("after", file=sys.stderr)
"""


def run(script: str, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    """In a process whose stdout and stderr are pipes, so that C buffers all that it prints."""
    command = [sys.executable, "-c", NOISE + AROUND + script, *map(str, arguments)]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=buffered)


def test_all_noise_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "convert.log"
    done = run(WITHIN + AFTER, log)
    noise = log.read_text()
    assert [road for road in ROADS if f"[{road}]" not in noise] == []
    assert "before" not in noise
    assert "after" not in noise
    assert sorted(done.stdout.replace("|", "\n").split()) == ["after", "after", "before", "before"]
    assert done.stderr == "before|to the terminal|after\n"


def test_without_a_log_all_noise_goes_to_stderr() -> None:
    done = run(WITHIN + AFTER)
    assert [road for road in ROADS if f"[{road}]" not in done.stderr] == []
    assert "to the terminal|" in done.stderr
    assert "[" not in done.stdout
    assert sorted(done.stdout.replace("|", "\n").split()) == ["after", "after", "before", "before"]


def test_a_log_is_continued(tmp_path: Path) -> None:
    log = tmp_path / "convert.log"
    log.write_text("earlier\n")
    run(WITHIN + WITHIN, log)
    text = log.read_text()
    assert text.startswith("earlier\n")
    assert text.count("[fd1]") == text.count("[puts]") == 2


def test_streams_come_back_after_an_error(tmp_path: Path) -> None:
    log = tmp_path / "convert.log"
    script = """
try:
    with diverted(log):
        noise()
        raise KeyboardInterrupt
except KeyboardInterrupt:
    print("interrupted")
"""
    done = run(script + AFTER, log)
    assert "[printf]" in log.read_text()
    assert "interrupted\n" in done.stdout
    assert "[" not in done.stdout + done.stderr


def test_one_diversion_inside_another(tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner.log", tmp_path / "outer.log"
    script = """
with diverted(Path(sys.argv[2])):
    print("outer")
    with diverted(log):
        noise()
    libc.puts(b"outer again")
"""
    done = run(script + AFTER, inner, outer)
    assert sorted(outer.read_text().splitlines()) == ["outer", "outer again"]
    assert "[puts]" in inner.read_text()
    assert "[" not in done.stdout + done.stderr


@pytest.mark.parametrize("fails", [False, True])
def test_no_descriptor_is_left_open(tmp_path: Path, fails: bool) -> None:
    def open_descriptors() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    before = open_descriptors()
    log = tmp_path / ("no/such/folder/log" if fails else "log")
    for _ in range(5):
        try:
            with diverted(log):
                os.write(1, b"noise")
        except FileNotFoundError:
            assert fails
    assert open_descriptors() == before
    assert log.exists() == (not fails)
