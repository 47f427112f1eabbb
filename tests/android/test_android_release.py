"""The release side of the build without Gradle: dependencies, Gradle blocks, limits, kept names, optional steps."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import apk
import apks
import gradle_check
import kept
import optional
import publish
import pytest
from modules import CORE, LEVIT
from support.class_files import compiled

KOTLIN = "org.jetbrains.kotlin:kotlin-stdlib"
DEMO = Path(__file__).parents[2] / "android_demo"


def test_the_library_hands_on_the_core_and_coroutines_alone() -> None:
    """Callers see their types; everything else may change without them."""
    found = publish.dependencies(LEVIT)
    api = {one.coordinate.rpartition(":")[0] for one in found if one.api}
    assert api == {KOTLIN, "dev.levitmobile:core", "org.jetbrains.kotlinx:kotlinx-coroutines-android"}
    assert len({one.coordinate for one in found}) == len(found)
    assert len(found) > len(api)
    assert all(re.fullmatch(r"[\w.-]+:[\w.-]+:\d[\w.-]*", one.coordinate) for one in found)


def test_both_runtimes_are_dependencies_of_the_library_and_the_camera_is_not() -> None:
    named = {one.coordinate.split(":")[1] for one in publish.dependencies(LEVIT)}
    assert {"litert", "litert-gpu", "executorch-android", "fbjni"} <= named
    assert not any(name.startswith("camera") for name in named)


def test_the_core_depends_on_no_android_library() -> None:
    groups = {one.coordinate.split(":")[0] for one in publish.dependencies(CORE)}
    assert groups == {"org.jetbrains.kotlin", "org.jetbrains.kotlinx"}


def test_every_android_module_has_a_block_that_is_checked() -> None:
    assert {path.parent.name for path in gradle_check.build_files()} == {"app", "consumer", "levit"}


@pytest.mark.parametrize("module", ["app", "levit"])
def test_the_checked_function_is_the_block_word_for_word(module: str) -> None:
    path = DEMO / module / "build.gradle.kts"
    text = gradle_check.function(path)
    head, _, body = text.partition("() {\n")
    assert head.endswith(f"Extension.{module}")
    assert f"android {{\n{body}" in path.read_text(encoding="utf-8")
    assert body.rstrip().endswith("}")
    assert "dependencies" not in body


def test_a_name_that_the_plugin_lacks_can_be_put_into_a_block() -> None:
    """The check compiles the blocks once more with it, and must be refused."""
    right, wrong = gradle_check.WRONG
    assert any(right in gradle_check.function(path) for path in gradle_check.build_files())
    assert wrong not in "".join(gradle_check.function(path) for path in gradle_check.build_files())


def test_a_build_above_its_limit_is_refused_with_both_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "limits.toml").write_text("[release]\ncode_and_resources = 100\n")
    monkeypatch.setattr(apks, "LIMITS", tmp_path / "limits.toml")
    small = apk.Sizes(apk=1100, dex=0, resources=0, libraries=600, bundles=400)
    large = apk.Sizes(apk=1101, dex=0, resources=0, libraries=600, bundles=400)
    assert apks.too_large("release", small) == []
    (fault,) = apks.too_large("release", large)
    assert "101 bytes" in fault
    assert "100" in fault


def test_members_of_other_packages_are_not_counted(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for name in ("com/facebook/jni/HybridData", "com/facebook/other/Other"):
            archive.writestr(f"{name}.class", compiled(name, [("destroy", "()V", 2), ("bridge", "()V", 0x1002)]))
    found = kept.members([jar], ("com/facebook/jni/",))
    assert found == {"com/facebook/jni/HybridData", "com/facebook/jni/HybridData.destroy/0"}


@pytest.mark.parametrize(("ci", "fails"), [("true", True), ("", False)])
def test_a_step_that_cannot_run_names_the_reason(
    ci: str, fails: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", ci)
    step = optional.only_if(lambda: "no signer", "release", pytest.fail)
    if fails:
        with pytest.raises(SystemExit, match="NOT RUN: no signer"):
            step()
    else:
        step()
        assert capsys.readouterr().out == "release: NOT RUN: no signer\n"


def test_a_step_that_can_run_does() -> None:
    done: list[int] = []
    optional.only_if(lambda: "", "release", lambda: done.append(1))()
    assert done == [1]


def test_every_exception_of_lint_has_its_reason_before_it() -> None:
    text = (DEMO / "lint.xml").read_text(encoding="utf-8")
    issues = re.findall(r"<issue ", text)
    assert len(issues) == len(re.findall(r"<!-- [^>]{20,} -->\n    <issue id=\"\w+\" severity=\"ignore\"", text))
    assert "all" not in re.findall(r'id="(\w+)"', text)
