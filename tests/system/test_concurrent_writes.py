"""Several runs that write the same result at once: one of them makes it, whole, and the others are refused or replaced.

The processes take themselves for number 7, as in containers that share a folder.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.refusals import refused
from support.written import contents, names_in

from levit_mobile.errors import BundleError
from levit_mobile.system.atomic_write import staged, staged_file, write_text

WRITE_TWO_FILES = """
import os, sys
from pathlib import Path
from levit_mobile.errors import BundleError
from levit_mobile.system.atomic_write import staged
os.getpid = lambda: 7
final, content, option = sys.argv[1:]
try:
    with staged(Path(final), force=option == "force") as folder:
        (folder / "model").write_text(content)
        print("writing", flush=True)
        sys.stdin.readline()
        (folder / "contract").write_text(content)
except BundleError as error:
    print(error.code)
"""
INTERRUPTIBLE = """
import sys
from pathlib import Path
import typer
from levit_mobile.cli.common import known_failures, signals_heeded
from levit_mobile.system.atomic_write import staged
app = typer.Typer()
@app.command()
def command(final: Path):
    with known_failures(), staged(final, force=False) as folder:
        (folder / "model").write_text("half")
        print("writing", flush=True)
        sys.stdin.readline()
with signals_heeded():
    app()
"""


@pytest.fixture
def final(tmp_path: Path) -> Path:
    return tmp_path / "build" / "levit_128s-tflite-fp32"


@pytest.fixture
def old(final: Path) -> Path:
    """An older bundle, where the new one goes."""
    final.mkdir(parents=True)
    (final / "model").write_text("old")
    return final


@contextmanager
def writers(final: Path, *options: str) -> Iterator[tuple[Writer, ...]]:
    """Processes that have each written half of their result, `force` or not as told. The first wrote "0"."""
    started = [Writer(final, str(number), option) for number, option in enumerate(options)]
    try:
        yield tuple(started)
    finally:
        for writer in started:
            writer.process.kill()
            writer.process.communicate()


class Writer:
    def __init__(self, final: Path, content: str, option: str) -> None:
        code = [sys.executable, "-c", WRITE_TWO_FILES, str(final), content, option]
        self.process = subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "writing\n"

    def finish(self) -> str:
        """What it printed: a code, or nothing where it succeeded."""
        return self.process.communicate("go\n")[0].strip()


def test_the_second_of_two_runs_is_refused_and_nothing_is_mixed(final: Path) -> None:
    with writers(final, "keep", "keep") as (first, second):
        assert first.finish() == ""
        assert second.finish() == "bundle.exists"
    assert contents(final) == {f"{final.name}/model": "0", f"{final.name}/contract": "0"}
    assert names_in(final.parent) == [final.name]


def test_the_run_that_ends_first_wins_whichever_began_first(final: Path) -> None:
    with writers(final, "keep", "keep") as (first, second):
        assert second.finish() == ""
        assert first.finish() == "bundle.exists"
    assert contents(final) == {f"{final.name}/model": "1", f"{final.name}/contract": "1"}


def test_with_force_the_last_of_three_runs_wins_whole(old: Path) -> None:
    with writers(old, "force", "force", "force") as (first, second, third):
        assert [second.finish(), third.finish(), first.finish()] == ["", "", ""]
    assert contents(old) == {f"{old.name}/model": "0", f"{old.name}/contract": "0"}
    assert names_in(old.parent) == [old.name]


def test_a_run_that_may_not_replace_does_not_replace_what_another_forced(final: Path) -> None:
    with writers(final, "keep", "force") as (first, second):
        assert second.finish() == ""
        assert first.finish() == "bundle.exists"
    assert contents(final) == {f"{final.name}/model": "1", f"{final.name}/contract": "1"}


def test_a_run_that_fails_does_not_disturb_the_other(final: Path) -> None:
    with writers(final, "keep", "keep") as (first, second):
        first.process.kill()
        first.process.wait()
        write_text(final.with_name("other"), "")
        assert second.finish() == ""
    assert contents(final)[f"{final.name}/model"] == "1"


def test_a_file_without_force_is_refused_if_another_run_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with refused(BundleError, "bundle.exists", path, "--force", "--out"), staged_file(path, force=False) as partial:
        partial.write_text("late")
        write_text(path, "early", force=False)
    assert contents(path) == {"plan.json": "early"}


def test_a_file_inside_of_a_folder_that_is_being_written(final: Path) -> None:
    with staged(final, force=False) as folder:
        write_text(folder / "plan.json", "{}")
        write_text(folder / "golden" / "a", "b")
    assert contents(final) == {f"{final.name}/plan.json": "{}", f"{final.name}/golden/a": "b"}


# A terminal that closes


def interruptible(final: Path, *prefix: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    code = [*prefix, sys.executable, "-c", INTERRUPTIBLE, str(final)]
    process = subprocess.Popen(code, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_terminal_that_closes_cleans_up_as_a_kill_does(final: Path, number: signal.Signals) -> None:
    process = interruptible(final)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "interrupted; no partial output was left behind\n"
    assert names_in(final.parent) == []


def test_what_ignores_a_closing_terminal_goes_on(final: Path) -> None:
    process = interruptible(final, "nohup")
    process.send_signal(signal.SIGHUP)
    process.communicate("go\n", timeout=60)
    assert process.returncode == 0
    assert contents(final) == {f"{final.name}/model": "half"}
