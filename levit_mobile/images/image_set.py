"""Picture files and sets of them, prepared as an `ImageSpec` says and read one at a time."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from levit_mobile.errors import ImageError
from levit_mobile.images.preprocessing import Pixels, preprocess, to_planar
from levit_mobile.images.spec import ImageSpec

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
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
    with _decode(path) as picture:
        try:
            return preprocess(picture, spec)
        except ImageError as error:
            raise error.reworded(f"{path}: {error}") from error


def find_pictures(folder: Path) -> list[Path]:
    """Find all pictures below a folder, through links to folders too.

    Hidden files and folders are passed over (macOS leaves `._name.jpg` beside pictures, which are none). A link to
    nothing counts as a picture that cannot be read: it may have been one, or a folder of them.

    Args:
        folder: The folder, or a single file.

    Returns:
        The pictures, sorted by their POSIX path relative to the folder; a single file is a list of one.

    Raises:
        ImageError: The folder does not exist (``image.not-found``), holds no picture (``image.no-pictures``), or it or
            a folder in it cannot be read (``image.unreadable``).
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise ImageError(f"{folder} does not exist, expected a folder of images or one image file", fault="not-found")
    found = {path.relative_to(folder): path for path in _files_below(folder) if _is_picture(path)}
    if not found:
        raise ImageError(
            f"{folder} holds no image, expected files ending in {', '.join(PICTURE_SUFFIXES)}", fault="no-pictures"
        )
    return [found[name] for name in sorted(found, key=Path.as_posix)]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that could not be read, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Named pictures in a fixed order, read one at a time: a thousand of them need the memory of one.

    A set of a folder can be sent to another process.

    Attributes:
        names: Names of the pictures.
        read: Gives the picture of a name, uint8 RGB [H,W,3]; every pass over the set reads again.
        skipped: Pictures that could not be read.
    """

    names: tuple[str, ...]
    read: Callable[[str], Pixels]
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def from_folder(cls, folder: Path, spec: ImageSpec, *, limit: int | None = None, skip_broken: bool = False) -> Self:
        """Find the pictures below a folder, named by their POSIX path relative to it.

        Args:
            folder: The folder, or a single picture.
            spec: How pictures are prepared.
            limit: Number of pictures, evenly spread over the sorted names, which may begin with all of one class.
                Default: all.
            skip_broken: Read each picture once now and move the unreadable ones to ``skipped``, without replacing them.

        Raises:
            ImageError: There is no folder (``image.not-found``), or no readable picture in it (``image.no-pictures``).
        """
        root = folder.parent if folder.is_file() else folder
        names = [path.relative_to(root).as_posix() for path in _spread(find_pictures(folder), limit)]
        read = partial(_read_below, root, spec)
        skipped = tuple(_broken(names, read)) if skip_broken else ()
        readable = set(names).difference(broken.name for broken in skipped)
        if not readable:
            raise ImageError(f"no image in {folder} can be read; the first: {skipped[0].reason}", fault="no-pictures")
        return cls(tuple(name for name in names if name in readable), read, skipped)

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


def _spread(paths: list[Path], limit: int | None) -> list[Path]:
    if limit is None or limit >= len(paths):
        return paths
    if limit < 1:
        raise ValueError(f"limit is {limit}, expected 1 or more")
    return [paths[index * len(paths) // limit] for index in range(limit)]


def _read_below(root: Path, spec: ImageSpec, name: str) -> Pixels:
    return load(root / name, spec)


def _broken(names: list[str], read: Callable[[str], Pixels]) -> Iterator[Skipped]:
    for name in names:
        try:
            read(name)
        except ImageError as error:
            yield Skipped(name, str(error))


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


def _is_picture(path: Path) -> bool:
    return _leads_nowhere(path) or (path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _decode(path: Path) -> Image.Image:
    """The picture with all its pixels read; Pillow's decoders raise almost anything on a broken file."""
    _require_content(path)
    try:
        picture = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path} is not an image in a format that is read ({', '.join(FORMATS)}), or is cut short after its first "
            "bytes",
            fault="unreadable",
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path} has too many pixels to be decoded safely: {error}", fault="too-large") from error
    except Exception as error:
        raise ImageError(f"{path} is truncated or damaged: {error}", fault="unreadable") from error
    try:
        _require_room(path, picture)
        picture.load()
    except Exception as error:
        picture.close()
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{path} is truncated or damaged: {error}", fault="unreadable") from error
    return picture


def _require_content(path: Path) -> None:
    if _leads_nowhere(path):
        raise ImageError(f"{path} is a link to {path.readlink()}, which does not exist", fault="not-found")
    if not path.is_file():
        raise ImageError(f"{path} {'is not a file' if path.exists() else 'does not exist'}", fault="not-found")
    if path.stat().st_size == 0:
        raise ImageError(f"{path} is empty (0 bytes), expected an image", fault="unreadable")


def _require_room(path: Path, picture: Image.Image) -> None:
    """Before any pixel is decoded: a file of a few kilobytes can claim gigabytes."""
    if (needed := picture.width * picture.height * RGB_BYTES) > MAX_DECODED_BYTES:
        raise ImageError(
            f"{path} has {picture.width} x {picture.height} pixels, which take {needed / 1e6:.0f} MB in memory, "
            f"expected at most {MAX_DECODED_BYTES / 1e6:.0f} MB: make the image smaller",
            fault="too-large",
        )
