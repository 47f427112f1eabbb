"""Checkpoints on this machine, found by their SHA-256: a bundle travels, and its contract has a file's name only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from levit_mobile.errors import CheckpointError
from levit_mobile.model import weight_files
from levit_mobile.model.download import BLOB, BUNDLED, WEIGHT_SUFFIXES
from levit_mobile.system.atomic_write import staged_file
from levit_mobile.system.files import Sha256, digest_in_turn
from levit_mobile.system.folders import state_folder

REMEMBERED = 200  # checkpoints; the newest stay
MOST_FILES, MOST_BYTES = 32, 2 << 30  # whose digest is computed: files per folder, and bytes of one file
MOST_PATH_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A checkpoint with the digest that was looked for; `place` says where it is, such as "beside the bundle"."""

    path: Path
    place: str


def remember(source: str | Path, sha256: Sha256) -> None:
    """Note in the state folder where a checkpoint is. Nothing is noted where that folder cannot be written."""
    path = Path(source).expanduser()
    note = _folder() / sha256
    with suppress(OSError):
        if path == BUNDLED or not path.exists():
            return
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with staged_file(note) as beside:
            beside.write_bytes(os.fsencode(path.absolute()))
        _forget_old(note.parent)


def find(sha256: Sha256, name: str, beside: Path) -> Iterator[LocalCopy]:
    """Find checkpoints by their digest, where they are likely to be; nothing is downloaded.

    Args:
        sha256: Digest of the weight file, or of all shards in order.
        name: Name that the file or folder had, which is tried first in each folder.
        beside: The bundle's folder, in whose parent is looked too.

    Yields:
        Checkpoints of exactly this digest: where one was imported before, in the working directory, beside the bundle
        and in the caches of downloads.
    """
    if not BLOB.fullmatch(sha256):
        return
    places = {
        "which was imported on this machine before": _remembered(sha256),
        "in the working directory": _in(Path(), name),
        "beside the bundle": _in(Path(os.path.realpath(beside)).parent, name),
        "in the cache of downloads": _cached(sha256),
    }
    seen: set[str] = set()
    for place, paths in places.items():
        for path in paths:
            if (real := os.path.realpath(path)) not in seen and _has(path, sha256):
                seen.add(real)
                yield LocalCopy(path.absolute(), place)


def _folder() -> Path:
    return state_folder() / "checkpoints"


def _remembered(sha256: Sha256) -> Iterator[Path]:
    note = _folder() / sha256
    with suppress(OSError):
        if note.is_file() and note.stat().st_size <= MOST_PATH_BYTES:
            yield Path(os.fsdecode(note.read_bytes()))


def _forget_old(folder: Path) -> None:
    notes = [path for path in folder.iterdir() if BLOB.fullmatch(path.name)]
    if len(notes) > REMEMBERED:
        for old in sorted(notes, key=lambda path: path.stat().st_mtime_ns)[:-REMEMBERED]:
            old.unlink()


def _in(folder: Path, name: str) -> Iterator[Path]:
    """What has the name, then files of weights by any name, then the folder, with the files that describe its weights.

    A file alone may be described by other files than its folder, which states another preparation.
    """
    yield folder / Path(name).name
    with suppress(OSError):
        weights = (path for path in sorted(folder.iterdir()) if path.suffix in WEIGHT_SUFFIXES)
        yield from islice(weights, MOST_FILES)
    yield folder


def _cached(sha256: Sha256) -> Iterator[Path]:
    """In the hub's cache, which calls a file of weights by its digest, and in torch.hub's, by the first 8 digits."""
    import torch
    from huggingface_hub import constants

    for blob in sorted(Path(constants.HF_HUB_CACHE).glob(f"models--*/blobs/{sha256}")):
        for link in sorted(blob.parents[1].glob("snapshots/*/*")):
            if os.path.realpath(link) == os.path.realpath(blob):
                yield from (link.parent, link)
    yield from sorted((Path(torch.hub.get_dir()) / "checkpoints").glob(f"*{sha256[:8]}*"))


def _has(path: Path, sha256: Sha256) -> bool:
    """Does the file, or do the shards in the folder, have this digest? What cannot be read does not."""
    with suppress(OSError, ValueError, CheckpointError):
        files = weight_files.find(path)
        stats = [file.stat() for file in files if file.is_file()]
        if len(stats) == len(files) and all(about.st_size <= MOST_BYTES for about in stats):
            places = tuple(map(os.path.realpath, files))
            return _digest(places, tuple((about.st_size, about.st_mtime_ns) for about in stats)) == sha256
    return False


@lru_cache(maxsize=1024)
def _digest(files: tuple[str, ...], _: tuple[tuple[int, int], ...]) -> Sha256:
    """Of files in turn, computed once while their sizes and times stay: several bundles ask for the same files."""
    return digest_in_turn(map(Path, files))
