"""Values in text that a device printed: whatever is cut, garbled or beyond its range is None, and nothing raises."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

UNKNOWN = "unknown"  # where a record needs a word
LONGEST = 200  # characters of a word
COLDEST, HOTTEST = -60.0, 200.0  # °C that a sensor in a phone or a computer can mean
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,2})?")
_SECTION = re.compile(r"^== (.+)$", re.MULTILINE)
_PROPERTY = re.compile(r"^\[([^]\n]+)\]: \[(.*?)\]?$", re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """What follows each line `== NAME`; the first of two of one name counts."""
    _, *parts = _SECTION.split(text.replace("\r", "").replace("\0", ""))
    found: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        found.setdefault(name.strip(), body.strip("\n"))
    return found


def properties(text: str) -> dict[str, str]:
    """The lines `[name]: [value]` of `getprop`."""
    return {name: word(value) for name, value in _PROPERTY.findall(text)}


def word(text: str) -> str:
    """As one printable line; empty for what says that it is unknown."""
    line = "".join(sign for sign in text[:LONGEST] if sign.isprintable()).strip()
    return "" if line.lower() in (UNKNOWN, "-", "null", "none") else line


def first(values: Mapping[str, str], names: Iterable[str]) -> str:
    """The first value that there is, or an empty text."""
    return next((value for name in names if (value := values.get(name, ""))), "")


def whole(text: str | None, low: int = 0, high: int = 10**15) -> int | None:
    """A whole number in a range."""
    if text is None or not _WHOLE.fullmatch(text.strip()):
        return None
    found = int(text)
    return found if low <= found <= high else None


def decimal(text: str | None, low: float = 0.0, high: float = 1e9) -> float | None:
    """A finite number in a range."""
    if text is None or not _DECIMAL.fullmatch(text.strip()):
        return None
    found = float(text)
    return found if math.isfinite(found) and low <= found <= high else None


def celsius(text: str | None, unit: float = 1.0) -> float | None:
    """A temperature, of which `unit` make a degree; None for what no sensor can mean."""
    found = decimal(text, -1e9)
    return found / unit if found is not None and COLDEST <= found / unit <= HOTTEST else None


def truth(text: str | None) -> bool | None:
    """`true` or `false`."""
    return {"true": True, "false": False}.get((text or "").strip())


def matched(pattern: str, text: str) -> str | None:
    """The first group of the first match, at the beginning of a line or after blanks."""
    found = re.search(rf"^[ \t]*{pattern}", text, re.MULTILINE)
    return found[1] if found else None
