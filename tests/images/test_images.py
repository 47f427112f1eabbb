"""Pictures: the transform against torchvision's rule written out, every mode and orientation, broken files, sets."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.photographs import SPEC, noise, torchvision_rule
from support.refusals import refused

from levit_mobile.errors import ImageError
from levit_mobile.images import preprocessing as images
from levit_mobile.images.preprocessing import Pixels, preprocess, to_planar
from levit_mobile.images.spec import ImageSpec

SMALL = ImageSpec(height=32, width=32, crop_height=28, crop_width=28)


def bicubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic with a = -1/2."""
    d = np.abs(distance)
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))


def resize_rows(pixels: Pixels, count: int) -> Pixels:
    """[H,W,3] -> [count,W,3] in integers: weights rounded to 22 bits, as Pillow documents its 8-bit resampling."""
    scale = len(pixels) / count
    stretch = max(scale, 1.0)
    weights = np.zeros((count, len(pixels)), np.int64)
    for row in range(count):
        centre = (row + 0.5) * scale
        first = max(int(centre - 2 * stretch + 0.5), 0)
        last = min(int(centre + 2 * stretch + 0.5), len(pixels))
        raw = bicubic((np.arange(first, last) - centre + 0.5) / stretch)
        weights[row, first:last] = np.trunc(raw / raw.sum() * 2**22 + np.where(raw < 0, -0.5, 0.5))
    sums = np.tensordot(weights, pixels.astype(np.int64), axes=1) + 2**21
    return (sums >> 22).clip(0, 255).astype(np.uint8)


def by_hand(picture: Image.Image) -> Pixels:
    """The same rule without Pillow's resampling: across, then down, each rounded to bytes."""
    pixels = np.array(picture)
    height, width = pixels.shape[:2]
    short = min(width, height)
    across = resize_rows(pixels.transpose(1, 0, 2), int(256 * width / short)).transpose(1, 0, 2)
    down = resize_rows(across, int(256 * height / short))
    top, left = round((down.shape[0] - 224) / 2), round((down.shape[1] - 224) / 2)
    return down[top : top + 224, left : left + 224]


def encoded(picture: Image.Image, kind: str, **options: object) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return Image.open(io.BytesIO(stream.getvalue()))


# The spec


def test_default_spec_is_levit_evaluation() -> None:
    assert (SPEC.mode, SPEC.height, SPEC.width, SPEC.interpolation) == ("short side", 256, 256, "bicubic")
    assert (SPEC.crop_height, SPEC.crop_width, SPEC.crop_rounding, SPEC.antialias) == (224, 224, "half even", True)
    assert SPEC.mean == (0.485, 0.456, 0.406)
    assert SPEC.std == (0.229, 0.224, 0.225)


@pytest.mark.parametrize(("side", "resize"), [(224, 256), (256, 292), (288, 329), (320, 365), (384, 438), (28, 32)])
def test_for_side_follows_the_paper(side: int, resize: int) -> None:
    assert ImageSpec.for_side(side) == ImageSpec(height=resize, width=resize, crop_height=side, crop_width=side)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"crop_height": 0}, "crop_height is 0, expected 1 or more pixels"),
        ({"width": -1}, "width is -1, expected 1 or more pixels"),
        ({"mode": "long side"}, "mode is 'long side', expected 'short side' or 'squash' or 'none'"),
        ({"interpolation": "lanczos"}, "interpolation is 'lanczos', expected 'bicubic' or 'bilinear'"),
        ({"crop_rounding": "up"}, "crop_rounding is 'up', expected 'half even' or 'down'"),
        ({"rescale": 0.0}, "rescale is 0.0, expected a finite number above 0"),
        ({"rescale": float("nan")}, "rescale is nan"),
        ({"antialias": False}, "antialias is False"),
        ({"mean": (0.5, 0.5)}, "mean is"),
        ({"mean": (0.5, 0.5, float("nan"))}, "mean is"),
        ({"std": (0.2, 0.2, 0.0)}, "std is"),
        ({"std": (0.2, 0.2, float("nan"))}, "std is"),
        ({"std": (0.2, 0.2, float("inf"))}, "std is"),
    ],
)
def test_impossible_specs_are_refused(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        ImageSpec(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"mean": (0.5,) * 4}, {"std": (0.2,) * 4}, {"std": (0.2, -0.2, 0.2)}])
def test_means_and_deviations_are_three_and_those_above_zero(wrong: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match="expected three finite numbers"):
        ImageSpec(**wrong)  # type: ignore[arg-type]
    assert ImageSpec(mean=(0.0, -1.0, 2.0), std=(1e-9, 1.0, 9.0)).mean == (0.0, -1.0, 2.0)


# The transform


@pytest.mark.parametrize("size", [(640, 427), (427, 640), (256, 256), (224, 224), (255, 257), (97, 131), (1600, 1201)])
def test_preprocess_is_torchvisions_rule(photograph: Image.Image, size: tuple[int, int]) -> None:
    picture = photograph.resize(size)
    pixels = preprocess(picture, SPEC)
    assert pixels.shape == (224, 224, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    np.testing.assert_array_equal(pixels, torchvision_rule(picture))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(300, 200), (200, 500), (301, 1003), (700, 90), (17, 9), (3, 40), (1, 1), (2, 1)])
def test_preprocess_is_pillows_arithmetic_across_then_down(size: tuple[int, int]) -> None:
    np.testing.assert_array_equal(preprocess(noise(*size), SPEC), by_hand(noise(*size)))


def test_other_sides_are_cropped_from_their_own_resize(photograph: Image.Image) -> None:
    spec = ImageSpec.for_side(288)
    width = int(329 * 640 / 427)
    left = round((width - 288) / 2)
    expected = photograph.resize((width, 329), Image.Resampling.BICUBIC).crop((left, 20, left + 288, 308))
    assert round((329 - 288) / 2) == 20  # half to even
    np.testing.assert_array_equal(preprocess(photograph, spec), np.array(expected))


@pytest.mark.parametrize("size", [(1, 70), (70, 1), (3, 200), (200, 3), (5, 900), (900, 5), (300, 100), (100, 300)])
def test_resizing_only_the_crops_part_moves_bytes_by_a_level_or_two(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "ELONGATED", 0)
    part = preprocess(noise(*size), SPEC).astype(int)
    monkeypatch.setattr(images, "ELONGATED", 10_000)
    difference = np.abs(part - preprocess(noise(*size), SPEC))
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.005


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 400_000), (400_000, 1)])
def test_extremely_elongated_pictures_show_their_middle(size: tuple[int, int]) -> None:
    ramp = np.linspace(0, 255, max(size)).round().astype(np.uint8)
    picture = Image.fromarray(np.broadcast_to(ramp, (3, max(size))).T.reshape(size[1], size[0], 3).copy())
    pixels = preprocess(picture, SPEC)
    assert pixels.shape == (224, 224, 3)
    np.testing.assert_allclose(pixels, 127.5, atol=1)


def test_one_pixel_fills_the_picture() -> None:
    assert (preprocess(Image.new("RGB", (1, 1), (10, 20, 30)), SPEC) == (10, 20, 30)).all()


def test_planar_is_rgb_from_0_to_1() -> None:
    pixels = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3) * 11
    planar = to_planar(pixels)
    assert planar.dtype == np.float32
    assert planar.flags.c_contiguous
    for channel in range(3):
        np.testing.assert_array_equal(planar[channel], pixels[:, :, channel].astype(np.float32) / np.float32(255))
    assert to_planar(np.full((1, 1, 3), 255, np.uint8)).max() == 1.0


@pytest.mark.parametrize("wrong", [np.zeros((3, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4))])
def test_planar_refuses_other_layouts(wrong: NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[H,W,3\]"):
        to_planar(wrong)  # type: ignore[arg-type]


# Orientation and colour

TURNS = {  # EXIF orientation -> what a viewer does to the stored pixels
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_is_applied_once(photograph: Image.Image, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = photograph.resize((90, 60))
    plain = np.array(encoded(stored, kind))
    upright = Image.fromarray(np.ascontiguousarray(TURNS[orientation](plain)))
    np.testing.assert_array_equal(preprocess(encoded(stored, kind, exif=exif), SPEC), torchvision_rule(upright))


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "HSV"])
def test_opaque_modes_are_converted_as_torchvision_users_do(photograph: Image.Image, mode: str) -> None:
    picture = photograph.convert(mode)
    np.testing.assert_array_equal(preprocess(picture, SPEC), torchvision_rule(picture.convert("RGB")))


def test_cmyk_jpeg_keeps_its_colours(photograph: Image.Image) -> None:
    picture = encoded(photograph.convert("CMYK"), "JPEG", quality=95)
    assert picture.mode == "CMYK"
    difference = np.abs(preprocess(picture, SPEC).astype(int) - preprocess(photograph, SPEC))
    assert difference.mean() < 4


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_opaque_alpha_changes_nothing(photograph: Image.Image, mode: str) -> None:
    picture = photograph.convert(mode)
    np.testing.assert_array_equal(preprocess(picture, SPEC), torchvision_rule(picture.convert("RGB")))


def test_transparency_is_laid_over_white() -> None:
    half = Image.new("RGBA", (300, 300), (200, 0, 100, 128))
    expected = np.array([200, 0, 100]) * (128 / 255) + 255 * (127 / 255)
    np.testing.assert_allclose(preprocess(half, SPEC)[112, 112], expected, atol=1)
    hidden = Image.new("RGBA", (300, 300), (200, 0, 100, 0))
    assert (preprocess(hidden, SPEC) == 255).all()
    assert (preprocess(Image.new("LA", (300, 300), (0, 0)), SPEC) == 255).all()


def test_transparent_palette_entries_are_white() -> None:
    values = np.zeros((256, 256), np.uint8)
    values[:, 128:] = 1
    picture = Image.fromarray(values)
    picture.putpalette([10, 20, 30, 40, 50, 60])  # a palette turns it into mode P
    pixels = preprocess(encoded(picture, "PNG", transparency=1), SPEC)
    assert (pixels[:, :100] == (10, 20, 30)).all()
    assert (pixels[:, -100:] == 255).all()


def test_transparent_colour_of_a_png_without_alpha_is_white() -> None:
    picture = Image.new("RGB", (256, 256), (1, 2, 3))
    assert (preprocess(encoded(picture, "PNG", transparency=(1, 2, 3)), SPEC) == 255).all()
    assert (preprocess(encoded(picture, "PNG", transparency=(1, 2, 4)), SPEC) == (1, 2, 3)).all()


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = encoded(Image.fromarray(levels), "PNG")
    assert picture.mode == "I;16"
    expected = np.round(levels / 257).astype(np.uint8)[16:240, 16:240]
    np.testing.assert_array_equal(preprocess(picture, SPEC), np.repeat(expected[:, :, None], 3, axis=2))
    np.testing.assert_array_equal(preprocess(Image.fromarray(levels.astype(np.int32)), SPEC)[:, :, 0], expected)


@pytest.mark.parametrize(
    ("picture", "named"),
    [
        (Image.new("I", (9, 9), 65536), "from 65536 to 65536"),
        (Image.new("I", (9, 9), -1), "from -1"),
        (Image.new("F", (9, 9), 0.5), "floating-point"),
        (Image.new("La", (9, 9)), "mode La"),
    ],
)
def test_pixels_without_a_known_range_are_refused(picture: Image.Image, named: str) -> None:
    with refused(ImageError, "image.pixel-format", named):
        preprocess(picture, SPEC)


def test_sixteen_bit_grey_takes_both_its_ends() -> None:
    ends = np.array([[0, 128], [129, 65535]], np.int32)
    pixels = preprocess(Image.fromarray(ends), ImageSpec(height=2, width=2, crop_height=2, crop_width=2))
    assert pixels[:, :, 0].tolist() == [[0, 0], [1, 255]]


@pytest.mark.parametrize(("long", "part"), [(128, False), (129, True)])
def test_only_beyond_1_to_64_a_part_is_resized_alone(long: int, part: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    resized: list[int] = []
    real = images._resize_part
    monkeypatch.setattr(images, "_resize_part", lambda *given: resized.append(1) or real(*given))
    for size in ((2, long), (long, 2)):
        assert preprocess(noise(*size), SPEC).shape == (224, 224, 3)
    assert len(resized) == 2 * part
