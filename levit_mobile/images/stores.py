"""What holds images: a folder, an archive, a URL or tar shards. A store can be sent to another process."""

from __future__ import annotations

import io
import weakref
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

from levit_mobile.errors import ImageError
from levit_mobile.images import shards
from levit_mobile.images.address import (
    CHAIN,
    GLOB,
    TAR,
    ZIP,
    Place,
    base_and_glob,
    expanded,
    fits,
    is_pattern,
    place_of,
    shown,
    was_url,
)
from levit_mobile.images.byte_files import ByteFile, LocalFile, RemoteFile, seekable
from levit_mobile.images.names import PICTURE_SUFFIXES, is_picture, is_visible
from levit_mobile.images.remote import Remote, translated

ZIP_SCHEME = "zip://"
MOST_BYTES = 640_000_000  # of an unpacked file: a small archive can claim gigabytes


class Store(Protocol):
    """Images by their names: POSIX paths below the folder, or in the archive."""

    def names(self) -> Iterator[str]:
        """The names of images, and of tar shards where it can hold some, found while they are asked for."""

    def called(self, name: str) -> str:
        """An image for people."""

    def open(self, name: str) -> BinaryIO:
        """The file of an image. Raises ImageError, and what a local file system raises."""


@dataclass(frozen=True)
class LocalFolder:
    """The images below a folder, through links to folders too; or one file of it."""

    folder: Path
    only: str | None = None

    def names(self) -> Iterator[str]:
        """Hidden files and folders are passed over. A link to nothing counts: it may have been an image."""
        if self.only is not None:
            return iter((self.only,))
        files = (path for path in _files_below(self.folder) if _counts(path))
        return (path.relative_to(self.folder).as_posix() for path in files)

    def called(self, name: str) -> str:
        """Its path."""
        return str(self.folder / name)

    def open(self, name: str) -> BinaryIO:
        """Its bytes."""
        path = self.folder / name
        if _leads_nowhere(path):
            raise ImageError(f"{path} is a link to {path.readlink()}, which does not exist", fault="not-found")
        if not path.is_file():
            raise ImageError(f"{path} {'is not a file' if path.exists() else 'does not exist'}", fault="not-found")
        return path.open("rb")

    def file(self, name: str) -> ByteFile:
        """One of its files."""
        return LocalFile(self.folder / name)


@dataclass(frozen=True)
class RemoteFolder:
    """The images below a URL, listed folder by folder; those that a glob fits, or the one file that it names."""

    remote: Remote
    pattern: str = ""
    single: bool = False

    def names(self) -> Iterator[str]:
        """Hidden files and folders are passed over."""
        if self.single:
            yield self.remote.leaf
            return
        waiting, seen = [""], {""}
        while waiting:
            for entry in self.remote.listed(waiting.pop()):
                name = self.remote.name_of(str(entry["name"]))
                if not name or not is_visible(name) or name in seen:
                    continue
                if entry["type"] == "directory":
                    seen.add(name)
                    waiting.append(name)
                elif (is_picture(name) or name.endswith(TAR)) and fits(self.pattern, name):
                    yield name

    def called(self, name: str) -> str:
        """Its URL."""
        return self.remote.called if self.single else f"{self.remote.called.rstrip('/')}/{name}"

    def open(self, name: str) -> BinaryIO:
        """Its bytes, by one request."""
        with translated(self.called(name)):
            return io.BytesIO(self.remote.fs.cat_file(self._path(name)))

    def file(self, name: str) -> ByteFile:
        """One of its files."""
        return RemoteFile(self.remote, self._path(name), self.called(name))

    def _path(self, name: str) -> str:
        return self.remote.path if self.single else self.remote.path_of(name)


@dataclass(frozen=True)
class ZipArchive:
    """The images in a zip archive, all of them or those below a folder in it that a glob fits."""

    archive: ByteFile
    inside: str = ""
    pattern: str = ""

    def names(self) -> Iterator[str]:
        """Hidden files and folders are passed over. Raises ImageError for a name that the archive holds twice."""
        prefix = f"{self.inside}/" if self.inside else ""
        with translated(self.archive.called):
            held = self._opened.namelist()
        names = [name.removeprefix(prefix) for name in held if name.startswith(prefix)]
        images = [name for name in names if is_picture(name) and is_visible(name) and fits(self.pattern, name)]
        if twice := [name for name, times in Counter(images).items() if times > 1]:
            raise ImageError(
                f"{self.archive.called} holds {twice[0]} twice, expected each image once: write the archive again",
                fault="duplicate",
            )
        return iter(images)

    def called(self, name: str) -> str:
        """An image for people: its archive and its name."""
        return f"{self.archive.called}: {name}"

    def open(self, name: str) -> BinaryIO:
        """Its bytes."""
        member = f"{self.inside}/{name}" if self.inside else name
        with translated(self.called(name)):
            if (size := self._opened.getinfo(member).file_size) > MOST_BYTES:
                raise ImageError(
                    f"{self.called(name)} has {size} bytes, expected an image of at most {MOST_BYTES}",
                    fault="too-large",
                )
            try:
                return io.BytesIO(self._opened.read(member))
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                raise ImageError(
                    f"{self.called(name)} cannot be read: the archive is damaged, encrypted or packed by an unknown "
                    f"method ({error})",
                    fault="unreadable",
                ) from error

    @cached_property
    def _opened(self) -> zipfile.ZipFile:
        with translated(self.archive.called):
            stream = self.archive.open()
            try:
                archive = zipfile.ZipFile(stream)
            except zipfile.BadZipFile as error:
                stream.close()
                raise ImageError(
                    f"{self.archive.called} is not a zip archive or is cut short: {error}", fault="unreadable"
                ) from error
        weakref.finalize(archive, stream.close)
        return archive

    def __reduce__(self) -> tuple[type[ZipArchive], tuple[ByteFile, str, str]]:
        return ZipArchive, (self.archive, self.inside, self.pattern)


def opened(written: Place) -> Store:
    """What holds the images of a path or URL.

    Raises:
        ImageError: There is nothing (``image.not-found``), it cannot be reached (``image.access``), its protocol is
            unknown or lacks a package (``image.protocol``), or an archive cannot be read (``image.unreadable``,
            ``image.duplicate``).
    """
    if is_pattern(written):
        return shards.of_files(_matching(str(written)))
    place = place_of(written)
    return _local(place) if isinstance(place, Path) else _behind(place)


def _local(path: Path) -> Store:
    if path.is_dir():
        return LocalFolder(path)
    if not path.is_file():
        instead = ": pass a URL as text, which a path cannot hold" if was_url(path) else ""
        raise ImageError(
            f"{path} does not exist, expected a folder of images, one image file, a .zip archive, .tar shards or a URL"
            f"{instead}",
            fault="not-found",
        )
    if path.suffix.lower() == ZIP:
        return ZipArchive(LocalFile(path))
    return shards.of_files([LocalFile(path)]) if path.suffix == TAR else LocalFolder(path.parent, path.name)


def _behind(url: str) -> Store:
    if url.startswith(ZIP_SCHEME) and CHAIN in url:
        inside, _, outside = url.removeprefix(ZIP_SCHEME).partition(CHAIN)
        return ZipArchive(seekable(_one_file(outside)), *base_and_glob(inside.strip("/")))
    remote = Remote(url)
    if remote.leaf.lower().endswith(ZIP):
        return ZipArchive(seekable(_file_of(remote)))
    if remote.leaf.endswith(TAR):
        return shards.of_files([_file_of(remote)])
    return _fitting_below(url) if "*" in remote.path else _folder_of(remote)


def _folder_of(remote: Remote) -> Store:
    image = remote.leaf.lower().endswith(PICTURE_SUFFIXES)
    if image and (remote.is_http or remote.is_file()):
        return RemoteFolder(remote, single=True)
    if remote.has_query:
        raise ImageError(
            f"{remote.called} cannot be listed: a URL with a query names one file, expected an image, a .zip archive "
            "or a .tar shard",
            fault="not-found",
        )
    return RemoteFolder(remote)


def _fitting_below(url: str) -> Store:
    """The images that a URL with `*` fits, named below the folder that it begins with."""
    scheme, mark, rest = url[: (at := url.rindex("://", 0, url.index("*")))], "://", url[at + 3 :]
    first, chain, others = rest.partition(CHAIN)
    base, pattern = base_and_glob(first)
    return RemoteFolder(Remote(f"{scheme}{mark}{base}{chain}{others}"), pattern)


def _one_file(written: str) -> ByteFile:
    place = place_of(written)
    return LocalFile(place) if isinstance(place, Path) else _file_of(Remote(place))


def _file_of(remote: Remote) -> ByteFile:
    return RemoteFile(remote, remote.path, remote.called)


def _matching(pattern: str) -> list[ByteFile]:
    found = [file for text in expanded(pattern) for file in _fitting(text)]
    if not found:
        raise ImageError(f"{shown(place_of(pattern))} fits no file, expected .tar shards", fault="no-pictures")
    return found


def _fitting(text: str) -> list[ByteFile]:
    """The files of one name or glob."""
    place = place_of(text)
    if isinstance(place, Path):
        within = Path(place.anchor)
        paths = sorted(within.glob(str(place.relative_to(within)))) if GLOB.search(text) else [place]
        return [LocalFile(path) for path in paths]
    remote = Remote(place)
    if not GLOB.search(remote.path):
        return [_file_of(remote)]
    folder = remote.called.rpartition("/")[0]
    return [RemoteFile(remote, path, f"{folder}/{path.rpartition('/')[2]}") for path in remote.matching()]


def _files_below(folder: Path) -> Iterator[Path]:
    """Visible files and links to nothing. A folder is not entered again from inside itself, by whatever link."""
    waiting: list[tuple[Path, frozenset[tuple[int, int]]]] = [(folder, frozenset())]
    while waiting:
        inside, above = waiting.pop()
        try:
            about = inside.stat()
            here = about.st_dev, about.st_ino
            entries = [] if here in above else [path for path in inside.iterdir() if not path.name.startswith(".")]
        except OSError as error:
            raise ImageError(f"{inside} cannot be read: {error.strerror}", fault="unreadable") from error
        waiting += [(path, above | {here}) for path in entries if path.is_dir()]
        yield from (path for path in entries if not path.is_dir())


def _counts(path: Path) -> bool:
    return _leads_nowhere(path) or ((is_picture(path.name) or path.suffix == TAR) and path.is_file())


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()
