"""APK files: written with aligned entries, and checked for devices with pages of 16 KB.

A signer keeps the alignment of an entry only if the entry carries the extra field 0xd935, which states it.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elf import PAGE, page_faults

ALIGNMENT_FIELD = 0xD935
WORD = 4  # bytes; the alignment of stored entries that are not libraries
DATE = (1981, 1, 1, 1, 1, 2)  # the date that the Android build tools give every entry
LOCAL_HEADER = 30  # bytes before the name of an entry
LIBRARY, DEX = ".so", ".dex"


@dataclass(frozen=True)
class Entry:
    """One file of an APK."""

    name: str
    content: bytes
    stored: bool = False


def entries_of(archive: Path) -> list[Entry]:
    """The files of a zip archive, each stored or deflated as it is there."""
    with zipfile.ZipFile(archive) as source:
        files = [info for info in source.infolist() if not info.is_dir()]
        return [Entry(one.filename, source.read(one), one.compress_type == zipfile.ZIP_STORED) for one in files]


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write an archive whose stored entries are aligned; equal entries give equal bytes."""
    with zipfile.ZipFile(path, "w", compresslevel=9) as archive:
        for entry in entries:
            archive.writestr(_info(entry, archive.fp.tell() if archive.fp else 0), entry.content)


def write_plain(path: Path, entries: Iterable[Entry]) -> None:
    """Write an archive without alignment, as a jar or an AAR is."""
    path.write_bytes(plain_archive(entries))


def plain_archive(entries: Iterable[Entry]) -> bytes:
    """The same as bytes; equal entries give equal bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compresslevel=9) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, DATE)
            info.compress_type = zipfile.ZIP_STORED if entry.stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.content)
    return written.getvalue()


def _info(entry: Entry, at: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(entry.name, DATE)
    info.compress_type = zipfile.ZIP_STORED if entry.stored else zipfile.ZIP_DEFLATED
    info.external_attr = 0
    if entry.stored:
        multiple = PAGE if entry.name.endswith(LIBRARY) else WORD
        before = at + LOCAL_HEADER + len(entry.name.encode()) + 6  # the field's own header and its number
        padding = -before % multiple
        info.extra = struct.pack("<HHH", ALIGNMENT_FIELD, 2 + padding, multiple) + bytes(padding)
    return info


def faults(path: Path) -> list[str]:
    """Everything in an APK that a device with pages of 16 KB, or its loader, refuses."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        return [f"{one.filename}: {fault}" for one in archive.infolist() for fault in _entry_faults(archive, raw, one)]


def _entry_faults(archive: zipfile.ZipFile, raw: BinaryIO, one: zipfile.ZipInfo) -> list[str]:
    library = one.filename.endswith(LIBRARY)
    if one.compress_type != zipfile.ZIP_STORED:
        mapped = library or one.filename == "resources.arsc"
        return ["deflated, expected stored: the device maps it from the APK"] if mapped else []
    start = content_start(raw, one)
    found = []
    if start % (PAGE if library else WORD):
        found.append(f"begins at byte {start}, expected a multiple of {PAGE if library else WORD}")
    return found + (page_faults(archive.read(one)) if library else [])


def content_start(raw: BinaryIO, one: zipfile.ZipInfo) -> int:
    """Offset of an entry's content, from its local header; `raw` is the archive as a binary file."""
    raw.seek(one.header_offset + 26)
    name, extra = struct.unpack("<HH", raw.read(4))
    return int(one.header_offset + LOCAL_HEADER + name + extra)


@dataclass(frozen=True)
class Sizes:
    """What an APK is made of, in bytes."""

    apk: int
    dex: int
    resources: int
    libraries: int
    bundles: int

    @property
    def code_and_resources(self) -> int:
        """The part that this build decides: the APK without native libraries and without bundles."""
        return self.apk - self.libraries - self.bundles

    def __str__(self) -> str:
        return (
            f"{self.apk} bytes, {self.code_and_resources} without native libraries ({self.libraries}) and bundles "
            f"({self.bundles}); dex {self.dex}, resources.arsc {self.resources}"
        )


def sizes(path: Path) -> Sizes:
    """Measure an APK; libraries and bundles count as they are in the archive, dex and resources unpacked."""
    with zipfile.ZipFile(path) as archive:
        files = archive.infolist()
    dex = sum(one.file_size for one in files if one.filename.endswith(DEX))
    resources = sum(one.file_size for one in files if one.filename == "resources.arsc")
    libraries = sum(one.compress_size for one in files if one.filename.endswith(LIBRARY))
    bundles = sum(one.compress_size for one in files if one.filename.startswith("assets/bundles/"))
    return Sizes(path.stat().st_size, dex, resources, libraries, bundles)
