"""Programs in the cache folder run only where nobody else could have put or changed them."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
from support.frozen import RUNS_HERE
from support.refusals import refused

from levit_mobile.errors import RunnerUnavailable
from levit_mobile.system import environments
from levit_mobile.system.locks import alone
from levit_mobile.system.ownership import keep_from_others, require_own_cache, weakness

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: only root may give files to another user")
SOMEBODY = 12345
OPEN = [0o777, 0o775, 0o757, 0o1777, 0o722]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder with a planted environment, whose Python notes in `ran` that it was run."""
    folder = tmp_path / "cache"
    for version in environments.PYTHONS:
        python = folder / f"tflite-runtime-2.14.0-python{version}-{platform.machine()}" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\necho x >> {tmp_path / 'ran'}\n")
        python.chmod(0o755)
    keep_from_others(folder)
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(folder))
    monkeypatch.setattr(environments, "_made", lambda: Path("made again"))
    return folder


def python_in(cache: Path) -> Path:
    (found,) = cache.glob(f"*python{environments.PYTHONS[0]}-*/bin/python")
    return found


@RUNS_HERE
def test_what_its_owner_put_there_runs(cache: Path) -> None:
    assert environments.tflite_runtime_python() == python_in(cache)
    assert (cache.parent / "ran").exists()


@RUNS_HERE
@pytest.mark.parametrize("mode", OPEN)
def test_nothing_runs_from_a_folder_that_others_may_write(cache: Path, mode: int) -> None:
    cache.chmod(mode)
    with refused(RunnerUnavailable, "runner.unsafe", cache, f"chmod go-w {cache}", "LEVIT_MOBILE_CACHE"):
        environments.tflite_runtime_python()
    assert not (cache.parent / "ran").exists()


@RUNS_HERE
def test_a_link_to_a_folder_that_others_may_write_is_no_way_around(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.chmod(0o777)
    (cache.parent / "link").symlink_to(cache)
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(cache.parent / "link"))
    with refused(RunnerUnavailable, "runner.unsafe", cache):
        environments.tflite_runtime_python()


@RUNS_HERE
@pytest.mark.parametrize("part", ["", "bin", "bin/python"])
@pytest.mark.parametrize("mode", OPEN)
def test_an_environment_that_others_may_write_is_made_again(cache: Path, part: str, mode: int) -> None:
    for folder in cache.iterdir():
        (folder / part).chmod(mode)
    assert environments.tflite_runtime_python() == Path("made again")
    assert not (cache.parent / "ran").exists()


@AS_ROOT
@RUNS_HERE
def test_nothing_runs_from_a_folder_of_another_user(cache: Path) -> None:
    os.chown(cache, SOMEBODY, -1)
    with refused(RunnerUnavailable, "runner.unsafe", cache, SOMEBODY):
        environments.tflite_runtime_python()
    assert not (cache.parent / "ran").exists()


@AS_ROOT
@RUNS_HERE
@pytest.mark.parametrize("part", ["", "bin", "bin/python"])
def test_an_environment_of_another_user_is_made_again(cache: Path, part: str) -> None:
    for folder in cache.iterdir():
        os.chown(folder / part, SOMEBODY, -1)
    assert environments.tflite_runtime_python() == Path("made again")
    assert not (cache.parent / "ran").exists()


@AS_ROOT
def test_a_link_of_another_user_is_not_followed(cache: Path) -> None:
    (cache / "link").symlink_to("/bin/sh")
    assert weakness(cache) is None
    os.chown(cache / "link", SOMEBODY, -1, follow_symlinks=False)
    assert str(SOMEBODY) in str(weakness(cache))


def test_a_permissive_umask_leaves_no_opening(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with alone(tmp_path / "made"):
            (tmp_path / "made" / "bin").mkdir()
            (tmp_path / "made" / "bin" / "python").touch()
            (tmp_path / "made" / "bin" / "python3").symlink_to("python")
    finally:
        os.umask(before)
    require_own_cache(tmp_path / "made")
    assert "chmod go-w" in str(weakness(tmp_path / "made"))
    keep_from_others(tmp_path / "made")
    assert weakness(tmp_path / "made") is None
    assert (tmp_path / "made" / "bin" / "python").stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_not_there_is_safe(tmp_path: Path) -> None:
    require_own_cache(tmp_path / "nowhere")
