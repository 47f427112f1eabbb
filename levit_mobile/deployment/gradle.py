"""What the Gradle files of an Android app state: its modules, the versions of runtimes, and files kept uncompressed.

The files are read and not run, so values that a build script computes are unknown here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

APPLICATION, LIBRARY, ANDROID = "com.android.application", "com.android.library", "android"
MANIFEST = "AndroidManifest.xml"
BUILD_FILES = ("build.gradle.kts", "build.gradle")
SETTINGS_FILES = ("settings.gradle.kts", "settings.gradle")
PROPERTIES, CATALOGUE_SUFFIX = "gradle.properties", ".versions.toml"
LEFT_OUT = {"build", "src", "node_modules"}
DEEPEST = 4  # folders between the project and a module
STRINGS = r"[\"'][^\"'\n]*[\"']"
_COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.S)
_NO_COMPRESS = re.compile(rf"\bnoCompress\b[^\"'}}]*?((?:{STRINGS}[\s,]*)+)")
_DECLARED = r"[\"']{module}(?:-\w+)?:([^\"'@:]+)(?:@\w+)?[\"']"
_MAP_STYLE = (
    r"group\s*[:=]\s*[\"']{group}[\"']\s*,\s*name\s*[:=]\s*[\"']{name}(?:-\w+)?[\"']\s*,"
    r"\s*version\s*[:=]\s*[\"']([^\"']+)[\"']"
)
# By their ids, as an alias of a catalogue, or as a plugin of the build's own that is named after them.
_PLUGINS = {
    APPLICATION: re.compile(r"android[._-]?application\b", re.I),
    LIBRARY: re.compile(r"android[._-]?library\b", re.I),
}
_REFERENCE = re.compile(r"\$\{?([\w.]+)\}?")


@dataclass(frozen=True)
class Module:
    """A Gradle module: its folder and its build file."""

    folder: Path
    build_file: Path

    @cached_property
    def text(self) -> str:
        """The build file without comments; empty where it cannot be read."""
        return text_of(self.build_file)

    @cached_property
    def kind(self) -> str | None:
        """The Android plugin that it applies, ANDROID for one of another name, or None for no Android module."""
        applied = "\n".join(line for line in self.text.splitlines() if not re.search(r"\bapply[ (]+false\b", line))
        for plugin, pattern in _PLUGINS.items():
            if pattern.search(applied):
                return plugin
        return ANDROID if (self.folder / "src" / "main" / MANIFEST).is_file() else None


def text_of(path: Path) -> str:
    """A Gradle file without comments; empty where it cannot be read."""
    try:
        return _COMMENT.sub("", path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""


def module_at(folder: Path) -> Module | None:
    """The module whose build file is in the folder."""
    return next((Module(folder, folder / name) for name in BUILD_FILES if (folder / name).is_file()), None)


def project_of(path: Path) -> Path | None:
    """The folder with the settings file of the build that a path belongs to, which may be the path itself."""
    return next((one for one in upwards(path) if _is_project(one)), None)


def _is_project(folder: Path) -> bool:
    return any((folder / name).is_file() for name in SETTINGS_FILES)


def upwards(path: Path) -> list[Path]:
    """The path and the folders above it, as relative paths where the path is one and they are below the current one."""
    written = [path, *path.parents]
    return [*written, *(one for one in path.absolute().parents if one not in {near.absolute() for near in written})]


def modules_below(project: Path) -> list[Module]:
    """Every module of a build, by path; folders of outputs and sources, and builds of their own, are not searched."""
    return [found for folder in _folders(project) if (found := module_at(folder))]


def _folders(project: Path) -> Iterator[Path]:
    for found, names, _ in os.walk(project):
        folder = Path(found)
        if folder != project and _is_project(folder):
            names.clear()
            continue
        deep = len(folder.relative_to(project).parts) >= DEEPEST
        names[:] = [] if deep else sorted(name for name in names if name not in LEFT_OUT and not name.startswith("."))
        yield folder


def catalogues(project: Path) -> list[Path]:
    """The version catalogues of a build."""
    return sorted((project / "gradle").glob(f"*{CATALOGUE_SUFFIX}"))


def stated_version(coordinates: str, module: Module | None, project: Path | None) -> tuple[str, Path] | None:
    """The version of a library, and the file that states it; of several the highest, which Gradle takes.

    Args:
        coordinates: Group and name, such as `org.pytorch:executorch-android`.
        module: The module of the app.
        project: The folder of its build.

    Returns:
        None where no file states a version as a literal.
    """
    found = list(_versions(coordinates, module, project))
    return max(found, key=lambda one: _sortable(one[0]), default=None)


def _versions(coordinates: str, module: Module | None, project: Path | None) -> Iterator[tuple[str, Path]]:
    for catalogue in catalogues(project) if project else []:
        yield from ((version, catalogue) for version in _in_catalogue(coordinates, catalogue))
    listed = [*([module] if module else []), *(modules_below(project) if project else [])]
    modules = {one.build_file.absolute(): one for one in listed}
    context = "\n".join([*(one.text for one in modules.values()), _properties(project)])
    for one in modules.values():
        yield from ((version, one.build_file) for version in _in_build_file(coordinates, one.text, context))


def _properties(project: Path | None) -> str:
    """`gradle.properties` with values in quotes, as build files have them."""
    return re.sub(r"(?m)^([\w.]+)\s*=\s*(.*?)\s*$", r'\1 = "\2"', text_of(project / PROPERTIES)) if project else ""


def _in_build_file(coordinates: str, text: str, context: str) -> Iterator[str]:
    group, name = map(re.escape, coordinates.split(":"))
    for pattern in (_DECLARED.format(module=f"{group}:{name}"), _MAP_STYLE.format(group=group, name=name)):
        for stated in re.findall(pattern, text):
            version = _REFERENCE.sub(lambda reference: _value(reference[1], context) or reference[0], stated)
            if "$" not in version:
                yield version


def _value(name: str, context: str) -> str | None:
    last = re.escape(name.rpartition(".")[2])
    found = re.search(rf"\b{last}\b\s*(?::\s*String\s*)?[=:]\s*[\"']([^\"'\n]+)[\"']", context)
    return found[1] if found else None


def _in_catalogue(coordinates: str, path: Path) -> Iterator[str]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    versions, libraries = content.get("versions"), content.get("libraries")
    for entry in libraries.values() if isinstance(libraries, dict) else []:
        module, version = _library(entry)
        if re.fullmatch(rf"{re.escape(coordinates)}(-\w+)?", module):
            stated = _literal(version, versions if isinstance(versions, dict) else {})
            if stated:
                yield stated


def _library(entry: Any) -> tuple[str, Any]:
    if isinstance(entry, str):
        group_and_name, _, version = entry.rpartition(":")
        return group_and_name, version
    if not isinstance(entry, dict):
        return "", None
    return str(entry.get("module") or f"{entry.get('group')}:{entry.get('name')}"), entry.get("version")


def _literal(version: Any, versions: dict[str, Any]) -> str | None:
    """A version as a string: itself, a reference, or the strictest word of a rich version."""
    if isinstance(version, dict) and "ref" in version:
        version = versions.get(str(version["ref"]))
    if isinstance(version, dict):
        version = next((version[word] for word in ("strictly", "require", "prefer") if word in version), None)
    return version if isinstance(version, str) else None


def _sortable(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def uncompressed(modules: list[Module]) -> set[str]:
    """The suffixes, without dots, that `noCompress` lists in the modules; an empty one stands for all."""
    lists = [found[1] for one in modules for found in _NO_COMPRESS.finditer(one.text)]
    return {word[1:-1].removeprefix(".") for found in lists for word in re.findall(STRINGS, found)}
