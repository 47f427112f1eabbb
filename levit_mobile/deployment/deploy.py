"""Bundles into an app: each opened, compared with the app's runtimes, copied beside its place and renamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.deployment.copies import (
    Copy,
    copied,
    differences,
    leftovers,
    remove,
    require_distinct,
    require_elsewhere,
    require_ours,
    source_of,
)
from levit_mobile.deployment.gradle import APPLICATION, Module, modules_below, uncompressed
from levit_mobile.deployment.index import INDEX_FILE, SCHEMA_VERSION, BundleIndex, read_index
from levit_mobile.deployment.places import Place, Platform, place_of
from levit_mobile.deployment.runtimes import (
    StatedRuntime,
    named_versions,
    older_systems,
    require_loadable,
    stated_runtimes,
    unchecked,
)
from levit_mobile.errors import BundleError
from levit_mobile.recipe import Verdict
from levit_mobile.system.atomic_write import staged, write_text, writing
from levit_mobile.system.interruption import held
from levit_mobile.system.locks import turn

State = Literal["added", "replaced", "unchanged"]
GOLDEN_SUFFIXES = ("rgb8", "f32")
KOTLIN_SCRIPT = ".kts"


@dataclass(frozen=True, slots=True)
class DeployedBundle:
    """One bundle in the app.

    Attributes:
        name: Name of its folder in the app.
        source: The bundle that was named.
        target: ``executorch`` or ``tflite``; on iOS ``coreml`` or ``executorch``.
        recipe: Name of its recipe.
        files: Number of files in the app.
        bytes: Size of all these files.
        state: ``added``, ``replaced`` or ``unchanged``; with ``check``, what a deployment would do.
    """

    name: str
    source: Path
    target: str
    recipe: str
    files: int
    bytes: int
    state: State


@dataclass(frozen=True, slots=True)
class Deployment:
    """What ``deploy`` wrote, or with ``check`` found.

    Attributes:
        folder: The folder that holds ``index.json`` and one folder per bundle.
        reason: Why it is this folder, such as "the assets of the app module app".
        platform: ``android`` or ``ios``.
        bundles: The bundles in it, by name.
        removed: Names of bundles of an earlier deployment that were removed; with ``check``, that would be.
        differences: With ``check``, one sentence per difference between the folder and the bundles; else empty.
        runtimes: The app's runtimes by target, as far as their versions are stated.
        no_compress: The line that the app's Gradle file lacks to store these files without compression; None if it
            lacks none, and on iOS.
        no_compress_file: The Gradle file that needs the line; None where none was found.
        notes: Sentences about what was not checked, and about bundles that an app should not ship.
    """

    folder: Path
    reason: str
    platform: Platform
    bundles: tuple[DeployedBundle, ...]
    removed: tuple[str, ...]
    differences: tuple[str, ...]
    runtimes: Mapping[str, StatedRuntime]
    no_compress: str | None
    no_compress_file: Path | None
    notes: tuple[str, ...]


def deploy(
    bundles: Sequence[str | Path],
    to: str | Path,
    *,
    runtimes: Mapping[str, str] | None = None,
    check: bool = False,
) -> Deployment:
    """Copy bundles into an Android or iOS app and write the index that the app reads.

    The app has exactly these bundles afterwards: those of an earlier deployment that are not named are removed. Files
    that no deployment wrote are never changed. Every bundle is complete before the first one is replaced. Thread-safe,
    and several processes that deploy to the same app take turns.

    Args:
        bundles: The bundles' folders, one or more.
        to: The Android app's Gradle project, its module or its ``assets`` folder; the iOS app's Xcode project or the
            folder with it; or any other folder, which then holds the bundles itself.
        runtimes: Versions of ``executorch`` and ``litert`` in the app, for an app whose files do not state them.
            Default: none.
        check: Write nothing, and list how the folder differs from the bundles.

    Returns:
        The folder, its bundles and what to change in the Gradle file of an Android app.

    Raises:
        BundleError: ``to`` is not an app or a folder (``bundle.app``), the app cannot load a bundle
            (``bundle.runtime``), two bundles have the same name or one has a name that Android's tools leave out
            (``bundle.name``), a file is in the way that no deployment wrote (``bundle.exists``), the app's folder
            cannot be written (``bundle.unwritable``) or has an unknown index (``bundle.schema``), or a bundle is
            damaged; the codes for that are those of ``open_bundle``.
        ValueError: No bundle is named, or ``runtimes`` has an unknown name or version.

    Example:
        >>> done = levit_mobile.deploy(["build/levit_128s-tflite-int8"], "android_demo")
        >>> [(one.name, one.state) for one in done.bundles]
        [('levit_128s-tflite-int8', 'added')]
    """
    place = place_of(Path(to))
    given = named_versions([f"{name}={version}" for name, version in (runtimes or {}).items()])
    stated = stated_runtimes(place, given)
    opened = [open_bundle(path) for path in dict.fromkeys(map(Path, bundles))]
    if not opened:
        raise ValueError("no bundle is named, expected one or more")
    for bundle in opened:
        require_loadable(bundle, stated, place.platform)
    with _failures_named():
        copies = sorted((source_of(bundle, place.platform) for bundle in opened), key=lambda one: one.entry.name)
        require_distinct(copies)
        return _checked(place, copies, stated) if check else _deployed(place, copies, stated)


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BundleError(f"{error.filename} cannot be read: {error.strerror or error}", fault="unreadable") from error


def _checked(place: Place, copies: Sequence[Copy], stated: Mapping[str, StatedRuntime]) -> Deployment:
    earlier = read_index(place.folder)
    found = [sentence for one in copies for sentence in differences(place.folder, one.entry, earlier)]
    left = leftovers(earlier, copies)
    found += [f"{name} is in {INDEX_FILE} and is not named" for name in left]
    return _result(place, copies, _states(place.folder, copies), left, stated, found)


def _deployed(place: Place, copies: Sequence[Copy], stated: Mapping[str, StatedRuntime]) -> Deployment:
    folder = place.folder
    _make(folder)
    with turn(folder.parent):
        earlier = read_index(folder)
        states = _states(folder, copies)
        for one in copies:
            require_elsewhere(folder, one, earlier)
            if states[one.entry.name] == "replaced":
                require_ours(folder, one.entry.name, earlier)
        left = leftovers(earlier, copies)
        _write(folder, [one for one in copies if states[one.entry.name] != "unchanged"], copies, earlier)
    return _result(place, copies, states, left, stated, [])


def _make(folder: Path) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _write(folder: Path, changed: Sequence[Copy], copies: Sequence[Copy], earlier: BundleIndex) -> None:
    """Complete every copy, then rename them all, then write the index, then remove what it no longer lists."""
    index = BundleIndex(schema_version=SCHEMA_VERSION, bundles=tuple(one.entry for one in copies))
    with ExitStack() as stack:
        for one in changed:
            copied(one, stack.enter_context(staged(folder / one.entry.name, force=True)))
        with held():
            stack.pop_all().close()
            if index != earlier or not (folder / INDEX_FILE).exists():
                write_text(folder / INDEX_FILE, index.written())
            for name in leftovers(earlier, copies):
                remove(folder, earlier.named()[name])


def _states(folder: Path, copies: Sequence[Copy]) -> dict[str, State]:
    return {one.entry.name: _state(folder, one) for one in copies}


def _state(folder: Path, one: Copy) -> State:
    if not (folder / one.entry.name).exists():
        return "added"
    return "replaced" if list(differences(folder, one.entry)) else "unchanged"


def _result(
    place: Place,
    copies: Sequence[Copy],
    states: Mapping[str, State],
    left: Sequence[str],
    stated: Mapping[str, StatedRuntime],
    found: Sequence[str],
) -> Deployment:
    module = _packaging(place)
    return Deployment(
        folder=place.folder,
        reason=place.reason,
        platform=place.platform,
        bundles=tuple(_deployed_bundle(one, states[one.entry.name]) for one in copies),
        removed=tuple(left),
        differences=tuple(found),
        runtimes=dict(stated),
        no_compress=_no_compress(copies, module) if place.platform == "android" else None,
        no_compress_file=module.build_file if module else None,
        notes=tuple(note for one in copies for note in _notes(one.bundle, place, stated)),
    )


def _deployed_bundle(one: Copy, state: State) -> DeployedBundle:
    return DeployedBundle(
        name=one.entry.name,
        source=one.bundle.path,
        target=one.bundle.target.name,
        recipe=one.bundle.contract.recipe,
        files=len(one.entry.files),
        bytes=sum(file.bytes for file in one.entry.files),
        state=state,
    )


def _notes(bundle: OpenBundle, place: Place, stated: Mapping[str, StatedRuntime]) -> Iterator[str]:
    for sentence in (unchecked(bundle, stated, place.platform), older_systems(bundle, place)):
        if sentence:
            yield sentence
    name, calibration = bundle.path.name, bundle.contract.calibration
    if bundle.contract.verdict == Verdict.BROKEN:
        yield f"{name}: its own proof says BROKEN, so an app should refuse it"
    if calibration and not calibration.for_release:
        yield f"{name}: its int8 ranges were measured on noise, so it is not for release"


def _packaging(place: Place) -> Module | None:
    """The module that makes the APK, whose `noCompress` counts: the app that a library's assets are merged into."""
    if place.platform != "android" or place.project is None or (place.module and place.module.kind == APPLICATION):
        return place.module
    applications = [one for one in modules_below(place.project) if one.kind == APPLICATION]
    return applications[0] if len(applications) == 1 else place.module


def _no_compress(copies: Sequence[Copy], module: Module | None) -> str | None:
    """The line for the `android` block; None where the Gradle file has it."""
    suffixes = dict.fromkeys([*(one.bundle.artifact.suffix.removeprefix(".") for one in copies), *GOLDEN_SUFFIXES])
    listed = uncompressed([module]) if module else set()
    lacking = [] if "" in listed else [one for one in suffixes if one not in listed]
    if not lacking:
        return None
    if module and module.build_file.suffix != KOTLIN_SCRIPT:
        groovy = ", ".join(f"'{one}'" for one in lacking)
        return f"androidResources {{ noCompress {groovy} }}"
    kotlin = ", ".join(f'"{one}"' for one in lacking)
    return f"androidResources {{ noCompress += listOf({kotlin}) }}"
