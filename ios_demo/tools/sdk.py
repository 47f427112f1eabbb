"""The iOS SDK's declarations, which the stubs are compared with, name by name and level by level.

The npm package `@nativescript/types-ios` declares the frameworks of the iOS 26.5 SDK in Objective-C's names; `@since`
names the version of iOS. Swift's names are made of them by rules; `stubs/names.txt` lists what the rules do not find.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from android_tools import npm
from toolchain import ROOT

LOCK = ROOT / "npm.lock"
NAMES = ROOT / "stubs" / "names.txt"
FOLDER = "package/lib/ios/objc-x86_64/objc!"
TYPES = "Class", "Struct", "Enum", "Protocol"
RAW = "rawValue", "init(rawValue:)", "RawValue"
NOT_DECLARED = "swift", "c"  # in names.txt
Level = tuple[int, ...]
_SINCE = re.compile(r"\* @since ([\d.]+)")
_TOP = re.compile(r"^declare (?:class|var|const enum|const|function) (\w+)|^interface (\w+)")
_MEMBER = re.compile(r"^\t(?:static )?(?:readonly )?(\w+)\??\s*[(:<=]")


@dataclass(slots=True)
class Declared:
    """A class, an enumeration, a function or a constant of the SDK."""

    since: Level = ()
    members: dict[str, Level] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stub:
    """A public name of a stub: its path of Swift names, and the version of iOS that the stub states."""

    module: str
    path: tuple[str, ...]
    kind: str
    since: Level

    @property
    def name(self) -> str:
        """Such as `CoreML.MLModel.compileModel(at:)`."""
        return ".".join((self.module, *self.path))


def newer(stubs: Iterable[Stub], than: Level) -> dict[str, Level]:
    """Names of outer types that are newer than a version of iOS, with theirs."""
    outer = (stub for stub in stubs if len(stub.path) == 1 and stub.kind in TYPES)
    return {stub.path[0]: stub.since for stub in outer if stub.since > than}


def missing() -> str:
    """Why the declarations cannot be had; empty if they can."""
    return (
        ""
        if npm.place(LOCK).exists() or shutil.which("npm")
        else "`npm`, which downloads the declarations, is not there"
    )


def declarations(modules: Iterable[str]) -> dict[str, Declared]:
    """What the SDK declares in these modules, by Objective-C's names."""
    found: dict[str, Declared] = {}
    with tarfile.open(npm.package(LOCK)) as archive:
        for module in {*modules, "Foundation"}:
            try:
                content = archive.extractfile(f"{FOLDER}{module}.d.ts")
            except KeyError:
                continue  # a module of Swift alone
            if content is not None:
                _read((line.decode() for line in content), found)
    return found


def compare(stubs: Iterable[Stub], sdk: Mapping[str, Declared]) -> tuple[int, list[str], list[str]]:
    """Look every stub up.

    Returns:
        How many were found, the names that the declarations do not have, and what is wrong.
    """
    listed, used = _listed(), set()
    found, swift, wrong = 0, [], []
    for stub in stubs:
        name = listed.get(stub.name) or listed.get(f"{stub.module}.*")
        if stub.name in listed:
            used.add(stub.name)
        if name in NOT_DECLARED:
            swift.append(stub.name)
            continue
        since = _since(name.split("."), sdk) if name else _look_up(stub, sdk)
        if since is None:
            wrong.append(f"{stub.name} is not in the SDK")
        elif stub.since < since:
            wrong.append(f"{stub.name} is there since iOS {_text(since)}, and the stub states {_text(stub.since)}")
        else:
            found += 1
    wrong += [f"names.txt lists {name}, which no stub has" for name in listed if name not in used and "*" not in name]
    return found, swift, wrong


def read_stub(path: Path) -> list[Stub]:
    """The public names of a compiled stub, from the descriptor that the compiler writes beside it."""
    root = json.loads(path.read_bytes())["ABIRoot"]
    return list(_named(root, root["name"], (), ()))


def _named(node: Mapping[str, Any], module: str, path: tuple[str, ...], since: Level) -> Iterator[Stub]:
    for one in node.get("children", []):
        kind = one.get("declKind", "")
        if one["kind"] not in ("TypeDecl", "Function", "Constructor", "Var") or one.get("implicit"):
            continue
        # What Foundation lacks on Linux stands in extensions of its types.
        at, level = (*path, one["printedName"]), max(since, _level(one.get("intro_iOS", "")))
        if one["printedName"] not in RAW and not one.get("isExternal"):
            yield Stub(module, at, kind, level)
        if one["kind"] == "TypeDecl":
            yield from _named(one, module, at, level)


def _level(text: str) -> Level:
    return tuple(int(part) for part in text.split(".") if part)


def _look_up(stub: Stub, sdk: Mapping[str, Declared]) -> Level | None:
    *owners, last = stub.path
    if stub.kind in TYPES:
        return _since(["".join(stub.path)], sdk)
    if not owners:
        return _since([last.partition("(")[0]], sdk)
    owner = sdk.get("".join(owners))
    if owner is None:
        return None
    levels = [since for name, since in owner.members.items() if _is_same(last, name)]
    return max(owner.since, min(levels)) if levels else None


def _is_same(swift: str, objc: str) -> bool:
    """Whether a member's Swift name can be made of this name of Objective-C."""
    base, _, labels = swift.partition("(")
    words = [label for label in labels.rstrip(")").split(":") if label not in ("", "_")]
    if base == "init":
        return objc.startswith(("init", "constructor")) and _in_order(words, objc.lower())
    if not labels:
        return objc.lower() in (base.lower(), base.removeprefix("is").lower())
    return objc.lower().startswith(base.lower()) and _in_order(words, objc.lower())


def _in_order(words: Iterable[str], text: str) -> bool:
    at = 0
    for word in words:
        at = text.find(word.lower(), at)
        if at < 0:
            return False
    return True


def _since(path: list[str], sdk: Mapping[str, Declared]) -> Level | None:
    owner = sdk.get(path[0])
    if owner is None or len(path) == 1:
        return owner.since if owner else None
    since = owner.members.get(path[1])
    return None if since is None else max(owner.since, since)


def _listed() -> dict[str, str]:
    """Objective-C's names by Swift's, from names.txt."""
    lines = (line.partition("#")[0].strip() for line in NAMES.read_text(encoding="utf-8").splitlines())
    return {swift.strip(): objc.strip() for line in lines if line for swift, _, objc in [line.partition(" = ")]}


def _read(lines: Iterator[str], into: dict[str, Declared]) -> None:
    since: Level = ()
    owner: Declared | None = None
    for line in lines:
        if match := _SINCE.search(line):
            since = tuple(int(part) for part in match[1].split("."))
            continue
        if match := _TOP.match(line):
            owner = into.setdefault(match[1] or match[2], Declared())
            owner.since = max(owner.since, since)
        elif owner and (match := _MEMBER.match(line)):
            owner.members[match[1]] = since
        if line.strip() and not line.lstrip().startswith(("*", "/*")):
            since = ()


def _text(level: Level) -> str:
    return ".".join(map(str, level)) or "nothing"
