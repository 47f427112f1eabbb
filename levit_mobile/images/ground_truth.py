"""What pictures really show: class indices from folder names, or from a CSV file."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from levit_mobile.errors import LabelsError
from levit_mobile.images import digits
from levit_mobile.system.files import composed

FOLDERS = "folders"
COLUMNS = ("file", "label")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")  # a label that could be taken for an index


def read(source: str | Path, names: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
    """Read which class each picture shows.

    Args:
        source: ``"folders"``, where each picture's outermost folder names its class, or a CSV file with the columns
            ``file`` and ``label``.
        names: The pictures, POSIX paths below their folder.
        labels: Labels of the classes, in class order. A class is named by its label, or by its index unless a label
            is a number: ``3`` would then name one of two classes. Names are compared in Unicode's composed form.

    Returns:
        The class index of each picture, by name.

    Raises:
        LabelsError: The file cannot be read (``labels.unreadable``, ``labels.format``), a class does not exist
            (``labels.unknown-class``), or a picture has no row or two (``labels.no-label``, ``labels.two-labels``).
    """
    named = _from_folders(names) if str(source) == FOLDERS else _from_csv(Path(source), names)
    index = {composed(label): i for i, label in enumerate(labels)}
    numbers = any(map(NUMBER.fullmatch, labels))
    if not numbers:
        index |= {str(i): i for i in range(len(labels))}
    for name, label in named.items():
        if composed(label) not in index:
            instead = "" if numbers else f", or an index from 0 to {len(labels) - 1}"
            raise LabelsError(
                f"{source} labels {name} as {label!r}, which is not a class of this bundle: expected one of "
                f"{_some(labels)}{instead}",
                fault="unknown-class",
            )
    return {name: index[composed(named[name])] for name in names}


def of_digits(names: Sequence[str], labels: Sequence[str]) -> dict[str, int] | None:
    """The classes of held-out digits `digit-0017`, for a model whose labels are the ten digits; None for any other."""
    indices = {name: index for name in names if (index := digits.held_out_index(name)) is not None}
    if tuple(labels) != digits.LABELS or len(indices) != len(names):
        return None
    return {name: index % digits.CLASSES for name, index in indices.items()}


def _from_folders(names: Sequence[str]) -> dict[str, str]:
    for name in names:
        if "/" not in name:
            raise LabelsError(
                f"{name} is not in a class folder, expected a folder for each class, such as cat/1.jpg",
                fault="no-label",
            )
    return {name: name.partition("/")[0] for name in names}


def _from_csv(path: Path, names: Sequence[str]) -> dict[str, str]:
    rows = {composed(file): label for file, label in _rows(path).items()}
    missing = [name for name in names if composed(name) not in rows]
    if missing:
        raise LabelsError(f"{path} has no row for {_some(missing)}: add one for each image", fault="no-label")
    return {name: rows[composed(name)] for name in names}


def require_pictures(source: str | Path, names: Sequence[str]) -> None:
    """Every row of a CSV file has its picture in `names`, all that the folder holds. Raises LabelsError."""
    if str(source) == FOLDERS:
        return
    known = set(map(composed, names))
    missing = [name for name in _rows(Path(source)) if composed(name) not in known]
    if missing:
        raise LabelsError(f"{source} lists images that the folder does not hold: {_some(missing)}", fault="no-picture")


def _rows(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream, strict=True)
            if not set(COLUMNS) <= set(table.fieldnames or ()):
                raise LabelsError(
                    f"{path} begins with {table.fieldnames}, expected a header with the columns file and label",
                    fault="format",
                )
            rows = [_named(path, table.line_num, row) for row in table]
    except OSError as error:
        raise LabelsError(f"{path} cannot be read: {error.strerror}", fault="unreadable") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelsError(f"{path} is not a CSV file in UTF-8: {error}", fault="format") from error
    if len(named := dict(rows)) != len(rows):
        twice = [file for file, label in rows if named[file] != label]
        if twice:
            raise LabelsError(f"{path} has two labels for {twice[0]}, expected one", fault="two-labels")
    return named


def _named(path: Path, line: int, row: Mapping[str | None, Any]) -> tuple[str, str]:
    """The file and the label of a row, where `csv` has None for absent cells, and a list of surplus ones."""
    file, label = ((row[column] or "").strip() for column in COLUMNS)
    if not file:
        raise LabelsError(
            f"{path}, line {line}: the row names no file, expected a file and its label: complete the row or delete it",
            fault="format",
        )
    if surplus := [cell for cell in row.get(None) or () if cell.strip()]:
        raise LabelsError(
            f"{path}, line {line}: {surplus[0]!r} is beyond the header's last column: put a label that holds a comma "
            "into quotes",
            fault="format",
        )
    return file, label


def _some(words: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
