"""The Xcode project of this repository: its objects by their ids, and the settings of its targets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from support.openstep import parse

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "ios_demo"
PROJECT = DEMO / "LevitDemo.xcodeproj"
CONFIGURATIONS = ("Debug", "Release")
_ID = re.compile(r"[0-9A-F]{24}")


@cache
def project() -> dict[str, Any]:
    """The whole file."""
    found = parse((PROJECT / "project.pbxproj").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def objects() -> dict[str, dict[str, Any]]:
    """Every object by its id."""
    return project()["objects"]  # type: ignore[no-any-return]


def root() -> dict[str, Any]:
    """The object that everything else belongs to."""
    return objects()[project()["rootObject"]]


def of_kind(isa: str) -> dict[str, dict[str, Any]]:
    """The objects of a kind, such as PBXNativeTarget, by id."""
    return {one: found for one, found in objects().items() if found["isa"] == isa}


def target(name: str) -> dict[str, Any]:
    """A target by its name."""
    (found,) = [one for one in of_kind("PBXNativeTarget").values() if one["name"] == name]
    return found


def many(ids: list[str]) -> list[dict[str, Any]]:
    """The objects of these ids, in this order."""
    return [objects()[one] for one in ids]


def phases(name: str) -> list[dict[str, Any]]:
    """The phases of a target, in order."""
    return many(target(name)["buildPhases"])


def configurations(owner: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The configurations of a target or of the project, by name."""
    listed = many(objects()[owner["buildConfigurationList"]]["buildConfigurations"])
    return {one["name"]: one for one in listed}


def settings(name: str, configuration: str) -> dict[str, Any]:
    """The settings of a target, with those of the project that it does not change."""
    common = configurations(root())[configuration]["buildSettings"]
    return {**common, **configurations(target(name))[configuration]["buildSettings"]}


def ids_in(value: Any) -> Iterator[str]:
    """Every id that a value names, keys of dictionaries too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ids_in(key)
            yield from ids_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from ids_in(inner)
    elif isinstance(value, str) and _ID.fullmatch(value):
        yield value
