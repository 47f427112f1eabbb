"""Files that travel by their digest, and pickles that name them so: a path is of one machine only."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from levit_mobile.system.files import Sha256, digest, digest_bytes, is_clutter

PICKLE = "object.pickle"  # the name of what was not a file
Content = Mapping[str, bytes]  # POSIX path below a folder -> bytes; for a single file the path is "."


class Packed:
    """What a run's workers need: a pickled `load`, in which digests stand for files and large objects, and those.

    Args:
        load: What each process calls first.
        files: Files and folders on this machine that `load` opens.
        held: Objects in `load` that travel by themselves, by a digest of what they were made from.
    """

    def __init__(self, load: Callable[[], Any], files: Sequence[Path], held: Mapping[Sha256, Any]) -> None:
        self._paths, self._held = {digest(path): path for path in files}, held
        self._pickle = _pickled(load, {path: sha256 for sha256, path in self._paths.items()}, held)
        self.load = digest_bytes(self._pickle)

    @property
    def names(self) -> dict[Sha256, str]:
        """Digest -> name, of everything that travels."""
        paths = {sha256: path.name for sha256, path in self._paths.items()}
        return {**dict.fromkeys((self.load, *self._held), PICKLE), **paths}

    def content(self, sha256: Sha256) -> Content:
        """What is in one of them."""
        if sha256 in self._paths:
            return _read(self._paths[sha256])
        return {".": self._pickle if sha256 == self.load else _pickled(self._held[sha256], {}, {})}


def _read(path: Path) -> Content:
    if path.is_file():
        return {".": path.read_bytes()}
    files = (file for file in sorted(path.rglob("*")) if file.is_file() and not is_clutter(file.name))
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def _pickled(value: Any, digests: Mapping[Path, Sha256], held: Mapping[Sha256, Any]) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, digests, held).dump(value)
    return stream.getvalue()


class _Pickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, digests: Mapping[Path, Sha256], held: Mapping[Sha256, Any]) -> None:
        super().__init__(stream)
        self._digests, self._held = digests, {id(value): sha256 for sha256, value in held.items()}

    def persistent_id(self, value: Any) -> Sha256 | None:
        return self._digests.get(value) if isinstance(value, Path) else self._held.get(id(value))


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BufferedReader, places: Mapping[Sha256, Path]) -> None:
        super().__init__(stream)
        self._places, self._held = places, dict[Sha256, Any]()

    def persistent_load(self, sha256: Sha256) -> Any:
        place = self._places[sha256]
        if place.name != PICKLE:
            return place
        if sha256 not in self._held:
            self._held[sha256] = pickle.loads(place.read_bytes())
        return self._held[sha256]


# On a worker


def file_of(folder: Path, sha256: Sha256, name: str) -> Path:
    """Where a file of that digest is kept below a worker's folder."""
    return folder / sha256 / name


def stored(folder: Path, sha256: Sha256, name: str, content: Content) -> None:
    """Write a file or a folder in one step: under its name it is whole.

    Raises OSError when it cannot be written, and ValueError when a file does not have its digest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as beside:
        made = Path(beside) / name
        for path, data in content.items():
            file = made / PurePosixPath(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        if name != PICKLE and (found := digest(made)) != sha256:
            raise ValueError(f"the sha256 of {name} begins with {found[:12]}, expected {sha256[:12]}")
        place = file_of(folder, sha256, name)
        place.parent.mkdir(exist_ok=True)
        if not place.exists():
            made.replace(place)


def loaded(pickled: Path, places: Mapping[Sha256, Path]) -> Any:
    """What a pickled `load` returns, with the paths of this machine. For a process of `system.workers`."""
    with pickled.open("rb") as stream:
        load = _Unpickler(stream, places).load()
    return load()
