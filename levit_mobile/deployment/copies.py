"""A bundle as the files that an app gets, and what an earlier deployment left at their place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from levit_mobile.bundle.reader import OpenBundle, sealed
from levit_mobile.contract import CONTRACT_FILE, PARITY_FILE
from levit_mobile.deployment.index import INDEX_FILE, BundleIndex, IndexedBundle, IndexedFile, is_inside, is_plain
from levit_mobile.deployment.places import Platform
from levit_mobile.errors import BundleError
from levit_mobile.system.files import as_on_disk, composed, digest, is_clutter, is_text

# Names that Android's aapt2 leaves out of an APK's assets, without their case; source: `--ignore-assets` of aapt2.
LEFT_OUT = ("cvs", "thumbs.db", "picasa.ini")
LEFT_OUT_SUFFIXES = ("~", ".scc")


@dataclass(frozen=True, slots=True)
class Copy:
    """A bundle and its entry in the index."""

    bundle: OpenBundle
    entry: IndexedBundle


def source_of(bundle: OpenBundle, platform: Platform = "android") -> Copy:
    """The files that the app gets: those that the contract names, the contract and the proof. Raises BundleError.

    A Core ML package is a folder, so each of its files is one of them.
    """
    named = bundle.path if is_plain(bundle.path.name) else bundle.path.resolve()
    name = composed(named.name)
    _require_packable(name, bundle.path, platform, folder=True)
    paths = {CONTRACT_FILE, PARITY_FILE, *(file for file, _ in sealed(bundle.contract))}
    clean = sorted({str(PurePosixPath(file)) for path in paths for file in _files_at(bundle.path, path)})
    for path in clean:
        *folders, file = path.split("/")
        for folder in folders:
            _require_packable(folder, bundle.path, platform, folder=True)
        _require_packable(file, bundle.path, platform, folder=False)
    return Copy(bundle, IndexedBundle(name=name, files=tuple(_entry(bundle.path, path) for path in clean)))


def _files_at(folder: Path, path: str) -> list[str]:
    place = as_on_disk(folder / path)
    return [f"{path}/{composed(name)}" for name in names_below(place)] if place.is_dir() else [path]


def _entry(folder: Path, path: str) -> IndexedFile:
    file = as_on_disk(folder / path)
    return IndexedFile(path=path, bytes=file.stat().st_size, sha256=digest(file))


def _require_packable(name: str, bundle: Path, platform: Platform, *, folder: bool) -> None:
    """Refuse a name that would be missing in the APK, or that the index cannot state."""
    left_out = platform == "android" and _is_left_out(name, folder=folder)
    if left_out or not is_plain(name) or not is_text(Path(name)) or (folder and name.lower() == INDEX_FILE):
        reason = "Android's tools omit from an app or cannot store" if platform == "android" else "an app cannot store"
        raise BundleError(f"{bundle} has a part called {name!r}, which {reason}: rename it", fault="name")


def _is_left_out(name: str, *, folder: bool) -> bool:
    hidden = name.startswith(".") or (folder and name.startswith("_"))
    return hidden or name.lower() in LEFT_OUT or name.lower().endswith(LEFT_OUT_SUFFIXES)


def require_distinct(copies: Sequence[Copy]) -> None:
    """Refuse two bundles of one name: raises BundleError (`bundle.name`). The case of letters does not count."""
    seen: dict[str, Copy] = {}
    for one in copies:
        other = seen.setdefault(one.entry.name.casefold(), one)
        if other is not one:
            raise BundleError(
                f"{other.bundle.path} and {one.bundle.path} have the same name, expected one folder name per bundle: "
                "rename one of the folders",
                fault="name",
            )


def copied(one: Copy, folder: Path) -> None:
    """Copy the files and read them again. Raises BundleError (`bundle.digest`) where one has changed, and OSError."""
    for file in one.entry.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(as_on_disk(one.bundle.path / file.path), target)
        if digest(target) != file.sha256:
            raise BundleError(
                f"{one.bundle.path / file.path} changed while it was copied: deploy again", fault="digest"
            )


def differences(folder: Path, entry: IndexedBundle, index: BundleIndex | None = None) -> Iterator[str]:
    """How the deployed bundle differs from its files, and from its entry in the index where one is given."""
    place = folder / entry.name
    if not place.is_dir() or place.is_symlink():
        yield f"{place} {'is not a folder' if os.path.lexists(place) else 'is missing'}"
        return
    found = {composed(name): name for name in names_below(place)}
    for file in entry.files:
        name = found.pop(composed(file.path), None)
        if name is None:
            yield f"{place / file.path} is missing"
        elif (place / name).is_symlink() or digest(place / name) != file.sha256:
            yield f"{place / file.path} differs from the bundle"
    yield from (f"{place / name} is not in the bundle" for name in found.values())
    if index and index.named().get(entry.name) != entry:
        yield f"{folder / INDEX_FILE} does not list {entry.name} as it is"


def names_below(folder: Path) -> list[str]:
    """Relative paths of everything below but folders and files that macOS leaves; a link is not followed."""
    return sorted(
        item.relative_to(folder).as_posix()
        for item in folder.rglob("*")
        if (item.is_symlink() or not item.is_dir()) and not is_clutter(item.name)
    )


def require_elsewhere(folder: Path, one: Copy, earlier: BundleIndex) -> None:
    """Refuse to take over an original: a later deployment would remove it. Raises BundleError (`bundle.app`)."""
    place = folder / one.entry.name
    if place.exists() and place.samefile(one.bundle.path) and one.entry.name not in earlier.named():
        raise BundleError(
            f"{one.bundle.path} is in {folder}, the folder to deploy to, and no deployment wrote it: choose a "
            "different folder",
            fault="app",
        )


def require_ours(folder: Path, name: str, earlier: BundleIndex) -> None:
    """Refuse to replace what no deployment wrote: raises BundleError (`bundle.exists`)."""
    place, listed = folder / name, earlier.named().get(name)
    if listed is None or place.is_symlink() or not place.is_dir():
        raise BundleError(
            f"{place} exists and was not written by an earlier deployment: move or delete it", fault="exists"
        )
    written = {composed(file.path) for file in listed.files}
    foreign = [path for path in names_below(place) if composed(path) not in written]
    if foreign:
        raise BundleError(
            f"{place / foreign[0]} was not written by an earlier deployment: move or delete it", fault="exists"
        )


def leftovers(earlier: BundleIndex, copies: Sequence[Copy]) -> list[str]:
    """The bundles of an earlier deployment that are not named now."""
    named = {one.entry.name for one in copies}
    return sorted(name for name in earlier.named() if name not in named)


def remove(folder: Path, listed: IndexedBundle) -> None:
    """Remove the files that an index lists and folders that are empty then; other files stay. Raises BundleError."""
    place = folder / listed.name
    real = os.path.realpath(place)
    if place.is_symlink() or not place.is_dir():
        return
    for file in listed.files:
        path = as_on_disk(place / file.path)
        if is_inside(file.path) and Path(os.path.realpath(path.parent)).is_relative_to(real):
            _unlink(path)
    inner = [path for path in place.rglob("*") if path.is_dir() and not path.is_symlink()]
    for path in [*sorted(inner, key=lambda one: len(one.parts), reverse=True), place]:
        with suppress(OSError):  # other files are in it
            path.rmdir()


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise BundleError(f"{path} could not be removed: {error.strerror or error}", fault="unwritable") from error
