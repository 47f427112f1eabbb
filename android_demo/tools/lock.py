#!/usr/bin/env python3
"""Write toolchain.lock: every file that the build without Gradle uses, with its SHA-256 and its class paths.

Run it after a version in gradle/libs.versions.toml has changed: `python android_demo/tools/lock.py`. A line is
`sha256 group:artifact:version:type class-path,class-path`; the class paths are those of catalogue.py.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache as remembered

from catalogue import CLASS_PATHS, ROOT, ClassPath, libraries, roots
from maven import Coordinate, cache, download, sha256
from metadata import Metadata
from resolver import Request, files, resolve

LOCK = ROOT / "toolchain.lock"


@remembered
def locked() -> dict[Coordinate, tuple[str, frozenset[str]]]:
    """Digest and class paths of each file of the lock."""
    lines = (line.split() for line in LOCK.read_text(encoding="utf-8").splitlines())
    return {Coordinate.of(name): (digest, frozenset(used.split(","))) for digest, name, used in lines}


def resolved(path: ClassPath, metadata: Metadata) -> list[Coordinate]:
    """The files of a class path."""
    if path.alone:
        return [replace(one, type=path.type) for one in roots(path)]
    wanted = [Request((one.group, one.artifact), one.version) for one in roots(path)]
    platforms = [Request((one.group, one.artifact), one.version) for one in libraries(path.platforms)]
    return files(resolve(wanted, platforms, metadata.load), metadata.components)


def main() -> None:
    """Resolve every class path and write the lock."""
    used: dict[Coordinate, set[str]] = {}
    metadata = {android: Metadata(android=android) for android in (False, True)}
    for name, path in CLASS_PATHS.items():
        for one in resolved(path, metadata[path.android]):
            used.setdefault(one, set()).add(name)
    download(used)
    lines = [f"{sha256(cache() / one.path)} {one} {','.join(sorted(names))}" for one, names in sorted(used.items())]
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} files, {sum((cache() / one.path).stat().st_size for one in used) >> 20} MiB")


if __name__ == "__main__":
    main()
