"""Calibration sets: where pictures come from, what is said of them, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.refusals import refused

from levit_mobile.errors import ImageError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.preprocessing import Pixels
from levit_mobile.images.source import ImageOrigin, ImageSource
from levit_mobile.images.spec import ImageSpec
from levit_mobile.pipeline.source_model import held_out_digits
from levit_mobile.quantization.calibration import COUNT, CalibrationSet, Remembered, concerns, find

SPEC = ImageSpec.for_side(64)


@pytest.fixture
def crops(tmp_path: Path, photograph: Image.Image) -> Path:
    """20 crops of a photograph, in two folders."""
    for number in range(20):
        path = tmp_path / ("cats" if number % 2 else "dogs") / f"{number:02d}.png"
        path.parent.mkdir(exist_ok=True)
        photograph.crop((10 * number, 5 * number, 10 * number + 150, 5 * number + 120)).save(path)
    return tmp_path


def said(found: CalibrationSet, *, proof: ImageSet | None = None, bundled_model: bool = True) -> str:
    return "\n".join(concerns(found, proof=proof or held_out_digits(SPEC, 2), bundled_model=bundled_model))


def test_the_default_is_512_training_digits_that_no_proof_shows() -> None:
    found = find(None, SPEC)
    assert (len(found.pictures), found.source.title, found.for_release) == (COUNT, "bundled training digits", True)
    few = find(None, SPEC, count=130)
    assert said(few) == ""
    assert "not trained on" in said(few, bundled_model=False)


def test_the_seed_draws_other_pictures_and_the_same_seed_the_same() -> None:
    digests = [find(None, SPEC, count=3, seed=seed).pictures.digest() for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_a_folder_is_sampled_by_the_seed(crops: Path) -> None:
    names = [find(crops, SPEC, count=16, seed=seed).pictures.names for seed in (0, 0, 1)]
    assert names[0] == names[1] != names[2]
    assert len(names[0]) == 16
    assert find(crops, SPEC).classes == 2


def test_few_pictures_and_one_class_are_said(crops: Path) -> None:
    for path in list((crops / "cats").iterdir()):
        path.rename(crops / "dogs" / path.name)
    (crops / "cats").rmdir()
    words = said(find(crops, SPEC))
    assert "20 calibration images" in words
    assert "show one class" in words


def test_pictures_of_the_proof_are_said(crops: Path) -> None:
    found = find(crops, SPEC)
    proof = ImageSet(found.pictures.names[:5], found.pictures.read)
    words = said(found, proof=proof)
    assert "5 calibration images" in words
    assert "the proof" in words


def test_clipped_pictures_are_said(crops: Path) -> None:
    for path in crops.rglob("*.png"):
        pixels = np.asarray(Image.open(path)).astype(int)
        Image.fromarray(np.where(pixels > 90, 255, pixels).astype(np.uint8)).save(path)
    assert "0 or 255" in said(find(crops, SPEC))


def test_noise_is_refused_unless_it_is_asked_for(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    for number in range(16):
        Image.fromarray(drawn.integers(0, 256, (64, 64, 3), np.uint8)).save(tmp_path / f"{number}.png")
    with refused(ImageError, "image.noise", tmp_path, "--calibration synthetic"):
        find(tmp_path, ImageSpec(height=64, width=64, crop_height=64, crop_width=64))
    found = find("synthetic", SPEC, count=200)
    assert not found.for_release
    (concern,) = said(found).splitlines()
    assert "synthetic noise" in concern
    assert "not for release" in concern


def test_too_few_to_measure_anything_is_refused(crops: Path) -> None:
    for path in list(crops.rglob("*.png"))[:10]:
        path.unlink()
    with refused(ImageError, "image.too-few", crops, "10 images", "at least 16"):
        find(crops, SPEC)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with refused(ImageError, "image.not-found", tmp_path / "none"):
        find(tmp_path / "none", SPEC)


def test_a_picture_is_read_once_while_there_is_room(crops: Path) -> None:
    read: list[str] = []
    plain = ImageSet.from_place(crops, SPEC)

    def reading(name: str) -> Pixels:
        read.append(name)
        return plain.read(name)

    remembered = Remembered(reading, room_bytes=5 * 64 * 64 * 3 + 1)
    found = CalibrationSet(ImageSet(plain.names, remembered), ImageSource.at("crops"), 0, None, seen=remembered.digests)
    for _ in range(3):
        assert all(np.array_equal(one, other) for one, other in zip(found.pictures, plain, strict=True))
    assert [read.count(name) for name in plain.names] == [1] * 5 + [3] * 15
    assert found.digest == plain.digest()
    assert len(read) == 50  # the digests were left behind by the passes
    assert len(remembered.pictures) == 5


def test_another_process_reads_for_itself(crops: Path) -> None:
    found = find(crops, SPEC)
    digest = found.digest
    sent = pickle.loads(pickle.dumps(found))
    assert len(pickle.dumps(found)) < 20_000
    assert sent.pictures.read.pictures == {}
    assert sent.digest == digest == sent.pictures.digest()


@pytest.mark.parametrize("source", [None, "synthetic"])
def test_a_digest_is_that_of_the_pictures(source: str | None) -> None:
    found = find(source, SPEC, count=3)
    assert found.digest == found.pictures.digest()
    assert {*found.seen} == {*found.pictures.names}


# What is said at the bounds, on pictures that are made up


def plain(count: int, pixels: Pixels | None = None) -> ImageSet:
    """`count` different pictures of one colour each, or the same one."""
    return ImageSet.from_arrays(
        {f"{i:03d}": np.full((64, 64, 3), 1 + i, np.uint8) if pixels is None else pixels for i in range(count)}
    )


def of(pictures: ImageSet, *, classes: int | None = 2, source: ImageSource | None = None) -> CalibrationSet:
    return CalibrationSet(pictures, source or ImageSource.at("crops"), 0, classes)


ELSEWHERE = ImageSet.from_arrays({"x": np.full((64, 64, 3), 250, np.uint8)})


@pytest.mark.parametrize(("count", "few"), [(16, True), (127, True), (128, False), (129, False)])
def test_127_pictures_are_few_and_128_are_not(count: int, few: bool) -> None:
    words = said(of(plain(count)), proof=ELSEWHERE)
    assert (f"only {count} calibration images: use at least 128" in words) == few
    assert len(words.splitlines()) == few


@pytest.mark.parametrize(("classes", "one"), [(None, False), (1, True), (2, False)])
def test_only_one_class_is_said(classes: int | None, one: bool) -> None:
    assert bool(said(of(plain(128), classes=classes), proof=ELSEWHERE)) == one


@pytest.mark.parametrize(("bundled_model", "origin", "doubted"), [
    (True, ImageOrigin.BUNDLED, False), (False, ImageOrigin.BUNDLED, True), (False, ImageOrigin.FOLDER, False),
])  # fmt: skip
def test_bundled_digits_are_doubted_for_another_model_alone(
    bundled_model: bool, origin: ImageOrigin, doubted: bool
) -> None:
    found = of(plain(128), source=ImageSource(origin))
    assert ("was not trained on" in said(found, proof=ELSEWHERE, bundled_model=bundled_model)) == doubted


@pytest.mark.parametrize("extreme", [0, 255])
@pytest.mark.parametrize(("columns", "clipped"), [(16, False), (17, True)])
def test_a_quarter_of_the_values_may_be_at_an_end(extreme: int, columns: int, clipped: bool) -> None:
    pixels = np.full((64, 64, 3), 100, np.uint8)
    pixels[:, :columns] = extreme
    words = said(of(plain(128, pixels)), proof=ELSEWHERE)
    assert ("are 0 or 255" in words) == clipped
    assert words == "" or words.startswith(f"{columns / 64:.0%} of the calibration pixels")


def test_noise_is_not_said_to_be_clipped() -> None:
    found = of(plain(128, np.zeros((64, 64, 3), np.uint8)), source=ImageSource(ImageOrigin.SYNTHETIC))
    (line,) = said(found, proof=ELSEWHERE).splitlines()
    assert "synthetic noise" in line


def test_a_set_without_anything_to_say_says_nothing() -> None:
    assert said(of(plain(128)), proof=ELSEWHERE) == ""
    assert "128 calibration images are also used" in said(of(plain(128)), proof=plain(129))


def test_sixteen_pictures_are_enough_and_fifteen_are_not(crops: Path) -> None:
    for path in sorted(crops.rglob("*.png"))[:4]:
        path.unlink()
    assert len(find(crops, SPEC).pictures) == 16
    with refused(ImageError, "image.too-few", crops, "15 images", "at least 16"):
        find(crops, SPEC, count=15)


def test_a_folder_without_folders_says_nothing_of_classes(crops: Path) -> None:
    for path in list(crops.rglob("*.png")):
        path.rename(crops / path.name)
    assert find(crops, SPEC).classes is None


def test_pictures_keep_the_order_of_their_names(crops: Path) -> None:
    names = find(crops, SPEC, count=17, seed=3).pictures.names
    assert list(names) == sorted(names)
    assert len(set(names)) == 17


def likeness(pixels: Pixels, folder: Path) -> float:
    """What the refusal says of pictures that are all the same."""
    Image.fromarray(pixels).save(folder / "00.png")
    for number in range(1, 16):
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    with refused(ImageError, "image.noise", folder, "pixels correlate by") as caught:
        find(folder, ImageSpec(height=64, width=64, crop_height=64, crop_width=64))
    return float(str(caught.value).partition("correlate by ")[2].partition(",")[0])


def test_stripes_of_one_pixel_correlate_by_minus_one(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert likeness(stripes, tmp_path) == -1.0


def test_stripes_down_the_picture_and_one_colour_are_no_noise(tmp_path: Path) -> None:
    """Every pixel equals its right neighbour in the first, and the second has nothing to correlate."""
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 200
    for number in range(16):
        Image.fromarray(stripes if number % 2 else np.full((64, 64, 3), 9, np.uint8)).save(tmp_path / f"{number}.png")
    assert len(find(tmp_path, ImageSpec(height=64, width=64, crop_height=64, crop_width=64)).pictures) == 16


def test_a_picture_that_just_fits_is_kept() -> None:
    read = Remembered(lambda _: np.zeros((4, 4, 3), np.uint8), room_bytes=2 * 48)
    for name in "abc":
        read(name)
    assert (list(read.pictures), read.left_bytes) == (["a", "b"], 0)
    smaller = Remembered(lambda _: np.zeros((4, 4, 3), np.uint8), room_bytes=47)
    smaller("a")
    assert (smaller.pictures, list(smaller.digests)) == ({}, ["a"])


@pytest.mark.parametrize(("source", "kind"), [(None, "training-digit-00002"), ("synthetic", "noise-00002")])
def test_built_in_pictures_are_numbered(source: str | None, kind: str) -> None:
    assert find(source, SPEC, count=3).pictures.names[-1] == kind
    assert find(source, SPEC, count=3).classes == (10 if source is None else None)


def test_synthetic_noise_is_of_all_levels_and_of_its_number_and_seed() -> None:
    first, second = find("synthetic", SPEC, count=2).pictures
    (other,) = find("synthetic", SPEC, count=1, seed=1).pictures
    assert (first.shape, first.dtype, first.min(), first.max()) == ((64, 64, 3), np.uint8, 0, 255)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)
