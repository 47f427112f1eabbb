"""The workflow that builds the Android demo by Gradle names tasks, folders and bundles that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.command import ask

from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "android_demo"
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/android.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["gradle"]["steps"]
SCRIPTS = "\n".join(step.get("run", "") for step in STEPS)
COMMANDS = [shlex.split(line) for line in SCRIPTS.replace("\\\n", " ").splitlines() if line]
ANDROID = re.compile(r'id\("(com\.android\.\w+|org\.jetbrains\.kotlin\.jvm)"\)')
# Tasks that the plugins give a module, by the plugin.
TASKS = {
    "com.android.application": {"assembleDebug", "assembleRelease", "lintRelease", "testDebugUnitTest"},
    "com.android.library": {"lintRelease", "testDebugUnitTest", "publish"},
    "org.jetbrains.kotlin.jvm": {"test", "publish"},
}


def build_file(folder: str) -> str:
    return (DEMO / folder / "build.gradle.kts").read_text(encoding="utf-8")


def tasks(folder: str) -> set[str]:
    """Names of the tasks of a module, those of its managed devices too."""
    text = build_file(folder)
    found = ANDROID.search(text)
    assert found
    devices = re.findall(r'localDevices \{\s*create\("(\w+)"\)', text)
    published = set() if "`maven-publish`" in text else {"publish"}
    return TASKS[found[1]] - published | {f"{device}DebugAndroidTest" for device in devices}


def gradle() -> list[list[str]]:
    return [words for words in COMMANDS if words[:1] == ["gradle"]]


def test_every_action_is_pinned_to_a_commit_and_its_version_is_named() -> None:
    lines = re.findall(r"uses: (.*)", (ROOT / ".github/workflows/android.yml").read_text(encoding="utf-8"))
    assert len(lines) >= 4
    for line in lines:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_every_task_of_gradle_exists() -> None:
    ran = set()
    for words in gradle():
        project = Path(words[words.index("--project-dir") + 1]).name
        for task in words[3:]:
            if task.startswith("-"):
                continue
            module, name = task.removeprefix(":").split(":") if task.startswith(":") else (project, task)
            assert name in tasks(module), task
            ran.add((module, name))
    assert {("app", "assembleDebug"), ("app", "assembleRelease"), ("app", "emulatorDebugAndroidTest")} <= ran
    assert {("core", "test"), ("levit", "testDebugUnitTest"), ("app", "testDebugUnitTest")} <= ran
    assert ("consumer", "assembleRelease") in ran


def test_modules_with_colons_are_in_the_settings() -> None:
    included = re.findall(r'"(:\w+)"', (DEMO / "settings.gradle.kts").read_text(encoding="utf-8"))
    named = {f":{task.split(':')[1]}" for words in gradle() for task in words[3:] if task.startswith(":")}
    assert named <= set(included)


def test_the_library_is_published_before_the_consumer_is_built() -> None:
    places = {" ".join(words[3:]): place for place, words in enumerate(gradle())}
    assert places[":core:publish :levit:publish"] < places["assembleRelease"]
    assert 'uri("../build/repository")' in (DEMO / "consumer" / "settings.gradle.kts").read_text(encoding="utf-8")


def test_the_deployed_bundles_are_those_that_convert_makes() -> None:
    (convert,) = [words for words in COMMANDS if "convert" in words]
    targets = convert[convert.index("--target") + 1].split(",")
    assert set(targets) < TARGETS.keys()
    made = {f"build/levit_128s-{name}" for name, recipe in RECIPES.items() if recipe.target in targets}
    deployed = [words for words in COMMANDS if "deploy" in words]
    for words in deployed:
        named = [word for word in words if word.startswith("build/levit_128s")]
        assert len(named) == len(targets)
        assert set(named) <= made
        assert all(name.endswith("-fp32") for name in named)  # the default precision
    assert [("--check" in words) for words in deployed] == [False, True]


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0].endswith("/levit-mobile")], ids=" ".join)
def test_the_options_of_our_commands_exist(words: list[str]) -> None:
    printed = ask(words[1], "--help").output
    assert all(word in printed for word in words if word.startswith("--"))


def test_the_paths_that_start_it_and_the_kept_files_exist() -> None:
    triggers = WORKFLOW[True]  # YAML reads the key `on` as a truth value
    assert triggers["push"]["paths"] == triggers["pull_request"]["paths"]
    for path in triggers["push"]["paths"]:
        assert (ROOT / path.removesuffix("/**")).exists()


def test_the_modules_and_the_consumer_name_one_version() -> None:
    (app,) = re.findall(r'versionName = "([\d.]+)"', build_file("app"))
    for module in ("core", "levit"):
        assert re.findall(r'^version = "([\d.]+)"', build_file(module), re.MULTILINE) == [app]
    assert f'implementation("dev.levitmobile:levit:{app}")' in build_file("consumer")


def test_the_consumer_takes_its_plugin_at_the_version_of_the_demo() -> None:
    pattern = re.compile(r'id\("com\.android\.application"\) version "([\d.]+)"')
    settings = [folder / "settings.gradle.kts" for folder in (DEMO, DEMO / "consumer")]
    demo, consumer = (pattern.findall(path.read_text(encoding="utf-8")) for path in settings)
    assert demo == consumer
