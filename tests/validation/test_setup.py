"""What a validation is about: pictures, what they show, options that go together, and what runs where."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import pytest
from conftest import Bundles
from support.image_places import digits_by_class
from support.one_pass import validate
from support.refusals import refused

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import ImageError, RecipeError
from levit_mobile.images import digits
from levit_mobile.validation import setup

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve held-out digits as PNG files, a folder a class."""
    return digits_by_class(tmp_path_factory.mktemp("pictures"), 12)


def test_a_folder_of_classes(bundles: Bundles, classes: Path) -> None:
    one = validate(bundles("tflite-fp32").path, images=classes, truth="folders")
    assert (one.verdict, one.pictures_from) == ("proven", classes.name)
    assert one.report is not None
    assert one.report.images == 12
    assert one.accuracy is not None
    assert (one.accuracy.pictures, one.accuracy.labels_from) == (12, "folders")
    assert one.accuracy.reference >= 10 / 12
    assert {picture.truth for picture in one.worst} <= set(digits.LABELS)


def test_a_table_of_labels_decides_the_accuracy(bundles: Bundles, classes: Path, tmp_path: Path) -> None:
    names = sorted(path.relative_to(classes).as_posix() for path in classes.rglob("*.png"))
    with (tmp_path / "truth.csv").open("w", newline="") as stream:
        rows = [(name, (int(name[0]) + 1) % 10) for name in names]  # all wrong
        csv.writer(stream).writerows([("file", "label"), *rows])
    options = {"images": classes, "truth": tmp_path / "truth.csv", "bounds": {"min_top1_accuracy": 0.5}}
    one = validate(bundles("tflite-fp32").path, **options)  # type: ignore[arg-type]
    assert one.verdict == "broken"
    assert one.accuracy is not None
    (reason,) = one.reasons
    for fact in ("top-1 accuracy", f"{one.accuracy.candidate:.2%}", "at least 50.00%"):
        assert fact in reason
    assert one.accuracy.candidate <= 2 / 12


def test_options_that_do_not_go_together(bundles: Bundles, classes: Path) -> None:
    path = bundles("tflite-fp32").path
    with refused(RecipeError, "recipe.options", "--truth", "--images"):
        validate(path, truth="folders")
    with refused(RecipeError, "recipe.options", "accuracy", "labels", "--truth"):
        validate(path, images=classes, bounds={"max_accuracy_drop": 0.1})
    with refused(ImageError, "image.golden", "--images", "omit it"):
        validate(path, images=classes, reference="golden")
    with refused(RecipeError, "recipe.runtime", "'mil'", "tflite artifacts", "litert, tflite-ru"):
        validate(path, runtime="mil")


def test_a_broken_picture_is_named_or_skipped(bundles: Bundles, classes: Path, tmp_path: Path) -> None:
    pictures = shutil.copytree(classes, tmp_path / "pictures")
    (pictures / "0" / "bad.png").write_bytes((pictures / "0" / "0.png").read_bytes()[:900])
    with refused(ImageError, "image.unreadable", "0/bad.png"):
        validate(bundles("tflite-fp32").path, images=pictures)
    one = validate(bundles("tflite-fp32").path, images=pictures, skip_broken=True)
    assert one.verdict == "proven"
    assert len(one.skipped) == 1
    assert "0/bad.png" in one.skipped[0]


def test_on_a_mac_both_are_run_and_compared(bundles: Bundles, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = open_bundle(bundles("coreml-fp16").path)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert setup.passes(stored, None, "a.pth") == (("coreml", "a.pth"), ("mil", "a.pth"), ("coreml", stored.path))
    assert setup.passes(stored, "mil", None) == (("mil", None),)
    monkeypatch.setattr(sys, "platform", "linux")
    assert setup.passes(stored, None, None) == (("mil", None),)
