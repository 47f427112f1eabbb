"""Write testdata/, which the Python, Kotlin and Swift tests share: `python tools/write_testdata.py`.

Images come from Pillow's own resize, tensors and figures from levit_mobile. Inputs are drawn by a small generator, so
that they need no files. A test compares the committed files with what this makes.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from testdata_base import Bytes, as_json, drawn, named
from testdata_parity import parity_files
from testdata_records import contract_files, index_files, timing_files
from testdata_tensors import output_files, tensor_files

from levit_mobile.images.preprocessing import preprocess, resized
from levit_mobile.images.spec import ImageSpec

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "testdata"
TURNS = {  # EXIF orientation -> what makes the stored image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


# Resizing


@dataclass(frozen=True)
class Resize:
    """One image with its preparation. `row_stride` is in bytes; the bytes after a row's pixels mean nothing."""

    name: str
    width: int
    height: int
    mode: str = "short side"
    to: tuple[int, int] = (37, 37)  # height and width
    crop: tuple[int, int] = (32, 32)
    interpolation: str = "bicubic"
    crop_rounding: str = "half even"
    orientation: int = 1
    channels: int = 3
    padding: int = 0
    photograph: bool = False

    @property
    def row_stride(self) -> int:
        return self.width * self.channels + self.padding

    @property
    def seed(self) -> int:
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4], "big")

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The fields of a contract's `preprocessing` that decide pixels."""
        return {
            "mode": self.mode,
            "height": self.to[0],
            "width": self.to[1],
            "crop_height": self.crop[0],
            "crop_width": self.crop[1],
            "interpolation": self.interpolation,
            "antialias": True,
            "crop_rounding": self.crop_rounding,
        }

    @property
    def spec(self) -> ImageSpec:
        return ImageSpec(**self.preprocessing)

    def stored(self) -> Bytes:
        """The image as it is stored: [height, row_stride] bytes."""
        if self.photograph:
            return photograph(self.width, self.height)
        return drawn(self.seed, self.height * self.row_stride).reshape(self.height, self.row_stride)

    def picture(self) -> Image.Image:
        """The image without padding, in its stored orientation."""
        pixels = self.stored()[:, : self.width * self.channels].reshape(self.height, self.width, self.channels)
        return Image.fromarray(np.ascontiguousarray(pixels), "RGBA" if self.channels == 4 else "RGB")


RESIZES = (
    Resize("down", 101, 67),
    Resize("down-much", 640, 480, to=(32, 32), crop=(28, 28)),
    Resize("frame-1280x720", 1280, 720, to=(64, 64), crop=(56, 56), orientation=6),
    Resize("up", 11, 9),
    Resize("up-much", 3, 2, to=(64, 64), crop=(48, 48)),
    Resize("same-size", 40, 37),
    Resize("across-only", 90, 37),
    Resize("one-pixel", 1, 1),
    Resize("one-row", 23, 1),
    Resize("one-column", 1, 23),
    Resize("long-1-to-60", 300, 5),
    Resize("tall-60-to-1", 5, 300),
    Resize("elongated-1-to-100", 400, 4),
    Resize("elongated-100-to-1", 3, 301, interpolation="bilinear"),
    Resize("elongated-rectangle", 5, 331, to=(21, 40), crop=(20, 33)),
    Resize("bilinear-down", 101, 67, interpolation="bilinear"),
    Resize("bilinear-up", 13, 21, interpolation="bilinear"),
    Resize("bilinear-squash", 71, 31, "squash", interpolation="bilinear"),
    Resize("squash", 55, 90, "squash"),
    Resize("squash-rectangle", 64, 48, "squash", to=(30, 51), crop=(29, 44)),
    Resize("rectangle", 83, 41, to=(40, 60), crop=(31, 50)),
    Resize("rectangle-tall", 41, 83, to=(60, 40), crop=(50, 31), crop_rounding="down"),
    Resize("none", 45, 39, "none"),
    Resize("none-larger-crop", 21, 47, "none", crop=(40, 30)),
    Resize("crop-larger-than-image", 30, 30, to=(20, 20), crop=(27, 32)),
    Resize("crop-rounding-half-even", 64, 64, to=(35, 35), crop=(32, 32)),
    Resize("crop-rounding-down", 64, 64, to=(35, 35), crop=(32, 32), crop_rounding="down"),
    Resize("crop-odd-corner", 90, 64, to=(39, 39), crop=(32, 32)),
    *(Resize(f"orientation-{turn}", 47, 33, orientation=turn) for turn in range(2, 9)),
    Resize("padded", 50, 40, padding=14),
    Resize("padded-one", 31, 45, padding=1, orientation=8, interpolation="bilinear"),
    Resize("alpha", 60, 44, channels=4),
    Resize("alpha-padded", 33, 47, channels=4, padding=28, orientation=5),
    Resize("photograph-224", 320, 240, to=(256, 256), crop=(224, 224), photograph=True),
)


def photograph(width: int, height: int) -> Bytes:
    """The centre of a photograph at full resolution: [height, 3 width] bytes. It has a file, for decoders differ."""
    with Image.open(ROOT / "levit_mobile/data/photographs/flower.jpg") as whole:
        left, top = (whole.width - width) // 2, (whole.height - height) // 2
        return np.asarray(whole.convert("RGB").crop((left, top, left + width, top + height))).reshape(height, -1)


def by_pillow(one: Resize) -> Bytes:
    """What Pillow makes of it, across before down. An elongated image is resized in part, as `preprocess` does it."""
    picture = one.picture()
    if one.channels == 4:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    upright = picture.convert("RGB")
    if one.orientation in TURNS:
        upright = upright.transpose(TURNS[one.orientation])
    if one.mode == "short side" and max(upright.size) > 64 * min(upright.size):
        return preprocess(upright, one.spec)
    kind, (width, height) = FILTERS[one.interpolation], resized(upright.size, one.spec)
    whole = upright.resize((width, upright.height), kind).resize((width, height), kind)
    left, top = corner(width, one.crop[1], one.crop_rounding), corner(height, one.crop[0], one.crop_rounding)
    return np.asarray(whole.crop((left, top, left + one.crop[1], top + one.crop[0])))


def corner(edge: int, crop: int, rounding: str) -> int:
    """Where the crop begins; below 0 where the image is smaller."""
    if rounding == "down":
        return (edge - crop) // 2
    return round((edge - crop) / 2) if edge >= crop else -((crop - edge) // 2)


def resize_files() -> Iterator[tuple[str, bytes]]:
    """The index, the expected pixels and the photograph."""
    index = []
    for one in RESIZES:
        expected = by_pillow(one).tobytes()
        entry = {name: value for name, value in asdict(one).items() if name in INDEXED}
        entry |= {"row_stride": one.row_stride, "preprocessing": one.preprocessing}
        entry |= {"source_file": f"resize/{one.name}.source"} if one.photograph else {"seed": one.seed}
        index.append(entry | named(f"resize/{one.name}.rgb8", expected))
        yield f"resize/{one.name}.rgb8", expected
        if one.photograph:
            yield f"resize/{one.name}.source", one.stored().tobytes()
    yield "resize.json", as_json(index)


INDEXED = ("name", "width", "height", "orientation", "channels")


# Camera frames


@dataclass(frozen=True)
class Yuv:
    """One frame in one buffer, as Android's YUV_420_888 gives it: planes with row strides, chroma also in steps."""

    name: str
    width: int
    height: int
    range: str
    y_row_stride: int
    uv_row_stride: int
    uv_pixel_stride: int
    y_offset: int
    u_offset: int
    v_offset: int
    length: int

    @property
    def seed(self) -> int:
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4], "big")


def interleaved(name: str, width: int, height: int, kind: str, *, v_first: bool, padding: int = 0) -> Yuv:
    """NV21 (v first) or NV12; the last row of a plane has no padding, as on phones."""
    wide, high, stride = (width + 1) // 2, (height + 1) // 2, width + padding
    uv_stride, start = 2 * wide + padding, stride * (height - 1) + width
    offsets = (start + 1, start) if v_first else (start, start + 1)
    length = start + uv_stride * (high - 1) + 2 * wide
    return Yuv(name, width, height, kind, stride, uv_stride, 2, 0, *offsets, length)


def planar(name: str, width: int, height: int, kind: str, *, padding: int = 0) -> Yuv:
    """I420: three planes after each other."""
    wide, high, stride = (width + 1) // 2, (height + 1) // 2, width + padding
    uv_stride, start = wide + padding, stride * height
    middle = start + uv_stride * high
    length = middle + uv_stride * (high - 1) + wide
    return Yuv(name, width, height, kind, stride, uv_stride, 1, 0, start, middle, length)


FRAMES = (
    interleaved("nv21-full", 16, 12, "full", v_first=True),
    interleaved("nv21-limited", 16, 12, "limited", v_first=True),
    interleaved("nv21-odd-padded-full", 15, 9, "full", v_first=True, padding=17),
    interleaved("nv12-padded-limited", 14, 10, "limited", v_first=False, padding=2),
    planar("planes-full", 18, 8, "full"),
    planar("planes-odd-padded-limited", 13, 7, "limited", padding=19),
    planar("planes-odd-padded-full", 33, 21, "full", padding=31),
    interleaved("one-pixel-full", 1, 1, "full", v_first=True),
)
# Red from V, green from U and V, blue from U, and Y's own factor, of BT.601, times 2^16, rounded.
FACTORS = {"full": (65536, 91881, 22554, 46802, 116130, 0), "limited": (76309, 104597, 25675, 53279, 132201, 16)}


def yuv_to_rgb(one: Yuv, buffer: Bytes) -> Bytes:
    """BT.601 in integers: [H,W,3]. Every chroma sample colours its two by two pixels."""
    rows, columns = np.arange(one.height)[:, None], np.arange(one.width)[None]
    at = (rows // 2) * one.uv_row_stride + (columns // 2) * one.uv_pixel_stride
    y = buffer[one.y_offset + rows * one.y_row_stride + columns].astype(np.int64)
    u, v = (buffer[offset + at].astype(np.int64) - 128 for offset in (one.u_offset, one.v_offset))
    of_y, red, green_u, green_v, blue, black = FACTORS[one.range]
    light = (y - black) * of_y + (1 << 15)
    colours = light + red * v, light - green_u * u - green_v * v, light + blue * u
    return np.stack([(colour >> 16).clip(0, 255) for colour in colours], axis=-1).astype(np.uint8)


def yuv_files() -> Iterator[tuple[str, bytes]]:
    """The index and the expected pixels."""
    index = []
    for one in FRAMES:
        expected = yuv_to_rgb(one, drawn(one.seed, one.length)).tobytes()
        index.append(asdict(one) | {"seed": one.seed} | named(f"yuv/{one.name}.rgb8", expected))
        yield f"yuv/{one.name}.rgb8", expected
    yield "yuv.json", as_json(index)


# All files


def written() -> dict[str, bytes]:
    """Every file below testdata/ but the README, and its bytes."""
    made = (resize_files(), yuv_files(), tensor_files(), output_files())
    files = {name: content for group in made for name, content in group}
    texts = {**parity_files(), **contract_files(), **timing_files(), **index_files()}
    return files | {name: as_json(value) for name, value in texts.items()}


if __name__ == "__main__":
    for name, content in written().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_bytes(content)
    sys.stdout.write(f"wrote {len(written())} files\n")
