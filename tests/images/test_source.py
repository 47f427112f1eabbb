"""Where images come from: what is given or written is read one way, and comes back as it was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import levit_mobile
from levit_mobile.images import digits
from levit_mobile.images.source import ImageOrigin, ImageSource, calibration_source, validation_source


@pytest.mark.parametrize(
    ("given", "origin", "title"),
    [
        (None, "held-out digits", "held-out digits"),
        ("held-out digits", "held-out digits", "held-out digits"),
        ("golden vectors", "golden vectors", "golden vectors"),
        ("none", "none", "none"),
        (Path("golden vectors"), "folder", "golden vectors"),
        (Path("data/val"), "folder", "val"),
        ("data/val/", "folder", "val"),
        ("synthetic", "folder", "synthetic"),
    ],
)
def test_a_validations_images(given: str | Path | None, origin: str, title: str) -> None:
    found = validation_source(given)
    assert (found.origin, found.title) == (origin, title)
    assert (found.place is None) == (origin != "folder")


@pytest.mark.parametrize(
    ("given", "origin", "title"),
    [
        (None, "bundled training digits", "bundled training digits"),
        ("bundled training digits", "bundled training digits", "bundled training digits"),
        ("synthetic", "synthetic", "synthetic"),
        (Path("synthetic"), "synthetic", "synthetic"),
        (Path("data/train"), "folder", "train"),
        ("held-out digits", "folder", "held-out digits"),
    ],
)
def test_a_calibrations_images(given: str | Path | None, origin: str, title: str) -> None:
    found = calibration_source(given)
    assert (found.origin, found.title) == (origin, title)
    assert (found.place is None) == (origin != "folder")


@pytest.mark.parametrize("origin", [ImageOrigin.HELD_OUT, ImageOrigin.GOLDEN, ImageOrigin.NONE])
def test_a_validations_title_is_read_back(origin: ImageOrigin) -> None:
    assert validation_source(ImageSource(origin).title) == ImageSource(origin)


@pytest.mark.parametrize("origin", [ImageOrigin.BUNDLED, ImageOrigin.SYNTHETIC])
def test_a_calibrations_title_is_read_back(origin: ImageOrigin) -> None:
    assert calibration_source(ImageSource(origin).title) == ImageSource(origin)


def test_a_folder_is_called_by_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ImageSource.at(".").title == tmp_path.name


@pytest.mark.parametrize(("index", "name"), [(0, "digit-0000"), (17, "digit-0017"), (12345, "digit-12345")])
def test_a_held_out_digit_comes_back_from_its_name(index: int, name: str) -> None:
    assert digits.held_out_name(index) == name
    assert digits.held_out_index(name) == index


@pytest.mark.parametrize("name", ["digit-17", "training-digit-00017", "digit-0017.png", "digit-00x7", "cat/1.jpg", ""])
def test_no_other_name_is_a_held_out_digits(name: str) -> None:
    assert digits.held_out_index(name) is None


@pytest.mark.parametrize("count", [0, -3])
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("count", lambda count: levit_mobile.check(["tflite-int8"], count=count)),
        ("count", lambda count: levit_mobile.plan(target="tflite", count=count)),
        ("search_count", lambda count: levit_mobile.plan(target="tflite", search_count=count)),
        ("count", lambda count: levit_mobile.validate("nowhere", count=count)),
        ("cpu_count", lambda count: levit_mobile.validate("nowhere", cpu_count=count)),
    ],
)
def test_no_images_are_not_the_default_number_of_them(name: str, call: Callable[[int], object], count: int) -> None:
    with pytest.raises(ValueError, match=f"^{name} is {count}, expected 1 or more$"):
        call(count)
