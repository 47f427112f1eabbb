"""What the files of an Xcode project state: the version of ExecuTorch, and the oldest iOS that the app runs on.

The files are read and not evaluated, so settings of `.xcconfig` files are unknown here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

SUFFIX, PROJECT_FILE, PACKAGE_FILE = ".xcodeproj", "project.pbxproj", "Package.swift"
RESOLVED = Path("project.xcworkspace", "xcshareddata", "swiftpm", "Package.resolved")
LEFT_OUT = {"build", "DerivedData", "Pods", "node_modules"}
DEEPEST = 3  # folders between the project and a package
_EXECUTORCH = re.compile(r"\bpytorch/executorch\b")
_BRANCH = re.compile(r"\bswiftpm-(\d+\.\d+\.\d+)")  # the vendor's name of a release, as a branch or beside a revision
_OLDEST_IOS = re.compile(r"\bIPHONEOS_DEPLOYMENT_TARGET = \"?(\d+(?:\.\d+)*)\"?;")


def xcode_project_at(folder: Path) -> Path | None:
    """The Xcode project in a folder; of several the first by name."""
    try:
        return next(filter(is_xcode_project, sorted(folder.glob(f"*{SUFFIX}"))), None)
    except OSError:
        return None


def is_xcode_project(path: Path) -> bool:
    """Whether the path is an Xcode project, which is a folder."""
    return (path / PROJECT_FILE).is_file()


def is_package(folder: Path) -> bool:
    """Whether the folder is a Swift package."""
    return (folder / PACKAGE_FILE).is_file()


def executorch_version(folder: Path) -> tuple[str, Path] | None:
    """The version of ExecuTorch's Swift package, and the file that states it; of several the highest.

    Args:
        folder: The folder of the Xcode project or of the Swift package. Packages below it count too.

    Returns:
        None where no file names a release such as `swiftpm-1.4.1` together with the repository.
    """
    found = [
        (version, path)
        for path in _files(folder)
        if _EXECUTORCH.search(text := _text(path))
        for version in _BRANCH.findall(text)
    ]
    return max(found, key=lambda one: [int(part) for part in one[0].split(".")], default=None)


def oldest_ios(folder: Path) -> tuple[int, Path] | None:
    """The major version of the lowest deployment target, and the project file that states it; None if none does."""
    project = xcode_project_at(folder)
    if project is None:
        return None
    path = project / PROJECT_FILE
    found = [int(version.split(".")[0]) for version in _OLDEST_IOS.findall(_text(path))]
    return (min(found), path) if found else None


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        yield from (path / PROJECT_FILE, path / RESOLVED)
    for found, names, files in os.walk(folder):
        deep = len(Path(found).relative_to(folder).parts) >= DEEPEST
        names[:] = [] if deep else sorted(name for name in names if name not in LEFT_OUT and not name.startswith("."))
        if PACKAGE_FILE in files:
            yield Path(found, PACKAGE_FILE)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
