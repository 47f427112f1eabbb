"""The build of the iOS demo's package on Linux: its lock, its cache, and what it prints where it cannot run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from levit_mobile.system.folders import CACHE_VARIABLE, cache_folder

DEMO = Path(__file__).parents[2] / "ios_demo"
BUILD = DEMO / "tools" / "build.py"
LINE = re.compile(r"[0-9a-f]{64} [a-z]+=[0-9.]+-[0-9]+")


def built(path: Path, *steps: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the build on a machine whose PATH is one folder."""
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    variables = kept | {"PATH": str(path)} | environment
    return subprocess.run([sys.executable, BUILD, *steps], env=variables, capture_output=True, text=True, check=False)


def program(folder: Path, name: str, prints: str) -> None:
    made = folder / name
    made.write_text(f"#!/bin/sh\necho '{prints}'\n")
    made.chmod(0o755)


def test_without_swift_and_apt_nothing_is_run_and_the_reason_is_printed(tmp_path: Path) -> None:
    done = built(tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("NOT RUN: no Swift 6.0 on the path")


def test_in_ci_a_machine_without_swift_is_a_failure(tmp_path: Path) -> None:
    done = built(tmp_path, CI="true")
    assert done.returncode == 1
    assert done.stdout.startswith("NOT RUN: no Swift 6.0 on the path")


@pytest.mark.parametrize(
    ("version", "printed"),
    [
        ("6.1.2", "Swift version 6.1.2"),
        ("7.0", "Swift version 7.0"),
        ("5.10.1", "NOT RUN: no Swift 6.0 on the path"),
    ],
)
def test_a_swift_on_the_path_is_taken_if_it_is_new_enough(tmp_path: Path, version: str, printed: str) -> None:
    program(tmp_path, "swift", f"Swift version {version}")
    done = built(tmp_path, "setup")
    assert done.returncode == 0
    assert done.stdout.startswith(printed)


def test_the_compiler_and_its_libraries_are_in_the_lock() -> None:
    lines = (DEMO / "toolchain.lock").read_text(encoding="utf-8").splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    names, versions = zip(*(line.split()[1].split("=") for line in lines), strict=True)
    assert sorted(names) == ["libswiftlang", "swiftlang"]
    assert len(set(versions)) == 1


@pytest.mark.parametrize("named", [True, False])
def test_the_set_up_is_in_the_cache_folder(named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setenv(CACHE_VARIABLE if named else "XDG_CACHE_HOME", str(tmp_path))
    asked = [sys.executable, "-c", "import toolchain; print(toolchain.cache())"]
    found = subprocess.run(asked, cwd=BUILD.parent, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(found) == cache_folder()
