"""Labels: one a line, as many as classes, each one its own; every refusal says where and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from levit_mobile.errors import LabelsError
from levit_mobile.images.labels import checked, placeholders, read, unique


def refusal(path: Path, classes: int) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(LabelsError) as raised:
        read(path, classes)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert str(path) in sentence
    return sentence


def saved(folder: Path, content: bytes) -> Path:
    path = folder / "labels.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "zero\none\nzwölf\n",
        "zero\none\nzwölf",
        "zero\r\none\r\nzwölf\r\n",
        "\ufeffzero\none\nzwölf\n",
        "zero\none\nzwölf\n\n  \n",
        "  zero\none  \n\tzwölf\n",
    ],
    ids=["plain", "no last newline", "Windows", "byte order mark", "blank lines at the end", "spaces around"],
)
def test_a_file_with_a_label_a_line(content: str, tmp_path: Path) -> None:
    assert read(saved(tmp_path, content.encode()), 3) == ("zero", "one", "zwölf")


@pytest.mark.parametrize("classes", [2, 4, 1000])
def test_a_file_that_does_not_fit_the_checkpoint(classes: int, tmp_path: Path) -> None:
    sentence = refusal(saved(tmp_path, b"zero\none\ntwo\n"), classes)
    assert f"has 3 labels and the checkpoint {classes} classes: expected one a class, in order" in sentence


def test_an_empty_line_is_named(tmp_path: Path) -> None:
    assert "has no label on line 2, expected one a line" in refusal(saved(tmp_path, b"zero\n \ntwo\n"), 3)


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file(content: bytes, tmp_path: Path) -> None:
    assert "has 0 labels and the checkpoint 3 classes" in refusal(saved(tmp_path, content), 3)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in refusal(tmp_path / "nowhere.txt", 3)
    assert "cannot be read: Is a directory" in refusal(tmp_path, 3)
    assert "is not UTF-8 text" in refusal(saved(tmp_path, b"zw\xf6lf\n"), 1)


def test_labels_of_a_checkpoint_are_held_to_the_same() -> None:
    assert checked(["a", "b"], 2, "levit.pth") == ("a", "b")
    with pytest.raises(LabelsError, match=r"levit\.pth has 2 labels and the checkpoint 3 classes"):
        checked(["a", "b"], 3, "levit.pth")
    with pytest.raises(LabelsError, match=r"levit\.pth has no label on line 1"):
        checked(["", "b"], 2, "levit.pth")


@pytest.mark.parametrize("label", ["a\nb", "a\r\nb", "a\n"])
def test_a_label_of_two_lines_would_shift_all_behind_it(label: str) -> None:
    with pytest.raises(LabelsError, match=r"levit\.pth has a label of several lines for class 1"):
        checked(["zero", label], 2, "levit.pth")


def test_only_labels_that_occur_twice_are_numbered(tmp_path: Path) -> None:
    found = read(saved(tmp_path, b"crane\nheron\ncrane\n"), 3)
    assert found == ("crane (class 0)", "heron", "crane (class 2)")


@pytest.mark.parametrize(
    "labels",
    [["crane", "crane", "crane (class 0)"], ["a", "a", "a (class 1)", "a (class 1)"], ["x"] * 5, ["a", "b"], []],
    ids=repr,
)
def test_labels_end_up_different_and_in_order(labels: list[str]) -> None:
    found = unique(labels)
    assert len(set(found)) == len(labels)
    assert all(new.startswith(old) for old, new in zip(labels, found, strict=True))
    assert unique(found) == found


def test_placeholders() -> None:
    assert placeholders(3) == ("class_0", "class_1", "class_2")
    assert len(set(placeholders(1000))) == 1000
