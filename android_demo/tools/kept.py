"""What R8 has left of classes that native code finds by their names."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import class_file

SUFFIX = ".class"


def members(jars: Iterable[Path], packages: tuple[str, ...]) -> set[str]:
    """Every class, field and method below some packages, such as `com/facebook/jni/`; private members too.

    A method is named with the number of its parameters: `com/facebook/jni/HybridData.resetNative/0`.
    """
    return {member for jar in jars for member in _of_jar(jar, packages)}


def _of_jar(jar: Path, packages: tuple[str, ...]) -> Iterable[str]:
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if name.endswith(SUFFIX) and name.startswith(packages):
                found = class_file.read(archive.read(name), private=True)
                yield found.name
                yield from (f"{found.name}.{field}" for field in found.fields)
                for method, descriptor in found.methods:  # types of other packages may be renamed in it
                    yield f"{found.name}.{method}/{class_file.parameters(descriptor)}"
