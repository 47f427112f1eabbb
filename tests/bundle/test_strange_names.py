"""Files that macOS leaves in packages, and names in other encodings or compositions, do not break a sound bundle."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from conftest import Bundles
from support import small_bundles
from support.refusals import refused
from support.stored_bundles import require_refusal

from levit_mobile import contract as c
from levit_mobile.bundle.inspect import inspect
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import BundleError
from levit_mobile.model.weight_files import find
from levit_mobile.overview.collect import gather
from levit_mobile.runners import executorch, tflite
from levit_mobile.system.files import as_on_disk, clutter_note, digest, size_bytes

CLUTTER = (".DS_Store", "Data/.DS_Store", "Data/._model.mlmodel", "._Manifest.json")
BYTES = os.fsdecode(b"caf\xe9")
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "zw\u00f6lf") for form in ("NFC", "NFD"))
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: only Linux takes names of any bytes")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A Core ML bundle; its artifact is a few bytes."""
    small_bundles.bundle(tmp_path / "package", "coreml-fp16")
    return tmp_path / "package"


# Files of macOS


@pytest.mark.parametrize("name", CLUTTER)
def test_a_file_of_macos_in_a_package_changes_nothing(package: Path, name: str) -> None:
    artifact = package / "model.mlpackage"
    before = digest(artifact), size_bytes(artifact)
    (artifact / name).write_bytes(b"\0\0\0\1Bud1")
    assert (digest(artifact), size_bytes(artifact)) == before
    stored = open_bundle(package)
    assert stored.clutter == (f"model.mlpackage/{name}",)
    assert name in clutter_note(stored.clutter)


@pytest.mark.parametrize("name", [".DS_Store2", "DS_Store", ".hidden", "Data/_.model", ".ds_store"])
def test_other_files_still_count(package: Path, name: str) -> None:
    (package / "model.mlpackage" / name).write_bytes(b"1")
    require_refusal(package, "bundle.digest", package / "model.mlpackage", "sha256")


def test_a_folder_with_such_a_name_still_counts(package: Path) -> None:
    (package / "model.mlpackage" / "._more").mkdir()
    (package / "model.mlpackage" / "._more" / "file").write_bytes(b"1")
    require_refusal(package, "bundle.digest", package / "model.mlpackage", "sha256")


def test_many_files_are_named_in_one_short_sentence() -> None:
    sentence = clutter_note(tuple(f"Data/._{number}" for number in range(9)))
    assert "Data/._3 and 5 more" in sentence
    assert "Data/._4" not in sentence


@pytest.mark.slow
def test_inspect_names_them(bundles: Bundles, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(bundles("coreml-fp16").path, tmp_path / "bundle"))
    sound = inspect(copied)
    (copied / "model.mlpackage" / "Data" / ".DS_Store").write_bytes(b"x")
    found = inspect(copied)
    assert (found.sha256, found.bytes, found.contradictions) == (sound.sha256, sound.bytes, ())
    assert "Data/.DS_Store" in found.inspection.notes[0]


def test_weights_beside_their_macos_twin_are_found(tmp_path: Path) -> None:
    for name in ("weights.pth", "._weights.pth"):
        (tmp_path / name).write_bytes(b"1")
    assert find(tmp_path) == (tmp_path / "weights.pth",)


# Names


def test_a_digest_is_that_of_the_composed_names(tmp_path: Path) -> None:
    for number, name in enumerate((COMPOSED, DECOMPOSED)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / name).write_bytes(b"1")
    line = f"{hashlib.sha256(b'1').hexdigest()}  {COMPOSED}\n"
    assert digest(tmp_path / "0") == digest(tmp_path / "1") == hashlib.sha256(line.encode()).hexdigest()


def test_a_digest_counts_names_of_any_bytes(tmp_path: Path) -> None:
    (tmp_path / BYTES).write_bytes(b"1")
    line = f"{hashlib.sha256(b'1').hexdigest()}  ".encode() + b"caf\xe9\n"
    assert digest(tmp_path) == hashlib.sha256(line).hexdigest()


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("asked", [COMPOSED, DECOMPOSED])
def test_a_bundle_opens_by_either_composition(package: Path, stored: str, asked: str) -> None:
    (package.parent / stored / "below").mkdir(parents=True)
    package.rename(package.parent / stored / "below" / stored)
    found = open_bundle(package.parent / asked / "below" / asked)
    assert found.path == package.parent / stored / "below" / stored
    assert found.contract.recipe == "coreml-fp16"


def test_a_name_in_the_contract_is_found_in_either_composition(package: Path) -> None:
    (package / "golden" / "a.rgb8").rename(package / "golden" / f"{DECOMPOSED}.rgb8")
    text = (package / "contract.json").read_text(encoding="utf-8")
    (package / "contract.json").write_text(text.replace("golden/a.rgb8", f"golden/{COMPOSED}.rgb8"), encoding="utf-8")
    assert list(open_bundle(package).golden()) == ["a"]


def test_a_path_that_is_there_twice_or_not_at_all_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / COMPOSED).mkdir()
    (tmp_path / DECOMPOSED).mkdir()
    for path in (tmp_path / COMPOSED, tmp_path / DECOMPOSED, tmp_path / "Zw\u00f6lf", tmp_path / "x" / COMPOSED):
        assert as_on_disk(path) == path
    with refused(BundleError, "bundle.missing", "does not exist"):
        open_bundle(tmp_path / "Zw\u00f6lf")


def test_relative_paths_are_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / DECOMPOSED / "a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert as_on_disk(Path(COMPOSED, "a")) == Path(DECOMPOSED, "a")
    assert as_on_disk(Path(COMPOSED, "..", COMPOSED)) == Path(DECOMPOSED, "..", DECOMPOSED)


def test_a_folder_that_is_not_utf8_is_opened_and_reported_as_text(package: Path) -> None:
    package.rename(package.with_name(BYTES))
    assert open_bundle(package.with_name(BYTES)).contract.recipe == "coreml-fp16"
    (found,) = gather(package.parent).bundles
    assert (found.name, found.broken) == ("caf\ufffd", "")


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "runner"), [("tflite-fp32", tflite), ("executorch-fp32", executorch)])
def test_runtimes_load_from_a_folder_that_is_not_utf8(
    shallow_bundles: Bundles, tmp_path: Path, recipe: str, runner: object
) -> None:
    made = shallow_bundles(recipe)
    copied = Path(shutil.copytree(made.path, tmp_path / BYTES)) / made.contract.artifact.file
    picture = np.full((1, 3, *_size(made.contract)), 0.5, np.float32)
    (plain, strange) = (
        runner.load(path, source=made.contract.input, result=made.contract.output)(picture)  # type: ignore[attr-defined]
        for path in (made.path / made.contract.artifact.file, copied)
    )
    assert np.array_equal(plain, strange)


def _size(contract: c.Contract) -> tuple[int, int]:
    return contract.preprocessing.crop_height, contract.preprocessing.crop_width
