"""The order of versions, as Gradle has it: 1.0-alpha01 < 1.0-rc01 < 1.0 < 1.0.1 < 1.10."""

from __future__ import annotations

import re

_LOWEST, _HIGH = ("dev",), ("rc", "snapshot", "final", "ga", "release", "sp")  # other words are in between
_END = (1, 0, "")  # a number after it makes a version higher, a word lower


def order(version: str) -> list[tuple[int, int, str]]:
    """The key by which versions are sorted."""
    return [*(_part(part) for part in re.findall(r"\d+|[^\W\d_]+", version)), _END]


def _part(text: str) -> tuple[int, int, str]:
    if text.isdigit():
        return 2, int(text), ""
    word = text.lower()
    if word in _LOWEST:
        return 0, -1, ""
    return (0, 1 + _HIGH.index(word), "") if word in _HIGH else (0, 0, text)
