"""The API database of Android Lint, api-versions.xml, which the check NewApi reads.

Levels come from the declarations of an npm package, whose digest is in npm.lock; the descriptors of methods come from
the class files of the platform. A class that the platform's jar does not hold, java.* above all, has its level alone.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

import class_file
import declarations
import npm
from declarations import Declared

LOCK = Path(__file__).resolve().parents[1] / "npm.lock"
PACKAGE_FILE = "package/lib/android/android-platform-37.d.ts"
SUFFIX = ".class"


def place() -> Path:
    """Where the package of the declarations is in the cache folder."""
    return npm.place(LOCK)


def package() -> Path:
    """The package of the declarations, downloaded once and compared with its digest."""
    return npm.package(LOCK)


def declared(path: Path) -> dict[str, Declared]:
    """The classes that the package declares for the newest platform."""
    with tarfile.open(path) as archive:
        content = archive.extractfile(PACKAGE_FILE)
        if content is None:
            raise SystemExit(f"{path} has no {PACKAGE_FILE}")
        return declarations.read(line.decode() for line in content)


def binary_name(name: str) -> str:
    """`android/os/PowerManager$WakeLock` for `android.os.PowerManager.WakeLock`: packages begin with a small letter."""
    parts = name.split(".")
    first = next((at for at, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return "/".join([*parts[:first], "$".join(parts[first:])])


def lines(platform: Path, classes: dict[str, Declared]) -> Iterator[str]:
    """The database, line by line."""
    levels = {binary_name(name): one for name, one in classes.items()}
    levels.setdefault("java/lang/Object", Declared(declarations.FIRST))
    yield '<api version="4">'
    with zipfile.ZipFile(platform) as jar:
        here = {name.removesuffix(SUFFIX) for name in jar.namelist() if name.endswith(SUFFIX)} & levels.keys()
        for name in sorted(here):
            yield from _class(class_file.read(jar.read(name + SUFFIX)), levels)
    for name in sorted(levels.keys() - here):
        yield f'<class name={quoteattr(name)} since="{levels[name].since}"/>'
    yield "</api>"


def _class(found: class_file.ClassFile, levels: dict[str, Declared]) -> Iterator[str]:
    own = levels[found.name]
    yield f'<class name={quoteattr(found.name)} since="{own.since}">'
    if found.parent in levels:
        yield f"<extends name={quoteattr(found.parent)}/>"
    yield from (f"<implements name={quoteattr(one)}/>" for one in found.interfaces if one in levels)
    for name, descriptor in found.methods:
        level = own.level(name, class_file.parameters(descriptor))
        yield from _member("method", name + descriptor, level, own.since)
    for name in found.fields:
        yield from _member("field", name, own.level(name, None), own.since)
    yield "</class>"


def _member(kind: str, name: str, level: int | None, of_class: int) -> Iterator[str]:
    if level is not None:
        yield f"<{kind} name={quoteattr(name)}" + (f' since="{level}"' if level != of_class else "") + "/>"


def write(platform: Path, out: Path) -> None:
    """Write the database for the platform's jar."""
    classes = declared(package())
    out.write_text("\n".join(lines(platform, classes)) + "\n", encoding="utf-8")
