"""Calibration sets: where pictures come from, what is said of them, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.refusals import refused

from levit_mobile.errors import ImageError
from levit_mobile.images.image_set import ImageSet, ImageSpec, Pixels
from levit_mobile.images.source import ImageSource
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
        find(tmp_path, ImageSpec(side_px=64, resize_px=64))
    found = find("synthetic", SPEC, count=200)
    assert not found.for_release
    (concern,) = said(found).splitlines()
    assert "synthetic noise" in concern
    assert "not for release" in concern


def test_too_few_to_measure_anything_is_refused(crops: Path) -> None:
    for path in list(crops.rglob("*.png"))[:10]:
        path.unlink()
    with refused(ImageError, "image.too-few", crops, "10 pictures", "at least 16"):
        find(crops, SPEC)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with refused(ImageError, "image.not-found", tmp_path / "none"):
        find(tmp_path / "none", SPEC)


def test_a_picture_is_read_once_while_there_is_room(crops: Path) -> None:
    read: list[str] = []
    plain = ImageSet.from_folder(crops, SPEC)

    def reading(name: str) -> Pixels:
        read.append(name)
        return plain.read(name)

    remembered = Remembered(reading, room_bytes=5 * 64 * 64 * 3 + 1)
    found = CalibrationSet(
        ImageSet(plain.names, remembered), ImageSource.of_folder("crops"), 0, None, seen=remembered.digests
    )
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
