"""Maven as a downloader: files by name into one folder, and the class path of a list of libraries.

Maven's own configuration decides where it downloads from.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape


@dataclass(frozen=True, order=True)
class Coordinate:
    """One file of a Maven repository."""

    group: str
    artifact: str
    version: str
    type: str = "jar"

    @classmethod
    def of(cls, text: str) -> Coordinate:
        """Read `group:artifact:version:type`."""
        return cls(*text.split(":"))

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}:{self.type}"

    @property
    def path(self) -> Path:
        """Place of the file below a repository's folder."""
        folder = Path(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.{self.type}"


def cache() -> Path:
    """Folder of the downloads, inside the cache folder of levit-mobile."""
    named = os.environ.get("LEVIT_MOBILE_CACHE")
    if named:
        return Path(named) / "maven"
    system = os.environ.get("XDG_CACHE_HOME") or Path.home() / (
        "Library/Caches" if sys.platform == "darwin" else ".cache"
    )
    return Path(system) / "levit-mobile" / "maven"


def sha256(path: Path) -> str:
    """Digest of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(wanted: Iterable[Coordinate]) -> None:
    """Download the files that the cache lacks, without their dependencies."""
    missing = sorted(one for one in wanted if not (cache() / one.path).exists())
    while missing:  # one project cannot name two versions of a library
        first: dict[tuple[str, str, str], Coordinate] = {}
        for one in missing:
            first.setdefault((one.group, one.artifact, one.type), one)
        _maven(list(first.values()), "dependency:resolve", alone=True)
        missing = [one for one in missing if one not in first.values()]


def class_path(roots: Sequence[Coordinate]) -> list[Coordinate]:
    """Resolve libraries with all their dependencies; downloads them too."""
    with tempfile.NamedTemporaryFile("r", suffix=".txt") as listing:
        _maven(roots, "dependency:list", "-DincludeScope=runtime", f"-DoutputFile={listing.name}")
        words = [line.split()[0].split(":") for line in listing.read().splitlines() if line.count(":") >= 4]
    return sorted(Coordinate(group, artifact, version, kind) for group, artifact, kind, version, *_ in words)


def _maven(wanted: Sequence[Coordinate], goal: str, *options: str, alone: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pom.xml").write_text(_project(wanted, alone=alone), encoding="utf-8")
        command = ["mvn", "-q", "-B", f"-Dmaven.repo.local={cache()}", "-f", folder, goal, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Maven could not download the toolchain:\n{(done.stdout + done.stderr)[-3000:]}")


def _project(wanted: Sequence[Coordinate], *, alone: bool) -> str:
    without = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    dependencies = "".join(
        f"<dependency><groupId>{escape(one.group)}</groupId><artifactId>{escape(one.artifact)}</artifactId>"
        f"<version>{escape(one.version)}</version><type>{one.type}</type>{without if alone else ''}</dependency>"
        for one in wanted
    )
    identity = (
        "<groupId>local</groupId><artifactId>toolchain</artifactId><version>1</version><packaging>pom</packaging>"
    )
    return f"<project><modelVersion>4.0.0</modelVersion>{identity}<dependencies>{dependencies}</dependencies></project>"
