"""Progress: a terminal shows a bar alone, no terminal a line per step, and vendors' noise is in the log."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ask
from support.small_bundles import bundle

import levit_mobile
from levit_mobile.cli import progress
from levit_mobile.cli.progress import EVERY_S, Lines
from levit_mobile.errors import LevitMobileError
from levit_mobile.system.progress import Progress

CODE = """
import logging, os, subprocess, sys, warnings
from pathlib import Path
from levit_mobile.cli.progress import shown
with shown(Path(sys.argv[1]), quiet="--quiet" in sys.argv) as progress:
    progress("a [/b]\\n::error", 0, 2)
    progress("halfway there", 1, 2)
    print("[print]")
    print("[print to stderr]", file=sys.stderr)
    warnings.warn("[warning]")
    os.write(1, b"[fd1]")
    os.write(2, b"[fd2]")
    logging.warning("[logging]")
    subprocess.run([sys.executable, "-c", "import warnings; warnings.warn('[child]', FutureWarning)"])
"""
NOISE = ("[print]", "[print to stderr]", "[warning]", "[fd1]", "[fd2]", "[logging]", "[child]")


def on_a_terminal(log: Path, *options: str, term: str = "xterm-256color") -> str:
    """What a person sees."""
    outer, inner = pty.openpty()
    environment = {**os.environ, "TERM": term, "COLUMNS": "80"}
    command = [sys.executable, "-c", CODE, str(log), *options]
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


def test_a_terminal_without_a_cursor_shows_lines(tmp_path: Path) -> None:
    seen = on_a_terminal(tmp_path / "log", term="dumb")
    assert seen.replace("\r", "") == "a [/b] ::error\nhalfway there\n"


def test_quiet_shows_nothing_on_a_terminal(tmp_path: Path) -> None:
    assert on_a_terminal(tmp_path / "log", "--quiet") == ""


@pytest.mark.parametrize(
    ("options", "lines"), [((), "a [/b] ::error\nhalfway there\n"), (("--quiet",), "")], ids=["lines", "quiet"]
)
def test_without_a_terminal_there_is_a_line_for_each_step(tmp_path: Path, options: tuple[str, ...], lines: str) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path / "log"), *options]
    environment = {**os.environ, "FORCE_COLOR": "1"}  # as many a CI sets it: no terminal becomes one by that
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert (done.stdout, done.stderr) == ("", lines)
    assert [noise for noise in NOISE if noise not in (tmp_path / "log").read_text()] == []


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def written(*calls: tuple[str, float, float]) -> list[str]:
    """The lines of calls at one moment."""
    stream = io.StringIO()
    lines = Lines(stream, Clock())
    for call in calls:
        lines(*call)
        lines.remind()
    return stream.getvalue().splitlines()


def test_a_step_is_one_line_however_often_it_reports() -> None:
    assert written(*(("tflite-fp32: lower", done, 7) for done in range(7))) == ["tflite-fp32: lower"]


def test_steps_that_take_turns_are_not_repeated_and_a_second_run_of_a_step_is() -> None:
    assert written(("a", 0, 4), ("b", 1, 4), ("a", 2, 4), ("b", 3, 4)) == ["a", "b"]
    assert written(("a", 0, 1), ("b", 0, 1), ("a", 0, 1)) == ["a", "b", "a"]


def test_a_step_that_goes_on_for_long_is_named_again_with_its_share_and_its_time() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    clock.now = 100.0
    lines.remind()  # nothing has begun
    lines("images", 0, 200)
    for seconds in range(2 * round(EVERY_S) + 1):
        clock.now = 100.0 + seconds
        lines("images", seconds, 200)
        lines.remind()
    assert stream.getvalue().splitlines() == [
        "images",
        "images: 15%, 30 s, about 170 s left",
        "images: 30%, 60 s, about 140 s left",
    ]


def test_details_are_in_the_reminders_and_begin_no_step() -> None:
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock)
    for seconds in range(0, 61, 20):  # from a quarter, which an earlier run has done
        clock.now = float(seconds)
        lines("images", 50 + seconds, 200, f"2 workers: a did {seconds}")
        lines.remind()
    assert stream.getvalue().splitlines() == [
        "images",
        "images: 45%, 40 s, about 110 s left; 2 workers: a did 40",
    ]


def test_a_step_that_reports_nothing_is_named_again(tmp_path: Path) -> None:
    code = (
        "import sys, threading\nfrom pathlib import Path\nfrom levit_mobile.cli import progress\n"
        "progress.EVERY_S, twice = 0.01, threading.Semaphore(0)\n"
        "write = progress.Lines._write\n"
        "progress.Lines._write = lambda self, line: (write(self, line), twice.release())\n"
        "with progress.shown(Path(sys.argv[1])) as tell:\n"
        "    tell('lower', 0, 1)\n"
        "    [twice.acquire() for _ in range(3)]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log")], capture_output=True, text=True, check=True
    )
    first, *reminders = done.stderr.splitlines()
    assert first == "lower"
    assert len(reminders) >= 2
    assert {line.partition(",")[0] for line in reminders} == {"lower: 0%"}


def test_a_reader_that_has_gone_away_does_not_stop_the_work() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    Lines(Gone())("a", 0, 1)


# The option of the commands


@pytest.mark.parametrize(
    "words",
    [
        ("convert", "-t", "tflite"),
        ("validate", "{bundle}"),
        ("bench", "{bundle}"),
        ("cost", "{bundle}"),
        ("plan", "-t", "tflite"),
        ("doctor",),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("quiet", [False, True], ids=["loud", "quiet"])
def test_every_command_that_takes_long_shows_progress_unless_it_is_quiet(
    words: tuple[str, ...], quiet: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[bool] = []

    def shown(_: Path | None, *, quiet: bool = False) -> None:
        asked.append(quiet)
        raise LevitMobileError("stop here")

    bundle(tmp_path / "one", "tflite-fp32")
    monkeypatch.setattr(progress, "shown", shown)
    called = ask(*(word.format(bundle=tmp_path / "one") for word in words), *(["--quiet"] if quiet else []))
    assert (called.exit_code, asked) == (1, [quiet])


@pytest.mark.parametrize(("options", "said"), [((), "downloading\n"), (("--quiet",), "")])
def test_a_set_up_says_its_steps_unless_it_is_quiet(
    options: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def setup_arm64(*, force: bool, progress: Progress) -> None:
        assert not force
        progress("downloading", 0, 1)
        raise LevitMobileError("stop here")

    monkeypatch.setattr(levit_mobile, "setup_arm64", setup_arm64, raising=False)
    assert ask("setup", "arm64", *options).stderr == f"{said}error: stop here\n"
