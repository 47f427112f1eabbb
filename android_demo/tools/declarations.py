"""API levels out of TypeScript declarations of the Android platform.

The npm package `@nativescript/types-android` declares every public class and member; `@since` names its API level, from
22 on. A declaration without `@since` counts as level 1. Overloads are told apart by their number of parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

FIRST = 1
SCOPE = re.compile(r"(?:(?:export|declare|abstract) )*(module|class|interface|namespace) ([\w$.]+).*\{")
MEMBER = re.compile(r"(?:(?:public|protected|static|readonly|abstract) )*([\w$]+)\s*([(:?])(.*)")
SINCE = re.compile(r"@since (\d+)")
CONSTRUCTOR = "<init>"
Parameters = int | None  # None for a field


@dataclass
class Declared:
    """API level of a class, and of each member by its name and its number of parameters."""

    since: int
    members: dict[str, dict[Parameters, int]] = field(default_factory=dict)

    def level(self, name: str, count: Parameters) -> int | None:
        """API level of a member; None if it is not declared."""
        levels = self.members.get(name)
        if levels is None:
            return self.since if name == CONSTRUCTOR else None
        return max(self.since, levels.get(count, min(levels.values())))


class _Parser:
    """Reads declarations line by line; `scopes` are the names of the open braces."""

    def __init__(self) -> None:
        self.classes: dict[str, Declared] = {}
        self.scopes: list[str] = []
        self.comment = ""

    def line(self, text: str) -> None:
        if text.startswith(("/**", "*", "//")):
            self.comment += text
            return
        found = SINCE.search(self.comment)
        self._declaration(text, int(found[1]) if found else FIRST)
        if text:
            self.comment = ""

    def _declaration(self, text: str, level: int) -> None:
        if scope := SCOPE.fullmatch(text):
            self._open(scope[1], scope[2], level)
        elif text.startswith("}"):
            self.scopes = self.scopes[:-1]
        elif text.endswith("{"):
            self.scopes.append("?")
        else:
            self._member(text, level)

    def _open(self, kind: str, name: str, level: int) -> None:
        self.scopes.append(name)
        if kind in ("class", "interface"):
            one = self.classes.setdefault(".".join(self.scopes), Declared(level))
            one.since = min(one.since, level)

    def _member(self, text: str, level: int) -> None:
        owner, found = self.classes.get(".".join(self.scopes)), MEMBER.match(text)
        if owner is None or found is None:
            return
        name = CONSTRUCTOR if found[1] == "constructor" else found[1]
        count = parameters(found[3]) if found[2] == "(" else None
        levels = owner.members.setdefault(name, {})
        levels[count] = min(level, levels.get(count, level))


def parameters(text: str) -> int:
    """Number of parameters of a declaration, from behind its opening parenthesis on."""
    depth, commas, inside = 0, 0, ""
    for letter in text.replace("=>", ""):
        if letter == ")" and depth == 0:
            break
        depth += (letter in "(<[{") - (letter in ")>]}")
        commas += letter == "," and depth == 0
        inside += letter
    return commas + 1 if inside.strip() else 0


def read(lines: Iterable[str]) -> dict[str, Declared]:
    """Read declarations into classes by their names in Java: `android.os.PowerManager.WakeLock`."""
    parser = _Parser()
    for line in lines:
        parser.line(line.strip())
    return parser.classes
