"""What pictures really show: class indices from folder names, from members of tar shards, or from a CSV file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from levit_mobile.errors import ImageError, LabelsError
from levit_mobile.images import digits
from levit_mobile.images.address import Place, place_of, shown
from levit_mobile.images.remote import Remote, translated
from levit_mobile.images.shards import Shards
from levit_mobile.images.stores import Store
from levit_mobile.system.files import composed

FOLDERS, SHARDS = "folders", "shards"
COLUMNS = ("file", "label")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")  # a label that could be taken for an index


def read(source: str | Path, names: Sequence[str], labels: Sequence[str], store: Store | None = None) -> dict[str, int]:
    """Read which class each picture shows.

    Args:
        source: ``"folders"``, where each picture's outermost folder names its class; ``"shards"``, where a member
            beside the picture in its tar shard does; or a CSV file with the columns ``file`` and ``label``, a path or
            a URL.
        names: The pictures, POSIX paths below their folder.
        labels: Labels of the classes, in class order. A class is named by its label, or by its index unless a label
            is a number: ``3`` would then name one of two classes. A shard's ``.cls`` member, and a number in a
            ``.json`` member, are always an index. Names are compared in Unicode's composed form.
        store: What holds the pictures; needed for ``"shards"``.

    Returns:
        The class index of each picture, by name.

    Raises:
        LabelsError: The file cannot be read (``labels.unreadable``, ``labels.format``), a class does not exist
            (``labels.unknown-class``), or a picture has no row or two (``labels.no-label``, ``labels.two-labels``).
        ImageError: A shard cannot be read.
    """
    named = _named_classes(source, names, store)
    index: dict[str | int, int] = {composed(label): i for i, label in enumerate(labels)}
    numbers = any(map(NUMBER.fullmatch, labels))
    if not numbers:
        index |= {str(i): i for i in range(len(labels))}
    index |= {i: i for i in range(len(labels))}
    for name, label in named.items():
        if label not in index:
            instead = "" if numbers and isinstance(label, str) else f", or an index from 0 to {len(labels) - 1}"
            raise LabelsError(
                f"{shown(place_of(source))} labels {name} as {label!r}, which is not a class of this bundle: expected "
                f"one of {_some(labels)}{instead}",
                fault="unknown-class",
            )
    return {name: index[named[name]] for name in names}


def _named_classes(source: str | Path, names: Sequence[str], store: Store | None) -> dict[str, str | int]:
    """The label, in Unicode's composed form, or the index that a picture's class is named by."""
    if str(source) == SHARDS:
        named = _from_shards(names, store)
    else:
        named = {**(_from_folders(names) if str(source) == FOLDERS else _from_csv(place_of(source), names))}
    return {name: composed(label) if isinstance(label, str) else label for name, label in named.items()}


def _from_shards(names: Sequence[str], store: Store | None) -> dict[str, str | int]:
    if not isinstance(store, Shards):
        raise LabelsError(
            "the images are not in tar shards, expected labels from folders or from a CSV file", fault="no-label"
        )
    return store.labels(names)


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


def _from_csv(place: Place, names: Sequence[str]) -> dict[str, str]:
    rows = {composed(file): label for file, label in _rows(place).items()}
    missing = [name for name in names if composed(name) not in rows]
    if missing:
        raise LabelsError(f"{shown(place)} has no row for {_some(missing)}: add one for each image", fault="no-label")
    return {name: rows[composed(name)] for name in names}


def require_pictures(source: str | Path, names: Sequence[str]) -> None:
    """Every row of a CSV file has its picture in `names`, all that the folder holds. Raises LabelsError."""
    if str(source) in (FOLDERS, SHARDS):
        return
    known = set(map(composed, names))
    missing = [name for name in _rows(place_of(source)) if composed(name) not in known]
    if missing:
        raise LabelsError(
            f"{shown(place_of(source))} lists images that do not exist: {_some(missing)}", fault="no-picture"
        )


def _rows(place: Place) -> dict[str, str]:
    path = shown(place)
    try:
        with _text(place) as stream:
            table = csv.DictReader(stream, strict=True)
            if not set(COLUMNS) <= set(table.fieldnames or ()):
                raise LabelsError(
                    f"{path} begins with {table.fieldnames}, expected a header with the columns file and label",
                    fault="format",
                )
            rows = [_named(path, table.line_num, row) for row in table]
    except ImageError as error:
        raise LabelsError(str(error), fault="unreadable") from error
    except OSError as error:
        raise LabelsError(f"{path} cannot be read: {error.strerror}", fault="unreadable") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelsError(f"{path} is not a CSV file in UTF-8: {error}", fault="format") from error
    if len(named := dict(rows)) != len(rows):
        twice = [file for file, label in rows if named[file] != label]
        if twice:
            raise LabelsError(f"{path} has two labels for {twice[0]}, expected one", fault="two-labels")
    return named


def _text(place: Place) -> TextIO:
    if isinstance(place, Path):
        return place.open(encoding="utf-8-sig", newline="")
    remote = Remote(place)
    with translated(remote.called):
        return io.TextIOWrapper(io.BytesIO(remote.fs.cat_file(remote.path)), encoding="utf-8-sig", newline="")


def _named(path: str, line: int, row: Mapping[str | None, Any]) -> tuple[str, str]:
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
