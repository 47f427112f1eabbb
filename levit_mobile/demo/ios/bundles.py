"""The bundles that the app on an iPhone lacks: copied, marked as complete, and removed again."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.demo.ios.app import IosApp
from levit_mobile.deployment.copies import Copy, copied, source_of
from levit_mobile.deployment.index import BundleIndex, IndexedBundle, read_index
from levit_mobile.errors import BundleError
from levit_mobile.system.files import digest_bytes
from levit_mobile.system.progress import Progress

BUNDLES = "bundles"


def marker(name: str) -> str:
    """The file beside a bundle that is copied last: the digest of the bundle's entry in an index."""
    return f"{BUNDLES}/{name}.copied"


def copy_lacking(demo: IosApp, given: Mapping[str, OpenBundle], app: Path | None, progress: Progress) -> list[str]:
    """Copy the bundles that the app does not have as they are.

    Args:
        demo: The app on the phone.
        given: The bundles by their names.
        app: The app's folder on this Mac, if it was installed from there: it states which bundles it brings along.
        progress: Called for each.

    Returns:
        What was copied: paths below the app's folder for computers.

    Raises:
        DeviceError: A file cannot be copied.
        BundleError: A file changed while it was copied (``bundle.digest``).
    """
    brought, made = _brought(app).named(), []
    for number, (name, bundle) in enumerate(given.items()):
        one = source_of(bundle, "ios")
        there = demo.text(marker(name)).strip()
        if there == _digest(one.entry) or (not there and brought.get(name) == one.entry):
            continue
        progress(f"copying {name}", number, len(given))
        made += [f"{BUNDLES}/{name}", marker(name)]
        _copy(demo, one)
    return made


def _copy(demo: IosApp, one: Copy) -> None:
    name = one.entry.name
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, name)
        copied(one, place)
        demo.copy_to(place, f"{BUNDLES}/{name}")
        mark = Path(folder, "mark")
        mark.write_text(_digest(one.entry), encoding="utf-8")
        demo.copy_to(mark, marker(name))


def _digest(entry: IndexedBundle) -> str:
    return digest_bytes(entry.model_dump_json().encode())


def _brought(app: Path | None) -> BundleIndex:
    """The index in the app; none where the app has no bundles, or an index of a different version."""
    try:
        return read_index(app / BUNDLES) if app else BundleIndex(schema_version=1, bundles=())
    except BundleError:
        return BundleIndex(schema_version=1, bundles=())
