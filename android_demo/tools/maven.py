"""Maven as a downloader: files by name into one folder.

Maven's own configuration decides where it downloads from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
    with _alone():
        for group in _groups(wanted):
            if refused := _maven(group):
                raise SystemExit(f"Maven could not download the toolchain:\n{refused}")


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other build downloads; Maven's folder has no lock of its own."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / ".download.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def download_what_exists(wanted: Iterable[Coordinate]) -> None:
    """Download files of which some may not exist in any registry; those are left out."""
    for group in _groups(wanted):
        if _maven(group):  # Maven stops at the first file that does not exist
            for one in group:
                if not (cache() / one.path).exists():
                    _maven([one])


def _groups(wanted: Iterable[Coordinate]) -> Iterator[list[Coordinate]]:
    """The files that the cache lacks; one project cannot name two versions of a library."""
    missing = sorted(one for one in set(wanted) if not (cache() / one.path).exists())
    while missing:
        first: dict[tuple[str, str, str], Coordinate] = {}
        for one in missing:
            first.setdefault((one.group, one.artifact, one.type), one)
        yield list(first.values())
        missing = [one for one in missing if one not in first.values()]


def _maven(wanted: Sequence[Coordinate]) -> str:
    """Download files; returns what Maven printed if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pom.xml").write_text(_project(wanted), encoding="utf-8")
        command = ["mvn", "-q", "-B", f"-Dmaven.repo.local={cache()}", "-f", folder, "dependency:resolve"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr)[-3000:] if done.returncode else ""


def _project(wanted: Sequence[Coordinate]) -> str:
    alone = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    dependencies = "".join(
        f"<dependency><groupId>{escape(one.group)}</groupId><artifactId>{escape(one.artifact)}</artifactId>"
        f"<version>{escape(one.version)}</version><type>{one.type}</type>{alone}</dependency>"
        for one in wanted
    )
    identity = (
        "<groupId>local</groupId><artifactId>toolchain</artifactId><version>1</version><packaging>pom</packaging>"
    )
    return f"<project><modelVersion>4.0.0</modelVersion>{identity}<dependencies>{dependencies}</dependencies></project>"
