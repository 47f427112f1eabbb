"""The digit pictures: pure, labelled, legible, and nothing shared between training and held-out."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from levit_mobile.images import digits
from levit_mobile.images.digits import CENTRE_PX, CLASSES, LABELS, PICTURE_PX, Split

DIGITS = 1797
LEGIBLE = 0.2  # luminance of ink against its surroundings, after light and noise
PHOTOGRAPHS = Path(digits.__file__).parents[1] / "data" / "photographs"
BOTH = pytest.mark.parametrize("split", list(Split))


def luminance(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("L")) / 255


def surroundings(ink: np.ndarray) -> np.ndarray:
    """Free pixels near the ink: [H, W] bool."""
    near = Image.fromarray(ink).resize((64, 64)).filter(ImageFilter.MaxFilter(9)).resize((PICTURE_PX, PICTURE_PX))
    return (np.asarray(near) > 200) & (ink < 10)


@BOTH
def test_a_picture_is_rgb_bytes_with_a_label(split: Split) -> None:
    pixels, label = digits.picture(split, 7)
    assert pixels.shape == (PICTURE_PX, PICTURE_PX, 3)
    assert pixels.dtype == np.uint8
    assert LABELS[label] == "7"


@BOTH
def test_the_same_arguments_give_the_same_bytes(split: Split) -> None:
    first, _ = digits.picture(split, 3, seed=5)
    again, _ = digits.picture(split, 3, seed=5)
    assert np.array_equal(first, again)


def test_another_process_gives_the_same_bytes() -> None:
    here = hashlib.sha256(digits.picture(Split.HELD_OUT, 11)[0].tobytes()).hexdigest()
    code = (
        "import hashlib; from levit_mobile.images.digits import Split, picture;"
        "print(hashlib.sha256(picture(Split.HELD_OUT, 11)[0].tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == here


def test_every_argument_matters() -> None:
    base, _ = digits.picture(Split.TRAINING, 3, seed=0)
    others = [(Split.HELD_OUT, 3, 0), (Split.TRAINING, 13, 0), (Split.TRAINING, 3, 1)]
    assert not any(np.array_equal(base, digits.picture(split, i, seed=seed)[0]) for split, i, seed in others)


@pytest.mark.parametrize(("index", "seed"), [(-1, 0), (0, -1)])
def test_negative_arguments_are_refused(index: int, seed: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        digits.picture(Split.TRAINING, index, seed=seed)


def test_spread_turns_the_same_digit_farther() -> None:
    plain, wide = (digits.scene(Split.TRAINING, 3, spread=spread) for spread in (1.0, 1.75))
    assert plain.label == wide.label
    assert not np.array_equal(plain.ink, wide.ink)
    assert np.array_equal(plain.ink, digits.scene(Split.TRAINING, 3).ink)


def test_pictures_continues_from_start() -> None:
    drawn = list(digits.pictures(Split.TRAINING, 3, seed=2, start=10))
    assert [label for _, label in drawn] == [0, 1, 2]
    assert np.array_equal(drawn[1][0], digits.picture(Split.TRAINING, 11, seed=2)[0])


@BOTH
def test_labels_are_balanced(split: Split) -> None:
    labels = [label for _, label in digits.pictures(split, 4 * CLASSES)]
    assert np.bincount(labels).tolist() == [4] * CLASSES


def test_no_source_digit_serves_both_splits_and_none_is_lost() -> None:
    training, held_out = (digits.source_indices(split) for split in (Split.TRAINING, Split.HELD_OUT))
    assert np.array_equal(np.sort(np.concatenate([training, held_out])), np.arange(DIGITS))
    assert len(held_out) / DIGITS == pytest.approx(0.2, abs=0.01)


@BOTH
def test_the_split_is_stratified(split: Split) -> None:
    labels = digits.sources().labels
    share = len(digits.source_indices(split)) / DIGITS
    of_split = np.bincount(labels[digits.source_indices(split)], minlength=CLASSES)
    assert of_split / np.bincount(labels) == pytest.approx(share, abs=0.01)


def test_shipped_digits_are_scikit_learns() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    assert np.array_equal(digits.sources().images, theirs.images)
    assert np.array_equal(digits.sources().labels, theirs.target)


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_shipped_photographs_are_scikit_learns(name: str) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_sample_image(name)
    assert np.array_equal(np.asarray(Image.open(PHOTOGRAPHS / name)), theirs)


def test_no_photograph_pixel_serves_both_splits() -> None:
    covered = np.zeros((427, 640), int)
    for split in Split:
        left, upper, right, lower = digits.photograph_box(split, 640, 427)
        covered[upper:lower, left:right] += 1
    assert (covered == 1).all()


@BOTH
def test_photographs_are_cut_to_their_split(split: Split) -> None:
    for part in digits.photographs(split):
        left, upper, right, lower = digits.photograph_box(split, 640, 427)
        assert part.size == (right - left, lower - upper)


@BOTH
def test_the_digit_lies_in_the_centre_crop(split: Split) -> None:
    border = (PICTURE_PX - CENTRE_PX) // 2
    for index in range(60):
        ink = digits.scene(split, index).ink.astype(float)
        inside = ink[border:-border, border:-border].sum()
        assert inside >= 0.99 * ink.sum(), f"picture {index}"


@BOTH
def test_the_digit_stands_out_from_its_surroundings(split: Split) -> None:
    for index in range(60):
        scene = digits.scene(split, index)
        light = luminance(scene.pixels)
        contrast = abs(light[scene.ink > 230].mean() - light[surroundings(scene.ink)].mean())
        assert contrast >= LEGIBLE, f"picture {index}"


def test_a_picture_shows_the_digit_that_it_is_said_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """5,000 held-out pictures show 355 digits; those of one digit are 13 to 15, and the label is the digit's."""
    sources = [digits.source_of(Split.HELD_OUT, index) for index in range(5000)]
    assert set(sources) == set(digits.source_indices(Split.HELD_OUT).tolist())
    counts = np.unique(sources, return_counts=True)[1]
    assert (len(counts), counts.min(), counts.max()) == (355, 13, 15)
    assert [int(digits.sources().labels[source]) for source in sources[:100]] == [index % 10 for index in range(100)]
    assert digits.source_of(Split.TRAINING, 3, seed=2) == digits.source_of(Split.TRAINING, 23)
    drawn, glyph = [], digits._glyph
    monkeypatch.setattr(digits, "_glyph", lambda digit, rng: drawn.append(digit) or glyph(digit, rng))
    digits.scene(Split.HELD_OUT, 417)
    assert np.array_equal(drawn[0], digits.sources().images[sources[417]])


def test_a_held_out_name_names_its_source() -> None:
    assert digits.held_out_source("digit-0417") == digits.source_of(Split.HELD_OUT, 417)
    assert digits.held_out_source("cat/1.jpg") is None


def test_as_many_pictures_as_validate_takes_by_default_show_each_digit_once() -> None:
    sources = {digits.source_of(Split.HELD_OUT, index) for index in range(256)}
    assert len(sources) == 256


# What the drawing itself gives: split and index -> mean of red, green and blue, spread, mean ink, and its centre.
# Pillow and numpy may round a pixel otherwise in another version, which moves none of these by a tenth.
DRAWN = {
    (Split.TRAINING, 0): (170.1, 152.3, 155.2, 55.6, 42.5, 129.3, 118.6),
    (Split.TRAINING, 1): (188.8, 171.8, 180.2, 52.4, 10.9, 81.3, 83.6),
    (Split.TRAINING, 2): (99.8, 112.3, 110.3, 46.1, 15.5, 147.9, 129.4),
    (Split.TRAINING, 13): (65.3, 74.3, 57.6, 59.4, 28.5, 140.4, 108.1),
    (Split.TRAINING, 27): (109.9, 89.5, 69.6, 62.5, 28.9, 155.2, 98.5),
    (Split.TRAINING, 64): (146.7, 133.9, 116.1, 45.7, 24.2, 103.5, 114.7),
    (Split.TRAINING, 95): (109.1, 117.2, 118.3, 47.6, 41.8, 122.0, 107.8),
    (Split.TRAINING, 118): (91.3, 99.2, 81.5, 49.2, 31.9, 140.9, 104.9),
    (Split.HELD_OUT, 0): (117.0, 109.9, 121.5, 32.5, 13.3, 161.9, 76.7),
    (Split.HELD_OUT, 1): (122.6, 113.4, 117.0, 59.5, 32.4, 130.8, 117.4),
    (Split.HELD_OUT, 2): (187.3, 181.1, 193.6, 43.0, 12.6, 107.7, 104.9),
    (Split.HELD_OUT, 13): (148.9, 164.5, 156.0, 33.2, 12.5, 126.9, 149.0),
    (Split.HELD_OUT, 27): (151.1, 163.4, 173.8, 55.8, 24.3, 109.5, 126.4),
    (Split.HELD_OUT, 64): (96.0, 111.1, 112.5, 53.8, 32.4, 126.9, 134.6),
    (Split.HELD_OUT, 95): (150.7, 146.6, 160.9, 45.1, 24.7, 120.8, 150.7),
    (Split.HELD_OUT, 118): (101.7, 114.0, 110.0, 70.6, 38.3, 138.2, 121.7),
}


@pytest.mark.parametrize(("split", "index"), DRAWN)
def test_the_pictures_are_the_ones_that_the_checkpoint_was_trained_and_judged_on(split: Split, index: int) -> None:
    scene = digits.scene(split, index)
    pixels, ink = scene.pixels.astype(float), scene.ink.astype(float)
    rows, columns = np.indices(ink.shape)
    centre = ((columns * ink).sum() / ink.sum(), (rows * ink).sum() / ink.sum())
    found = (*pixels.mean((0, 1)), pixels.std(), ink.mean(), *centre)
    assert found == pytest.approx(DRAWN[split, index], abs=0.1)
    assert scene.label == index % CLASSES


def test_a_seed_takes_another_source_digit_and_a_spread_another_shape() -> None:
    scene = digits.scene(Split.TRAINING, 7, seed=3, spread=1.75)
    assert (scene.label, scene.pixels.mean(), scene.ink.mean()) == (
        7,
        pytest.approx(74.0, abs=0.1),
        pytest.approx(13.7, abs=0.1),
    )


@BOTH
def test_a_split_takes_every_fifth_digit_of_a_class(split: Split) -> None:
    labels, taken = digits.sources().labels, set(digits.source_indices(split).tolist())
    for label in range(CLASSES):
        for place, index in enumerate(np.flatnonzero(labels == label)):
            assert (int(index) in taken) == ((place % 5 == 4) == (split is Split.HELD_OUT))


def test_indices_are_ascending() -> None:
    for split in Split:
        assert np.all(np.diff(digits.source_indices(split)) > 0)


def test_three_fifths_of_a_photograph_are_for_training() -> None:
    assert digits.photograph_box(Split.TRAINING, 640, 427) == (0, 0, 384, 427)
    assert digits.photograph_box(Split.HELD_OUT, 640, 427) == (384, 0, 640, 427)


def test_pictures_begin_at_the_first() -> None:
    ((pixels, label),) = digits.pictures(Split.TRAINING, 1)
    assert label == 0
    assert np.array_equal(pixels, digits.picture(Split.TRAINING, 0)[0])
