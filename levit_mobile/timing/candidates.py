"""The candidates for timing: bundles, and artifacts without one; all are opened and checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.contract import CONTRACT_FILE, Contract
from levit_mobile.system.file_signature import target_of
from levit_mobile.system.files import as_text, composed
from levit_mobile.targets import TARGETS, Target


@dataclass(frozen=True, slots=True)
class Candidate:
    """One artifact, how reports call it, and the bundle that it is of, if it is of one.

    `baseline` says that the others are compared with it.
    """

    name: str
    artifact: Path
    target: Target
    stored: OpenBundle | None
    baseline: bool = False

    @property
    def contract(self) -> Contract | None:
        """Of its bundle."""
        return self.stored.contract if self.stored else None


def opened(paths: Sequence[Path], against: Sequence[Path] = ()) -> tuple[Candidate, ...]:
    """All of them, those in `against` as baselines; a name that comes twice gets a number.

    Raises BundleError for a damaged bundle, ArtifactError for what is no artifact.
    """
    found = [_candidate(path) for path in paths]
    found += [replace(_candidate(path), baseline=True) for path in against]
    return tuple(_numbered(found))


def _candidate(path: Path) -> Candidate:
    if (path / CONTRACT_FILE).is_file():
        stored = open_bundle(path)
        return Candidate(composed(as_text(stored.path.resolve().name)), stored.artifact, stored.target, stored)
    return Candidate(_title(path), path, TARGETS[target_of(path)], None)


def _title(path: Path) -> str:
    """Its file's name; of one called `model`, as many are, its folder's too."""
    name = f"{path.resolve().parent.name}/{path.name}" if path.stem == "model" else path.name
    return composed(as_text(name))


def _numbered(found: list[Candidate]) -> list[Candidate]:
    names = [one.name for one in found]
    return [
        replace(one, name=f"{one.name} ({before + 1})") if (before := names[:place].count(one.name)) else one
        for place, one in enumerate(found)
    ]
