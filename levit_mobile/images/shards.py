"""Tar shards as the package webdataset writes them: `key.jpg`, and its label in `key.cls`, `key.json` or `key.txt`.

An index of offsets is made by one pass over the headers of each shard, and kept with the reader: an image is then one
seek in a local shard, and one range of a remote one. Images are named by their paths in the shards.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
import tarfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from itertools import groupby
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from levit_mobile.errors import ImageError, LabelsError
from levit_mobile.images.byte_files import ByteFile, seekable
from levit_mobile.images.names import is_picture, is_visible
from levit_mobile.images.remote import translated

KEY = re.compile(r"((?:.*/)?[^/.]+)\.([^/]*)")  # the path up to the first dot of its last name, as webdataset has it
METADATA = re.compile(r"__[^/]*__(/|$)")  # members that webdataset passes over
BLOCK = 512  # bytes, of which a tar file consists
LABEL_BYTES = 1 << 20  # that are read of a label
JSON_LABELS = ("label", "cls", "class")  # the field of an object that names its class
COLUMNS = 6  # shard, offset and size of the image; kind, offset and size of its label
Table = NDArray[np.int64]


class LabelKind(IntEnum):
    """The members that hold a label, the one that counts first: NONE for no such member."""

    CLS = 0
    JSON = 1
    TXT = 2
    NONE = 3


class _Member(NamedTuple):
    name: str
    offset: int
    size: int


@dataclass(slots=True)
class _Sample:
    """The members of one key."""

    pictures: list[_Member] = field(default_factory=list)
    label: tuple[int, int, int] = (LabelKind.NONE, 0, 0)


@dataclass(frozen=True)
class Shards:
    """The images of tar shards, by offsets.

    Attributes:
        files: The shards.
        index: The names of the images, sorted.
        table: int64 [images, 6], a row per name: number of the shard, offset and size of the image in bytes, and kind,
            offset and size of its label.
    """

    files: tuple[ByteFile, ...]
    index: tuple[str, ...]
    table: Table

    def names(self) -> Iterator[str]:
        """The names, sorted."""
        return iter(self.index)

    def called(self, name: str) -> str:
        """An image for people: its shard and its name."""
        return f"{self.files[self._row(name)[0]].called}: {name}"

    def open(self, name: str) -> BinaryIO:
        """The file of an image. Raises ImageError."""
        shard, offset, size = self._row(name)[:3]
        with translated(self.files[shard].called):
            content = self.files[shard].part(offset, size)
        if len(content) != size:
            raise _cut_short(self.files[shard])
        return io.BytesIO(content)

    def labels(self, names: Sequence[str]) -> dict[str, str | int]:
        """The labels beside images, read by one pass over each shard: an index, or the text of a label.

        Raises:
            LabelsError: An image has no label (``labels.no-label``), or one that cannot be read (``labels.format``).
            ImageError: A shard cannot be read.
        """
        asked = sorted((self._row(name), name) for name in names)
        found: dict[str, str | int] = {}
        for shard, rows in groupby(asked, key=lambda one: one[0][0]):
            with translated(self.files[shard].called), self.files[shard].open() as stream:
                found |= {name: self._label(stream, row, name) for row, name in rows}
        return {name: found[name] for name in names}

    def _label(self, stream: BinaryIO, row: tuple[int, ...], name: str) -> str | int:
        kind, offset, size = row[3:]
        if kind == LabelKind.NONE:
            raise LabelsError(
                f"{self.called(name)} has no label beside it, expected a member with the ending .cls, .json or .txt",
                fault="no-label",
            )
        stream.seek(offset)
        try:
            return READERS[LabelKind(kind)](stream.read(min(size, LABEL_BYTES)).decode())
        except (ValueError, RecursionError) as error:
            raise LabelsError(
                f"the label of {self.called(name)} in its .{LabelKind(kind).name.lower()} member is not one: {error}",
                fault="format",
            ) from error

    def _row(self, name: str) -> tuple[int, ...]:
        return tuple(self.table[bisect_left(self.index, name)].tolist())


def of_files(files: Sequence[ByteFile]) -> Shards:
    """The images of shards. Raises ImageError for a shard that cannot be read whole, or a key that two of them hold."""
    stamps = []
    for file in files:
        with translated(file.called):
            stamps.append(file.stamp())
    return _indexed(tuple(files), tuple(stamps))


@lru_cache(maxsize=2)  # images of a proof and of a calibration, for several bundles
def _indexed(files: tuple[ByteFile, ...], _stamps: tuple[str, ...]) -> Shards:
    here = tuple(map(seekable, files))
    names: list[str] = []
    rows = array("q")
    holders: dict[str, int] = {}
    for number, file in enumerate(here):
        for key, sample in _samples(file).items():
            if not sample.pictures:
                continue
            if (other := holders.setdefault(key, number)) != number:
                raise _twice(key, here[other], file)
            for picture in sample.pictures:
                names.append(picture.name)
                rows.extend((number, picture.offset, picture.size, *sample.label))
    order = sorted(range(len(names)), key=names.__getitem__)
    table = np.frombuffer(rows, np.int64).reshape(-1, COLUMNS) if names else np.empty((0, COLUMNS), np.int64)
    return Shards(here, tuple(names[number] for number in order), table[order])


def _samples(file: ByteFile) -> dict[str, _Sample]:
    samples: dict[str, _Sample] = {}
    for member in _members(file):
        if (parts := KEY.fullmatch(member.name)) is None:
            continue
        key, ending = parts.groups()
        sample = samples.setdefault(key, _Sample())
        if is_picture(member.name):
            if any(picture.name == member.name for picture in sample.pictures):
                raise _twice(member.name, file, file)
            sample.pictures.append(member)
        elif (kind := KINDS.get(ending.lower(), LabelKind.NONE)) < sample.label[0]:
            sample.label = (kind, member.offset, member.size)
    return samples


def _members(file: ByteFile) -> Iterator[_Member]:
    """The visible files of a shard, which is read to its end."""
    with translated(file.called), file.open() as stream:
        try:
            yield from _headers(file, stream)
        except tarfile.TarError as error:
            raise ImageError(
                f"{file.called} is not an uncompressed tar file, or is cut short or damaged: {error}",
                fault="unreadable",
            ) from error


def _headers(file: ByteFile, stream: BinaryIO) -> Iterator[_Member]:
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # which would keep every header
            name = posixpath.normpath(member.name).lstrip("/")
            if member.isreg() and is_visible(name) and not METADATA.match(name):
                yield _Member(name, member.offset_data, member.size)
        stream.seek(archive.offset)  # where tarfile stopped, for whatever reason
        if stream.read(BLOCK) != bytes(BLOCK):
            raise _cut_short(file)


def _cut_short(file: ByteFile) -> ImageError:
    return ImageError(
        f"{file.called} is cut short or damaged: it does not end as a tar file does; copy or write it again",
        fault="unreadable",
    )


def _twice(key: str, one: ByteFile, other: ByteFile) -> ImageError:
    where = f"twice in {one.called}" if one is other else f"in {one.called} and in {other.called}"
    return ImageError(f"{key} is {where}, expected each key once: rename one or omit it", fault="duplicate")


def _json_label(text: str) -> str | int:
    found = json.loads(text)
    if isinstance(found, dict):
        found = next((found[name] for name in JSON_LABELS if name in found), None)
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise ValueError(f"expected a number, a text, or an object with one of the fields {', '.join(JSON_LABELS)}")
    return found


KINDS: Mapping[str, LabelKind] = {kind.name.lower(): kind for kind in LabelKind if kind is not LabelKind.NONE}
READERS: Mapping[LabelKind, Callable[[str], str | int]] = {
    LabelKind.CLS: int,
    LabelKind.JSON: _json_label,
    LabelKind.TXT: str.strip,
}
