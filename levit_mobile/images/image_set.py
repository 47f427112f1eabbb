"""From a picture file to the pixels that every artifact takes: uint8 RGB [side,side,3].

The resize and the crop give the bytes of torchvision's `Resize(resize_px, BICUBIC)` + `CenterCrop(side_px)` on a
Pillow picture, which is LeViT's evaluation transform, with any version of Pillow. Mean and standard deviation are not
applied here: they live in the graph of every artifact. Embedded colour profiles are ignored, as torchvision does.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from levit_mobile.errors import ImageError

Pixels = NDArray[np.uint8]  # [H,W,3] RGB

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
ELONGATED = 64  # long side / short side beyond which only the crop's own part of the picture is resized
BICUBIC = Image.Resampling.BICUBIC


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """How a picture is prepared before the graph sees it, and how the graph normalises it.

    The default is LeViT's evaluation at 224 px. The resize is always antialiased bicubic, in Python as in the apps; the
    two fields exist because the contract states them.

    Attributes:
        side_px: Side in pixels of the square that is cropped from the centre.
        resize_px: Length in pixels to which the short side is resized first; at least ``side_px``.
        interpolation: Only ``"bicubic"``.
        antialias: Only True.
        mean: Mean of the red, green and blue values in [0,1], which the graph subtracts. Default: ImageNet's.
        std: Standard deviation of the same values, by which the graph divides; above 0. Default: ImageNet's.

    Raises:
        ValueError: A field is out of its range.
    """

    side_px: int = 224
    resize_px: int = 256
    interpolation: str = "bicubic"
    antialias: bool = True
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        if not 1 <= self.side_px <= self.resize_px:
            raise ValueError(f"side_px is {self.side_px}, expected 1 to {self.resize_px} (resize_px)")
        if self.interpolation != "bicubic" or not self.antialias:
            raise ValueError(
                f"interpolation is {self.interpolation!r} and antialias is {self.antialias}, "
                "expected 'bicubic' and True"
            )
        if len(self.mean) != 3 or not all(map(math.isfinite, self.mean)):
            raise ValueError(f"mean is {self.mean}, expected three finite numbers")
        if len(self.std) != 3 or not all(0 < value < math.inf for value in self.std):
            raise ValueError(f"std is {self.std}, expected three finite numbers above 0")

    @classmethod
    def for_side(cls, side_px: int) -> Self:
        """Return the spec for a crop of ``side_px`` pixels: 224 -> 256, 256 -> 292, 288 -> 329.

        Source: the evaluation transform of the LeViT authors' code resizes to ``int((256 / 224) * input_size)``.
        """
        return cls(side_px=side_px, resize_px=int((256 / 224) * side_px))


def preprocess(picture: Image.Image, spec: ImageSpec) -> Pixels:
    """Prepare one picture: upright, opaque, short side resized, centre cropped.

    EXIF orientation is applied. Opaque pictures are converted as Pillow's ``convert("RGB")`` does; transparent ones are
    laid over white, because that is what people see (dropping alpha would reveal whatever colour hides below it).
    16-bit grey is scaled to 8 bits, not clipped. An animation gives its first frame.

    Args:
        picture: A picture of any size and mode.
        spec: The sizes.

    Returns:
        uint8 RGB [side,side,3].

    Raises:
        ImageError: The pixels have no known range, or no way to RGB (``image.pixel-format``), or the EXIF data cannot
            be read (``image.unreadable``).
    """
    return np.array(_resize_and_crop(_to_rgb(_upright(picture)), spec))


def to_planar(pixels: Pixels) -> NDArray[np.float32]:
    """uint8 [H,W,3] in 0..255 -> float32 [3,H,W] in [0,1]; raises ValueError for any other input."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"expected uint8 [H,W,3], got {pixels.dtype} {list(pixels.shape)}")
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)


def load(path: Path, spec: ImageSpec) -> Pixels:
    """Read and prepare one picture file.

    Args:
        path: The file.
        spec: The sizes.

    Returns:
        uint8 RGB [side,side,3].

    Raises:
        ImageError: The file cannot be read completely (``image.not-found``, ``image.unreadable``), has too many pixels
            (``image.too-large``), or pixels that cannot become RGB (``image.pixel-format``).
    """
    with _decode(path) as picture:
        try:
            return preprocess(picture, spec)
        except ImageError as error:
            raise error.reworded(f"{path}: {error}") from error


def find_pictures(folder: Path) -> list[Path]:
    """All pictures below `folder`, sorted by their POSIX path relative to it; a single file is a list of one.

    Hidden files and folders are passed over (macOS leaves `._name.jpg` beside pictures, which are none). Raises
    ImageError when the folder does not exist or holds no picture.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise ImageError(f"{folder} does not exist, expected a folder of images or one image file", fault="not-found")
    found = {path.relative_to(folder): path for path in folder.rglob("*") if _is_picture(path)}
    visible = [name for name in found if not any(part.startswith(".") for part in name.parts)]
    if not visible:
        raise ImageError(
            f"{folder} holds no image, expected files ending in {', '.join(PICTURE_SUFFIXES)}", fault="no-pictures"
        )
    return [found[name] for name in sorted(visible, key=Path.as_posix)]


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
        read: Gives the picture of a name, uint8 RGB [side,side,3]; every pass over the set reads again.
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
        """Pictures made elsewhere: name -> uint8 RGB [side,side,3]; a lazy mapping is read on use, like a folder."""
        if not pictures:
            raise ImageError("no images were given, expected at least one", fault="no-pictures")
        return cls(tuple(pictures), pictures.__getitem__)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Pixels]:
        """uint8 RGB [side,side,3] each, in the order of `names`."""
        return map(self.read, self.names)

    def batches(self, size: int) -> Iterator[NDArray[np.float32]]:
        """float32 RGB [N,3,side,side] in [0,1] each, N = `size` but for a shorter last batch: what runners take."""
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


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()


def _decode(path: Path) -> Image.Image:
    """The picture with all its pixels read; Pillow's decoders raise almost anything on a broken file."""
    if not path.is_file():
        raise ImageError(f"{path} {'is not a file' if path.exists() else 'does not exist'}", fault="not-found")
    if path.stat().st_size == 0:
        raise ImageError(f"{path} is empty (0 bytes), expected an image", fault="unreadable")
    try:
        picture = Image.open(path)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path} is not an image in a known format, or is cut short after its first bytes", fault="unreadable"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path} has too many pixels to be decoded safely: {error}", fault="too-large") from error
    except Exception as error:
        raise ImageError(f"{path} is truncated or damaged: {error}", fault="unreadable") from error
    try:
        picture.load()
    except Exception as error:
        picture.close()
        raise ImageError(f"{path} is truncated or damaged: {error}", fault="unreadable") from error
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception as error:  # the parser raises almost anything, as the decoders do
        raise ImageError(f"the EXIF data is damaged: {error}", fault="unreadable") from error


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        picture = _sixteen_to_eight_bits(picture)
    if picture.mode == "F":
        raise ImageError(
            "the image has floating-point pixels of unknown range, expected 8 or 16 bits per channel",
            fault="pixel-format",
        )
    try:
        return _over_white(picture) if picture.has_transparency_data else picture.convert("RGB")
    except ValueError as error:
        raise ImageError(f"images of mode {picture.mode} cannot be converted to RGB", fault="pixel-format") from error


def _sixteen_to_eight_bits(picture: Image.Image) -> Image.Image:
    """Grey in 0..65535 -> grey in 0..255, rounded to nearest: 257 * 255 = 65535."""
    values = np.asarray(picture).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(
            f"the grey values range from {values.min()} to {values.max()}, expected 0 to 65535 (16 bits)",
            fault="pixel-format",
        )
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _over_white(picture: Image.Image) -> Image.Image:
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _resize_and_crop(picture: Image.Image, spec: ImageSpec) -> Image.Image:
    """torchvision's sizes: the long side is truncated, the crop's corner rounded half to even.

    Two calls, because the order of the passes shows in the bytes: Pillow up to 12 goes across first, Pillow 13 goes
    down first where that is cheaper (pictures from about 1:2). Cropping between them changes no byte.
    """
    short, side = min(picture.size), spec.side_px
    width, height = (int(spec.resize_px * edge / short) for edge in picture.size)
    left, top = round((width - side) / 2), round((height - side) / 2)
    if max(picture.size) > ELONGATED * short:
        x, y = picture.width / width, picture.height / height
        return _resize_part(picture, (left * x, top * y, (left + side) * x, (top + side) * y), side)
    across = picture.resize((width, picture.height), BICUBIC).crop((left, 0, left + side, picture.height))
    return across.resize((side, height), BICUBIC).crop((0, top, side, top + side))


def _resize_part(picture: Image.Image, part: tuple[float, float, float, float], side: int) -> Image.Image:
    """`part` of an elongated picture -> [side,side]: a 1 x 10000 picture would otherwise become 256 x 2560000.

    It is not done always because Pillow keeps the corners of `part` as 32-bit floats, which moves the filter a little
    and with it a few bytes by a level or two. What the filter cannot reach is cut away first: it bounds the memory of
    the pass across, and near 0 those floats are finest.
    """
    reach = math.ceil(2 * max(part[2] - part[0], part[3] - part[1], side) / side) + 1  # bicubic: two pixels each way
    x, y = max(math.floor(part[0]) - reach, 0), max(math.floor(part[1]) - reach, 0)
    ends = min(math.ceil(part[2]) + reach, picture.width), min(math.ceil(part[3]) + reach, picture.height)
    near = picture.crop((x, y, *ends))
    across = near.resize((side, near.height), BICUBIC, box=(part[0] - x, 0, part[2] - x, near.height))
    return across.resize((side, side), BICUBIC, box=(0, part[1] - y, side, part[3] - y))
