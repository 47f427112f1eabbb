"""Writes the framework's resource table in the plain form that aapt2 of Android 10 reads.

Since Android 14 the framework's `resources.arsc` has compact and sparse entries in several packages, and that aapt2
finds none of its names. Linking an app needs the names, the identifiers, which of them are public, and the formats of
attributes. Only those are kept. The layout of the chunks is that of `ResourceTypes.h` in Android's sources.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

STRING_POOL, TABLE, PACKAGE, TYPE, TYPE_SPEC = 0x001, 0x002, 0x200, 0x201, 0x202
UTF8 = 0x100  # flag of a string pool
SPARSE, OFFSETS_16 = 0x01, 0x02  # flags of a type
COMPLEX, PUBLIC_ENTRY, COMPACT = 0x01, 0x02, 0x08  # flags of an entry
PUBLIC_SPEC = 0x4000_0000
FRAMEWORK_ID, NAME_BYTES, CONFIG_BYTES = 1, 256, 64
NO_ENTRY, NO_ENTRY_16 = 0xFFFF_FFFF, 0xFFFF
BOOLEAN = 0x12  # type of a value
Formats = tuple[tuple[int, int, int, int, int], ...]  # of an attribute: name, size, zero, type, value


@dataclass(frozen=True)
class Entry:
    """A resource: its name, the public flag of its entry, and an attribute's formats (None for a plain value)."""

    name: str
    public: int
    formats: Formats | None = None


@dataclass
class Table:
    """The resources of all packages, by type and number."""

    types: dict[int, str] = field(default_factory=dict)
    entries: dict[tuple[int, int], Entry] = field(default_factory=dict)
    specs: dict[tuple[int, int], int] = field(default_factory=dict)


def write(platform: Path, to: Path) -> None:
    """Read the table of `android-all` and write it as an APK that `aapt2 link -I` takes."""
    with zipfile.ZipFile(platform) as archive:
        table = Reader(archive.read("resources.arsc")).table()
        manifest = archive.read("AndroidManifest.xml")
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr(zipfile.ZipInfo("resources.arsc"), written(table))
        archive.writestr(zipfile.ZipInfo("AndroidManifest.xml"), manifest)


class Reader:
    """Reads a resource table; offsets are bytes from its beginning."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.found = Table()

    def table(self) -> Table:
        """The table with one identifier for each name of a type.

        A second one belongs to resources that are not final yet.
        """
        _, header, size = self._header(0)
        for kind, at, _ in self._chunks(header, size):
            if kind == PACKAGE:
                self._package(at)
        first: dict[str, int] = {}
        for number, name in sorted(self.found.types.items()):
            first.setdefault(name, number)
        kept = {key: entry for key, entry in self.found.entries.items() if first[self.found.types[key[0]]] == key[0]}
        return Table(self.found.types, kept, self.found.specs)

    def _read(self, layout: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{layout}", self.data, at)

    def _header(self, at: int) -> tuple[int, int, int]:
        kind, header, size = self._read("HHI", at)
        return kind, header, size

    def _chunks(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        at = start
        while at < end:
            kind, header, size = self._header(at)
            yield kind, at, header
            at += size

    def _package(self, at: int) -> None:
        _, header, size = self._header(at)
        type_strings, _, key_strings, _, first_type = self._read("IIIII", at + 12 + NAME_BYTES)
        types, keys = self._strings(at + type_strings), self._strings(at + key_strings)
        for kind, chunk, chunk_header in self._chunks(at + header, at + size):
            if kind == TYPE_SPEC:
                self._spec(chunk, chunk_header)
            elif kind == TYPE:
                number = self.data[chunk + 8]
                self.found.types.setdefault(number, types[number - 1 - first_type])
                self._type(chunk, chunk_header, keys)

    def _spec(self, at: int, header: int) -> None:
        number, (count,) = self.data[at + 8], self._read("I", at + 12)
        for index, flags in enumerate(self._read(f"{count}I", at + header)):
            self.found.specs[number, index] = self.found.specs.get((number, index), 0) | flags

    def _type(self, at: int, header: int, keys: list[str]) -> None:
        number, flags, _, count, start = self._read("BBHII", at + 8)
        for index, offset in self._offsets(at + header, flags, count):
            if (number, index) not in self.found.entries:
                entry = self._entry(at + start + offset, keys, attribute=self.found.types[number] == "attr")
                self.found.entries[number, index] = entry

    def _offsets(self, at: int, flags: int, count: int) -> Iterator[tuple[int, int]]:
        """Number and offset of each entry that is there."""
        if flags & SPARSE:
            pairs = self._read(f"{2 * count}H", at)
            yield from ((index, 4 * offset) for index, offset in zip(pairs[::2], pairs[1::2], strict=True))
        elif flags & OFFSETS_16:
            short = enumerate(self._read(f"{count}H", at))
            yield from ((index, 4 * offset) for index, offset in short if offset != NO_ENTRY_16)
        else:
            yield from (pair for pair in enumerate(self._read(f"{count}I", at)) if pair[1] != NO_ENTRY)

    def _entry(self, at: int, keys: list[str], *, attribute: bool) -> Entry:
        size, flags = self._read("HH", at)
        if flags & COMPACT:  # the first field is the name then
            return Entry(keys[size], flags & PUBLIC_ENTRY)
        name = keys[self._read("I", at + 4)[0]]
        if not flags & COMPLEX:
            return Entry(name, flags & PUBLIC_ENTRY)
        count = self._read("I", at + 12)[0] if attribute else 0
        maps = [self._read("IHBBI", at + size + 12 * number) for number in range(count)]
        return Entry(name, flags & PUBLIC_ENTRY, tuple((a, b, c, d, e) for a, b, c, d, e in maps))

    def _strings(self, at: int) -> list[str]:
        _, header, _ = self._header(at)
        count, _, flags, start, _ = self._read("IIIII", at + 8)
        offsets = self._read(f"{count}I", at + header)
        read = self._utf8 if flags & UTF8 else self._utf16
        return [read(at + start + offset) for offset in offsets]

    def _utf8(self, at: int) -> str:
        at += 2 if self.data[at] & 0x80 else 1  # the number of characters, which is not needed
        length, at = self.data[at], at + 1
        if length & 0x80:
            length, at = (length & 0x7F) << 8 | self.data[at], at + 1
        return self.data[at : at + length].decode()

    def _utf16(self, at: int) -> str:
        (length,) = self._read("H", at)
        at += 2
        if length & 0x8000:
            length, at = (length & 0x7FFF) << 16 | self._read("H", at)[0], at + 2
        return self.data[at : at + 2 * length].decode("utf-16le")


def written(table: Table) -> bytes:
    """The table as one package, with entries in the form that every aapt2 reads."""
    keys = sorted({entry.name for entry in table.entries.values()})
    places = {name: place for place, name in enumerate(keys)}
    last = max(number for number, _ in table.entries)
    types = _pool(table.types.get(number, f"unused{number}") for number in range(1, last + 1))
    used = sorted({number for number, _ in table.entries})
    content = types + _pool(keys) + b"".join(_type_chunks(table, number, places) for number in used)
    header = 12 + NAME_BYTES + 20
    package = struct.pack("<I", FRAMEWORK_ID) + "android".encode("utf-16le").ljust(NAME_BYTES, b"\0")
    package += struct.pack("<5I", header, last, header + len(types), len(keys), 0)
    return _chunk(TABLE, struct.pack("<I", 1), _pool([]) + _chunk(PACKAGE, package, content))


def _chunk(kind: int, header: bytes, content: bytes) -> bytes:
    size = 8 + len(header)
    return struct.pack("<HHI", kind, size, size + len(content)) + header + content


def _pool(strings: Iterable[str]) -> bytes:
    data, offsets = b"", []
    for text in strings:
        offsets.append(len(data))
        data += struct.pack("<H", len(text)) + text.encode("utf-16le") + b"\0\0"
    data += b"\0" * (-len(data) % 4)
    header = struct.pack("<5I", len(offsets), 0, 0, 28 + 4 * len(offsets), 0)
    return _chunk(STRING_POOL, header, struct.pack(f"<{len(offsets)}I", *offsets) + data)


def _type_chunks(table: Table, number: int, places: dict[str, int]) -> bytes:
    count = 1 + max(index for kind, index in table.entries if kind == number)
    flags = [table.specs.get((number, index), 0) & PUBLIC_SPEC for index in range(count)]
    spec = _chunk(TYPE_SPEC, struct.pack("<BBHI", number, 0, 0, count), struct.pack(f"<{count}I", *flags))
    offsets, data, identifier = [], b"", table.types[number] == "id"
    for index in range(count):
        entry = table.entries.get((number, index))
        offsets.append(NO_ENTRY if entry is None else len(data))
        data += b"" if entry is None else _entry_bytes(entry, places[entry.name], identifier=identifier)
    start = 20 + CONFIG_BYTES + 4 * count
    header = struct.pack("<BBHII", number, 0, 0, count, start)
    header += struct.pack("<I", CONFIG_BYTES).ljust(CONFIG_BYTES, b"\0")
    return spec + _chunk(TYPE, header, struct.pack(f"<{count}I", *offsets) + data)


def _entry_bytes(entry: Entry, place: int, *, identifier: bool) -> bytes:
    if entry.formats is None:
        value = BOOLEAN if identifier else 0
        return struct.pack("<HHIHBBI", 8, entry.public, place, 8, 0, value, 0)
    maps = b"".join(struct.pack("<IHBBI", *one) for one in entry.formats)
    return struct.pack("<HHIII", 16, COMPLEX | entry.public, place, 0, len(entry.formats)) + maps
