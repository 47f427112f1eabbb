"""What earlier versions set up goes once a new one is there, unless somebody uses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from levit_mobile.arm64 import earlier, folder, packages, setup
from levit_mobile.arm64.folder import MANIFEST, Manifest
from levit_mobile.system.files import digest
from levit_mobile.system.locks import used
from levit_mobile.system.progress import Progress

Start = Callable[[Path], subprocess.Popen[bytes]]


def named(number: int) -> str:
    return f"arm64-{number:016x}"


def filled(cache: Path, name: str, size: int = 3_000_000) -> Path:
    (cache / name).mkdir(parents=True)
    with (cache / name / "counting.so").open("wb") as stream:
        stream.truncate(size)
    return cache / name


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """With a new set-up, number 0, and other things of this package's and of others'."""
    for name in (named(0), "tflite-runtime-2.14.0-python3.11-x86_64", "arm64-notes", f"{named(9)}.bak"):
        filled(tmp_path, name)
    (tmp_path / named(8)).write_text("a file")
    (tmp_path / ".lock").touch()
    return tmp_path


@pytest.fixture
def running() -> Iterator[Start]:
    """Starts a process whose command names a file in a folder, as the emulator's does."""
    started = []

    def start(path: Path) -> subprocess.Popen[bytes]:
        code = "import sys; print('runs', flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", code, f"{path}/counting.so,fd=3"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"runs\n"
        return process

    yield start
    for process in started:
        process.communicate()


def removed(cache: Path) -> tuple[set[str], list[str]]:
    """What went, and what was said."""
    before, said = {path.name for path in cache.iterdir()}, list[str]()
    earlier.remove(cache / named(0), said.append)
    after = {path.name for path in cache.iterdir()}
    assert after <= before
    return before - after, said


def test_earlier_folders_go_in_one_line(cache: Path) -> None:
    for number in (1, 2):
        filled(cache, named(number))
    gone, said = removed(cache)
    assert gone == {named(1), named(2)}
    assert said == [f"removed {named(1)}, {named(2)} of earlier versions: 6 MB"]


def test_where_there_are_none_nothing_is_said(cache: Path) -> None:
    assert removed(cache) == (set(), [])


def test_what_killed_set_ups_left_goes_too(cache: Path) -> None:
    names = {f".{named(1)}.partial-123", f".{named(2)}.partial-4-old", f".{named(0)}.partial-5-0123abcd"}
    for name in names:
        filled(cache, name)
    filled(cache, f".{named(3)}.partial-notes")
    gone, (said,) = removed(cache)
    assert gone == names
    assert all(name in said for name in names)


def test_a_folder_in_use_stays(cache: Path) -> None:
    filled(cache, named(1))
    with used(filled(cache, named(2))):
        assert removed(cache)[0] == {named(1)}
    assert removed(cache)[0] == {named(2)}


def test_a_folder_that_an_earlier_versions_emulator_runs_from_stays(cache: Path, running: Start) -> None:
    """It did not mark what it uses."""
    process = running(filled(cache, named(1)))
    filled(cache, named(2))
    assert removed(cache)[0] == {named(2)}
    process.communicate()
    assert removed(cache)[0] == {named(1)}


def test_a_folder_that_cannot_be_removed_is_not_said_to_be(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(cache, named(1))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    assert removed(cache) == (set(), [])


# In a set-up


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A set-up that makes one small file, and what it was told to say; the machine is one where it can be made."""
    said: list[str] = []

    def make(path: Path, progress: Progress) -> None:
        progress("made", 0, 1)
        filled(path.parent, path.name)
        manifest = Manifest(
            versions={}, python="3.11", debian="trixie", digests={"counting.so": digest(path / "counting.so")}
        )
        (path / MANIFEST).write_text(manifest.model_dump_json())

    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path))
    monkeypatch.setattr(packages, "require_host", lambda: None)
    monkeypatch.setattr(setup, "_make", make)
    monkeypatch.setattr(folder, "native", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    return said


def told(steps: list[str]) -> Progress:
    def tell(what: str, done: float, of: float) -> None:
        assert 0 <= done <= of
        steps.append(what)

    return tell


def test_a_set_up_removes_what_it_replaces(tmp_path: Path, steps: list[str]) -> None:
    filled(tmp_path, named(1))
    made = setup.setup_arm64(progress=told(steps))
    assert steps == ["made", f"removed {named(1)} of earlier versions: 3 MB"]
    assert {path.name for path in tmp_path.iterdir()} == {".lock", made.path.name}


def test_a_set_up_that_finds_its_folder_removes_nothing(tmp_path: Path, steps: list[str]) -> None:
    setup.setup_arm64(progress=told(steps))
    filled(tmp_path, named(1))
    setup.setup_arm64(progress=told(steps))
    assert steps == ["made"]
    assert (tmp_path / named(1)).is_dir()


def test_what_is_found_is_in_use_until_the_process_ends(
    tmp_path: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The set-up of another version, as of another environment, leaves it to us."""
    ours = setup.setup_arm64(progress=told(steps))
    monkeypatch.setattr(folder, "wanted", lambda: {"executorch": "0.0.1"})
    theirs = setup.setup_arm64(progress=told(steps))
    assert theirs.path != ours.path
    assert steps == ["made", "made"]
    assert {path.name for path in tmp_path.iterdir()} == {".lock", ours.path.name, theirs.path.name}
