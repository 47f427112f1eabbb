"""The progress bar: a terminal shows nothing else, no terminal shows nothing, and vendors' noise is in the log."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

CODE = """
import os, sys, warnings
from pathlib import Path
from levit_mobile.cli.progress import shown
with shown(Path(sys.argv[1])) as progress:
    progress("halfway there", 1, 2)
    print("[print]")
    print("[print to stderr]", file=sys.stderr)
    warnings.warn("[warning]")
    os.write(1, b"[fd1]")
    os.write(2, b"[fd2]")
"""
NOISE = ("[print]", "[print to stderr]", "[warning]", "[fd1]", "[fd2]")


def on_a_terminal(log: Path) -> str:
    """What a person sees."""
    outer, inner = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    command = [sys.executable, "-c", CODE, str(log)]
    with subprocess.Popen(command, stdout=inner, stderr=inner, env=environment) as process:
        os.close(inner)
        seen = b""
        try:
            while data := os.read(outer, 65536):
                seen += data
        except OSError:  # how a terminal ends when its last program has
            pass
        finally:
            os.close(outer)
    assert process.returncode == 0
    return seen.decode(errors="replace")


def test_a_terminal_shows_the_bar_alone(tmp_path: Path) -> None:
    seen, log = on_a_terminal(tmp_path / "log"), (tmp_path / "log").read_text()
    assert "halfway there" in seen
    assert [noise for noise in NOISE if noise in seen] == []
    assert [noise for noise in NOISE if noise not in log] == []


def test_without_a_terminal_there_is_nothing_to_see(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path / "log")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert [noise for noise in NOISE if noise not in (tmp_path / "log").read_text()] == []
