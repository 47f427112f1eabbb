"""OpenStep property lists, the form of Xcode's project files, which Python's `plistlib` does not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Value = str | list["Value"] | dict[str, "Value"]

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/          # space and comments
    |(?P<quoted>"(?:[^"\\]|\\.)*")      # a string that needs quotes
    |(?P<plain>[\w./$:-]+)              # a string that needs none
    |(?P<mark>[{}()=;,])""",
    re.S | re.X,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|U([0-9A-Fa-f]{4})|(.))", re.S)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def parse(text: str) -> Value:
    """The value that the text holds. Raises ValueError with the place of what is wrong."""
    reader = _Reader(text, list(_tokens(text)))
    value = reader.value()
    if reader.place < len(reader.tokens):
        raise reader.wrong("the end")
    return value


@dataclass
class _Reader:
    text: str
    tokens: list[tuple[int, str, str]]
    place: int = field(default=0)

    def value(self) -> Value:
        _, kind, token = self._next()
        if kind != "mark":
            return token
        if token == "{":
            return self._dictionary()
        if token == "(":
            return self._array()
        self.place -= 1
        raise self.wrong("a value")

    def _dictionary(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not self._taken("}"):
            at, kind, key = self._next()
            if kind == "mark" or key in found:
                raise ValueError(f"{self._line(at)}: expected a new key, found {key!r}")
            self._require("=")
            found[key] = self.value()
            self._require(";")
        return found

    def _array(self) -> list[Value]:
        found: list[Value] = []
        while not self._taken(")"):
            found.append(self.value())
            if not self._taken(","):
                self._require(")")
                break
        return found

    def _next(self) -> tuple[int, str, str]:
        if self.place >= len(self.tokens):
            raise ValueError("the text ends too early")
        self.place += 1
        return self.tokens[self.place - 1]

    def _taken(self, mark: str) -> bool:
        is_next = self.place < len(self.tokens) and self.tokens[self.place][1:] == ("mark", mark)
        self.place += is_next
        return is_next

    def _require(self, mark: str) -> None:
        if not self._taken(mark):
            raise self.wrong(mark)

    def wrong(self, expected: str) -> ValueError:
        if self.place >= len(self.tokens):
            return ValueError(f"the text ends, expected {expected}")
        at, _, token = self.tokens[self.place]
        return ValueError(f"{self._line(at)}: expected {expected}, found {token!r}")

    def _line(self, at: int) -> str:
        return f"line {self.text.count(chr(10), 0, at) + 1}"


def _tokens(text: str) -> Iterator[tuple[int, str, str]]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            line = text.count("\n", 0, place) + 1
            raise ValueError(f"line {line}: {text[place]!r} belongs to no value")
        if kind := found.lastgroup:
            token = found[kind]
            yield place, kind, _ESCAPE.sub(_character, token[1:-1]) if kind == "quoted" else token
        place = found.end()


def _character(found: re.Match[str]) -> str:
    octal, unicode, letter = found.groups()
    if octal or unicode:
        return chr(int(octal, 8) if octal else int(unicode, 16))
    return _LETTERS.get(letter, letter)
