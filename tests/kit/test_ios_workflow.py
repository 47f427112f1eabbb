"""The workflow that builds the iOS demo by Xcode names projects, schemes, folders and bundles that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from support.command import ask
from support.xcode_files import DEMO, of_kind, settings

from levit_mobile.deployment.places import place_of
from levit_mobile.deployment.runtimes import NO_RUNTIME
from levit_mobile.recipe import DEFAULT_PRECISION
from levit_mobile.targets import TARGETS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".github/workflows/ios.yml").read_text(encoding="utf-8")
WORKFLOW: dict[str, Any] = yaml.safe_load(TEXT)
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["xcode"]["steps"]
SCRIPTS = "\n".join(step.get("run", "") for step in STEPS)
COMMANDS = [shlex.split(line) for line in SCRIPTS.replace("\\\n", " ").splitlines() if line]
OURS = [words for words in COMMANDS if words[0].endswith("/levit-mobile")]
BUILDS = [words for words in COMMANDS if words[0] == "xcodebuild" and words[1] != "-version"]


def option(words: list[str], name: str) -> str:
    """The word after an option."""
    return words[words.index(name) + 1]


def bundles(words: list[str]) -> set[str]:
    """The bundles that a command names."""
    return {word for word in words if word.startswith("build/levit_128s")}


def test_it_runs_on_the_macos_that_has_this_xcode() -> None:
    assert WORKFLOW["jobs"]["xcode"]["runs-on"] == "macos-26"


def test_every_action_is_pinned_to_a_commit_and_its_version_is_named() -> None:
    lines = re.findall(r"uses: (.*)", TEXT)
    assert len(lines) >= 3
    for line in lines:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_both_workflows_use_the_same_versions_of_actions() -> None:
    android = (ROOT / ".github/workflows/android.yml").read_text(encoding="utf-8")
    found = [dict(re.findall(r"uses: (\S+)@(\w+)", text)) for text in (TEXT, android)]
    shared = found[0].keys() & found[1].keys()
    assert len(shared) >= 2
    assert [found[0][one] for one in shared] == [found[1][one] for one in shared]


# Bundles


def test_the_deployed_bundles_are_those_that_convert_makes() -> None:
    (convert,) = [words for words in OURS if words[1] == "convert"]
    targets = option(convert, "--target").split(",")
    assert set(targets) == TARGETS.keys() - {target for platform, target in NO_RUNTIME if platform == "ios"}
    made = {f"build/levit_128s-{target}-{DEFAULT_PRECISION[target]}" for target in targets}
    for words in OURS:
        assert bundles(words) == made or words[1] in ("convert", "validate")


def test_the_bundles_are_checked_where_the_app_was_built() -> None:
    deploys = [words for words in OURS if words[1] == "deploy"]
    assert ["--check" in words for words in deploys] == [False, True]
    assert place_of(ROOT / option(deploys[0], "--to")).folder == DEMO / "bundles"
    built = BUILDS[0]
    products = Path(option(built, "-derivedDataPath"), "Build/Products/Release-iphoneos")
    (app,) = [one["path"] for one in of_kind("PBXFileReference").values() if one["path"].endswith(".app")]
    assert Path(option(deploys[1], "--to")) == products / app / "bundles"
    assert COMMANDS.index(deploys[0]) < COMMANDS.index(built) < COMMANDS.index(deploys[1])


def test_a_folder_of_the_build_counts_as_ios(tmp_path: Path) -> None:
    """The check is that of an iOS app, because the build is below the project's folder."""
    (check,) = [words for words in OURS if "--check" in words]
    assert Path(option(check, "--to")).is_relative_to(DEMO.relative_to(ROOT))
    from support.ios_apps import xcode_project

    inside = xcode_project(tmp_path / "ios_demo") / "build" / "LevitDemo.app" / "bundles"
    inside.mkdir(parents=True)
    assert (place_of(inside).folder, place_of(inside).platform) == (inside, "ios")


def test_core_ml_itself_is_proven() -> None:
    (validate,) = [words for words in OURS if words[1] == "validate"]
    assert bundles(validate) == {f"build/levit_128s-coreml-{DEFAULT_PRECISION['coreml']}"}
    assert "--strict" in validate  # a bundle that was not run is a failure


@pytest.mark.parametrize("words", OURS, ids=lambda words: words[1])
def test_the_options_of_our_commands_exist(words: list[str]) -> None:
    printed = ask(words[1], "--help").output
    assert all(word in printed for word in words if word.startswith("--"))


# Xcode


def test_the_app_is_built_for_a_phone_and_tested_in_a_simulator() -> None:
    assert [words[1] for words in BUILDS] == ["build", "test"]
    assert option(BUILDS[0], "-destination") == "generic/platform=iOS"
    assert option(BUILDS[1], "-destination").startswith("platform=iOS Simulator,name=")


@pytest.mark.parametrize("words", BUILDS, ids=lambda words: words[1])
def test_the_project_and_the_scheme_exist(words: list[str]) -> None:
    project = ROOT / option(words, "-project")
    assert (project / "project.pbxproj").is_file()
    assert (project / "xcshareddata" / "xcschemes" / f"{option(words, '-scheme')}.xcscheme").is_file()
    assert "CODE_SIGNING_ALLOWED=NO" in words  # nobody's team is known here


def test_the_build_is_a_release() -> None:
    path = DEMO / "LevitDemo.xcodeproj/xcshareddata/xcschemes" / f"{option(BUILDS[0], '-scheme')}.xcscheme"
    run = ElementTree.parse(path).getroot().find("LaunchAction")
    assert run is not None
    assert run.attrib["buildConfiguration"] == "Release"
    assert settings("LevitDemo", "Release")["SDKROOT"] == "iphoneos"


def test_the_swift_package_is_tested_too() -> None:
    (words,) = [words for words in COMMANDS if words[:2] == ["swift", "test"]]
    assert (ROOT / option(words, "--package-path") / "Package.swift").is_file()


def test_the_paths_that_start_it_and_the_kept_files_exist() -> None:
    triggers = WORKFLOW[True]  # YAML reads the key `on` as a truth value
    assert triggers["push"]["paths"] == triggers["pull_request"]["paths"]
    for path in triggers["push"]["paths"]:
        assert (ROOT / path.removesuffix("/**")).exists()
    written = [word for words in COMMANDS for word in words]
    kept = next(step for step in STEPS if step.get("name") == "Keep the results")["with"]["path"].split()
    assert [path for path in kept if path not in written] == []
