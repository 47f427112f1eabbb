"""The build of the Android demo without Gradle: its lock, its cache, and what it prints where it cannot run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import catalogue
import modules
import pytest
import resources

from levit_mobile.deployment.gradle import module_at, modules_below, stated_version, uncompressed
from levit_mobile.system.folders import CACHE_VARIABLE, cache_folder

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "android_demo"
BUILD = DEMO / "tools" / "build.py"
LINE = re.compile(r"[0-9a-f]{64} [\w.-]+:[\w.-]+:[\w.-]+:(?:jar|aar) [\w,-]+")
ADDRESS = re.compile(r"https?://(?!schemas\.android\.com/)|maven\.org|maven\.google")
CATALOGUE = tomllib.loads((DEMO / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))
LOCK = (DEMO / "toolchain.lock").read_text(encoding="utf-8").splitlines()


def home(folder: Path, version: str) -> None:
    """A JDK whose programs print this version."""
    (folder / "bin").mkdir(parents=True)
    for name in ("java", "javac"):
        program = folder / "bin" / name
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
        program.chmod(0o755)


def built(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the build on a machine whose PATH is one folder and that has no other JDKs."""
    kept = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "CI")}
    variables = kept | {"PATH": str(path), "JDK_FOLDER": str(path / "no-jdks")} | environment
    return subprocess.run([sys.executable, BUILD], env=variables, capture_output=True, text=True, check=False)


def test_without_java_nothing_is_run_and_the_reason_is_printed(tmp_path: Path) -> None:
    done = built(tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("NOT RUN: no JDK 22 or newer")


def test_in_ci_a_machine_without_java_is_a_failure(tmp_path: Path) -> None:
    done = built(tmp_path, CI="true")
    assert done.returncode == 1
    assert done.stdout.startswith("NOT RUN: no JDK 22 or newer")


@pytest.mark.parametrize(
    ("version", "reason"),
    [("25.0.1", "NOT RUN: no Maven: `mvn` is not on the path"), ("17.0.2", "NOT RUN: no JDK 22 or newer")],
)
def test_java_is_asked_for_its_version_before_maven_is_looked_for(tmp_path: Path, version: str, reason: str) -> None:
    home(tmp_path, version)
    done = built(tmp_path / "bin", JAVA_HOME=str(tmp_path))
    assert done.stdout.startswith(reason)
    assert done.returncode == 0


def test_the_reason_names_the_jdks_that_are_too_old(tmp_path: Path) -> None:
    home(tmp_path, "11.0.2")
    assert f"{tmp_path} is 11" in built(tmp_path / "bin", JAVA_HOME=str(tmp_path)).stdout


def test_a_newer_jdk_on_the_path_is_taken_where_that_of_java_home_is_too_old(tmp_path: Path) -> None:
    home(tmp_path / "old", "17.0.2")
    home(tmp_path / "new", "25.0.1")
    done = built(tmp_path / "new" / "bin", JAVA_HOME=str(tmp_path / "old"))
    assert done.stdout.startswith("NOT RUN: no Maven")


@pytest.mark.parametrize("named", [True, False])
def test_downloads_are_in_the_cache_folder(named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    if named:
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    asked = [sys.executable, "-c", "import maven; print(maven.cache())"]
    found = subprocess.run(asked, cwd=BUILD.parent, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(found) == cache_folder() / "maven"


def test_every_line_of_the_lock_has_a_digest_and_known_class_paths() -> None:
    assert LOCK
    for line in LOCK:
        assert LINE.fullmatch(line), line
        assert set(line.split()[2].split(",")) <= catalogue.CLASS_PATHS.keys()


def test_the_lock_has_every_library_of_every_class_path_at_the_version_of_the_catalogue() -> None:
    """Multiplatform libraries have their files under names with -android or -jvm appended."""
    locked = {(line.split()[1].rpartition(":")[0], used) for line in LOCK for used in line.split()[2].split(",")}
    for name, path in catalogue.CLASS_PATHS.items():
        for one in catalogue.roots(path):
            if one.version and one.artifact != "junit-jupiter":  # that one has no file
                names = [f"{one.group}:{one.artifact}{end}:{one.version}" for end in ("", "-android", "-jvm")]
                assert any((candidate, name) in locked for candidate in names), (names, name)


def test_the_parts_of_junit_and_of_kotlin_have_one_version_each() -> None:
    names = [line.split()[1].split(":") for line in LOCK if "core-test" in line.split()[2]]
    groups = {"org.junit.jupiter": "junit", "org.junit.platform": "junitPlatform", "org.jetbrains.kotlin": "kotlin"}
    for group, version in groups.items():
        assert {name[2] for name in names if name[0] == group} == {CATALOGUE["versions"][version]}


def test_gradle_takes_its_plugins_at_the_versions_of_the_catalogue() -> None:
    settings = (DEMO / "settings.gradle.kts").read_text(encoding="utf-8")
    plugins = dict(re.findall(r'id\("([\w.]+)"\) version "([\d.]+)"', settings))
    owners = {"com.android": "agp", "org.jetbrains": "kotlin"}
    assert len(plugins) >= 3
    for name, version in plugins.items():
        assert version == CATALOGUE["versions"][owners[".".join(name.split(".")[:2])]]


def test_a_file_with_another_digest_stops_the_build(tmp_path: Path) -> None:
    """All files are there, so that Maven is not asked."""
    for name in (line.split()[1] for line in LOCK):
        group, artifact, version, kind = name.split(":")
        folder = tmp_path / "maven" / group.replace(".", "/") / artifact / version
        folder.mkdir(parents=True)
        (folder / f"{artifact}-{version}.{kind}").write_text("another file")
    asked = [sys.executable, "-c", "import steps; steps.fetch()"]
    done = subprocess.run(
        asked,
        cwd=BUILD.parent,
        env=os.environ | {CACHE_VARIABLE: str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("files whose digests differ from toolchain.lock: ")
    assert "kotlin-compiler-embeddable" in done.stderr


def test_the_readme_shows_the_defaults_of_the_timing_plan() -> None:
    """As the Kotlin classes have them."""
    blocks = re.findall(r"```json\n(.*?)```", (DEMO / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    plan = json.loads(blocks[1])
    folder = DEMO / "core/src/main/kotlin/dev/levitmobile/timing"
    source = (folder / "TimingPlan.kt").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"val (\w+): (?:Int|Long|Double) = ([\d_.]+)", source))
    stated = {**plan["steps"][0], **plan["cool_down"], **plan}
    for name, field in {
        "rounds": "rounds",
        "warmupRounds": "warmup_rounds",
        "starts": "starts",
        "seed": "seed",
        "threads": "threads",
        "mostHeadroom": "most_headroom",
        "pollMs": "poll_ms",
        "longestMs": "longest_ms",
    }.items():
        assert float(defaults[name]) == stated[field]


def test_no_file_of_the_demo_names_a_registry() -> None:
    files = [path for path in DEMO.rglob("*") if path.is_file() and not {"build", "__pycache__"} & set(path.parts)]
    named = [path.name for path in files if ADDRESS.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert named == []


def test_the_core_imports_nothing_of_android() -> None:
    sources = list((DEMO / "core" / "src" / "main").rglob("*.kt"))
    assert len(sources) > 10
    imports = re.compile(r"^import (?:android|androidx)\..*", re.MULTILINE)
    assert [source for source in sources if imports.search(source.read_text(encoding="utf-8"))] == []


def stated(module: str, name: str) -> set[str]:
    """What a module's build file gives this name, as often as it does."""
    text = (DEMO / module / "build.gradle.kts").read_text(encoding="utf-8")
    return {literal.strip('"') for literal in re.findall(rf'\b{name} = ("[^"]*"|\w+)', text)}


def test_gradle_and_the_other_build_have_the_same_modules() -> None:
    settings = (DEMO / "settings.gradle.kts").read_text(encoding="utf-8")
    assert re.findall(r'":(\w+)"', settings) == [module.name for module in modules.MODULES]


def test_the_plugins_of_every_module_are_loaded_once_in_the_root_build_file() -> None:
    root, *others = (DEMO / folder / "build.gradle.kts" for folder in (".", "core", "levit", "app"))
    loaded = re.findall(r'id\("([\w.]+)"\) apply false', root.read_text(encoding="utf-8"))
    used = {name for path in others for name in re.findall(r'id\("([\w.]+)"\)', path.read_text(encoding="utf-8"))}
    assert set(loaded) == used
    assert "org.jetbrains.kotlin.android" not in used  # an error since version 9 of Android's plugin


@pytest.mark.parametrize("module", [module for module in modules.MODULES if module.android], ids=lambda one: one.name)
def test_an_android_module_has_one_namespace_and_the_same_levels_in_both_builds(module: modules.Module) -> None:
    assert stated(module.name, "namespace") == {module.namespace}
    assert stated(module.name, "minSdk") == {modules.android_value("minSdk")} == {"26"}
    assert stated(module.name, "compileSdk") == {modules.PLATFORM.removeprefix("platform-")} == {"37"}


def test_the_app_targets_the_level_of_the_older_platform() -> None:
    assert modules.android_value("targetSdk") == modules.OLDER_PLATFORM.removeprefix("platform-") == "36"


def test_both_builds_leave_the_same_files_uncompressed() -> None:
    assert uncompressed(modules_below(DEMO)) == set(resources.STORED)


@pytest.mark.parametrize("library", ["org.pytorch:executorch-android", "com.google.ai.edge.litert:litert"])
def test_deploy_reads_the_versions_of_the_runtimes_from_the_catalogue(library: str) -> None:
    found = stated_version(library, module_at(DEMO / "app"), DEMO)
    key = "executorch" if "executorch" in library else "litert"
    assert found == (CATALOGUE["versions"][key], DEMO / "gradle" / "libs.versions.toml")
