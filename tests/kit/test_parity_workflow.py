"""The workflow that users copy: its steps, run as GitHub runs them, in a repository that is not this one."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import levit_mobile

ROOT = Path(levit_mobile.__file__).parents[1]
PLACE = Path(".github", "workflows", "parity.yml")
ROW = {"os": "ubuntu-24.04", "target": "tflite", "extra": "tflite"}  # one target, so that it takes a minute


def workflow() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / PLACE).read_text(encoding="utf-8")))


def step(name: str) -> str:
    """The script of a step, for `ROW`."""
    (script,) = [one["run"] for one in workflow()["jobs"]["parity"]["steps"] if one.get("name") == name]
    return re.sub(r"\$\{\{ *matrix\.(\w+) *\}\}", lambda found: ROW[found[1]], script)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Sample", "-c", "user.email=sample@example.org")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The git URL of this repository's files at a tag, as pip takes it."""
    source = tmp_path_factory.mktemp("published") / "levit-mobile"
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", *ignored))
    git(source, "init", "--quiet")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "Release")
    git(source, "tag", "v0.1.0")
    return f"git+file://localhost{source}@v0.1.0"  # pip takes no URL without a host


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of an app: the workflow, and files that are not Python."""
    app = tmp_path_factory.mktemp("app")
    (app / PLACE).parent.mkdir(parents=True)
    shutil.copy(ROOT / PLACE, app / PLACE)
    (app / "App.swift").write_text("// an app\n")
    return app


@pytest.fixture(scope="module")
def environment(published: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As GitHub sets it, with a pip that finds every dependency installed, and nothing of this repository's."""
    folder = tmp_path_factory.mktemp("environment")
    (folder / "bin").mkdir()
    (folder / "bin" / "pip").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pip "$@"\n')
    (folder / "bin" / "pip").chmod(0o755)
    installed = folder / "installed"
    offline = {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_TARGET": str(installed)}
    path = os.pathsep.join([str(folder / "bin"), str(installed / "bin"), os.environ["PATH"]])
    summary = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    own = {"PATH": path, "PYTHONPATH": str(installed), "LEVIT_MOBILE": published}
    return {**os.environ, **offline, **summary, **own}


def run(script: str, app: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As GitHub runs a step: its script in bash, which stops at the first failure."""
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(words, cwd=app, env=environment, capture_output=True, text=True, timeout=900, check=False)


def test_the_tool_comes_from_a_release_and_not_from_the_apps_folder() -> None:
    source = workflow()["env"]["LEVIT_MOBILE"]
    assert re.search(r"'git\+https://[\w./-]+/levit-mobile@v\d+\.\d+\.\d+'", source)
    words = shlex.split(step("Install"))
    assert words == ["pip", "install", "levit-mobile[tflite] @ $LEVIT_MOBILE"]


def test_what_the_workflow_names_is_in_the_apps_repository_or_made_by_it(app: Path) -> None:
    steps = workflow()["jobs"]["parity"]["steps"]
    caches = [one["with"]["cache-dependency-path"] for one in steps if "cache-dependency-path" in one.get("with", {})]
    assert [cache for cache in caches if not (app / cache).is_file()] == []
    scripts = " ".join(one.get("run", "") for one in steps)
    ours = subprocess.run(["ls", "-A"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "constraints.txt" in ours
    assert set(re.split(r"[\s\"'=/]+", scripts)) & {*ours, "."} == {"build"} & set(ours)


@pytest.mark.slow
def test_the_steps_prove_an_artifact_in_an_apps_repository(app: Path, environment: dict[str, str]) -> None:
    for name in ("Install", "Convert", "Validate"):
        done = run(step(name), app, environment)
        assert done.returncode == 0, done.stdout + done.stderr
    where = run(f"{shlex.quote(sys.executable)} -c 'import levit_mobile as m; print(m.__file__)'", app, environment)
    assert where.stdout.startswith(environment["PIP_TARGET"])
    assert "::notice" in done.stderr
    assert {path.name for path in app.iterdir()} == {".github", "App.swift", "build", "parity.html", "parity.xml"}
    assert 'failures="0"' in (app / "parity.xml").read_text(encoding="utf-8")
