"""Names of classes, one a line, in the order of the logits; and where they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from levit_mobile.errors import LabelsError
from levit_mobile.images.numbered_labels import without_numbers

LabelsSource = Literal["file", "checkpoint", "published", "placeholder"]

ORIGINS: dict[LabelsSource, str] = {  # as reports write them
    "file": "from a file",
    "checkpoint": "from the checkpoint",
    "published": "ImageNet's",
    "placeholder": "placeholders",
}


@dataclass(frozen=True, slots=True)
class Labels:
    """One label per class in the order of the logits, and where they came from."""

    names: tuple[str, ...]
    source: LabelsSource


def read(path: Path, classes: int) -> tuple[str, ...]:
    """Read a UTF-8 text file with one label per line, and make equal labels unique.

    A line ends with LF or CRLF. Numbers that count the lines are taken as the classes' indices, as
    ``numbered_labels`` describes.

    Args:
        path: The text file.
        classes: Number of labels that it must have.

    Returns:
        The labels in class order.

    Raises:
        LabelsError: The file cannot be read (``labels.unreadable``, ``labels.format``), has another number of labels
            (``labels.count``), an empty one (``labels.not-one-line``), or numbers in an unclear order
            (``labels.order``).
    """
    try:
        found = lines(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise LabelsError(f"{path} cannot be read: {error.strerror}", fault="unreadable") from error
    except UnicodeDecodeError as error:
        raise LabelsError(f"{path} is not UTF-8 text, expected one label per line", fault="format") from error
    while found and not found[-1].strip():
        found.pop()
    labels = [line.strip() for line in found]
    _require_fit(labels, classes, str(path))
    return unique(without_numbers(labels, str(path)))


def lines(text: str) -> list[str]:
    """The lines of a label file without their ends. Only LF and CRLF end one: a label may hold any other character."""
    found = text.split("\n")
    if not found[-1]:
        found.pop()
    return [line.removesuffix("\r") for line in found]


def checked(labels: Sequence[str], classes: int, origin: str) -> tuple[str, ...]:
    """The labels, unique.

    Raises LabelsError when they are not `classes` many, or one is empty, of several lines, or not text.
    """
    _require_fit(labels, classes, origin)
    return unique(labels)


def _require_fit(labels: Sequence[str], classes: int, origin: str) -> None:
    if len(labels) != classes:
        raise LabelsError(
            f"{origin} has {len(labels)} labels, expected one per class in order: the checkpoint has {classes} classes",
            fault="count",
        )
    for index, label in enumerate(labels):
        _require_one_line(label, index, origin)


def _require_one_line(label: str, index: int, origin: str) -> None:
    """A carriage return inside a label would end a line for many readers, and shift all labels behind it."""
    if not label:
        raise LabelsError(
            f"{origin} has no label on line {index + 1}, expected one label per line", fault="not-one-line"
        )
    if "\n" in label or "\r" in label:
        raise LabelsError(
            f"{origin} has a label of several lines for class {index}, expected one line per label, each ended by LF "
            "or CRLF",
            fault="not-one-line",
        )
    if any("\ud800" <= character <= "\udfff" for character in label):
        raise LabelsError(
            f"{origin} has half of a surrogate pair in the label of class {index}, expected text that UTF-8 can hold",
            fault="format",
        )


def placeholders(classes: int) -> tuple[str, ...]:
    """`class_0` and so on, where nobody has named the classes."""
    return tuple(f"class_{index}" for index in range(classes))


def placeholder_note(source: LabelsSource | None, classes: int) -> str | None:
    """A sentence for labels that nobody gave; None for all others."""
    if source != "placeholder":
        return None
    named = "the label is class_0" if classes == 1 else f"the labels are class_0 to class_{classes - 1}"
    return f"the checkpoint does not name its classes, so {named}: pass --labels FILE to convert"


def origin(source: LabelsSource | None) -> str | None:
    """Where labels came from, as a row of a report; None where nothing states it."""
    return ORIGINS[source] if source else None


def unique(labels: Sequence[str]) -> tuple[str, ...]:
    """The same labels, with ` (class N)` behind each one that occurs twice: ImageNet has two cranes.

    Core ML keys its probabilities by label and would drop one of them.
    """
    count = Counter(labels)
    numbered = tuple(f"{label} (class {i})" if count[label] > 1 else label for i, label in enumerate(labels))
    return numbered if len(set(numbered)) == len(numbered) else unique(numbered)
