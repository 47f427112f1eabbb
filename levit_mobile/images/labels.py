"""Names of classes, one a line, in the order of the logits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from levit_mobile.errors import LabelsError


def read(path: Path, classes: int) -> tuple[str, ...]:
    """Read a UTF-8 text file with one label per line, and make equal labels unique.

    Args:
        path: The text file.
        classes: Number of labels that it must have.

    Returns:
        The labels in class order.

    Raises:
        LabelsError: The file cannot be read (``labels.unreadable``, ``labels.format``), has another number of labels
            (``labels.count``), or an empty one (``labels.not-one-line``).
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise LabelsError(f"{path} cannot be read: {error.strerror}", fault="unreadable") from error
    except UnicodeDecodeError as error:
        raise LabelsError(f"{path} is not UTF-8 text, expected one label per line", fault="format") from error
    while lines and not lines[-1].strip():
        lines.pop()
    return checked([line.strip() for line in lines], classes, str(path))


def checked(labels: Sequence[str], classes: int, origin: str) -> tuple[str, ...]:
    """The labels, unique; raises LabelsError when they are not `classes` many, or one is empty or of several lines."""
    if len(labels) != classes:
        raise LabelsError(
            f"{origin} has {len(labels)} labels, expected one per class in order: the checkpoint has {classes} classes",
            fault="count",
        )
    if "" in labels:
        raise LabelsError(
            f"{origin} has no label on line {list(labels).index('') + 1}, expected one label per line",
            fault="not-one-line",
        )
    if several := [index for index, label in enumerate(labels) if label.splitlines() != [label]]:
        raise LabelsError(
            f"{origin} has a label of several lines for class {several[0]}, expected one line per label",
            fault="not-one-line",
        )
    return unique(labels)


def placeholders(classes: int) -> tuple[str, ...]:
    """`class_0` and so on, where nobody has named the classes."""
    return tuple(f"class_{index}" for index in range(classes))


def unique(labels: Sequence[str]) -> tuple[str, ...]:
    """The same labels, with ` (class N)` behind each one that occurs twice: ImageNet has two cranes.

    Core ML keys its probabilities by label and would drop one of them.
    """
    count = Counter(labels)
    numbered = tuple(f"{label} (class {i})" if count[label] > 1 else label for i, label in enumerate(labels))
    return numbered if len(set(numbered)) == len(numbered) else unique(numbered)
