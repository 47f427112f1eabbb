"""Reads a POM with its parents and the BOMs that it imports."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache as remembered

from maven import Coordinate, cache, download_what_exists

Name = tuple[str, str]
NEEDED = ("", "compile", "runtime")


@dataclass(frozen=True)
class Entry:
    """A dependency as a POM states it."""

    name: Name
    version: str
    scope: str = ""
    optional: bool = False
    excluded: frozenset[Name] = frozenset()


@dataclass(frozen=True)
class Pom:
    """A POM with the values of its parents."""

    packaging: str = "jar"
    properties: dict[str, str] = field(default_factory=dict)
    managed: dict[Name, str] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()

    def needed(self) -> Iterator[Entry]:
        """The dependencies at run time, with the versions that the POM manages."""
        for entry in self.entries:
            if entry.scope in NEEDED and not entry.optional:
                yield entry if entry.version else replace(entry, version=self.managed.get(entry.name, ""))


@remembered
def read_pom(coordinate: Coordinate) -> Pom:
    """Read a POM of the cache; a missing one is downloaded, and one that does not exist is empty."""
    download_what_exists([coordinate])
    path = cache() / coordinate.path
    if not path.exists():
        return Pom()
    text = re.sub(r"""\sxmlns=("[^"]*"|'[^']*')""", "", path.read_text(encoding="utf-8"), count=1)
    return _of(ET.fromstring(text.encode()), coordinate)


def _of(root: ET.Element, own: Coordinate) -> Pom:
    parent = root.find("parent")
    above = read_pom(Coordinate(*_three(parent, {}), "pom")) if parent is not None else Pom()
    properties = {**above.properties, **{one.tag: (one.text or "").strip() for one in root.findall("properties/*")}}
    properties |= {"project.groupId": own.group, "project.artifactId": own.artifact}
    properties |= {"project.version": own.version, "version": own.version, "pom.version": own.version}
    managed = dict(above.managed)
    for entry in _entries(root, "dependencyManagement/dependencies/dependency", properties):
        managed |= _imported(entry)
    entries = tuple(_entries(root, "dependencies/dependency", properties))
    packaging = root.findtext("packaging") or "jar"
    return Pom(packaging, properties, managed, (*above.entries, *entries))


def _imported(entry: Entry) -> dict[Name, str]:
    if entry.scope != "import":
        return {entry.name: entry.version}
    return read_pom(Coordinate(*entry.name, entry.version, "pom")).managed


def _entries(root: ET.Element, path: str, properties: dict[str, str]) -> Iterator[Entry]:
    for one in root.findall(path):
        if one.findtext("classifier"):
            continue
        group, artifact, version = _three(one, properties)
        excluded = frozenset(_three(exclusion, properties)[:2] for exclusion in one.findall("exclusions/exclusion"))
        scope, optional = (_value(one.findtext(tag), properties) for tag in ("scope", "optional"))
        yield Entry((group, artifact), version, scope, optional == "true", excluded)


def _three(element: ET.Element, properties: dict[str, str]) -> tuple[str, str, str]:
    group, artifact, version = (
        _value(element.findtext(tag), properties) for tag in ("groupId", "artifactId", "version")
    )
    return group, artifact, version


def _value(text: str | None, properties: dict[str, str]) -> str:
    value = (text or "").strip()
    for _ in range(5):  # a property may name another one
        value = re.sub(r"\$\{([^}]+)\}", lambda found: properties.get(found[1], found[0]), value)
    return value
