"""Everything below a folder that this package or an app wrote: bundles, validations, times. Opened, and nothing run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from levit_mobile.bundle.listing import is_meant_as_bundle, is_searched
from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.contract import CONTRACT_FILE
from levit_mobile.device import pulled
from levit_mobile.device.script import LOG
from levit_mobile.errors import BundleError, LevitMobileError
from levit_mobile.system.files import Sha256, as_text, composed, digest_bytes, parse_json
from levit_mobile.timing.record import TimingRun
from levit_mobile.validation.results import Validation

MOST_BYTES = 64 * 2**20  # of a JSON file that is looked at
# A file that holds one of these beside "schema_version" claims to be a record of ours, even where it is no JSON.
CLAIMS = (b'"timings"', b'"artifact_sha256"')
BOM = b"\xef\xbb\xbf"  # which some editors write in front of UTF-8
VALIDATIONS = TypeAdapter(tuple[Validation, ...])


@dataclass(frozen=True, slots=True)
class FoundBundle:
    """A folder that is meant as a bundle; where `stored` is None, `broken` is the reason.

    `place` here and below is the path below the folder that was searched.
    """

    place: str
    name: str
    stored: OpenBundle | None = None
    contract_sha256: Sha256 = ""
    broken: str = ""


@dataclass(frozen=True, slots=True)
class FoundValidation:
    """One validation of a file, which may hold several."""

    place: str
    validation: Validation


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A file of times."""

    place: str
    run: TimingRun


@dataclass(frozen=True, slots=True)
class Unread:
    """What claims to be ours and could not be read."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything found below `root`, in the order of paths."""

    root: Path
    bundles: tuple[FoundBundle, ...] = ()
    validations: tuple[FoundValidation, ...] = ()
    runs: tuple[FoundRun, ...] = ()
    unread: tuple[Unread, ...] = ()


Found = FoundBundle | FoundValidation | FoundRun | Unread


def gather(root: Path) -> Gathered:
    """Search a folder. Links, hidden folders and what is inside of bundles and packages are left alone.

    A file that is there twice counts once. Raises BundleError when `root` is no folder, or holds nothing of ours.
    """
    if not root.is_dir():
        raise BundleError(
            f"{root} is not a folder, expected one that holds bundles, validations or timing records", fault="missing"
        )
    found = list(_Search(root).everything())
    if not found:
        raise BundleError(
            f"{root} holds no results, expected bundles (`levit-mobile convert`), validations (`levit-mobile validate "
            "--json`) or timing records (`levit-mobile bench --out`)",
            fault="missing",
        )
    return Gathered(
        root,
        bundles=tuple(one for one in found if isinstance(one, FoundBundle)),
        validations=tuple(one for one in found if isinstance(one, FoundValidation)),
        runs=tuple(one for one in found if isinstance(one, FoundRun)),
        unread=tuple(one for one in found if isinstance(one, Unread)),
    )


@dataclass(slots=True)
class _Search:
    root: Path
    seen: set[Sha256] = field(default_factory=set)
    closed: list[Unread] = field(default_factory=list)

    def everything(self) -> Iterator[Found]:
        for folder, folders, files in os.walk(self.root, onerror=self._refused):
            here = Path(folder)
            if is_meant_as_bundle([*folders, *files]):
                yield self._bundle(here)
                folders.clear()
            elif pulled.is_result(files):
                yield from self._pulled(here)
            folders[:] = sorted(name for name in folders if is_searched(name))
            for name in sorted(files):
                if name.endswith(".json"):
                    yield from self._records(here / name)
        yield from self.closed

    def _refused(self, error: OSError) -> None:
        self.closed.append(Unread(self._place(Path(error.filename)), f"cannot be searched ({error.strerror})"))

    def _bundle(self, folder: Path) -> FoundBundle:
        place, name = self._place(folder), composed(as_text(folder.resolve().name))
        try:
            stored = open_bundle(folder)
            return FoundBundle(place, name, stored, digest_bytes((folder / CONTRACT_FILE).read_bytes()))
        except (LevitMobileError, OSError) as error:
            return FoundBundle(place, name, broken=self._below(str(error)))

    def _pulled(self, folder: Path) -> Iterator[Found]:
        """What a device farm left: a copy of the same lines counts once."""
        place = self._place(folder / LOG)
        try:
            run = pulled.read(folder)
        except LevitMobileError as error:
            yield Unread(place, self._below(str(error)))
            return
        if (known := digest_bytes(run.written().encode())) not in self.seen:
            self.seen.add(known)
            yield FoundRun(place, run)

    def _records(self, path: Path) -> Iterator[Found]:
        """What a JSON file holds; nothing where it does not claim to be ours."""
        place = self._place(path)
        try:
            content = path.read_bytes() if _is_looked_at(path) else b""
        except OSError as error:
            yield Unread(place, f"cannot be read ({error.strerror})")
            return
        if not _claims(content) or (known := digest_bytes(content)) in self.seen:
            return
        self.seen.add(known)
        try:
            yield from _parsed(path, place, content)
        except (ValueError, RecursionError, LevitMobileError) as error:
            yield Unread(place, self._below(_sentence(error)))

    def _place(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _below(self, sentence: str) -> str:
        """Paths as `place` has them: a page that is passed on should not name the folders of its machine."""
        return re.sub(rf"(?<![\w./-]){re.escape(f'{self.root}{os.sep}')}", "", sentence)


def _is_looked_at(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_BYTES


def _claims(content: bytes) -> bool:
    return b'"schema_version"' in content and any(word in content for word in CLAIMS)


def _parsed(path: Path, place: str, content: bytes) -> Iterator[Found]:
    """Raise an error with the reason where a file looks like a record and is invalid."""
    whole = parse_json(content.removeprefix(BOM))
    if isinstance(whole, dict) and "timings" in whole:
        yield FoundRun(place, TimingRun.read(path))
        return
    for validation in VALIDATIONS.validate_python(list(_validations(whole))):
        yield FoundValidation(place, validation)


def _validations(whole: Any) -> Iterable[Any]:
    """Those of a file that `validate --json` printed, of a list, or one alone; none in JSON of another form."""
    if isinstance(whole, dict) and isinstance(whole.get("validations"), list):
        return list(whole["validations"])
    alone = whole if isinstance(whole, list) else [whole]
    return [one for one in alone if isinstance(one, dict) and {"artifact_sha256", "bundle", "verdict"} <= one.keys()]


def _sentence(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"it is not a validation of schema 1: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, LevitMobileError):
        return str(error)
    return "it is nested too deeply to be read" if isinstance(error, RecursionError) else f"it is not JSON: {error}"
