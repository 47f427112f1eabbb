"""The places of a flatbuffer that decide how the rest is read: offsets, vtables, lengths and scalars.

The walk is written apart from the reader in `levit_mobile.inspection`, and it trusts the file: it is for sound files.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from levit_mobile.inspection.flatbuffer import SCALARS, Field, Schema


@dataclass(frozen=True, slots=True)
class Place:
    """A little-endian number in a file: what it is, its first byte and its bytes."""

    kind: str
    at: int
    width: int


def places(data: bytes, by: Schema, start: int = 0) -> list[Place]:
    """Every place of the flatbuffer that begins at byte `start`, each once."""
    walk = _Walk(data, by)
    walk.offset(start, by.root)
    return sorted(walk.found, key=lambda place: (place.at, place.width))


class _Walk:
    def __init__(self, data: bytes, by: Schema) -> None:
        self.data, self.by = data, by
        self.found: set[Place] = set()

    def number(self, kind: str, at: int, letter: str) -> int:
        self.found.add(Place(kind, at, struct.calcsize(letter)))
        return int(struct.unpack_from(f"<{letter}", self.data, at)[0])

    def offset(self, at: int, kind: str) -> None:
        """The offset at `at` and what it leads to: a string, or a table of the schema."""
        target = at + self.number("offset", at, "I")
        if kind == "string":
            self.number("length", target, "I")
        elif kind in self.by.tables:
            self.table(target, kind)

    def table(self, start: int, kind: str) -> None:
        vtable = start - self.number("vtable offset", start, "i")
        size = self.number("vtable", vtable, "H")
        self.number("vtable", vtable + 2, "H")
        slots = [self.number("vtable", vtable + 4 + 2 * i, "H") for i in range(size // 2 - 2)]
        for field in self.by.tables[kind].values():
            if field.slot < len(slots) and slots[field.slot]:
                chosen = slots[field.slot - 1] if field.kind in self.by.unions else 0
                self.field(field, start + slots[field.slot], start + chosen if chosen else 0)

    def field(self, field: Field, at: int, chosen: int) -> None:
        scalar = self.by.enums.get(field.kind, (field.kind,))[0]
        if field.many:
            self.vector(field.kind, at)
        elif field.kind in self.by.unions:
            number = self.number("union", chosen, "B") if chosen else 0
            self.offset(at, self.by.unions[field.kind][number - 1][1] if number else "")
        elif scalar in SCALARS:
            self.number("scalar", at, SCALARS[scalar])
        else:
            self.offset(at, field.kind)

    def vector(self, kind: str, at: int) -> None:
        target = at + self.number("offset", at, "I")
        count = self.number("length", target, "I")
        if kind in SCALARS:
            step = struct.calcsize(SCALARS[kind])
            self.found.update(Place("scalar", target + 4 + step * i, step) for i in range(min(count, 8)))
            return
        for i in range(count):
            self.offset(target + 4 + 4 * i, kind)
