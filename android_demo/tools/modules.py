"""The modules of the app and the twins that its tests run on, with their class paths."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path

import store
from catalogue import ROOT
from lock import locked
from maven import Coordinate, cache

# Calls newer than Java 11 are refused by the compiler: old phones do not have them.
JAVA_11 = ("-Xjdk-release=11", "-jvm-target", "11")
FOR_TESTS = ("-jvm-target", "17")
PLATFORM, OLDER_PLATFORM = "platform-37", "platform-36"


@dataclass(frozen=True)
class Module:
    """A folder of sources that becomes one class path entry.

    Attributes:
        name: Name of the module, which its outputs are called by.
        path: Its folder in android_demo/.
        class_path: Its libraries: a class path of the lock; with `-test` appended, that of its tests.
        needs: Modules that it is built on.
        twins: Twins of libraries that it is compiled against, and that only its tests run on.
        options: Options of the Kotlin compiler.
        android: It is compiled against the Android platform.
        namespace: Package of its resources; empty for a module without a manifest.
        compose: It has composable functions, so that the compiler's plugin for them is used.
        java: Version of Java that its Java sources are compiled for.
    """

    name: str
    path: str
    class_path: str
    needs: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    android: bool = False
    namespace: str = ""
    compose: bool = False
    java: int = 11

    @property
    def folder(self) -> Path:
        """The module's folder."""
        return ROOT / self.path

    def sources(self, kind: str) -> list[Path]:
        """The folders of sources of a kind, such as `main`, that exist; a twin has only `src`."""
        if self.path.startswith("twins/"):
            return [self.folder / "src"] if kind == "main" and (self.folder / "src").is_dir() else []
        found = [self.folder / "src" / kind / language for language in ("kotlin", "java")]
        return [path for path in found if path.is_dir()]


FOREIGN = ("-jvm-target", "22", "-Xjdk-release=22")
TWINS = (
    Module("twin-litert", "twins/litert", "levit", options=FOREIGN, android=True, java=22),
    Module("twin-executorch", "twins/executorch", "levit", options=FOREIGN, android=True, java=22),
    Module("twin-camerax", "twins/camerax", "app", options=JAVA_11, android=True, compose=True),
)
TWIN_NAMES = tuple(twin.name for twin in TWINS)
CORE = Module("core", "core", "core", options=("-Xexplicit-api=strict", *JAVA_11))
LEVIT = Module(
    "levit",
    "levit",
    "levit",
    ("core",),
    TWIN_NAMES,
    ("-Xexplicit-api=strict", *JAVA_11),
    android=True,
    namespace="dev.levitmobile.levit",
)
APP = Module(
    "app",
    "app",
    "app",
    ("core", "levit"),
    TWIN_NAMES,
    JAVA_11,
    android=True,
    namespace="dev.levitmobile.demo",
    compose=True,
)
MODULES = (CORE, LEVIT, APP)
BY_NAME = {module.name: module for module in (*MODULES, *TWINS)}


def android_value(name: str) -> str:
    """A literal of the app's `android` block, such as `minSdk`."""
    text = (APP.folder / "build.gradle.kts").read_text(encoding="utf-8")
    found = re.search(rf'\b{name} = "?([\w.]+)"?', text)
    if found is None:
        raise SystemExit(f"app/build.gradle.kts has no {name}")
    return found[1]


# Libraries


def coordinates(class_path: str) -> list[Coordinate]:
    """The files of a class path of the lock."""
    found = [one for one, (_, used) in locked().items() if class_path in used]
    if not found:
        raise SystemExit(f"toolchain.lock has no class path {class_path}: run android_demo/tools/lock.py")
    return found


def libraries(class_path: str) -> list[Path]:
    """What a compiler or class loader gets of a class path: jars, and the jars inside of AARs."""
    return [jar for one in coordinates(class_path) for jar in jars(one)]


def jars(one: Coordinate) -> list[Path]:
    """What a compiler or class loader gets of one file."""
    if one.type != "aar":
        return [cache() / one.path]
    folder = aar_folder(one)
    return [path for path in (folder / "classes.jar", *sorted(folder.glob("libs/*.jar"))) if path.exists()]


def library(class_path: str, artifact: str) -> Path:
    """One file of a class path."""
    return next(cache() / one.path for one in coordinates(class_path) if one.artifact == artifact)


def aar_folders(class_path: str) -> list[Path]:
    """The unpacked AARs of a class path."""
    return [aar_folder(one) for one in coordinates(class_path) if one.type == "aar"]


def aar_folder(one: Coordinate) -> Path:
    """The folder of an unpacked AAR."""
    return unpacked() / f"{one.group}.{one.artifact}-{one.version}"


@remembered
def unpacked() -> Path:
    """All AARs of the lock, unpacked."""
    aars = [one for one in locked() if one.type == "aar"]

    def unpack(out: Path) -> None:
        for one in aars:
            with zipfile.ZipFile(cache() / one.path) as archive:
                archive.extractall(out / f"{one.group}.{one.artifact}-{one.version}")

    return store.made("aars", [cache() / one.path for one in aars], unpack)
