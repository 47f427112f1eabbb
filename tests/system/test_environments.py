"""The isolated environment of tflite-runtime: made once, whole or not at all, or one sentence why not."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.frozen import RUNS_HERE, cache_with_environment
from support.refusals import refused

from levit_mobile.errors import RunnerUnavailable
from levit_mobile.system.environments import tflite_runtime_python

pytestmark = [RUNS_HERE, pytest.mark.slow]
FOLDER = re.compile(rf"tflite-runtime-2\.14\.0-python3\.(9|10|11)-{platform.machine()}")


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the environment in it, and pip's log of making it."""
    return cache_with_environment(tmp_path_factory.getbasetemp())


def environment_in(folder: Path) -> Path:
    (found,) = [path for path in folder.iterdir() if FOLDER.fullmatch(path.name)]
    return found


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_two_processes_at_once_make_one_environment(cache_folder: Path) -> None:
    assert names_in(cache_folder) == {".lock", "pip.log", environment_in(cache_folder).name}
    assert (cache_folder / "pip.log").read_text().count("Successfully installed") == 1


def test_a_second_call_runs_no_pip_and_wants_no_other_python(
    cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(cache_folder))
    monkeypatch.setenv("PIP_LOG", str(cache_folder / "pip.log"))
    before = (cache_folder / "pip.log").read_bytes()
    assert tflite_runtime_python() == environment_in(cache_folder) / "bin" / "python"
    assert (cache_folder / "pip.log").read_bytes() == before


def test_it_holds_the_runtime_and_its_numpy_alone(cache_folder: Path) -> None:
    (packages,) = environment_in(cache_folder).glob("lib/python3.*/site-packages")
    held = {path.name.removesuffix(".dist-info") for path in packages.glob("*.dist-info")}
    assert {name for name in held if not name.startswith(("pip-", "setuptools-"))} == {
        "numpy-1.26.4",
        "tflite_runtime-2.14.0",
    }


@pytest.fixture
def copied(cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in another cache folder, to be damaged, beside what a killed run left behind."""
    folder = tmp_path / "cache" / environment_in(cache_folder).name
    shutil.copytree(environment_in(cache_folder), folder, symlinks=True, copy_function=os.link)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (folder.parent / f".{folder.name}.partial-{ended.pid}" / "lib").mkdir(parents=True)
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(folder.parent))
    return folder


@pytest.fixture
def incomplete(copied: Path) -> Path:
    """`copied`, without the runtime's library."""
    (library,) = copied.glob("lib/python3.*/site-packages/tflite_runtime/_pywrap*.so")
    library.unlink()
    return copied


@pytest.fixture
def mixed(copied: Path) -> Path:
    """`copied`, as somebody's pip left it: with another numpy."""
    (metadata,) = copied.glob("lib/python3.*/site-packages/numpy-*.dist-info/METADATA")
    changed = metadata.read_text().replace("Version: 1.26.4", "Version: 2.4.6")
    metadata.unlink()  # it is a hard link
    metadata.write_text(changed)
    return copied


@pytest.fixture
def path(cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH: a version manager's python3.11 that does not run, and a python3.10 that does; we ourselves do not fit."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3.11").write_text("#!/bin/sh\necho 'python3.11: command not found' >&2\nexit 127\n")
    (folder / "python3.11").chmod(0o755)
    (folder / "python3.10").symlink_to((environment_in(cache_folder) / "bin" / "python").resolve())
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3.14"))
    return folder


def test_a_mixed_one_is_made_again_with_a_python_from_path(mixed: Path, path: Path) -> None:
    assert tflite_runtime_python() == mixed / "bin" / "python"
    assert names_in(mixed.parent) == {".lock", mixed.name}
    assert str(path / "python3.10") in (mixed / "pyvenv.cfg").read_text()


def test_where_pip_fails_nothing_is_left_and_the_command_by_hand_is_right(
    incomplete: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(tmp_path))
        with refused(RunnerUnavailable, "runner.set-up-failed", "tflite-runtime 2.14.0") as raised:
            tflite_runtime_python()
    reason, _, command = str(raised.value).partition("; by hand: ")
    assert re.search(r"ERROR: No matching .*==2\.14\.0$", reason)
    assert names_in(incomplete.parent) == {".lock", incomplete.name}
    subprocess.run(command, shell=True, check=True, capture_output=True)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert tflite_runtime_python() == incomplete / "bin" / "python"


def test_without_a_fitting_python_it_says_which_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "")
    wanted = "tflite-runtime 2.14.0", "Python 3.11 or 3.10 or 3.9", "install python3.11", "venv"
    with refused(RunnerUnavailable, "runner.not-installed", *wanted):
        tflite_runtime_python()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("system", "machine"), [("linux", "riscv64"), ("darwin", "aarch64"), ("win32", "x86_64")])
def test_where_there_are_no_wheels_it_is_not_run(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with refused(RunnerUnavailable, "runner.platform", "Linux on x86_64 and aarch64 only", f"on {machine}"):
        tflite_runtime_python()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path / "file" / "cache"))
    with refused(RunnerUnavailable, "runner.set-up-failed", tmp_path / "file", "LEVIT_MOBILE_CACHE"):
        tflite_runtime_python()
