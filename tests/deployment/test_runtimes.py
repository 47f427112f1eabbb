"""Which bundles an app's runtimes load, by the versions that its Gradle files state."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.android_apps import CATALOGUE, bundle, module, project
from support.refusals import refused

import levit_mobile
from levit_mobile.deployment.runtimes import RUNTIMES, named_versions
from levit_mobile.errors import BundleError
from levit_mobile.targets import TARGETS

KOTLIN = Path(levit_mobile.__file__).parents[1] / "android_demo/core/src/main/kotlin/dev/levitmobile"
LIBRARY = "org.pytorch:executorch-android"


def stated(folder: Path, to: Path) -> dict[str, str]:
    """The versions that a deployment finds."""
    done = levit_mobile.deploy([bundle(folder / "any")], to, check=True)
    return {target: one.version for target, one in done.runtimes.items()}


@pytest.mark.parametrize("made", ["1.4.1", "1.4.0", "1.3.2", "1.4.0+cpu"])
def test_executorch_loads_its_own_and_the_former_minor_version(tmp_path: Path, made: str) -> None:
    one = bundle(tmp_path / "one", "executorch-fp32", made_by=made)
    done = levit_mobile.deploy([one], project(tmp_path / "demo"))
    assert [found.state for found in done.bundles] == ["added"]
    assert done.notes == ()


@pytest.mark.parametrize(
    ("made", "expected"), [("1.2.9", "1.2 or 1.3"), ("1.5.0", "1.5 or 1.6"), ("0.4.1", "0.4 or 0.5"), ("2.4.1", "2.4")]
)
@pytest.mark.parametrize("check", [False, True])
def test_executorch_loads_no_other_version(tmp_path: Path, made: str, expected: str, check: bool) -> None:
    one = bundle(tmp_path / "one", "executorch-fp32", made_by=made)
    app = project(tmp_path / "demo")
    with refused(BundleError, "bundle.runtime", one, made, "1.4.1", "libs.versions.toml", expected):
        levit_mobile.deploy([one], app, check=check)
    assert not (app / "app" / "src").exists()


def test_litert_loads_its_own_major_version(tmp_path: Path) -> None:
    app = project(tmp_path / "demo")
    assert levit_mobile.deploy([bundle(tmp_path / "one", made_by="2.9.0")], app).notes == ()
    with refused(BundleError, "bundle.runtime", "LiteRT 1.4.0", "2.3.0", "expected 1.x"):
        levit_mobile.deploy([bundle(tmp_path / "two", made_by="1.4.0")], app)


@pytest.mark.parametrize("to", ["demo", "plain"])
def test_android_loads_no_core_ml(tmp_path: Path, to: str) -> None:
    project(tmp_path / "demo")
    (tmp_path / "plain").mkdir()
    with refused(BundleError, "bundle.runtime", tmp_path / "one", "Core ML"):
        levit_mobile.deploy([bundle(tmp_path / "one", "coreml-fp16")], tmp_path / to)


# Where the version stands


@pytest.mark.parametrize(
    "catalogue",
    [
        CATALOGUE,
        f'[libraries]\na = "{LIBRARY}:1.4.1"',
        f'[libraries]\na = {{ module = "{LIBRARY}", version = "1.4.1" }}',
        f'[libraries]\na = {{ module = "{LIBRARY}-vulkan", version = {{ prefer = "1.4.1" }} }}',
        f'[versions]\ne = "1.3.0"\n[libraries]\na = "{LIBRARY}:1.4.1"\nb.module = "{LIBRARY}"\nb.version.ref = "e"',
    ],
)
def test_a_version_in_a_catalogue(tmp_path: Path, catalogue: str) -> None:
    app = project(tmp_path / "demo", catalogue=catalogue)
    assert stated(tmp_path, app)["executorch"] == "1.4.1"
    assert stated(tmp_path / "again", app / "app" / "src" / "main" / "assets")["executorch"] == "1.4.1"


@pytest.mark.parametrize(
    "text",
    [
        f'implementation("{LIBRARY}:1.4.1")',
        f"implementation '{LIBRARY}:1.4.1@aar'",
        f'implementation("{LIBRARY}-qnn:1.4.1")',
        f'val executorch = "1.4.1"\nimplementation("{LIBRARY}:$executorch")',
        f"ext.executorch = '1.4.1'\nimplementation \"{LIBRARY}:${{executorch}}\"",
        "implementation group: 'org.pytorch', name: 'executorch-android', version: '1.4.1'",
        f'// implementation("{LIBRARY}:1.5.0")\nimplementation("{LIBRARY}:1.4.1")',
    ],
)
def test_a_version_in_a_build_file(tmp_path: Path, text: str) -> None:
    app = module(tmp_path / "app", f'plugins {{ id("com.android.application") }}\n{text}')
    assert stated(tmp_path, app) == {"executorch": "1.4.1"}


def test_a_version_in_the_properties_of_the_project(tmp_path: Path) -> None:
    app = project(tmp_path / "demo", catalogue="", app=f'id("com.android.application")\n"{LIBRARY}:$executorchVersion"')
    (app / "gradle.properties").write_text("executorchVersion = 1.4.1\n")
    assert stated(tmp_path, app) == {"executorch": "1.4.1"}


def test_a_version_in_the_library_that_the_app_uses(tmp_path: Path) -> None:
    app = project(tmp_path / "demo", catalogue="")
    module(app / "levit", f'plugins {{ id("com.android.library") }}\nimplementation("{LIBRARY}:1.4.1")')
    assert stated(tmp_path, app) == {"executorch": "1.4.1"}


@pytest.mark.parametrize("catalogue", ["not TOML", "libraries = 3", "[libraries]\na = 3", "[versions]\na = 3"])
def test_a_catalogue_that_says_nothing(tmp_path: Path, catalogue: str) -> None:
    assert stated(tmp_path, project(tmp_path / "demo", catalogue=catalogue)) == {}


# The option


def test_a_version_that_was_given_counts_where_no_file_states_one(tmp_path: Path) -> None:
    one = bundle(tmp_path / "one", "executorch-fp32", made_by="1.4.1")
    app = project(tmp_path / "demo", catalogue="")
    assert levit_mobile.deploy([one], app, runtimes={"executorch": "1.5.0"}).notes == ()
    with refused(BundleError, "bundle.runtime", "1.3.0", "--runtime executorch=1.3.0"):
        levit_mobile.deploy([one], app, runtimes={"executorch": "1.3.0"})


def test_a_version_that_contradicts_the_files_is_refused(tmp_path: Path) -> None:
    one = bundle(tmp_path / "one", "executorch-fp32", made_by="1.4.1")
    with refused(BundleError, "bundle.runtime", "1.4.1", "1.5.0", "libs.versions.toml"):
        levit_mobile.deploy([one], project(tmp_path / "demo"), runtimes={"executorch": "1.5.0"})


def test_what_was_not_checked_is_a_note(tmp_path: Path) -> None:
    app = project(tmp_path / "demo", catalogue="")
    one = bundle(tmp_path / "one", "executorch-fp32", made_by="1.4.1")
    two = bundle(tmp_path / "two", "tflite-int8")
    first, second = levit_mobile.deploy([one, two], app).notes
    assert "one" in first
    assert "--runtime executorch=" in first
    assert "two" in second
    assert "contract" in second


@pytest.mark.parametrize("words", ["executorch", "executorch=", "executorch=1", "coreml=1.0", "executorch=latest"])
def test_a_word_that_is_no_runtime(words: str) -> None:
    with pytest.raises(ValueError, match=r"executorch=1\.4\.1"):
        named_versions([words])


def test_two_versions_of_one_runtime() -> None:
    assert named_versions(["litert=2.3.0", "executorch=1.4.1"]) == {"litert": "2.3.0", "executorch": "1.4.1"}
    with pytest.raises(ValueError, match="two versions"):
        named_versions(["litert=2.3.0", "litert=2.4.0"])


def test_unknown_names_and_no_bundle_are_refused(tmp_path: Path) -> None:
    app = project(tmp_path / "demo")
    with pytest.raises(ValueError, match="no bundle"):
        levit_mobile.deploy([], app)
    with pytest.raises(ValueError, match="tflite"):
        levit_mobile.deploy([bundle(tmp_path / "one")], app, runtimes={"tflite": "2.3.0"})


# The Kotlin that reads and decides on the phone


def test_the_runtimes_are_those_of_the_phone() -> None:
    code = (KOTLIN / "contract" / "Runtime.kt").read_text(encoding="utf-8")
    rows = re.findall(r'^    [A-Z]+\("(\.\w+)", "(\w+)", "([\w-]+)"\)', code, re.M)
    assert {TARGETS[name].suffix: (one.title, one.maker) for name, one in RUNTIMES.items()} == {
        suffix: (title, maker) for suffix, title, maker in rows
    }
    assert "minor - madeMinor in 0..1" in code


@pytest.mark.parametrize("name", ["BundleIndex", "IndexedBundle", "IndexedFile"])
def test_the_index_has_the_fields_that_the_phone_reads(name: str) -> None:
    from levit_mobile.deployment import index

    code = (KOTLIN / "store" / "BundleIndex.kt").read_text(encoding="utf-8")
    (body,) = re.findall(rf"class {name}\((.*?)\n\)", code, re.S)
    fields = re.findall(r'^\s+(?:@SerialName\("(\w+)"\) )?val (\w+):', body, re.M)
    assert [serial or plain for serial, plain in fields] == list(getattr(index, name).model_fields)
    assert f"SCHEMA_VERSION: Int = {index.SCHEMA_VERSION}" in code
