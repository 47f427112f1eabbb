"""Labels: one a line, as many as classes, each one its own; every refusal says where and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.refusals import refused

from levit_mobile.errors import LabelsError
from levit_mobile.images.labels import checked, lines, placeholder_note, placeholders, read, unique


def assert_refused(path: Path, classes: int, code: str, *facts: object) -> None:
    """The file is refused with this code, in one line that names it and holds every fact."""
    with refused(LabelsError, code, path, *facts):
        read(path, classes)


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
    path = saved(tmp_path, b"zero\none\ntwo\n")
    assert_refused(path, classes, "labels.count", "3 labels", f"{classes} classes", "one per class", "in order")


def test_an_empty_line_is_named(tmp_path: Path) -> None:
    assert_refused(saved(tmp_path, b"zero\n \ntwo\n"), 3, "labels.not-one-line", "line 2", "one label per line")


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file(content: bytes, tmp_path: Path) -> None:
    assert_refused(saved(tmp_path, content), 3, "labels.count", "0 labels", "3 classes")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert_refused(tmp_path / "nowhere.txt", 3, "labels.unreadable", "No such file or directory")
    assert_refused(tmp_path, 3, "labels.unreadable", "Is a directory")
    assert_refused(saved(tmp_path, b"zw\xf6lf\n"), 1, "labels.format", "UTF-8")


def test_labels_of_a_checkpoint_are_held_to_the_same() -> None:
    assert checked(["a", "b"], 2, "levit.pth") == ("a", "b")
    with refused(LabelsError, "labels.count", "levit.pth", "2 labels", "3 classes"):
        checked(["a", "b"], 3, "levit.pth")
    with refused(LabelsError, "labels.not-one-line", "levit.pth", "line 1"):
        checked(["", "b"], 2, "levit.pth")


@pytest.mark.parametrize("label", ["a\nb", "a\r\nb", "a\n", "a\rb", "a\r"])
def test_a_label_of_two_lines_would_shift_all_behind_it(label: str) -> None:
    with refused(LabelsError, "labels.not-one-line", "levit.pth", "class 1"):
        checked(["zero", label], 2, "levit.pth")


SEPARATORS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"  # where str.splitlines ends a line too


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("inside", SEPARATORS, ids=ascii)
def test_only_line_feeds_end_a_line(inside: str, end: str, tmp_path: Path) -> None:
    labels = (f"a{inside}b", "c", f"d{inside}{inside}e")
    assert read(saved(tmp_path, end.join(labels).encode()), 3) == labels
    assert checked(labels, 3, "levit.pth") == labels
    assert lines("".join(f"{label}{end}" for label in labels)) == list(labels)


def test_a_file_whose_lines_end_with_carriage_returns_alone_is_no_list(tmp_path: Path) -> None:
    assert_refused(saved(tmp_path, b"zero\rone\rtwo"), 3, "labels.count", "1 labels")
    assert_refused(saved(tmp_path, b"zero\rone\ntwo"), 2, "labels.not-one-line", "class 0", "LF or CRLF")


def test_half_a_surrogate_pair_is_refused_before_anything_is_written() -> None:
    with refused(LabelsError, "labels.format", "levit.pth", "surrogate", "class 1", "UTF-8"):
        checked(["a", "\ud83d"], 2, "levit.pth")


def test_placeholders_have_a_note_and_labels_that_somebody_gave_have_none() -> None:
    note = placeholder_note("placeholder", 12) or ""
    assert "class_0 to class_11" in note
    assert "--labels FILE" in note
    assert "is class_0:" in (placeholder_note("placeholder", 1) or "")
    assert [placeholder_note(source, 12) for source in ("file", "checkpoint", "published", None)] == [None] * 4


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
