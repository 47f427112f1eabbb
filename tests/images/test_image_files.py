"""Image files by what is in them: the formats that are opened, and the memory that a picture may take."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image
from support.refusals import refused

from levit_mobile.errors import ImageError
from levit_mobile.images import image_set
from levit_mobile.images.image_set import FORMATS, PICTURE_SUFFIXES, load
from levit_mobile.images.spec import ImageSpec

SMALL = ImageSpec(height=32, width=32, crop_height=28, crop_width=28)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\nshowpage\n%%EOF\n"


def empty_png(width: int, height: int, bits: int = 8, colour: int = 2) -> bytes:
    """A PNG that claims so many pixels and holds none."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_every_listed_suffix_is_of_a_format_that_is_opened() -> None:
    Image.init()
    assert {Image.EXTENSION[suffix] for suffix in PICTURE_SUFFIXES} == set(FORMATS)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_listed_formats_are_opened_by_any_name(tmp_path: Path, photograph: Image.Image, kind: str) -> None:
    photograph.save(tmp_path / "a.jpg", kind)
    assert load(tmp_path / "a.jpg", SMALL).shape == (28, 28, 3)


def test_a_phones_jpeg_with_a_second_picture_gives_its_first(tmp_path: Path, photograph: Image.Image) -> None:
    second = Image.new("RGB", photograph.size, "red")
    photograph.save(tmp_path / "two.jpg", "MPO", save_all=True, append_images=[second], quality=95)
    photograph.save(tmp_path / "one.jpg", "JPEG", quality=95)
    np.testing.assert_array_equal(load(tmp_path / "two.jpg", SMALL), load(tmp_path / "one.jpg", SMALL))


def test_postscript_by_the_name_of_a_jpeg_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *arguments, **_: started.append(arguments))
    (tmp_path / "a.jpg").write_bytes(EPS)
    with refused(ImageError, "image.unreadable", tmp_path / "a.jpg", "JPEG"):
        load(tmp_path / "a.jpg", SMALL)
    assert started == []


def test_no_other_format_is_opened(tmp_path: Path, photograph: Image.Image) -> None:
    Image.init()
    tried = 0
    for kind in sorted(set(Image.SAVE) - {*FORMATS, "DIB", "MPO"}):
        stream = io.BytesIO()
        try:
            photograph.save(stream, kind)
        except Exception:  # a format for other modes, or one that needs a library
            continue
        (tmp_path / "a.jpg").write_bytes(stream.getvalue())
        with refused(ImageError, "image.unreadable", "a.jpg"):
            load(tmp_path / "a.jpg", SMALL)
        tried += 1
    assert tried > 10


@pytest.mark.parametrize(("bits", "colour"), [(16, 0), (8, 0), (8, 2), (8, 6)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_beyond_the_bound_is_refused_before_it_is_decoded(tmp_path: Path, bits: int, colour: int) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(empty_png(13000, 13000, bits, colour))
    with refused(ImageError, "image.too-large", path, "13000 x 13000", "676 MB", "640 MB"):
        load(path, SMALL)


def test_the_bound_itself_is_let_through(
    tmp_path: Path, photograph: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph.save(path := tmp_path / "a.png")
    decoded = photograph.width * photograph.height * 4
    monkeypatch.setattr(image_set, "MAX_DECODED_BYTES", decoded)
    assert load(path, SMALL).shape == (28, 28, 3)
    monkeypatch.setattr(image_set, "MAX_DECODED_BYTES", decoded - 1)
    with refused(ImageError, "image.too-large", path):
        load(path, SMALL)


MEASURE = """
import resource, sys
from pathlib import Path
from levit_mobile.images.image_set import load
from levit_mobile.images.spec import ImageSpec
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
load(Path(sys.argv[1]), ImageSpec())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="ru_maxrss has another unit there")
def test_sixteen_bits_take_no_more_than_the_bound_twice(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((6000, 6000), np.uint16)).save(path := tmp_path / "grey.png", compress_level=1)
    taken = subprocess.run([sys.executable, "-c", MEASURE, str(path)], check=True, capture_output=True, text=True)
    assert int(taken.stdout) * 1024 < 2 * 6000 * 6000 * image_set.RGB_BYTES
