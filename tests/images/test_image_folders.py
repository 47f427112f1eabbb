"""Folders of images as people keep them: class folders that are links, links to nothing, folders that loop."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image
from support.refusals import refused

from levit_mobile.errors import ImageError
from levit_mobile.images.image_set import ImageSet, find
from levit_mobile.images.spec import ImageSpec
from levit_mobile.quantization import calibration

SMALL = ImageSpec(height=32, width=32, crop_height=28, crop_width=28)


def found_in(folder: Path) -> list[str]:
    return list(find(folder).names)


@pytest.fixture
def linked(tmp_path: Path, photograph: Image.Image) -> Path:
    """Ten class folders of two pictures each; five of them are links to folders elsewhere."""
    for number in range(10):
        parent = tmp_path / ("elsewhere" if number % 2 else "set")
        folder = parent / f"class{number}"
        folder.mkdir(parents=True)
        for index in range(2):
            left = 20 * number + 5 * index
            photograph.crop((left, 10, left + 150, 160)).save(folder / f"{index}.png")
        if number % 2:
            (tmp_path / "set" / folder.name).symlink_to(folder)
    return tmp_path / "set"


def test_class_folders_that_are_links_are_found_in_their_place(linked: Path) -> None:
    expected = [f"class{number}/{index}.png" for number in range(10) for index in range(2)]
    assert found_in(linked) == expected
    assert list(ImageSet.from_place(linked, SMALL).names) == expected


def test_a_calibration_takes_the_pictures_of_linked_folders(linked: Path) -> None:
    found = calibration.find(linked, SMALL)
    assert (len(found.pictures), found.classes) == (20, 10)


def test_two_classes_may_be_links_to_one_folder(linked: Path) -> None:
    (linked / "same").symlink_to(linked / "class0")
    assert [name for name in found_in(linked) if not name.startswith("class")] == ["same/0.png", "same/1.png"]


@pytest.mark.parametrize("goal", [".", "..", "../class2", "self"])
def test_folders_that_lead_into_themselves_end(linked: Path, goal: str) -> None:
    before = found_in(linked)
    if goal == "../class2":  # each leads into the other
        (linked / "class2" / "loop").symlink_to("../class0")
    (linked / "class0" / ("self" if goal == "self" else "loop")).symlink_to(goal)
    found = found_in(linked)
    assert set(before) <= set(found)
    assert len(found) < 3 * len(before)


def test_a_link_to_the_folder_itself_adds_nothing(linked: Path) -> None:
    before = found_in(linked)
    (linked / "class0" / "all").symlink_to(linked)
    assert found_in(linked) == before


def test_a_link_to_nothing_is_a_picture_that_cannot_be_read(linked: Path) -> None:
    (linked / "class10").symlink_to("/nowhere/class10")
    with refused(ImageError, "image.not-found", linked / "class10", "/nowhere/class10"):
        list(ImageSet.from_place(linked, SMALL))
    pictures = ImageSet.from_place(linked, SMALL, skip_broken=True)
    assert (len(pictures), [skipped.name for skipped in pictures.skipped]) == (20, ["class10"])


def test_hidden_folders_are_not_entered_through_links_either(linked: Path) -> None:
    (linked / ".thumbnails").symlink_to(linked / "class0")
    (linked / ".gone").symlink_to("/nowhere")
    assert len(found_in(linked)) == 20


def test_a_folder_that_may_not_be_read_is_named(linked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = os.listdir, os.scandir

    def refusing(number: int, path: str) -> object:
        if Path(path).name == "class3":
            raise PermissionError(13, "Permission denied", str(path))
        return read[number](path)

    monkeypatch.setattr(os, "listdir", lambda path: refusing(0, path))
    monkeypatch.setattr(os, "scandir", lambda path: refusing(1, path))
    with refused(ImageError, "image.unreadable", linked / "class3", "Permission denied"):
        find(linked)


# Broken pictures in a calibration


def test_a_broken_picture_stops_a_calibration_or_is_left_out(linked: Path) -> None:
    (linked / "class0/2.jpg").write_bytes(b"broken")
    with refused(ImageError, "image.unreadable", linked / "class0/2.jpg"):
        calibration.find(linked, SMALL).pictures.digest()
    found = calibration.find(linked, SMALL, skip_broken=True)
    whole = {name for name in found_in(linked) if name != "class0/2.jpg"}
    assert set(found.pictures.names) == whole
    (concern,) = [one for one in concerns(found) if "unreadable" in one]
    assert "1 unreadable calibration image was skipped" in concern
    assert "class0/2.jpg" in concern


def test_another_picture_is_drawn_for_a_broken_one(linked: Path) -> None:
    names = calibration.find(linked, SMALL, count=16, seed=3).pictures.names
    (linked / names[0]).write_bytes(b"broken")
    found = calibration.find(linked, SMALL, count=16, seed=3, skip_broken=True).pictures
    assert len(found) == 16
    assert len(set(names) & set(found.names)) == 15
    assert list(found.names) == sorted(found.names)


def test_the_same_count_and_seed_draw_the_same_readable_pictures(linked: Path) -> None:
    (linked / "class4/0.png").write_bytes(b"broken")
    first = calibration.find(linked, SMALL, skip_broken=True)
    again = calibration.find(linked, SMALL, count=len(first.pictures), skip_broken=True)
    assert first.digest == again.digest


def test_too_few_readable_pictures_are_counted(linked: Path) -> None:
    for number in range(5):
        (linked / f"class{number}/0.png").write_bytes(b"broken")
    with refused(ImageError, "image.too-few", "15 images", "5 cannot be read", "class"):
        calibration.find(linked, SMALL, skip_broken=True)


def concerns(found: calibration.CalibrationSet) -> tuple[str, ...]:
    nothing = ImageSet((), found.pictures.read)
    return calibration.concerns(found, proof=nothing, bundled_model=True)
