"""From a picture of any size to the pixels that every artifact takes: uint8 RGB [crop height, crop width, 3].

What is done is in an `ImageSpec`; its bytes are those of Pillow's antialiased resampling, across before down, with any
version of Pillow. Mean and standard deviation are not applied here: they live in the graph of every artifact. Embedded
colour profiles are ignored, as torchvision, timm and transformers ignore them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from levit_mobile.errors import ImageError
from levit_mobile.images.spec import LEVELS, ImageSpec, Interpolation

Pixels = NDArray[np.uint8]  # [H,W,3] RGB

ELONGATED = 64  # long side / short side beyond which only the crop's own part of the picture is resized
FILTERS: dict[Interpolation, Image.Resampling] = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


def preprocess(picture: Image.Image, spec: ImageSpec) -> Pixels:
    """Prepare one picture: upright, opaque, resized, centre cropped.

    EXIF orientation is applied. Opaque pictures are converted as Pillow's ``convert("RGB")`` does; transparent ones are
    laid over white, because that is what people see (dropping alpha would reveal whatever colour hides below it).
    16-bit grey is scaled to 8 bits, not clipped. An animation gives its first frame.

    Args:
        picture: A picture of any size and mode.
        spec: What is done.

    Returns:
        uint8 RGB [crop height, crop width, 3].

    Raises:
        ImageError: The pixels have no known range, or no way to RGB (``image.pixel-format``), or the EXIF data cannot
            be read (``image.unreadable``).
    """
    return np.array(_resize_and_crop(_to_rgb(_upright(picture)), spec))


def to_planar(pixels: Pixels) -> NDArray[np.float32]:
    """uint8 [H,W,3] in 0..255 -> float32 [3,H,W] in [0,1]; raises ValueError for any other input."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"expected uint8 [H,W,3], got {pixels.dtype} {list(pixels.shape)}")
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32) / np.float32(LEVELS)


# A picture as opaque, upright RGB


def _upright(picture: Image.Image) -> Image.Image:
    try:
        turned = picture.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(picture) if turned else picture  # it would copy an upright picture
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
        if picture.has_transparency_data:
            return _over_white(picture)
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    except ValueError as error:
        raise ImageError(f"images of mode {picture.mode} cannot be converted to RGB", fault="pixel-format") from error


def _sixteen_to_eight_bits(picture: Image.Image) -> Image.Image:
    """Grey in 0..65535 -> grey in 0..255, rounded to nearest: 257 * 255 = 65535."""
    values = np.asarray(picture)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(
            f"the grey values range from {values.min()} to {values.max()}, expected 0 to 65535 (16 bits)",
            fault="pixel-format",
        )
    levels = np.empty(values.shape, np.uint8)
    for row, rounded in zip(values, levels, strict=True):  # one at a time: the sums need more room than the picture
        rounded[:] = (row.astype(np.uint32) + 128) // 257
    return Image.fromarray(levels)


def _over_white(picture: Image.Image) -> Image.Image:
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


# Resizing and cropping


def _resize_and_crop(picture: Image.Image, spec: ImageSpec) -> Image.Image:
    """The part of the resized picture that the crop keeps, with black around it where the picture ends.

    Two calls, because the order of the passes shows in the bytes: Pillow up to 12 goes across first, Pillow 13 goes
    down first where that is cheaper (pictures from about 1:2). Cropping between them changes no byte.
    """
    width, height = resized(picture.size, spec)
    left, top = _corner(width, spec.crop_width, spec), _corner(height, spec.crop_height, spec)
    right, bottom = left + spec.crop_width, top + spec.crop_height
    if spec.mode == "none":
        return picture.crop((left, top, right, bottom))
    if spec.mode == "short side" and max(picture.size) > ELONGATED * min(picture.size):
        return _resize_part(picture, (width, height), (left, top, right, bottom), FILTERS[spec.interpolation])
    across = _scaled(picture, (width, picture.height), spec).crop((left, 0, right, picture.height))
    return _scaled(across, (spec.crop_width, height), spec).crop((0, top, spec.crop_width, bottom))


def resized(size: tuple[int, int], spec: ImageSpec) -> tuple[int, int]:
    """Width and height of a picture of this width and height after resizing.

    A square is covered as torchvision's `Resize(int)` does: the long side is truncated. A rectangle is covered as
    timm's `ResizeKeepRatio` does: both sides are rounded.
    """
    if spec.mode == "none":
        return size
    if spec.mode == "squash":
        return spec.width, spec.height
    if spec.height == spec.width:
        return int(spec.width * size[0] / min(size)), int(spec.height * size[1] / min(size))
    ratio = min(size[0] / spec.width, size[1] / spec.height)
    return max(round(size[0] / ratio), 1), max(round(size[1] / ratio), 1)


def _corner(edge: int, crop: int, spec: ImageSpec) -> int:
    """Where the crop begins; below 0 where the picture is smaller."""
    if spec.crop_rounding == "down":
        return (edge - crop) // 2
    return round((edge - crop) / 2) if edge >= crop else -((crop - edge) // 2)


def _scaled(picture: Image.Image, size: tuple[int, int], spec: ImageSpec) -> Image.Image:
    return picture.resize(size, FILTERS[spec.interpolation])


def _resize_part(
    picture: Image.Image, size: tuple[int, int], crop: tuple[int, int, int, int], kind: Image.Resampling
) -> Image.Image:
    """`crop` of an elongated picture resized to `size`: a 1 x 10000 picture would otherwise become 256 x 2560000.

    It is not done always because Pillow keeps the corners of a part as 32-bit floats, which moves the filter a little
    and with it a few bytes by a level or two. What the filter cannot reach is cut away first: it bounds the memory of
    the pass across, and near 0 those floats are finest.
    """
    inside = max(crop[0], 0), max(crop[1], 0), min(crop[2], size[0]), min(crop[3], size[1])
    wide, high = inside[2] - inside[0], inside[3] - inside[1]
    x, y = picture.width / size[0], picture.height / size[1]
    part = inside[0] * x, inside[1] * y, inside[2] * x, inside[3] * y
    shrinking = max((part[2] - part[0]) / wide, (part[3] - part[1]) / high, 1)
    reach = math.ceil(2 * shrinking) + 1  # bicubic: two pixels each way
    first_x, first_y = max(math.floor(part[0]) - reach, 0), max(math.floor(part[1]) - reach, 0)
    ends = min(math.ceil(part[2]) + reach, picture.width), min(math.ceil(part[3]) + reach, picture.height)
    near = picture.crop((first_x, first_y, *ends))
    across = near.resize((wide, near.height), kind, box=(part[0] - first_x, 0, part[2] - first_x, near.height))
    made = across.resize((wide, high), kind, box=(0, part[1] - first_y, wide, part[3] - first_y))
    offset_x, offset_y = crop[0] - inside[0], crop[1] - inside[1]
    return made.crop((offset_x, offset_y, offset_x + crop[2] - crop[0], offset_y + crop[3] - crop[1]))
