"""Empty interfaces for the classes that R8 merged away but still names in class files.

R8 does not rewrite the types of a string concatenation (`invokedynamic makeConcatWithConstants`) when it merges or
removes a class. In dex no such call is left, because R8 replaces them first; so this is about the jar for the JVM
alone. A JVM refuses to load the class around such a call. It takes any object where an interface is named.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import store
from javac import javac
from modules import PLATFORM, libraries

CONCATENATION = re.compile(rb"\(([^()\x00-\x1f]*)\)Ljava/lang/String;")
TYPE = re.compile(rb"L([\w/$]+);")
CLASS = ".class"


def folder(jar: Path) -> Path:
    """The folder with the compiled interfaces for a jar out of R8."""

    def make(out: Path) -> None:
        sources = [_written(out / "sources", name) for name in missing(jar)]
        (out / "classes").mkdir()
        if sources:
            javac(out / "classes", sources, [], 11)

    return store.made("stand-ins", [jar, *libraries(PLATFORM)], make) / "classes"


def missing(jar: Path) -> list[str]:
    """Classes that string concatenations name and that neither the jar nor the platform has, as `package/Name`."""
    known = {name for archive in (jar, *libraries(PLATFORM)) for name in _classes(archive)}
    with zipfile.ZipFile(jar) as archive:
        contents = [archive.read(name) for name in archive.namelist() if name.endswith(CLASS)]
    parameters = (found for content in contents for found in CONCATENATION.findall(content))
    named = {one.decode() for parameter in parameters for one in TYPE.findall(parameter)}
    return sorted(name for name in named - known if not name.startswith("java/"))


def _classes(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as source:
        return [name.removesuffix(CLASS) for name in source.namelist() if name.endswith(CLASS)]


def _written(folder: Path, name: str) -> Path:
    package, _, simple = name.rpartition("/")
    path = folder / f"{name}.java"
    path.parent.mkdir(parents=True, exist_ok=True)
    heading = f"package {package.replace('/', '.')};\n" if package else ""
    path.write_text(f"{heading}public interface {simple} {{}}\n", encoding="utf-8")
    return path
