"""A bundle's calibration done again: its plan, and the very pictures of its contract, or one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from support.image_places import contents, remembered
from support.refusals import refused
from support.stored_bundles import edited, written

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.errors import ImageError, RecipeError
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.observers import Observer
from levit_mobile.system.files import digest
from levit_mobile.validation.recalibration import again

pytestmark = pytest.mark.slow


@pytest.fixture
def crops(tmp_path: Path, photograph: Image.Image) -> Path:
    """A folder "train" of 20 crops of a photograph."""
    (tmp_path / "train").mkdir()
    for number in range(20):
        photograph.crop((9 * number, 0, 9 * number + 120, 120)).save(tmp_path / "train" / f"{number:02d}.png")
    return tmp_path / "train"


@pytest.fixture
def of_folder(small: SourceModel, crops: Path, tmp_path: Path) -> OpenBundle:
    """A bundle that was calibrated on 16 pictures of the folder, drawn by seed 5."""
    (tmp_path / "bundle").mkdir()
    return open_bundle(written(small, "tflite-int8", tmp_path / "bundle", calibration=crops, count=16, seed=5))


@pytest.mark.parametrize("source", [None, "synthetic"])
def test_built_in_pictures_are_drawn_anew(small: SourceModel, tmp_path: Path, source: str | None) -> None:
    stored = open_bundle(
        written(small, "tflite-int8", tmp_path, calibration=source, count=9, seed=2, observer="entropy")
    )
    found, stated = again(stored), stored.contract.calibration
    assert found is not None
    assert stated is not None
    assert (found.calibration.digest, len(found.calibration.pictures)) == (stated.pictures_sha256, 9)
    assert (found.plan.sha256, found.plan.observer) == (stated.plan_sha256, Observer.ENTROPY)


def test_a_bundle_that_measured_nothing_has_none(small: SourceModel, tmp_path: Path) -> None:
    assert again(open_bundle(written(small, "tflite-fp32", tmp_path))) is None


def test_a_folder_is_found_by_its_name_or_named(
    of_folder: OpenBundle, crops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = again(of_folder, crops)
    with refused(ImageError, "image.not-found", "16 images", " train", "--calibration"):
        again(of_folder)
    monkeypatch.chdir(crops.parent)
    found = again(of_folder)
    assert found is not None
    assert named is not None
    assert found.calibration.digest == named.calibration.digest


def test_other_pictures_under_the_same_names_are_refused(of_folder: OpenBundle, crops: Path) -> None:
    for path in crops.iterdir():
        Image.open(path).rotate(90).save(path)
    with refused(ImageError, "image.other-pictures", crops, "16 images", "sha256"):
        again(of_folder, crops)


def test_a_folder_that_is_not_there(of_folder: OpenBundle, tmp_path: Path) -> None:
    with refused(ImageError, "image.not-found", tmp_path / "absent"):
        again(of_folder, tmp_path / "absent")


def test_a_url_in_a_contract_is_not_opened_before_it_is_named(of_folder: OpenBundle, crops: Path) -> None:
    url = remembered("train", contents(crops))
    edited(of_folder.path / "contract.json", "calibration", "source", to=url)
    stored = open_bundle(of_folder.path)
    with refused(ImageError, "image.not-found", url, "16 images", "--calibration"):
        again(stored)
    found = again(stored, url)
    assert found is not None
    assert stored.contract.calibration is not None
    assert found.calibration.digest == stored.contract.calibration.pictures_sha256


def test_a_plan_that_is_none(of_folder: OpenBundle, crops: Path) -> None:
    bundle = of_folder.path
    (bundle / "plan.json").write_text("{}")
    edited(bundle / "contract.json", "calibration", "plan_sha256", to=digest(bundle / "plan.json"))
    with refused(RecipeError, "recipe.schema", bundle / "plan.json", "schema 1"):
        again(open_bundle(bundle), crops)


def test_the_bundle_may_have_moved(small: SourceModel, of_folder: OpenBundle, crops: Path, tmp_path: Path) -> None:
    moved = open_bundle(shutil.move(of_folder.path, tmp_path / "elsewhere"))
    found = again(moved, crops)
    assert found is not None
    assert found.plan.variant == small.checkpoint.variant
