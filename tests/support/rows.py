"""Made-up tables in the place of those that a flatbuffer's reader gives."""

from __future__ import annotations

from typing import Any


class Row(dict[str, Any]):
    """What a flatbuffer's table gives: fields by name, its kind, and the name of a union's member."""

    kind = ""

    def has(self, name: str) -> bool:
        return name in self

    def member(self, name: str) -> str:
        return "" if self[name] is None else str(self[name].kind)


def row(kind: str, **fields: Any) -> Row:
    made = Row(fields)
    made.kind = kind
    return made
