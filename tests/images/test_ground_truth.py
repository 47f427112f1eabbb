"""What pictures show: folders, CSV files, and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.refusals import refused

from levit_mobile.errors import LabelsError
from levit_mobile.images import digits, ground_truth
from levit_mobile.images.digits import Split

LABELS = ("tench", "goldfish", "great white shark")
NAMES = ("goldfish/1.jpg", "tench/a/2.jpg", "tench/3.jpg")


def assert_refused(source: str | Path, code: str, *facts: object, names: tuple[str, ...] = NAMES) -> None:
    with refused(LabelsError, code, *facts):
        ground_truth.read(source, names, LABELS)


def table(folder: Path, text: str) -> Path:
    path = folder / "truth.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_folders_name_classes_by_label_or_index() -> None:
    assert ground_truth.read("folders", NAMES, LABELS) == {NAMES[0]: 1, NAMES[1]: 0, NAMES[2]: 0}
    assert ground_truth.read("folders", ("2/x.jpg", "0/y.jpg"), LABELS) == {"2/x.jpg": 2, "0/y.jpg": 0}


NUMBERS = tuple(map(str, range(1, 11)))


def test_labels_that_are_numbers_are_never_taken_for_indices(tmp_path: Path) -> None:
    assert ground_truth.read("folders", ("1/x.jpg", "10/y.jpg"), NUMBERS) == {"1/x.jpg": 0, "10/y.jpg": 9}
    assert ground_truth.read("folders", ("1/x.jpg",), ("1", "0")) == {"1/x.jpg": 0}
    path = table(tmp_path, "file,label\nx.jpg,10\n")
    assert ground_truth.read(path, ("x.jpg",), NUMBERS) == {"x.jpg": 9}


@pytest.mark.parametrize(
    "labels", [NUMBERS, ("cat", "7", "dog"), ("0.5", "1", "2"), ("-1", "+1", "3"), ("2001", "2002")]
)
def test_an_index_is_no_name_where_a_label_is_a_number(labels: tuple[str, ...], tmp_path: Path) -> None:
    for source in ("folders", table(tmp_path, "file,label\n0/x.jpg,0\n")):
        with refused(LabelsError, "labels.unknown-class", source, "'0'", labels[0]) as caught:
            ground_truth.read(source, ("0/x.jpg",), labels)
        assert "or an index" not in str(caught.value)


def test_an_unknown_folder_is_named_with_what_was_expected() -> None:
    facts = ("n01440764/1.jpg", "'n01440764'", "tench, goldfish, great white shark", "0 to 2")
    assert_refused("folders", "labels.unknown-class", *facts, names=("n01440764/1.jpg",))


def test_a_picture_outside_of_folders_has_no_class() -> None:
    facts = ("x.jpg", "a folder for each class", "cat/1.jpg")
    assert_refused("folders", "labels.no-label", *facts, names=("x.jpg",))


def test_a_table_is_read_by_its_header(tmp_path: Path) -> None:
    path = table(tmp_path, '\ufefflabel,note,file\n"great white shark",big,a.jpg\n1,,b.jpg\n tench ,, c.jpg \n')
    assert ground_truth.read(path, ("b.jpg", "a.jpg", "c.jpg"), LABELS) == {"b.jpg": 1, "a.jpg": 2, "c.jpg": 0}


def test_empty_lines_and_cells_beyond_the_header_are_passed_over(tmp_path: Path) -> None:
    path = table(tmp_path, "file,label\n\na.jpg,tench,,\n\n")
    assert ground_truth.read(path, ("a.jpg",), LABELS) == {"a.jpg": 0}


def test_names_that_macos_has_decomposed_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("file,label\nB\u00e4r/1.jpg,Bu\u0308ro\n", encoding="utf-8")
    decomposed = ("Ba\u0308r/1.jpg",)
    assert ground_truth.read(path, decomposed, ("Haus", "B\u00fcro")) == {decomposed[0]: 1}
    assert ground_truth.read("folders", decomposed, ("Haus", "B\u00e4r")) == {decomposed[0]: 1}
    ground_truth.require_pictures(path, decomposed)


def test_a_row_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    path = table(tmp_path, "file,label\na.jpg,tench\nb.jpg,goldfish\na.jpg, tench\n")
    assert ground_truth.read(path, ("a.jpg", "b.jpg"), LABELS) == {"a.jpg": 0, "b.jpg": 1}


@pytest.mark.parametrize("rows", ["a.jpg,tench\na.jpg,goldfish", "a.jpg,goldfish\na.jpg,tench\na.jpg,goldfish"])
def test_a_picture_with_two_labels_is_named(tmp_path: Path, rows: str) -> None:
    path = table(tmp_path, f"file,label\nb.jpg,tench\nb.jpg,tench\n{rows}\n")
    assert_refused(path, "labels.two-labels", path, "a.jpg", names=("a.jpg", "b.jpg"))


def test_five_missing_pictures_are_named_and_more_are_counted(tmp_path: Path) -> None:
    path, names = table(tmp_path, "file,label\n"), tuple(f"{number}.jpg" for number in range(7))
    assert_refused(path, "labels.no-label", "0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 2 more", names=names)
    with refused(LabelsError, "labels.no-label", "0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg") as caught:
        ground_truth.read(path, names[:5], LABELS)
    assert "more" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "code", "fact"),
    [
        ("a.jpg,tench\n", "labels.format", "file and label"),
        ("", "labels.format", "file and label"),
        ("file,label\na.jpg,carp\n", "labels.unknown-class", "'carp'"),
        ("file,label\na.jpg,3\n", "labels.unknown-class", "'3'"),
        ("file,label\na.jpg\n", "labels.unknown-class", "''"),
        ("file,label\nb.jpg,tench\n", "labels.no-label", "a.jpg"),
        ("file,label\na.jpg,tench\na.jpg,goldfish\n", "labels.two-labels", "a.jpg"),
        ('file,label\n"a.jpg,tench\n', "labels.format", "UTF-8"),
        ("label,file\ntench\n", "labels.format", "line 2"),
        ("file,label\na.jpg,tench\n,\n", "labels.format", "line 3"),
        ("file,label\na.jpg,tench\n   \n", "labels.format", "line 3"),
        ("file,label\n,goldfish\na.jpg,tench\n", "labels.format", "names no file"),
        ("file,label\na.jpg,great white shark, big\n", "labels.format", "' big'"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, code: str, fact: str) -> None:
    path = table(tmp_path, text)
    assert_refused(path, code, path, fact, names=("a.jpg",))


def test_a_table_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    assert_refused(tmp_path / "absent.csv", "labels.unreadable", tmp_path / "absent.csv", "No such file")
    path = tmp_path / "binary.csv"
    path.write_bytes(b"file,label\n\xff\xfe\x00")
    assert_refused(path, "labels.format", path, "CSV", "UTF-8")


def test_a_row_without_a_picture_is_named(tmp_path: Path) -> None:
    path = table(tmp_path, "file,label\na.jpg,tench\ngone.jpg,tench\n")
    ground_truth.require_pictures(path, ("a.jpg", "gone.jpg", "more.jpg"))
    with refused(LabelsError, "labels.no-picture", path, "gone.jpg"):
        ground_truth.require_pictures(path, ("a.jpg",))


def test_folders_have_no_rows_that_could_lack_a_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folders").write_text("file,label\ngone.jpg,tench\n")
    ground_truth.require_pictures("folders", ())


@pytest.mark.parametrize("names", [("digit-0003", "a.jpg"), ("a.jpg",)])
def test_pictures_that_are_not_all_held_out_digits_have_no_known_class(names: tuple[str, ...]) -> None:
    assert ground_truth.of_digits(names, digits.LABELS) is None
    assert ground_truth.of_digits(names[:1], digits.LABELS) == ({"digit-0003": 3} if len(names) == 2 else None)


def test_a_held_out_digits_class_is_in_its_number() -> None:
    names = [f"digit-{index:04d}" for index in range(25)]
    drawn = {name: digits.picture(Split.HELD_OUT, index)[1] for index, name in enumerate(names)}
    assert ground_truth.of_digits(names, digits.LABELS) == drawn
    assert ground_truth.of_digits(names, LABELS) is None
