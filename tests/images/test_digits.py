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
