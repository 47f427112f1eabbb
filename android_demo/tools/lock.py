#!/usr/bin/env python3
"""Write toolchain.lock: every file that the build without Gradle uses, with its SHA-256 and its class paths.

Run it after a version in gradle/libs.versions.toml has changed: `python android_demo/tools/lock.py`. A line is
`sha256 group:artifact:version:type bundle,bundle`, where a bundle is a class path of the catalogue.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from maven import Coordinate, cache, class_path, download, sha256

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE, LOCK = ROOT / "gradle" / "libs.versions.toml", ROOT / "toolchain.lock"


def bundles() -> dict[str, list[Coordinate]]:
    """The libraries of each bundle of the catalogue, without their dependencies."""
    catalogue = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))

    def library(name: str) -> Coordinate:
        entry = catalogue["libraries"][name]
        return Coordinate(*entry["module"].split(":"), catalogue["versions"][entry["version"]["ref"]])

    return {name: [library(one) for one in names] for name, names in catalogue["bundles"].items()}


def locked() -> dict[Coordinate, tuple[str, frozenset[str]]]:
    """Digest and bundles of each file of the lock."""
    lines = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines())
    return {Coordinate.of(name): (digest, frozenset(used.split(","))) for digest, name, used in lines}


def main() -> None:
    """Resolve every bundle and write the lock."""
    used: dict[Coordinate, set[str]] = {}
    for name, roots in bundles().items():
        for one in class_path(roots):
            used.setdefault(one, set()).add(name)
    download(used)
    lines = [f"{sha256(cache() / one.path)} {one} {','.join(sorted(names))}" for one, names in sorted(used.items())]
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} files, {sum((cache() / one.path).stat().st_size for one in used) >> 20} MiB")


if __name__ == "__main__":
    main()
