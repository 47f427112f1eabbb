"""What pictures show: folders, CSV files, and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from levit_mobile.errors import LabelsError
from levit_mobile.images import digits, ground_truth
from levit_mobile.images.digits import Split

LABELS = ("tench", "goldfish", "great white shark")
NAMES = ("goldfish/1.jpg", "tench/a/2.jpg", "tench/3.jpg")


def sentence(source: str | Path, names: tuple[str, ...] = NAMES) -> str:
    with pytest.raises(LabelsError) as caught:
        ground_truth.read(source, names, LABELS)
    return str(caught.value)


def table(folder: Path, text: str) -> Path:
    path = folder / "truth.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_folders_name_classes_by_label_or_index() -> None:
    assert ground_truth.read("folders", NAMES, LABELS) == {NAMES[0]: 1, NAMES[1]: 0, NAMES[2]: 0}
    assert ground_truth.read("folders", ("2/x.jpg", "0/y.jpg"), LABELS) == {"2/x.jpg": 2, "0/y.jpg": 0}


def test_a_label_that_is_a_number_comes_before_the_index() -> None:
    assert ground_truth.read("folders", ("1/x.jpg",), ("1", "0")) == {"1/x.jpg": 0}


def test_an_unknown_folder_is_named_with_what_was_expected() -> None:
    found = sentence("folders", ("n01440764/1.jpg",))
    assert "n01440764/1.jpg shows 'n01440764', which is no class" in found
    assert "tench, goldfish, great white shark, or an index from 0 to 2" in found


def test_a_picture_outside_of_folders_has_no_class() -> None:
    assert sentence("folders", ("x.jpg",)) == (
        "x.jpg lies in no folder of its own, expected a folder for each class, as in cat/1.jpg"
    )


def test_a_table_is_read_by_its_header(tmp_path: Path) -> None:
    path = table(tmp_path, '\ufefflabel,note,file\n"great white shark",big,a.jpg\n1,,b.jpg\n tench ,, c.jpg \n')
    assert ground_truth.read(path, ("b.jpg", "a.jpg", "c.jpg"), LABELS) == {"b.jpg": 1, "a.jpg": 2, "c.jpg": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.jpg,tench\n", "expected a header with file and label"),
        ("", "expected a header with file and label"),
        ("file,label\na.jpg,carp\n", "shows 'carp', which is no class"),
        ("file,label\na.jpg,3\n", "shows '3', which is no class"),
        ("file,label\na.jpg\n", "shows '', which is no class"),
        ("file,label\nb.jpg,tench\n", "has no row for a.jpg"),
        ("file,label\na.jpg,tench\na.jpg,goldfish\n", "gives a.jpg two labels"),
        ('file,label\n"a.jpg,tench\n', "is no CSV file in UTF-8"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = table(tmp_path, text)
    found = sentence(path, ("a.jpg",))
    assert words in found
    assert str(path) in found


def test_a_table_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in sentence(tmp_path / "absent.csv")
    path = tmp_path / "binary.csv"
    path.write_bytes(b"file,label\n\xff\xfe\x00")
    assert "is no CSV file in UTF-8" in sentence(path)


def test_a_row_without_a_picture_is_named(tmp_path: Path) -> None:
    path = table(tmp_path, "file,label\na.jpg,tench\ngone.jpg,tench\n")
    ground_truth.require_pictures(path, ("a.jpg", "gone.jpg", "more.jpg"))
    with pytest.raises(LabelsError, match=r"lists gone\.jpg, and the folder holds no such picture"):
        ground_truth.require_pictures(path, ("a.jpg",))


def test_a_held_out_digits_class_is_in_its_number() -> None:
    names = [f"digit-{index:04d}" for index in range(25)]
    drawn = {name: digits.picture(Split.HELD_OUT, index)[1] for index, name in enumerate(names)}
    assert ground_truth.of_digits(names, digits.LABELS) == drawn
    assert ground_truth.of_digits(names, LABELS) is None
