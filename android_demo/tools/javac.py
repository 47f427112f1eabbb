"""Compiles Java files, and makes jars that have no dates."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from machine import java_home
from processes import QUICK, joined, run

STRICT = "-Xlint:all,-options,-serial,-classfile", "-Werror"


def javac(out: Path, files: Iterable[Path], path: Iterable[Path], release: int, *, lint: bool = True) -> None:
    """Compile Java files into a folder; warnings are errors, except in sources that a tool has made."""
    quick = [f"-J{option}" for option in QUICK]
    command = [f"{java_home()}/bin/javac", *quick, "-proc:none", *(STRICT if lint else ["-nowarn"])]
    run([*command, "--release", str(release), "-encoding", "UTF-8", "-cp", joined(path), "-d", out, *files])


def archive(folder: Path, to: Path) -> None:
    """A jar without dates, so that the same classes give the same file."""
    with zipfile.ZipFile(to, "w") as jar_file:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            jar_file.writestr(zipfile.ZipInfo(file.relative_to(folder).as_posix()), file.read_bytes())
