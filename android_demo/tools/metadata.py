"""Reads what describes a library: Gradle's module metadata where it is published, else the POM.

Maven alone cannot resolve Android libraries: the roots of multiplatform libraries name their Android and JVM parts only
in Gradle's metadata, and the entries of a BOM have no type, so an `aar` gets no version from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from maven import Coordinate, cache, download_what_exists
from pom import Pom, read_pom
from resolver import Component, Name, Request

PUBLISHED_WITH_GRADLE = "published-with-gradle-metadata"
_PLATFORM, _ENVIRONMENT = "org.jetbrains.kotlin.platform.type", "org.gradle.jvm.environment"


class Metadata:
    """The components that have been read; each is read once."""

    def __init__(self, *, android: bool) -> None:
        self.android = android
        self.components: dict[tuple[Name, str], Component] = {}

    def load(self, wanted: Iterable[tuple[Name, str]]) -> Mapping[tuple[Name, str], Component]:
        """Download and read the descriptions of libraries.

        A version that does not exist has no dependencies. It may be asked for while a higher one is not yet known.
        """
        wanted = list(wanted)
        new = [one for one in wanted if one not in self.components]
        poms = {one: Coordinate(*one[0], one[1], "pom") for one in new}
        download_what_exists(poms.values())
        with_gradle = {one: _module_file(pom) for one, pom in poms.items() if _has_gradle_metadata(pom)}
        download_what_exists(with_gradle.values())
        for one, pom in poms.items():
            self.components[one] = self._read(pom, with_gradle.get(one))
        return {one: self.components[one] for one in wanted}

    def _read(self, pom: Coordinate, module: Coordinate | None) -> Component:
        if not (cache() / pom.path).exists():
            return Component(file_type=None)
        if module is not None and (cache() / module.path).exists():
            variants = json.loads((cache() / module.path).read_text(encoding="utf-8"))["variants"]
            found = of_variants(variants, android=self.android)
            if found is not None:
                return found
        return of_pom(read_pom(pom))


def _has_gradle_metadata(pom: Coordinate) -> bool:
    path = cache() / pom.path
    return path.exists() and PUBLISHED_WITH_GRADLE in path.read_text(encoding="utf-8")


def _module_file(pom: Coordinate) -> Coordinate:
    return Coordinate(pom.group, pom.artifact, pom.version, "module")


def of_variants(variants: list[dict[str, Any]], *, android: bool) -> Component | None:
    """The component of the variant that a program gets at run time; None if none fits."""
    fitting = [one for one in variants if _fits(one.get("attributes", {}), android=android)]
    if not fitting:
        return None
    variant = max(fitting, key=lambda one: _rank(one["attributes"], android=android))
    if elsewhere := variant.get("available-at"):
        request = Request((elsewhere["group"], elsewhere["module"]), elsewhere["version"])
        return Component((request,), (), None)
    return Component(
        tuple(_requests(variant.get("dependencies", []))),
        tuple(_requests(variant.get("dependencyConstraints", []))),
        _file_type(variant),
    )


def _fits(attributes: Mapping[str, Any], *, android: bool) -> bool:
    kinds = ("androidJvm", "jvm") if android else ("jvm",)
    return (
        attributes.get("org.gradle.usage") == "java-runtime"
        and attributes.get("org.gradle.category") in ("library", "platform")
        and attributes.get(_PLATFORM, "jvm") in kinds
    )


def _rank(attributes: Mapping[str, Any], *, android: bool) -> tuple[bool, bool]:
    environment = attributes.get(_ENVIRONMENT, "")
    return (
        attributes.get(_PLATFORM) == ("androidJvm" if android else "jvm"),
        environment == ("android" if android else "standard-jvm"),
    )


def _file_type(variant: Mapping[str, Any]) -> str | None:
    listed = variant.get("files", [])
    return listed[0]["name"].rpartition(".")[2] if listed else None


def _requests(entries: Iterable[dict[str, Any]]) -> Iterator[Request]:
    for entry in entries:
        stated = entry.get("version", {})
        version = stated.get("strictly") or stated.get("requires") or stated.get("prefers") or ""
        excluded = frozenset((one["group"], one["module"]) for one in entry.get("excludes", []))
        yield Request((entry["group"], entry["module"]), _lowest(version), "strictly" in stated, excluded)


def of_pom(pom: Pom) -> Component:
    """The component of a library without Gradle metadata; a BOM has constraints, and no other POM has any."""
    wanted = tuple(Request(one.name, _lowest(one.version), False, one.excluded) for one in pom.needed())
    if pom.packaging != "pom":
        return Component(wanted, (), "jar" if pom.packaging == "bundle" else pom.packaging)
    return Component(wanted, tuple(Request(name, _lowest(version)) for name, version in pom.managed.items()), None)


def _lowest(version: str) -> str:
    """The lower bound of a range such as `[1.0,2.0)`, or the version itself."""
    return version.strip("[]()").split(",")[0].strip()
