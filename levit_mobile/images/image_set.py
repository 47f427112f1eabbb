"""Picture files and sets of them, prepared as an `ImageSpec` says and read one at a time."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from levit_mobile.errors import ImageError
from levit_mobile.images.address import TAR, place_of, shown
from levit_mobile.images.names import PICTURE_SUFFIXES
from levit_mobile.images.preprocessing import Pixels, preprocess, to_planar
from levit_mobile.images.shards import of_files
from levit_mobile.images.spec import ImageSpec
from levit_mobile.images.stores import LocalFolder, RemoteFolder, Store, opened

# What is opened, whatever a file is called. Pillow knows 43 formats; it opens one of them, EPS, by another program.
FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
MAX_DECODED_BYTES = 640_000_000  # of a picture in RGB: 160 megapixels; preparing it takes two to four times that
RGB_BYTES = 4  # per pixel, as Pillow keeps RGB in memory


def load(path: Path, spec: ImageSpec) -> Pixels:
    """Read and prepare one picture file.

    Args:
        path: The file.
        spec: What is done.

    Returns:
        uint8 RGB [H,W,3].

    Raises:
        ImageError: The file cannot be read completely or is in none of ``FORMATS`` (``image.not-found``,
            ``image.unreadable``), has more pixels than ``MAX_DECODED_BYTES`` holds (``image.too-large``), or pixels
            that cannot become RGB (``image.pixel-format``).
    """
    return read(LocalFolder(path.parent), spec, path.name)


def read(store: Store, spec: ImageSpec, name: str) -> Pixels:
    """Read and prepare one picture of a store: uint8 RGB [H,W,3].

    Raises ImageError as `load` does, and for a store that cannot be reached (``image.access``).
    """
    with _decode(store, name) as picture:
        try:
            return preprocess(picture, spec)
        except ImageError as error:
            raise error.reworded(f"{store.called(name)}: {error}") from error


@dataclass(frozen=True, slots=True)
class Found:
    """The pictures at a place.

    Attributes:
        place: The place for people, without secrets.
        store: What holds the pictures.
        names: Their names, sorted: POSIX paths below the folder or in the archive.
    """

    place: str
    store: Store
    names: tuple[str, ...]


def find(place: str | Path) -> Found:
    """Find all pictures at a place.

    Hidden files and folders are passed over (macOS leaves `._name.jpg` beside pictures, which are none). Of a local
    folder, links to folders are followed, and a link to nothing counts as a picture that cannot be read: it may have
    been one, or a folder of them. A folder that holds tar shards and no picture is those shards.

    Args:
        place: A folder, a picture, a ``.zip`` archive, tar shards by a name, braces (``{000..013}``) or a glob, or a
            URL of any of them that fsspec opens.

    Raises:
        ImageError: There is nothing (``image.not-found``), no picture in it (``image.no-pictures``), it cannot be
            reached (``image.access``, ``image.protocol``), or it cannot be read or is damaged (``image.unreadable``,
            ``image.duplicate``).
    """
    store, called = opened(place), shown(place_of(place))
    names = sorted(set(store.names()))
    tars = [name for name in names if name.endswith(TAR)]
    if tars and len(tars) < len(names):
        names = [name for name in names if not name.endswith(TAR)]
    elif tars and isinstance(store, LocalFolder | RemoteFolder):
        store = of_files([store.file(name) for name in tars])
        names = list(store.index)
    if not names:
        raise ImageError(
            f"{called} holds no image, expected files ending in {', '.join(PICTURE_SUFFIXES)}, or .tar shards of them",
            fault="no-pictures",
        )
    return Found(called, store, tuple(names))


def count(place: str | Path, most: int) -> int:
    """The number of pictures at a place, or `most` where there are more: no more are listed. Raises as `find` does."""
    names = islice((name for name in opened(place).names() if not name.endswith(TAR)), most)
    return sum(1 for _ in names) or min(len(find(place).names), most)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that could not be read, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Named pictures in a fixed order, read one at a time: a thousand of them need the memory of one.

    A set that was found at a place can be sent to another process, which opens the place anew.

    Attributes:
        names: Names of the pictures.
        read: Gives the picture of a name, uint8 RGB [H,W,3]; every pass over the set reads again.
        skipped: Pictures that could not be read.
    """

    names: tuple[str, ...]
    read: Callable[[str], Pixels]
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def from_place(
        cls, place: str | Path, spec: ImageSpec, *, limit: int | None = None, skip_broken: bool = False
    ) -> Self:
        """The pictures that `find` finds at a place, prepared as `of` says. Raises ImageError as both do."""
        return cls.of(find(place), spec, limit=limit, skip_broken=skip_broken)

    @classmethod
    def of(cls, found: Found, spec: ImageSpec, *, limit: int | None = None, skip_broken: bool = False) -> Self:
        """Make a set of pictures that were found.

        Args:
            found: The pictures.
            spec: How pictures are prepared.
            limit: Number of pictures, evenly spread over the sorted names, which may begin with all of one class.
                Default: all.
            skip_broken: Read each picture once now and move the unreadable ones to ``skipped``, without replacing them.

        Raises:
            ImageError: No picture can be read (``image.no-pictures``), or the place cannot be reached
                (``image.access``).
        """
        names = _spread(found.names, limit)
        reading = partial(read, found.store, spec)
        skipped = tuple(_broken(names, reading)) if skip_broken else ()
        readable = set(names).difference(broken.name for broken in skipped)
        if not readable:
            first = skipped[0].reason
            raise ImageError(f"no image in {found.place} can be read; the first: {first}", fault="no-pictures")
        return cls(tuple(name for name in names if name in readable), reading, skipped)

    @classmethod
    def from_arrays(cls, pictures: Mapping[str, Pixels]) -> Self:
        """Pictures made elsewhere: name -> uint8 RGB [H,W,3]; a lazy mapping is read on use, like a folder."""
        if not pictures:
            raise ImageError("no images were given, expected at least one", fault="no-pictures")
        return cls(tuple(pictures), pictures.__getitem__)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Pixels]:
        """uint8 RGB [H,W,3] each, in the order of `names`."""
        return map(self.read, self.names)

    def batches(self, size: int) -> Iterator[NDArray[np.float32]]:
        """float32 RGB [N,3,H,W] in [0,1] each, N = `size` but for a shorter last batch: what runners take."""
        if size < 1:
            raise ValueError(f"size is {size}, expected 1 or more images in a batch")
        for start in range(0, len(self), size):
            yield np.stack([to_planar(self.read(name)) for name in self.names[start : start + size]])

    def digest(self) -> str:
        """sha256 (hex) over every name, shape and pixel: independent of the folder that holds the pictures."""
        return digest_of({name: picture_digest(pixels) for name, pixels in zip(self.names, self, strict=True)})


def png(pixels: Pixels) -> bytes:
    """uint8 RGB [H,W,3] as the bytes of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def picture_digest(pixels: Pixels) -> str:
    """sha256 (hex) of one picture: its shape, as in `224x224x3`, a zero byte, its pixels."""
    return hashlib.sha256(f"{'x'.join(map(str, pixels.shape))}\0".encode() + pixels.tobytes()).hexdigest()


def digest_of(pictures: Mapping[str, str]) -> str:
    """sha256 (hex) of pictures, name -> digest: of the lines `<digest>  <name>`, in order."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in pictures.items())
    return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()


def skip(error: ImageError, name: str) -> Skipped:
    """The picture that an error is about. Raises the error again where it is about what holds the picture."""
    if error.fault == "access":
        raise error
    return Skipped(name, str(error))


def _spread(names: tuple[str, ...], limit: int | None) -> tuple[str, ...]:
    if limit is None or limit >= len(names):
        return names
    if limit < 1:
        raise ValueError(f"limit is {limit}, expected 1 or more")
    return tuple(names[index * len(names) // limit] for index in range(limit))


def _broken(names: Sequence[str], read: Callable[[str], Pixels]) -> Iterator[Skipped]:
    for name in names:
        try:
            read(name)
        except ImageError as error:
            yield skip(error, name)


def _decode(store: Store, name: str) -> Image.Image:
    """The picture with all its pixels read; Pillow's decoders raise almost anything on a broken file."""
    called = store.called(name)
    with _opened(store, name, called) as stream:
        picture = _recognised(stream, called)
        try:
            _require_room(called, picture)
            picture.load()
        except Exception as error:
            picture.close()
            if isinstance(error, ImageError):
                raise
            raise ImageError(f"{called} is truncated or damaged: {error}", fault="unreadable") from error
    return picture


def _opened(store: Store, name: str, called: str) -> BinaryIO:
    try:
        stream = store.open(name)
    except OSError as error:
        raise ImageError(f"{called} cannot be read: {error.strerror}", fault="unreadable") from error
    if stream.seek(0, io.SEEK_END) == 0:
        stream.close()
        raise ImageError(f"{called} is empty (0 bytes), expected an image", fault="unreadable")
    stream.seek(0)
    return stream


def _recognised(stream: BinaryIO, called: str) -> Image.Image:
    try:
        return Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{called} is not an image in a format that is read ({', '.join(FORMATS)}), or is cut short after its "
            "first bytes",
            fault="unreadable",
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{called} has too many pixels to be decoded safely: {error}", fault="too-large") from error
    except Exception as error:
        raise ImageError(f"{called} is truncated or damaged: {error}", fault="unreadable") from error


def _require_room(called: str, picture: Image.Image) -> None:
    """Before any pixel is decoded: a file of a few kilobytes can claim gigabytes."""
    if (needed := picture.width * picture.height * RGB_BYTES) > MAX_DECODED_BYTES:
        raise ImageError(
            f"{called} has {picture.width} x {picture.height} pixels, which take {needed / 1e6:.0f} MB in memory, "
            f"expected at most {MAX_DECODED_BYTES / 1e6:.0f} MB: make the image smaller",
            fault="too-large",
        )
