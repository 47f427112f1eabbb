"""Reads flatbuffers by the text of their schema, every access checked against the file's end; damage is a ValueError.

The vendors' own readers either trust the bytes or take seconds to import.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Scalars by their names in a schema -> struct's letters.
SCALARS: Mapping[str, str] = {
    "bool": "?",
    "byte": "b",
    "int8": "b",
    "ubyte": "B",
    "uint8": "B",
    "short": "h",
    "ushort": "H",
    "int": "i",
    "int32": "i",
    "uint": "I",
    "uint32": "I",
    "long": "q",
    "int64": "q",
    "ulong": "Q",
    "uint64": "Q",
    "float": "f",
    "double": "d",
}
MOST_TABLES = 5_000_000  # read of one file, each as often as it is read: a large model needs a tenth
PER_TABLE = 64  # characters or numbers, which cost as much as a table
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_BLOCK = re.compile(r"\b(table|union|enum)\s+(\w+)\s*(?::\s*(\w+)\s*)?\{([^}]*)\}")
_FIELD = re.compile(r"(\w+)\s*:\s*(\[?)\s*(\w+)\s*\]?\s*(?:=\s*([\w.+-]+)\s*)?(?:\([^)]*\)\s*)?;")
_ROOT = re.compile(r"\broot_type\s+(\w+)")


@dataclass(frozen=True, slots=True)
class Field:
    """A table's field: `slot` is its place in the vtable; a union has its type in the slot before."""

    slot: int
    kind: str
    many: bool
    default: str


@dataclass(frozen=True, slots=True)
class Schema:
    """`tables` by name; `unions` as (member, table) pairs from 1 on; `enums` as scalar and number -> name."""

    root: str
    tables: Mapping[str, Mapping[str, Field]]
    unions: Mapping[str, Sequence[tuple[str, str]]]
    enums: Mapping[str, tuple[str, Mapping[int, str]]]


def schema(*texts: str) -> Schema:
    """The schema in the text of one .fbs file and those that it includes. Structs are not known."""
    text = _COMMENT.sub("", "\n".join(texts))
    blocks = [match.groups() for match in _BLOCK.finditer(text)]
    unions = {name: _members(body) for kind, name, _, body in blocks if kind == "union"}
    enums = {name: (scalar, _numbers(body)) for kind, name, scalar, body in blocks if kind == "enum"}
    tables = {name: _fields(body, unions) for kind, name, _, body in blocks if kind == "table"}
    root = _ROOT.search(text)
    if root is None or root[1] not in tables:
        raise ValueError("the schema names no root table")
    return Schema(root[1], tables, unions, enums)


def _members(body: str) -> list[tuple[str, str]]:
    pairs = (item.partition(":") for item in body.split(",") if item.strip())
    return [(name.strip(), (table or name).strip()) for name, _, table in pairs]


def _numbers(body: str) -> dict[int, str]:
    found: dict[int, str] = {}
    number = -1
    for item in (item.strip() for item in body.split(",")):
        if item:
            name, _, given = item.partition("=")
            number = int(given) if given else number + 1
            found[number] = name.strip()
    return found


def _fields(body: str, unions: Mapping[str, object]) -> dict[str, Field]:
    found: dict[str, Field] = {}
    slot = 0
    for name, bracket, kind, default in _FIELD.findall(body):
        slot += kind in unions
        found[name] = Field(slot, kind, bool(bracket), default)
        slot += 1
    return found


def root(data: bytes | memoryview, by: Schema) -> Table:
    """The root table of a flatbuffer. Raises ValueError."""
    whole = memoryview(data)
    return Table(whole, _forward(whole, 0), by.root, by, Budget())


@dataclass(slots=True)
class Budget:
    """How many tables may still be read: offsets that lead to one table again and again make a small file endless."""

    left: int = field(default_factory=lambda: MOST_TABLES)

    def spend(self, tables: int) -> None:
        """Raises ValueError when it is used up."""
        self.left -= tables
        if self.left < 0:
            raise ValueError(f"it holds offsets to the same parts, which unfold to more than {MOST_TABLES:,} tables")


class Table:
    """One table: `table["field"]` is a number, an enum's name, a str, a Table, None, or a sequence of those.

    A vector of ubyte is a memoryview of the file itself. All raise ValueError where the file does not hold it.
    """

    __slots__ = ("_budget", "_data", "_schema", "_size", "_slots", "_start", "kind")

    def __init__(self, data: memoryview, start: int, kind: str, by: Schema, budget: Budget) -> None:
        budget.spend(1)
        self._budget = budget
        self._data, self._start, self._schema, self.kind = data, start, by, kind
        vtable = start - _number(data, start, "i")
        size, self._size = _numbers_at(data, vtable, "H", 2)
        if size < 4 or size % 2 or self._size < 4 or start + self._size > len(data):
            raise ValueError(f"the {kind} at byte {start} is not valid")
        self._slots = _numbers_at(data, vtable + 4, "H", size // 2 - 2)

    def __getitem__(self, name: str) -> Any:
        field = self._schema.tables[self.kind][name]
        at = self._at(field.slot)
        if field.many:
            return self._vector(field.kind, at)
        if field.kind in self._schema.unions:
            return self._union(field, at)
        if field.kind in self._schema.enums:
            return self._enum(field, at)
        if field.kind in SCALARS:
            return _number(self._data, at, SCALARS[field.kind]) if at else _default(field)
        return self._one(field.kind, at)

    def _at(self, slot: int) -> int:
        """Position of the field; 0 where it has its default."""
        offset = self._slots[slot] if slot < len(self._slots) else 0
        if offset >= self._size and offset:
            raise ValueError(f"a field of {self.kind} at byte {self._start} is outside that table")
        return self._start + offset if offset else 0

    def _one(self, kind: str, at: int) -> Any:
        """A string or a table behind an offset."""
        if not at:
            return "" if kind == "string" else None
        target = _forward(self._data, at)
        if kind == "string":
            text = _span(self._data, target + 4, _number(self._data, target, "I"))
            self._budget.spend(len(text) // PER_TABLE)
            return str(text, "utf-8")
        return Table(self._data, target, kind, self._schema, self._budget)

    def _union(self, field: Field, at: int) -> Table | None:
        number = _number(self._data, place, "B") if (place := self._at(field.slot - 1)) else 0
        members = self._schema.unions[field.kind]
        if not number or not at:
            return None
        if number > len(members):
            raise ValueError(f"{field.kind} has no member {number}")
        return Table(self._data, _forward(self._data, at), members[number - 1][1], self._schema, self._budget)

    def has(self, name: str) -> bool:
        """Does a table of its kind have such a field?"""
        return name in self._schema.tables[self.kind]

    def member(self, name: str) -> str:
        """The name of the member that a union holds, "" for none."""
        field = self._schema.tables[self.kind][name]
        number = _number(self._data, place, "B") if (place := self._at(field.slot - 1)) else 0
        members = self._schema.unions[field.kind]
        if number > len(members):
            raise ValueError(f"{field.kind} has no member {number}")
        return members[number - 1][0] if number else ""

    def _enum(self, field: Field, at: int) -> str:
        scalar, names = self._schema.enums[field.kind]
        if not at:
            return field.default or names.get(0, "")
        number = _number(self._data, at, SCALARS[scalar])
        if number not in names:
            raise ValueError(f"{field.kind} has no member {number}")
        return names[number]

    def _vector(self, kind: str, at: int) -> Any:
        if not at:
            return memoryview(b"") if kind in ("ubyte", "uint8") else ()
        target = _forward(self._data, at)
        count, first = int(_number(self._data, target, "I")), target + 4
        if kind in ("ubyte", "uint8"):
            return _span(self._data, first, count)
        if kind in SCALARS:
            numbers = _numbers_at(self._data, first, SCALARS[kind], count)
            self._budget.spend(count // PER_TABLE)
            return numbers
        _span(self._data, first, 4 * count)
        self._budget.spend(count)  # strings too, before any is read
        return [self._one(kind, first + 4 * i) for i in range(count)]


def _default(field: Field) -> Any:
    if field.kind == "bool":
        return field.default == "true"
    return float(field.default or 0) if field.kind in ("float", "double") else int(field.default or 0)


def _forward(data: memoryview, at: int) -> int:
    """Where the offset at `at` leads: always on, never back."""
    offset = int(_number(data, at, "I"))
    if offset < 4:
        raise ValueError(f"the offset at byte {at} is {offset}, expected 4 or more")
    return at + offset


def _number(data: memoryview, at: int, letter: str) -> Any:
    return _numbers_at(data, at, letter, 1)[0]


def _numbers_at(data: memoryview, at: int, letter: str, count: int) -> tuple[Any, ...]:
    return struct.unpack(f"<{count}{letter}", _span(data, at, count * struct.calcsize(f"<{letter}")))


def _span(data: memoryview, start: int, size: int) -> memoryview:
    if start < 0 or start + size > len(data):
        raise ValueError(f"it is cut short or damaged: it refers to byte {start} and has {len(data)} bytes")
    return data[start : start + size]
