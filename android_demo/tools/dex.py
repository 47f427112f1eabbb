"""D8 and R8: class files to dex for debug builds, and shrunk to dex or to class files for release builds."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import store
from apk import DEX, Entry
from modules import libraries
from processes import QUICK, Argument, java

TOOL = "tool-r8"
D8, R8 = "com.android.tools.r8.D8", "com.android.tools.r8.R8"
CLASSES, MAPPING = "classes.jar", "mapping.txt"
MEMORY = "-Xmx3g", "-Xmn1g"  # most objects are soon garbage, so few are copied
INSIDE_ONLY = "META-INF/com.android.tools/", "META-INF/proguard/"  # rules in jars; no part of an app


@dataclass(frozen=True)
class Program:
    """What D8 and R8 read.

    Attributes:
        classes: Jars of the app and of its libraries.
        present: Jar of what the app finds on the device.
        absent: Jars of libraries that this build cannot have; a test finds twins of them on its class path.
        min_api: Oldest API level that the app supports.
    """

    classes: Sequence[Path]
    present: Path
    absent: Sequence[Path]
    min_api: str

    @property
    def inputs(self) -> list[Argument]:
        """What the result depends on."""
        return [self.min_api, *self.classes, self.present, *self.absent, *libraries(TOOL)]


def debug(name: str, program: Program) -> Path:
    """Every class as dex, in a zip archive; `name` is that of the step."""

    def translate(out: Path) -> None:
        command: list[Argument] = ["--debug", "--min-api", program.min_api, "--lib", program.present]
        command += [*_each("--classpath", program.absent), "--output", out / CLASSES]
        java(libraries(TOOL), D8, *command, *program.classes, options=(*QUICK, *MEMORY))

    return store.made(name, program.inputs, translate) / CLASSES


def release(name: str, program: Program, rules: Sequence[Path]) -> Path:
    """Shrunk dex in a zip archive; mapping.txt, from the short names back to the old ones, is beside it."""
    options = ["--min-api", program.min_api, "--lib", program.present]
    return _shrunk(name, program, rules, options)


def release_classes(name: str, program: Program, rules: Sequence[Path]) -> Path:
    """Shrunk by the same rules, but to a jar of class files, which a JVM can run."""
    return _shrunk(name, program, rules, ["--classfile", *_each("--lib", [program.present, *program.absent])])


def _shrunk(name: str, program: Program, rules: Sequence[Path], options: Sequence[Argument]) -> Path:
    def shrink(out: Path) -> None:
        output: list[Argument] = ["--pg-map-output", out / MAPPING, "--output", out / CLASSES]
        command = ["--release", *options, *output, *_each("--pg-conf", rules), *program.classes]
        java(libraries(TOOL), R8, *command, options=(*QUICK, *MEMORY))

    return store.made(name, [*program.inputs, *rules], shrink) / CLASSES


def _each(option: str, values: Sequence[Path]) -> list[Argument]:
    return [word for value in values for word in (option, value)]


def entries(archive: Path, *, stored: bool) -> list[Entry]:
    """The dex files of an archive in their order, and the resources of libraries beside them."""
    with zipfile.ZipFile(archive) as source:
        names = [name for name in source.namelist() if not name.endswith("/") and not name.startswith(INSIDE_ONLY)]
        names.sort(key=lambda name: (not name.endswith(DEX), len(name), name))
        return [Entry(name, source.read(name), stored and name.endswith(DEX)) for name in names]
