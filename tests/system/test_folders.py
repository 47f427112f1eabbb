"""Where cache and state lie, and temporary folders that outlive nobody for long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from platformdirs.macos import MacOS

from levit_mobile.system import folders
from levit_mobile.system.folders import GRACE_S, cache_folder, state_folder, temporary_folder
from levit_mobile.system.locks import IN_USE

VARIABLES = ("LEVIT_MOBILE_CACHE", "LEVIT_MOBILE_STATE", "XDG_CACHE_HOME", "XDG_STATE_HOME")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: XDG's folders are Linux's")
WORK_AND_WAIT = """
import time
from levit_mobile.system.folders import temporary_folder
with temporary_folder() as folder:
    (folder / "model").write_text("half")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def none_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


# Cache and state


@LINUX
@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"LEVIT_MOBILE_CACHE": "/a/b", "XDG_CACHE_HOME": "/c"}, "/a/b"),
        ({"LEVIT_MOBILE_CACHE": "", "XDG_CACHE_HOME": "/c"}, "/c/levit-mobile"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/levit-mobile"),
        ({"LEVIT_MOBILE_STATE": "/s", "HOME": "/h"}, "/h/.cache/levit-mobile"),
        ({"HOME": "/h"}, "/h/.cache/levit-mobile"),
    ],
)
def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], folder: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(folder)


@LINUX
@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"LEVIT_MOBILE_STATE": "/a/b", "XDG_STATE_HOME": "/c"}, "/a/b"),
        ({"LEVIT_MOBILE_STATE": "", "XDG_STATE_HOME": "/c"}, "/c/levit-mobile"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/levit-mobile"),
        ({"LEVIT_MOBILE_CACHE": "/s", "HOME": "/h"}, "/h/.local/state/levit-mobile"),
    ],
)
def test_the_state_folder(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], folder: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert state_folder() == Path(folder)


def test_a_named_folder_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", "cache")
    monkeypatch.setenv("LEVIT_MOBILE_STATE", "state")
    assert (cache_folder(), state_folder()) == (tmp_path / "cache", tmp_path / "state")


def test_on_a_mac_they_lie_in_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "DIRS", MacOS("levit-mobile", appauthor=False))
    monkeypatch.setenv("HOME", "/Users/ann")
    assert cache_folder() == Path("/Users/ann/Library/Caches/levit-mobile")
    assert state_folder() == Path("/Users/ann/Library/Application Support/levit-mobile")


# For a while


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, for this process and those it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def started(temporary: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", WORK_AND_WAIT], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip()).parent
    assert folder.parent == temporary
    return process, folder


def age(folder: Path, seconds: float) -> None:
    os.utime(folder, (time.time() - seconds,) * 2)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_temporary_folder_goes_with_its_block(temporary: Path) -> None:
    with temporary_folder() as folder:
        assert names_in(folder) == []
        (folder / "model").mkdir()
        assert folder.is_relative_to(temporary)
        assert folder.parent.name.startswith("levit-mobile-")
    assert names_in(temporary) == []


@pytest.mark.parametrize("error", [RuntimeError("vendor"), KeyboardInterrupt()])
def test_a_failure_passes_through_and_leaves_nothing(temporary: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, temporary_folder():
        raise error
    assert raised.value is error
    assert names_in(temporary) == []


def test_what_a_killed_run_left_goes_with_a_later_run(temporary: Path) -> None:
    process, left = started(temporary)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with temporary_folder():
        assert (left / "work" / "model").read_text() == "half"  # it is too young
    age(left, GRACE_S + 60)
    with temporary_folder() as folder:
        assert names_in(temporary) == [folder.parent.name]
    assert names_in(temporary) == []


def test_the_folder_of_a_run_that_goes_on_stays_however_old_it_is(temporary: Path) -> None:
    process, left = started(temporary)
    age(left, GRACE_S * 100)
    with temporary_folder():
        assert (left / "work" / "model").read_text() == "half"
    process.kill()
    process.communicate()
    assert names_in(temporary) == [left.name]


def test_what_others_have_there_stays(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / IN_USE).mkdir()
    (temporary / "levit-mobile-link").symlink_to(elsewhere)
    (temporary / "levit-mobile-unmarked").mkdir()
    (temporary / "levit-mobile.txt").write_text("notes")
    (temporary / "others" / IN_USE).mkdir(parents=True)
    for path in (elsewhere, *temporary.iterdir()):
        age(path, GRACE_S * 100)
    before = sorted(names_in(temporary))
    with temporary_folder():
        pass
    assert sorted(names_in(temporary)) == before
    assert (elsewhere / IN_USE).is_dir()
