"""Picture files, folders and sets: real encodings, broken files, order, streaming, digests."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features
from support.photographs import SPEC, noise, torchvision_rule
from support.refusals import refused

from levit_mobile.errors import ImageError
from levit_mobile.images.image_set import ImageSet, find, load, png
from levit_mobile.images.preprocessing import Pixels, to_planar
from levit_mobile.images.spec import ImageSpec

SMALL = ImageSpec(height=32, width=32, crop_height=28, crop_width=28)
ENCODINGS = {
    "photo.jpg": {"quality": 92},
    "progressive.jpeg": {"quality": 90, "progressive": True},
    "photo.png": {},
    "photo.webp": {"quality": 90},
    "lossless.webp": {"lossless": True},
}


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
    with refused(ImageError, "image.unreadable", path):
        load(path, SPEC)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "folder.jpg").mkdir()
    reasons = {
        "empty": ("unreadable", "0 bytes"),
        "text": ("unreadable", "not an image"),
        "folder": ("not-found", "not a file"),
        "missing": ("not-found", "not exist"),
    }
    for name, (fault, reason) in reasons.items():
        with refused(ImageError, f"image.{fault}", tmp_path / f"{name}.jpg", reason):
            load(tmp_path / f"{name}.jpg", SPEC)


def test_decompression_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise(40, 40).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)
    with refused(ImageError, "image.too-large", "bomb.png"):
        load(tmp_path / "bomb.png", SPEC)


def test_damaged_exif_is_an_error(tmp_path: Path, photograph: Image.Image) -> None:
    photograph.save(tmp_path / "exif.webp", exif=b"Exif\0\0MX\0*\0\0\0\x08")
    with refused(ImageError, "image.unreadable", "exif.webp", "EXIF"):
        load(tmp_path / "exif.webp", SPEC)


def test_modes_without_a_range_are_named_with_their_file(tmp_path: Path) -> None:
    Image.new("F", (9, 9)).save(tmp_path / "depth.tif")
    with refused(ImageError, "image.pixel-format", "depth.tif", "floating-point", "8 or 16 bits"):
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
    assert list(find(folder).names) == ["a-b/5.JPEG", "a/1.png", "a/3.webp", "a/Z.TIFF", "b/2.jpg"]


def test_a_hidden_parent_does_not_hide_the_pictures(folder: Path) -> None:
    hidden = folder / ".hidden"
    hidden.mkdir()
    (folder / "b/2.jpg").rename(hidden / "2.jpg")
    assert find(hidden).names == ("2.jpg",)


def test_a_single_file_is_a_set_of_one(folder: Path) -> None:
    assert ImageSet.from_place(folder / "b/2.jpg", SMALL).names == ("2.jpg",)


def test_folders_without_pictures_are_an_error(tmp_path: Path) -> None:
    with refused(ImageError, "image.no-pictures", tmp_path, ".jpg"):
        find(tmp_path)
    with refused(ImageError, "image.not-found", tmp_path / "missing"):
        find(tmp_path / "missing")


def test_a_set_streams_its_folder_in_order(folder: Path) -> None:
    pictures = ImageSet.from_place(folder, SMALL)
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

    pictures = ImageSet.from_arrays(Lazy({name: np.zeros((4, 4, 3), np.uint8) for name in "abc"}))
    assert read == []
    next(iter(pictures))
    assert read == ["a"]
    next(pictures.batches(2))
    assert read == ["a", "a", "b"]


def test_batches_are_what_runners_take(folder: Path) -> None:
    pictures = ImageSet.from_place(folder, SMALL)
    batches = list(pictures.batches(2))
    assert [batch.shape for batch in batches] == [(2, 3, 28, 28), (1, 3, 28, 28)]
    np.testing.assert_array_equal(np.concatenate(batches), np.stack([to_planar(pixels) for pixels in pictures]))
    with pytest.raises(ValueError, match="size is 0, expected 1 or more"):
        next(pictures.batches(0))


def test_limit_spreads_over_the_classes(tmp_path: Path) -> None:
    for kind in range(5):
        for number in range(4):
            (tmp_path / f"{kind}").mkdir(exist_ok=True)
            (tmp_path / f"{kind}/{number}.png").touch()
    names = ImageSet.from_place(tmp_path, SMALL, limit=5).names
    assert names == ("0/0.png", "1/0.png", "2/0.png", "3/0.png", "4/0.png")
    assert len(set(ImageSet.from_place(tmp_path, SMALL, limit=7).names)) == 7
    assert len(ImageSet.from_place(tmp_path, SMALL, limit=99)) == 20
    with pytest.raises(ValueError, match="limit is 0"):
        ImageSet.from_place(tmp_path, SMALL, limit=0)


def test_broken_pictures_stop_a_set_or_are_reported(folder: Path) -> None:
    (folder / "a/2.jpg").write_bytes(b"broken")
    with refused(ImageError, "image.unreadable", "a/2.jpg"):
        list(ImageSet.from_place(folder, SMALL))
    pictures = ImageSet.from_place(folder, SMALL, skip_broken=True)
    assert pictures.names == ("a/1.png", "a/3.webp", "b/2.jpg")
    assert [skipped.name for skipped in pictures.skipped] == ["a/2.jpg"]
    assert "is not an image" in pictures.skipped[0].reason
    assert len(list(pictures)) == 3


def test_a_folder_of_broken_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    with refused(ImageError, "image.no-pictures", tmp_path, "1.jpg is empty"):
        ImageSet.from_place(tmp_path, SMALL, skip_broken=True)


def test_a_set_without_pictures_is_an_error() -> None:
    with refused(ImageError, "image.no-pictures", "at least one"):
        ImageSet.from_arrays({})


def test_digest_covers_names_order_shapes_and_pixels_only(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pictures = ImageSet.from_place(folder, SMALL)
    arrays = dict(zip(pictures.names, pictures, strict=True))
    moved = tmp_path_factory.mktemp("other") / "place"
    folder.rename(moved)
    assert ImageSet.from_place(moved, SMALL).digest() == ImageSet.from_arrays(arrays).digest()
    changed = arrays["a/1.png"].copy()
    changed[3, 2, 1] ^= 1
    others = [
        {**arrays, "a/1.png": changed},
        {f"{name}x": pixels for name, pixels in arrays.items()},
        dict(reversed(arrays.items())),
        {name: pixels.reshape(14, 56, 3) for name, pixels in arrays.items()},
        dict(list(arrays.items())[:2]),
    ]
    digests = {ImageSet.from_arrays(other).digest() for other in [arrays, *others]}
    assert len(digests) == 6
    assert ImageSet.from_place(moved, SPEC).digest() not in digests


def test_digest_is_the_same_on_every_machine() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    flipped = np.asfortranarray(pixels)  # the same values, another memory order
    pixels_digest = hashlib.sha256(b"2x2x3\0" + bytes(range(12))).hexdigest()
    expected = hashlib.sha256(f"{pixels_digest}  é.png\n".encode()).hexdigest()
    assert ImageSet.from_arrays({"é.png": pixels}).digest() == expected
    assert ImageSet.from_arrays({"é.png": flipped}).digest() == expected


@pytest.mark.parametrize(
    ("limit", "names"), [(1, "a"), (2, "ac"), (3, "abd"), (4, "abcd"), (5, "abcde"), (6, "abcde"), (None, "abcde")]
)
def test_a_limit_takes_pictures_evenly_from_the_first_on(tmp_path: Path, limit: int | None, names: str) -> None:
    for name in "abcde":
        (tmp_path / f"{name}.png").touch()
    found = ImageSet.from_place(tmp_path, SMALL, limit=limit).names
    assert "".join(name[0] for name in found) == names


def test_a_batch_of_one_and_one_larger_than_the_set(folder: Path) -> None:
    pictures = ImageSet.from_place(folder, SMALL)
    assert [len(batch) for batch in pictures.batches(1)] == [1, 1, 1]
    assert [len(batch) for batch in pictures.batches(9)] == [3]


def test_a_png_holds_the_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    with Image.open(io.BytesIO(png(pixels))) as picture:
        assert (picture.format, np.asarray(picture).tolist()) == ("PNG", pixels.tolist())
