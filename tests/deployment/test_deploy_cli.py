"""`levit-mobile deploy`: what it prints, its JSON and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.android_apps import bundle, everything, module, project
from support.command import ask

BUNDLES = "app/src/main/assets/bundles"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project and with one bundle per target."""
    project(tmp_path / "android_demo")
    bundle(tmp_path / "build" / "one", made_by="2.3.0")
    bundle(tmp_path / "build" / "two", "executorch-fp32", made_by="1.4.1")
    bundle(tmp_path / "build" / "three", "coreml-fp16")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_bundles_below_a_folder_without_core_ml(demo: Path) -> None:
    done = ask("deploy", "build", "--to", "android_demo")
    assert done.exit_code == 0, done.output
    assert (
        done.stdout.splitlines()[0] == f"bundles of the app: android_demo/{BUNDLES} (the assets of the app module app)"
    )
    assert [line for line in done.stdout.splitlines() if "added" in line and ("one" in line or "two" in line)]
    assert "build/three" in done.stderr
    assert "LiteRT 2.3.0, as stated by android_demo/gradle/libs.versions.toml" in done.stdout
    assert "noCompress" not in done.stdout
    assert {path.name for path in (demo / "android_demo" / BUNDLES).iterdir()} == {"index.json", "one", "two"}


def test_core_ml_that_is_named_is_refused(demo: Path) -> None:
    done = ask("deploy", "build/one", "build/three", "--to", "android_demo", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "bundle.runtime"
    assert not (demo / "android_demo" / BUNDLES).exists()


def test_core_ml_alone_below_a_folder_is_refused(demo: Path) -> None:
    bundle(demo / "apple" / "one", "coreml-fp16")
    done = ask("deploy", "apple", "--to", "android_demo")
    assert done.exit_code == 1
    assert "Core ML" in done.stderr


def test_json_has_the_folder_the_bundles_and_the_runtimes(demo: Path) -> None:
    done = ask("deploy", "build/one", "--to", "android_demo", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (found["folder"], found["checked"]) == (f"android_demo/{BUNDLES}", False)
    assert [(one["name"], one["source"], one["state"]) for one in found["bundles"]] == [("one", "build/one", "added")]
    assert found["bundles"][0]["bytes"] == sum(
        len(content) for content in everything(demo / "android_demo" / BUNDLES / "one").values()
    )
    assert {one["name"]: one["version"] for one in found["runtimes"]} == {"executorch": "1.4.1", "litert": "2.3.0"}


def test_a_check_exits_with_1_until_the_bundles_are_deployed(demo: Path) -> None:
    words = ("deploy", "build/one", "--to", "android_demo", "--check")
    before = everything(demo)
    missing = ask(*words)
    assert (missing.exit_code, everything(demo)) == (1, before)
    assert "missing" in missing.stdout
    assert f"error: android_demo/{BUNDLES}/one is missing" in missing.stderr
    ask(*words[:-1])
    same = ask(*words)
    assert (same.exit_code, same.stderr) == (0, "")
    (demo / "android_demo" / BUNDLES / "one" / "labels.txt").write_text("other")
    changed = ask(*words, "--json")
    assert changed.exit_code == 1
    found = json.loads(changed.stdout)
    assert (found["checked"], len(found["differences"])) == (True, 1)
    assert "labels.txt" in found["differences"][0]


def test_the_line_that_the_gradle_file_lacks_is_printed(demo: Path) -> None:
    module(demo / "app", "apply plugin: 'com.android.application'", "build.gradle")
    done = ask("deploy", "build/two", "--to", "app", "--runtime", "executorch=1.4.1")
    assert done.exit_code == 0
    assert "androidResources { noCompress 'pte', 'rgb8', 'f32' }" in done.stdout
    assert "app/build.gradle" in done.stdout
    assert "ExecuTorch 1.4.1, as stated by --runtime executorch=1.4.1" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("deploy", "--to", "android_demo"),
        ("deploy", "build/one"),
        ("deploy", "build/nothing", "--to", "android_demo"),
        ("deploy", "build/one", "--to", "android_demo", "--runtime", "executorch"),
    ],
)
def test_wrong_usage(demo: Path, words: tuple[str, ...]) -> None:
    assert ask(*words).exit_code == 2
    assert not (demo / "android_demo" / BUNDLES).exists()


def test_an_app_that_does_not_exist(demo: Path) -> None:
    done = ask("deploy", "build/one", "--to", "nothing")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: nothing does not exist")
    assert not (demo / "nothing").exists()
