"""The classes of the platform that a program can reach, as a small jar for D8 and R8.

R8 reads every class of its libraries. Robolectric's jar of the platform has 63,000, and a JDK 28,000; the demo reaches
3,100. R8 stops the build where a class is missing that it needs.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import class_file
from machine import java_home
from processes import run

SUFFIX = ".class"
WORD = re.compile(rb"[\w$/]+")
TYPE = re.compile(r"L([^;<]+);")
OF_JAVA = "regex:/java.base/.*class"  # java.* in the form of the JDK, because the jar of the platform lacks it
Content = Callable[[str], bytes]


def write(out: Path, program: Iterable[Path], platform: Path) -> None:
    """Write the part of the platform, and of the JDK's java.*, that jars can reach."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(platform) as jar:
        java = _java(Path(folder))
        names = {name.removesuffix(SUFFIX) for name in jar.namelist() if name.endswith(SUFFIX)} - java.keys()

        def content(name: str) -> bytes:
            return java[name].read_bytes() if name in java else jar.read(name + SUFFIX)

        known = names | java.keys()
        found = reached(_named(program, known), known, content)
        with zipfile.ZipFile(out, "w") as part:
            for name in sorted(found):
                part.writestr(zipfile.ZipInfo(name + SUFFIX), content(name))


def _java(folder: Path) -> dict[str, Path]:
    modules = java_home() / "lib" / "modules"
    run([java_home() / "bin" / "jimage", "extract", "--dir", folder, "--include", OF_JAVA, modules])
    top = folder / "java.base"
    return {path.relative_to(top).with_suffix("").as_posix(): path for path in top.rglob(f"*{SUFFIX}")}


def _named(program: Iterable[Path], known: set[str]) -> set[str]:
    """The known classes that are named anywhere in the class files of jars."""
    names = {name.encode() for name in known}
    found = set[bytes]()
    for path in program:
        with zipfile.ZipFile(path) as jar:
            for name in jar.namelist():
                if name.endswith(SUFFIX):
                    words = set(WORD.findall(jar.read(name)))
                    found |= names & {part for word in words for part in _ends(word)}
    return {name.decode() for name in found}


def _ends(word: bytes) -> Iterator[bytes]:
    """What may be the name of a class: an L is before it in a descriptor, and a number before each constant."""
    yield word
    yield word[1:]
    at = word.find(b"L")
    while at >= 0:
        yield word[at + 1 :]
        at = word.find(b"L", at + 1)


def reached(named: Iterable[str], known: set[str], content: Content) -> set[str]:
    """Classes, all their supertypes, the types of their members, and the supertypes of these."""
    whole = dict[str, class_file.ClassFile]()
    _with_supertypes(named, known, content, whole)
    types = {name for one in whole.values() for text in _descriptors(one) for name in TYPE.findall(text)}
    _with_supertypes(types, known, content, whole)
    return set(whole)


def _with_supertypes(
    names: Iterable[str], known: set[str], content: Content, found: dict[str, class_file.ClassFile]
) -> None:
    queue = [name for name in names if name in known]
    while queue:
        name = queue.pop()
        if name not in found:
            found[name] = one = class_file.read(content(name), private=True)
            queue += [above for above in (one.parent, *one.interfaces) if above in known]


def _descriptors(one: class_file.ClassFile) -> Iterator[str]:
    yield from (descriptor for _, descriptor in (*one.typed_fields, *one.methods))
