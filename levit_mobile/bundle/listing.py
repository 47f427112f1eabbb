"""The bundles that paths on a command line stand for: a folder stands for those below it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.contract import CONTRACT_FILE, GOLDEN_FOLDER, LABELS_FILE, PARITY_FILE
from levit_mobile.errors import ArtifactError, LevitMobileError
from levit_mobile.system.file_signature import MODEL_SUFFIX, PACKAGE_FILE, mistaken_for, target_of
from levit_mobile.targets import TARGETS

PARTS = {CONTRACT_FILE, PARITY_FILE, GOLDEN_FOLDER, LABELS_FILE}  # a folder with two of them is meant as a bundle
LEFT_OUT = {"node_modules", "site-packages", "__pycache__", "venv"}
CLOSED = (".mlpackage", ".mlmodelc", ".xcresult", ".app")  # folders that are one thing
SUFFIXES = tuple(dict.fromkeys([*(target.suffix for target in TARGETS.values()), MODEL_SUFFIX]))


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file or folder that is not a bundle, and why, where there is more to say than that."""

    path: Path
    reason: str = ""


@dataclass(slots=True)
class Listing:
    """What was found, in the order of the paths and of names below them, and what was passed over."""

    paths: list[Path] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)


def is_meant_as_bundle(names: Iterable[str]) -> bool:
    """Whether a folder that holds these names is a bundle, sound or damaged."""
    held = set(names)
    artifact = any(name.endswith(SUFFIXES) for name in held)
    return len(PARTS & held) > 1 or (CONTRACT_FILE in held and artifact)


def is_searched(folder: str) -> bool:
    """Whether bundles are looked for inside a folder of this name."""
    return not folder.startswith(".") and folder not in LEFT_OUT and not folder.endswith(CLOSED)


def listed(paths: Sequence[Path], *, artifacts: bool) -> Listing:
    """Find the bundles that paths stand for.

    Args:
        paths: Bundles, folders of bundles and any other files. All exist.
        artifacts: Whether a file that is an artifact, or has an artifact's suffix, stands for itself.

    Returns:
        The bundles and artifacts. Links are followed, and each folder is searched once.
    """
    found = Listing()
    for path in paths:
        if path.is_dir():
            below = [path] if _stands_alone(path, artifacts=artifacts) else list(_Search(found).below(path))
            found.paths += below
            if not below:
                found.passed_over.append(PassedOver(path, "no bundle is in it"))
            continue
        reason = _no_artifact(path) if artifacts else ""
        if reason is None:
            found.paths.append(path)
        else:
            found.passed_over.append(PassedOver(path, reason))
    return found


def _stands_alone(folder: Path, *, artifacts: bool) -> bool:
    """A folder that was named is a bundle already with a contract alone, or with nothing that could be searched."""
    names = _names(folder)
    if names is None or CONTRACT_FILE in names or is_meant_as_bundle(names):
        return True
    return artifacts and (folder.name.endswith(CLOSED[:2]) or PACKAGE_FILE in names)


def _no_artifact(path: Path) -> str | None:
    """Why a file is passed over; None where it is an artifact, or is meant as one."""
    try:
        target_of(path)
    except ArtifactError as error:
        if error.fault == "unknown-format" and path.suffix not in SUFFIXES:
            return mistaken_for(path)
    return None


def _names(folder: Path) -> list[str] | None:
    """Sorted; None where the folder cannot be read."""
    try:
        return sorted(item.name for item in folder.iterdir())
    except OSError:
        return None


@dataclass(slots=True)
class _Search:
    found: Listing
    seen: set[str] = field(default_factory=set)

    def below(self, folder: Path) -> Iterator[Path]:
        """The bundles below; a folder without any is passed over as a whole."""
        if (real := os.path.realpath(folder)) in self.seen:
            return
        self.seen.add(real)
        names = _names(folder)
        if names is None:
            self.found.passed_over.append(PassedOver(folder, "it cannot be read"))
        elif is_meant_as_bundle(names):
            yield folder
        else:
            yield from self._inside(folder, [name for name in names if not name.startswith(".")])

    def _inside(self, folder: Path, names: Sequence[str]) -> Iterator[Path]:
        any_bundle, before = False, len(self.found.passed_over)
        for name in names:
            path, count = folder / name, len(self.found.passed_over)
            bundles = list(self.below(path)) if path.is_dir() and is_searched(name) else []
            if not bundles and len(self.found.passed_over) == count:
                self.found.passed_over.append(PassedOver(path))
            any_bundle |= bool(bundles)
            yield from bundles
        if not any_bundle:
            self._fold(before)

    def _fold(self, before: int) -> None:
        """Of a folder without bundles only what could not be read is kept: its parent names the folder."""
        inside = self.found.passed_over[before:]
        self.found.passed_over[before:] = [one for one in inside if one.reason]


def damaged(paths: Iterable[Path]) -> dict[Path, LevitMobileError]:
    """The bundles among these paths that cannot be opened, and why; what is not a bundle is not opened."""
    errors: dict[Path, LevitMobileError] = {}
    for path in paths:
        try:
            if (path / CONTRACT_FILE).is_file():
                open_bundle(path)
        except LevitMobileError as error:
            errors[path] = error
    return errors
