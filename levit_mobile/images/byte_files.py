"""Files of which parts are read, here or behind a URL. They travel to other processes and are opened there."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from levit_mobile.images.remote import Remote, translated

BLOCK_BYTES = 1 << 20  # that a request brings: several images that follow each other


class ByteFile(Protocol):
    """A file with a name for people. What it raises, and what its stream raises, are the errors of its system."""

    @property
    def called(self) -> str:
        """Its name for people."""

    def open(self) -> BinaryIO:
        """Its bytes, which can be sought."""

    def part(self, start: int, size: int) -> bytes:
        """`size` bytes from `start` on, fewer where it ends before."""

    def stamp(self) -> str:
        """What changes when the file does."""


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine."""

    path: Path
    name: str = ""

    @property
    def called(self) -> str:
        """Its path, or the name it was given."""
        return self.name or str(self.path)

    def open(self) -> BinaryIO:
        """Its bytes."""
        return self.path.open("rb")

    def part(self, start: int, size: int) -> bytes:
        """A part of it."""
        with self.open() as stream:
            stream.seek(start)
            return stream.read(size)

    def stamp(self) -> str:
        """Its size and the time of its last change."""
        about = self.path.stat()
        return f"{about.st_size} {about.st_mtime_ns}"


@dataclass(frozen=True)
class RemoteFile:
    """A file behind a URL, of which ranges are read."""

    remote: Remote
    path: str
    called: str = field(compare=False)

    def open(self) -> BinaryIO:
        """Its bytes, in requests of `BLOCK_BYTES`."""
        return cast(BinaryIO, self.remote.fs.open(self.path, "rb", block_size=BLOCK_BYTES))

    def part(self, start: int, size: int) -> bytes:
        """A part of it, by one request."""
        return bytes(self.remote.fs.cat_file(self.path, start=start, end=start + size))

    def stamp(self) -> str:
        """What the file system states of it."""
        return str(self.remote.fs.info(self.path))


@dataclass(frozen=True)
class CopiedFile:
    """A copy of a remote file in a folder of its own, which is removed when this object goes.

    Another process on this machine takes the same copy and does not remove it; one elsewhere makes its own.
    """

    path: Path
    origin: RemoteFile

    def __post_init__(self) -> None:
        weakref.finalize(self, shutil.rmtree, self.path.parent, ignore_errors=True)

    @property
    def called(self) -> str:
        """The name of the remote file."""
        return self.origin.called

    def open(self) -> BinaryIO:
        """Its bytes."""
        return self.path.open("rb")

    def part(self, start: int, size: int) -> bytes:
        """A part of it."""
        return LocalFile(self.path).part(start, size)

    def stamp(self) -> str:
        """That of the copy."""
        return LocalFile(self.path).stamp()

    def __reduce__(self) -> tuple[Callable[[Path, RemoteFile], ByteFile], tuple[Path, RemoteFile]]:
        return _taken, (self.path, self.origin)


def _taken(path: Path, origin: RemoteFile) -> ByteFile:
    return LocalFile(path, origin.called) if path.exists() else seekable(origin)


def seekable(file: ByteFile) -> ByteFile:
    """The file, or a copy of it on this machine where its server gives no ranges. Raises ImageError."""
    if not isinstance(file, RemoteFile) or not file.remote.is_http:
        return file
    with translated(file.called):
        if _gives_ranges(file):
            return file
        copy = CopiedFile(Path(tempfile.mkdtemp(prefix="levit-mobile-")) / "file", file)
        file.remote.fs.get_file(file.path, str(copy.path))
    return copy


def _gives_ranges(file: RemoteFile) -> bool:
    """Asked by a byte that is not the first: fsspec raises ValueError where a server sends the whole file instead."""
    with file.remote.fs.open(file.path, "rb", cache_type="none") as stream:
        try:
            stream.seek(1)
            return len(stream.read(1)) <= 1
        except ValueError:
            return False
