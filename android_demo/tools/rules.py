"""The rules that R8 is given: those that the Android Gradle plugin would collect, in its order."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

PLUGIN_FOLDER = "com/android/build/gradle"
PLUGIN_PARTS = "header", "optimizations", "common"  # getDefaultProguardFile("proguard-android-optimize.txt")
FOR_R8 = re.compile(r"META-INF/com\.android\.tools/r8(?:-from-([\d.]+))?(?:-upto-([\d.]+))?/.+")
FOR_ALL = "META-INF/proguard/"


def of_plugin(plugin: Path) -> str:
    """The default file of the Android Gradle plugin, out of its own jar."""
    with zipfile.ZipFile(plugin) as archive:
        parts = [archive.read(f"{PLUGIN_FOLDER}/proguard-{part}.txt") for part in PLUGIN_PARTS]
    return "\n".join(part.decode() for part in parts)


def of_jar(jar: Path, r8: str) -> dict[str, str]:
    """Rules inside a jar: those for this version of R8, or those for every shrinker where it has none for R8."""
    with zipfile.ZipFile(jar) as archive:
        files = [name for name in archive.namelist() if not name.endswith("/")]
        for_r8 = {name: found for name in files if (found := FOR_R8.fullmatch(name))}
        chosen = [name for name, found in for_r8.items() if _covers(found[1], found[2], r8)]
        chosen = chosen if for_r8 else [name for name in files if name.startswith(FOR_ALL)]
        return {name: archive.read(name).decode() for name in chosen}


def _covers(oldest: str | None, newer: str | None, r8: str) -> bool:
    """Whether a folder named `r8-from-OLDEST-upto-NEWER` is for this version; NEWER itself is outside."""
    this = _numbers(r8)
    return (oldest is None or _numbers(oldest) <= this) and (newer is None or this < _numbers(newer))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def of_library(folder: Path, r8: str) -> dict[str, str]:
    """Rules of an unpacked AAR: its proguard.txt and those inside its classes.jar."""
    rules, classes = folder / "proguard.txt", folder / "classes.jar"
    own = {rules.name: rules.read_text(encoding="utf-8")} if rules.is_file() else {}
    return own | (of_jar(classes, r8) if classes.is_file() else {})


def write(folder: Path, plugin: Path, libraries: Iterable[Path], own: Iterable[Path], r8: str) -> list[Path]:
    """Write the plugin's and the libraries' rules into a folder.

    Args:
        folder: Empty folder for the collected files.
        plugin: Jar of the Android Gradle plugin.
        libraries: Jars, and folders of unpacked AARs.
        own: Files of this build, in their order; they come last.
        r8: Version of R8, `8.13.19`; libraries may have rules for some versions only.
    """
    collected = {"android-gradle-plugin": of_plugin(plugin)}
    for one in libraries:
        found = of_library(one, r8) if one.is_dir() else of_jar(one, r8)
        collected |= {f"{one.name}-{name.replace('/', '_')}": rules for name, rules in found.items()}
    for name, text in collected.items():
        (folder / f"{name}.pro").write_text(text, encoding="utf-8")
    return [*(folder / f"{name}.pro" for name in collected), *own]
