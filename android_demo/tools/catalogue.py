"""The class paths of the build without Gradle, made of the bundles and libraries of Gradle's catalogue."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maven import Coordinate

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "gradle" / "libs.versions.toml"


@dataclass(frozen=True)
class ClassPath:
    """Bundles that are resolved together.

    Attributes:
        bundles: Bundles of the catalogue.
        libraries: Single libraries of the catalogue.
        platforms: Libraries whose constraints give the others their versions (BOMs).
        android: Variants for Android are taken before those for a JVM.
        alone: The files themselves, without their dependencies.
        type: Type of the files that are taken alone.
    """

    bundles: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    android: bool = False
    alone: bool = False
    type: str = "jar"


STDLIB = ("kotlin-stdlib",)  # named, because the libraries ask for an older one and Gradle's Kotlin plugin adds it
COMPOSE = ("compose-bom",)

# The name is the third column of toolchain.lock.
CLASS_PATHS = {
    "core": ClassPath(("core",), STDLIB),
    "core-test": ClassPath(("core", "core-test", "console"), STDLIB),
    "core-benchmark": ClassPath(("core", "benchmark"), STDLIB),
    "levit": ClassPath(("levit",), STDLIB, android=True),
    "levit-test": ClassPath(("levit", "android-test", "console-junit4"), STDLIB, android=True),
    "app": ClassPath(("app",), STDLIB, COMPOSE, android=True),
    "app-test": ClassPath(("app", "android-test", "console-junit4"), STDLIB, COMPOSE, android=True),
    "app-instrumented": ClassPath(("app", "instrumented-test"), STDLIB, COMPOSE, android=True),
    "tool-kotlinc": ClassPath(("tool-kotlinc",)),
    "tool-ktlint": ClassPath(("tool-ktlint",)),
    "tool-merger": ClassPath(("tool-merger",)),
    "tool-lint": ClassPath(("tool-lint",)),
    "tool-r8": ClassPath(("tool-r8",)),
    "platform-36": ClassPath(libraries=("platform-36",), alone=True),
    "platform-37": ClassPath(libraries=("platform-37",), alone=True),
    "sdks": ClassPath(libraries=("sdk-26", "sdk-36", "sdk-37"), alone=True),
    "agp": ClassPath(libraries=("agp",), alone=True),
    "agp-api": ClassPath(libraries=("agp-api", "agp-common-api"), alone=True),
    "fbjni": ClassPath(libraries=("fbjni",), alone=True, type="aar"),
}


def read() -> dict[str, Any]:
    """The catalogue."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def libraries(names: tuple[str, ...]) -> Iterator[Coordinate]:
    """Libraries by their names; one without a version gets it from a platform."""
    content = read()
    for name in names:
        entry = content["libraries"][name]
        version = content["versions"][entry["version"]["ref"]] if "version" in entry else ""
        yield Coordinate(*entry["module"].split(":"), version)


def roots(path: ClassPath) -> list[Coordinate]:
    """The libraries that a class path names, without the platforms."""
    bundled = tuple(library for bundle in path.bundles for library in read()["bundles"][bundle])
    return list(libraries((*path.libraries, *bundled)))
