"""The script that makes the bundles of the Android library's tests."""

import os
import time
from pathlib import Path

import pytest
import write_bundles
from support import kept

from levit_mobile.recipe import RECIPES, Precision


def test_every_recipe_that_android_runs_is_made() -> None:
    wanted = write_bundles.wanted()
    ours = {name for name, recipe in RECIPES.items() if recipe.target in ("tflite", "executorch")}
    assert {recipe.name for recipe in wanted.values()} == ours
    assert len(wanted) == len(ours) + 2
    integer = {recipe.name for recipe in wanted.values() if recipe.io == "int8"}
    assert integer == {name for name in ours if RECIPES[name].precision is Precision.INT8}


def test_the_key_depends_on_the_code_that_converts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = write_bundles.key()
    assert before == write_bundles.key()
    code = {path.relative_to(write_bundles.TOP).parts[:2] for path in write_bundles._code()}
    assert ("levit_mobile", "quantization") in code
    assert ("levit_mobile", "recipe.py") in code
    assert ("conversion", "tflite.py") in code
    assert ("levit_mobile", "cli") not in code
    monkeypatch.setattr(write_bundles, "CALIBRATION", 65)
    assert write_bundles.key() != before


def test_a_folder_is_made_once_and_an_unused_one_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path))
    made: list[Path] = []
    monkeypatch.setattr(write_bundles, "_make", lambda into: made.append(into))
    old, recent = tmp_path / "android-bundles-0", tmp_path / "android-bundles-1"
    for folder in (old, recent):
        folder.mkdir()
    long_ago = time.time() - write_bundles.LONGEST_UNUSED_S - 60
    os.utime(old, (long_ago, long_ago))
    first = write_bundles.folder()
    assert write_bundles.folder() == first
    assert first.is_dir()
    assert len(made) == 1
    assert recent.is_dir()
    assert not old.exists()


def test_conversions_lie_where_the_tests_keep_theirs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEVIT_MOBILE_CACHE", str(tmp_path))
    monkeypatch.delenv(kept.VARIABLE, raising=False)
    with write_bundles._conversions() as found:
        assert found == tmp_path / "test-conversions" / kept.digest()
        assert found.is_dir()
    monkeypatch.setenv(kept.VARIABLE, "0")
    with write_bundles._conversions() as found:
        assert found.is_dir()
        assert tmp_path not in found.parents
