"""Logs below the state folder: named by what ran when, few, and never a reason to fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from levit_mobile.system import logs
from levit_mobile.system.capture_output import diverted
from levit_mobile.system.locks import alone
from levit_mobile.system.logs import log_file

MAKE = """
from pathlib import Path
from levit_mobile.system.logs import log_file
for command in ("convert", "plan") * 15:
    path = log_file(command, tell=print)
    path.write_text("vendor output")
print(path.parent)
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEVIT_MOBILE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def no_complaint(sentence: str) -> None:
    pytest.fail(sentence)


def made(command: str = "convert") -> Path:
    path = log_file(command, tell=no_complaint)
    assert path is not None
    return path


def earlier(state: Path, number: int, owner: int, *, size: int = 1, command: str = "convert") -> Path:
    path = state / "logs" / f"{command}-20250101T{number:06}.000000Z-{owner}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def kept(state: Path) -> set[Path]:
    return set((state / "logs").glob("*.log"))


def test_a_log_says_what_ran_and_when(state: Path) -> None:
    path = made("validate")
    assert path.parent == state / "logs"
    assert re.fullmatch(rf"validate-\d{{8}}T\d{{6}}\.\d{{6}}Z-{os.getpid()}\.log", path.name)
    assert path.read_bytes() == b""
    assert path.stat().st_mode & 0o777 == 0o600
    assert made("validate") != path


def test_what_toolchains_print_goes_there(state: Path) -> None:
    path = made()
    with diverted(path):
        os.write(1, b"vendor output")
    assert path.read_text() == "vendor output"
    assert kept(state) == {path}


def test_the_newest_stay_whichever_command_they_are_of(state: Path, dead: int) -> None:
    old = [earlier(state, number, dead, command=("plan", "convert", "bench")[number % 3]) for number in range(40)]
    path = made()
    assert kept(state) == {path, *old[-(logs.KEPT - 1) :]}


def test_large_ones_go_sooner(state: Path, dead: int) -> None:
    old = [earlier(state, number, dead, size=logs.KEPT_BYTES // 4) for number in range(8)]
    path = made()
    assert kept(state) == {path, *old[-4:]}


def test_the_log_of_a_command_that_still_runs_stays(state: Path, dead: int, alive: int) -> None:
    running = earlier(state, 0, alive)
    old = [earlier(state, number, dead) for number in range(1, 41)]
    path = made()
    assert kept(state) == {path, running, *old[-(logs.KEPT - 1) :]}


def test_other_files_stay(state: Path, dead: int) -> None:
    for number in range(40):
        earlier(state, number, dead)
    notes = state / "logs" / "notes.log"
    notes.write_text("mine")
    made()
    assert notes in kept(state)
    assert len(kept(state)) == logs.KEPT + 1


def test_several_commands_at_once(state: Path) -> None:
    making = [subprocess.Popen([sys.executable, "-c", MAKE], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=120)[0] for process in making] == [f"{state / 'logs'}\n"] * 3
    path = made()
    assert path in kept(state)
    assert len(kept(state)) == logs.KEPT


def test_nobody_waits_for_one_that_clears_up_for_long(state: Path, dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PATIENCE_S", 0.1)
    old = [earlier(state, number, dead) for number in range(40)]
    with alone(state / "logs"):
        path = made()
        assert kept(state) == {path, *old}
    made()
    assert len(kept(state)) == logs.KEPT


def test_without_a_place_there_is_one_sentence_and_no_log(state: Path) -> None:
    state.write_text("in the way")
    said: list[str] = []
    assert log_file("convert", tell=said.append) is None
    assert said == [
        f"{state / 'logs'} cannot be written (Not a directory), so what the toolchains print is shown here: "
        "LEVIT_MOBILE_STATE can name another folder for logs"
    ]
