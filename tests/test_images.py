"""Pictures: the transform against torchvision's rule written out, every mode and orientation, broken files, sets."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features
from sklearn.datasets import load_sample_image

from levit_mobile import images
from levit_mobile.errors import ImageError
from levit_mobile.images import ImageSpec, PictureSet, Pixels, find_pictures, load, preprocess, to_planar

SPEC = ImageSpec()
SMALL = ImageSpec(side_px=28, resize_px=32)
ENCODINGS = {
    "photo.jpg": {"quality": 92},
    "progressive.jpeg": {"quality": 90, "progressive": True},
    "photo.png": {},
    "photo.webp": {"quality": 90},
    "lossless.webp": {"lossless": True},
}


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    return Image.fromarray(load_sample_image("china.jpg"))  # 640 x 427


@pytest.fixture
def folder(tmp_path: Path, photograph: Image.Image) -> Path:
    """b/2.jpg a/1.png a/3.webp: three readable pictures in two classes."""
    for name, box in {"b/2.jpg": (0, 0, 300, 300), "a/1.png": (200, 0, 500, 200), "a/3.webp": (9, 9, 99, 199)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        photograph.crop(box).save(tmp_path / name)
    return tmp_path


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def torchvision_rule(picture: Image.Image) -> Pixels:
    """`Resize(256, BICUBIC)` then `CenterCrop(224)`, as torchvision.transforms.functional computes them."""
    width, height = picture.size
    size = (256, int(256 * height / width)) if width <= height else (int(256 * width / height), 256)
    top, left = int(round((size[1] - 224) / 2.0)), int(round((size[0] - 224) / 2.0))  # noqa: RUF046
    resized = picture.resize(size, Image.Resampling.BICUBIC)
    return np.array(resized.crop((left, top, left + 224, top + 224)))


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
    assert (SPEC.side_px, SPEC.resize_px, SPEC.interpolation, SPEC.antialias) == (224, 256, "bicubic", True)
    assert SPEC.mean == (0.485, 0.456, 0.406)
    assert SPEC.std == (0.229, 0.224, 0.225)


@pytest.mark.parametrize(("side", "resize"), [(224, 256), (256, 292), (288, 329), (320, 365), (384, 438), (28, 32)])
def test_for_side_follows_the_paper(side: int, resize: int) -> None:
    assert ImageSpec.for_side(side) == ImageSpec(side_px=side, resize_px=resize)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"side_px": 0}, "side_px is 0"),
        ({"resize_px": 223}, "resize_px, which is 223"),
        ({"interpolation": "bilinear"}, "bilinear"),
        ({"antialias": False}, "antialias=False"),
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


# The transform


@pytest.mark.parametrize("size", [(640, 427), (427, 640), (256, 256), (224, 224), (255, 257), (97, 131), (1600, 1201)])
def test_preprocess_is_torchvisions_rule(photograph: Image.Image, size: tuple[int, int]) -> None:
    picture = photograph.resize(size)
    pixels = preprocess(picture, SPEC)
    assert pixels.shape == (224, 224, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    np.testing.assert_array_equal(pixels, torchvision_rule(picture))


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
    with pytest.raises(ValueError, match=r"expected uint8 \[H,W,3\]"):
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
        (Image.new("F", (9, 9), 0.5), "floats"),
        (Image.new("La", (9, 9)), "mode La"),
    ],
)
def test_pixels_without_a_known_range_are_refused(picture: Image.Image, named: str) -> None:
    with pytest.raises(ImageError, match=named):
        preprocess(picture, SPEC)


# Files


@pytest.mark.parametrize("name", ENCODINGS)
def test_load_reads_real_encodings(tmp_path: Path, photograph: Image.Image, name: str) -> None:
    assert features.check("webp")
    photograph.save(tmp_path / name, **ENCODINGS[name])
    with Image.open(tmp_path / name) as picture:
        expected = torchvision_rule(picture.convert("RGB"))
    pixels = load(tmp_path / name, SPEC)
    np.testing.assert_array_equal(pixels, expected)
    assert np.abs(pixels.astype(int) - torchvision_rule(photograph)).mean() < 4


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ENCODINGS)
def test_truncated_files_are_an_error(tmp_path: Path, photograph: Image.Image, name: str, share: float) -> None:
    path = tmp_path / name
    photograph.save(path, **ENCODINGS[name])
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ImageError, match=name):
        load(path, SPEC)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "folder.jpg").mkdir()
    reasons = {"empty": "0 bytes", "text": "is no picture", "folder": "is not a file", "missing": "does not exist"}
    for name, reason in reasons.items():
        with pytest.raises(ImageError, match=rf"{name}\.jpg.*{reason}"):
            load(tmp_path / f"{name}.jpg", SPEC)


def test_decompression_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise(40, 40).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)
    with pytest.raises(ImageError, match=r"bomb\.png has too many pixels"):
        load(tmp_path / "bomb.png", SPEC)


def test_damaged_exif_is_an_error(tmp_path: Path, photograph: Image.Image) -> None:
    photograph.save(tmp_path / "exif.webp", exif=b"Exif\0\0MX\0*\0\0\0\x08")
    with pytest.raises(ImageError, match=r"exif\.webp: the EXIF data is damaged"):
        load(tmp_path / "exif.webp", SPEC)


def test_modes_without_a_range_are_named_with_their_file(tmp_path: Path) -> None:
    Image.new("F", (9, 9)).save(tmp_path / "depth.tif")
    with pytest.raises(ImageError, match=r"depth\.tif: a picture of floats"):
        load(tmp_path / "depth.tif", SPEC)


def test_load_closes_its_file(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        load(folder / "a/1.png", SPEC)
    (folder / "a/1.png").unlink()


# Folders and sets


def test_find_pictures_sorts_by_relative_path_and_skips_the_rest(folder: Path) -> None:
    for name in ("a/._1.jpg", ".cache/9.jpg", "notes.txt", "a-b/5.JPEG", "a/Z.TIFF"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "album.png").mkdir()
    found = [path.relative_to(folder).as_posix() for path in find_pictures(folder)]
    assert found == ["a-b/5.JPEG", "a/1.png", "a/3.webp", "a/Z.TIFF", "b/2.jpg"]


def test_a_hidden_parent_does_not_hide_the_pictures(folder: Path) -> None:
    hidden = folder / ".hidden"
    hidden.mkdir()
    (folder / "b/2.jpg").rename(hidden / "2.jpg")
    assert find_pictures(hidden) == [hidden / "2.jpg"]


def test_a_single_file_is_a_list_of_one(folder: Path) -> None:
    assert find_pictures(folder / "b/2.jpg") == [folder / "b/2.jpg"]
    assert PictureSet.from_folder(folder / "b/2.jpg", SMALL).names == ("2.jpg",)


def test_folders_without_pictures_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no picture"):
        find_pictures(tmp_path)
    with pytest.raises(ImageError, match=r"missing.*does not exist"):
        find_pictures(tmp_path / "missing")


def test_a_set_streams_its_folder_in_order(folder: Path) -> None:
    pictures = PictureSet.from_folder(folder, SMALL)
    assert pictures.names == ("a/1.png", "a/3.webp", "b/2.jpg")
    assert len(pictures) == 3
    for _ in range(2):  # every pass reads again
        for name, pixels in zip(pictures.names, pictures, strict=True):
            np.testing.assert_array_equal(pixels, load(folder / name, SMALL))


def test_a_set_holds_one_picture_at_a_time() -> None:
    read: list[str] = []

    class Lazy(dict[str, Pixels]):
        def __getitem__(self, name: str) -> Pixels:
            read.append(name)
            return super().__getitem__(name)

    pictures = PictureSet.from_arrays(Lazy({name: np.zeros((4, 4, 3), np.uint8) for name in "abc"}))
    assert read == []
    next(iter(pictures))
    assert read == ["a"]
    next(pictures.batches(2))
    assert read == ["a", "a", "b"]


def test_batches_are_what_runners_take(folder: Path) -> None:
    pictures = PictureSet.from_folder(folder, SMALL)
    batches = list(pictures.batches(2))
    assert [batch.shape for batch in batches] == [(2, 3, 28, 28), (1, 3, 28, 28)]
    np.testing.assert_array_equal(np.concatenate(batches), np.stack([to_planar(pixels) for pixels in pictures]))
    with pytest.raises(ValueError, match="batch of 0"):
        next(pictures.batches(0))


def test_limit_spreads_over_the_classes(tmp_path: Path) -> None:
    for kind in range(5):
        for number in range(4):
            (tmp_path / f"{kind}").mkdir(exist_ok=True)
            (tmp_path / f"{kind}/{number}.png").touch()
    names = PictureSet.from_folder(tmp_path, SMALL, limit=5).names
    assert names == ("0/0.png", "1/0.png", "2/0.png", "3/0.png", "4/0.png")
    assert len(set(PictureSet.from_folder(tmp_path, SMALL, limit=7).names)) == 7
    assert len(PictureSet.from_folder(tmp_path, SMALL, limit=99)) == 20
    with pytest.raises(ValueError, match="limit is 0"):
        PictureSet.from_folder(tmp_path, SMALL, limit=0)


def test_broken_pictures_stop_a_set_or_are_reported(folder: Path) -> None:
    (folder / "a/2.jpg").write_bytes(b"broken")
    with pytest.raises(ImageError, match=r"a/2\.jpg"):
        list(PictureSet.from_folder(folder, SMALL))
    pictures = PictureSet.from_folder(folder, SMALL, skip_broken=True)
    assert pictures.names == ("a/1.png", "a/3.webp", "b/2.jpg")
    assert [skipped.name for skipped in pictures.skipped] == ["a/2.jpg"]
    assert "is no picture" in pictures.skipped[0].reason
    assert len(list(pictures)) == 3


def test_a_folder_of_broken_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    with pytest.raises(ImageError, match=r"no readable picture.*1\.jpg is empty"):
        PictureSet.from_folder(tmp_path, SMALL, skip_broken=True)


def test_a_set_without_pictures_is_an_error() -> None:
    with pytest.raises(ImageError, match="at least one"):
        PictureSet.from_arrays({})


def test_digest_covers_names_order_shapes_and_pixels_only(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pictures = PictureSet.from_folder(folder, SMALL)
    arrays = dict(zip(pictures.names, pictures, strict=True))
    moved = tmp_path_factory.mktemp("other") / "place"
    folder.rename(moved)
    assert PictureSet.from_folder(moved, SMALL).digest() == PictureSet.from_arrays(arrays).digest()
    changed = arrays["a/1.png"].copy()
    changed[3, 2, 1] ^= 1
    others = [
        {**arrays, "a/1.png": changed},
        {f"{name}x": pixels for name, pixels in arrays.items()},
        dict(reversed(arrays.items())),
        {name: pixels.reshape(14, 56, 3) for name, pixels in arrays.items()},
        dict(list(arrays.items())[:2]),
    ]
    digests = {PictureSet.from_arrays(other).digest() for other in [arrays, *others]}
    assert len(digests) == 6
    assert PictureSet.from_folder(moved, SPEC).digest() not in digests


def test_digest_is_the_same_on_every_machine() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    flipped = np.asfortranarray(pixels)  # the same values, another memory order
    expected = hashlib.sha256("é.png".encode() + b"\0" + b"2x2x3\0" + bytes(range(12))).hexdigest()
    assert PictureSet.from_arrays({"é.png": pixels}).digest() == expected
    assert PictureSet.from_arrays({"é.png": flipped}).digest() == expected
