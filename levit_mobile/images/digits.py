"""Real pictures with known labels: handwritten digits laid over photographs.

The bundled checkpoint is trained and judged on these, so that tests and examples have a true accuracy to hold without
a download. Digits are UCI's "Optical Recognition of Handwritten Digits" (1797 of 8x8 px), photographs are
scikit-learn's two; NOTICE gives the attributions. No digit and no photograph pixel serves both splits.

    photograph -> crop -> tone --+
    8x8 digit -> upsample -> warp -> ink mask --> composite -> blur -> light -> sensor noise -> picture
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

CLASSES = 10
LABELS: tuple[str, ...] = tuple(str(digit) for digit in range(CLASSES))
PICTURE_PX = 256
CENTRE_PX = 224  # what a 224 px model sees of a picture; the digit stays inside it

HELD_OUT_EVERY = 5  # every fifth digit of a class is held out: 20 %, the same under any numpy
TRAINING_WIDTH = 0.6  # photographs: left 60 % for training (a JPEG block boundary), right 40 % held out
DIGIT_PX, PAD_PX, UPSAMPLING = 8, 3, 8
INK_MAX = 16  # the data set counts the inked pixels in 4x4 blocks
TURN_RAD, SHEAR, BEND_PX = 0.2, 0.115, 0.2  # beyond about twice that, digits of 8x8 px turn into one another
MESH = 4  # grid cells a side of the elastic warp
MARGIN_PX = (PICTURE_PX - CENTRE_PX) // 2 + 4
MIN_CONTRAST = 0.4  # luminance of ink against its surroundings, before light and noise
MAX_TEXTURE = 0.15  # standard deviation of the background's luminance
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in Pillow's mode "L"

Pixels = npt.NDArray[np.uint8]  # [PICTURE_PX, PICTURE_PX, 3], RGB
Floats = npt.NDArray[np.float64]


HELD_OUT_NAME = re.compile(r"digit-(\d{4,})")


class Split(StrEnum):
    TRAINING = "training"
    HELD_OUT = "held-out"


@dataclass(frozen=True, slots=True)
class Sources:
    """The digits, [1797, 8, 8] uint8 of 0..16, and their labels, [1797] uint8."""

    images: Pixels
    labels: Pixels


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and the mask of its ink: `ink` is [PICTURE_PX, PICTURE_PX] uint8, 255 where the digit is opaque."""

    pixels: Pixels
    label: int
    ink: Pixels


def held_out_name(index: int) -> str:
    """What the held-out digit of that index is called, from 0: "digit-0017"."""
    return f"digit-{index:04d}"


def held_out_index(name: str) -> int | None:
    """The index again; None for a name of anything else."""
    found = HELD_OUT_NAME.fullmatch(name)
    return int(found[1]) if found else None


def held_out_source(name: str) -> int | None:
    """Which of the 1797 digits the held-out picture of that name shows; None for a name of anything else."""
    index = held_out_index(name)
    return None if index is None else source_of(Split.HELD_OUT, index)


@functools.cache
def sources() -> Sources:
    """The 1797 digits of both splits."""
    path = resources.files("levit_mobile") / "data" / "digits.npz"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return Sources(arrays["images"], arrays["labels"])


@functools.cache
def photographs(split: Split) -> tuple[Image.Image, ...]:
    """The split's part of each photograph, RGB."""
    folder = resources.files("levit_mobile") / "data" / "photographs"
    parts = []
    for name in ("china.jpg", "flower.jpg"):
        with (folder / name).open("rb") as stream:
            whole = Image.open(stream).convert("RGB")
        parts.append(whole.crop(photograph_box(split, whole.width, whole.height)))
    return tuple(parts)


def photograph_box(split: Split, width: int, height: int) -> tuple[int, int, int, int]:
    """(left, upper, right, lower) of the split's part of a photograph."""
    border = round(width * TRAINING_WIDTH)
    return (0, 0, border, height) if split is Split.TRAINING else (border, 0, width, height)


@functools.cache
def _members(split: Split, label: int) -> npt.NDArray[np.int64]:
    of_class = np.flatnonzero(sources().labels == label)
    held_out = np.arange(len(of_class)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    members: npt.NDArray[np.int64] = of_class[held_out if split is Split.HELD_OUT else ~held_out]
    return members


def source_indices(split: Split) -> npt.NDArray[np.int64]:
    """Which of the 1797 digits the split draws from, ascending."""
    return np.sort(np.concatenate([_members(split, label) for label in range(CLASSES)]))


def source_of(split: Split, index: int, *, seed: int = 0) -> int:
    """Which of the 1797 digits picture `index` of a split shows; pictures of the same one are not independent."""
    members = _members(split, index % CLASSES)
    return int(members[(index // CLASSES + seed) % len(members)])


def picture(split: Split, index: int, *, seed: int = 0, spread: float = 1.0) -> tuple[Pixels, int]:
    """Picture `index` of a split and its label: [256, 256, 3] uint8 RGB, and 0..9.

    A pure function of its arguments; there are as many pictures as indices. Labels cycle with the index, and so do a
    label's source digits. `spread` widens rotation (12 degrees each way at 1), shear and bend, which training does to
    learn more from the same digits. Raises ValueError for a negative index or seed.
    """
    drawn = scene(split, index, seed=seed, spread=spread)
    return drawn.pixels, drawn.label


def pictures(split: Split, count: int, *, seed: int = 0, start: int = 0) -> Iterator[tuple[Pixels, int]]:
    """`count` pictures and labels, from index `start` on."""
    return (picture(split, index, seed=seed) for index in range(start, start + count))


def scene(split: Split, index: int, *, seed: int = 0, spread: float = 1.0) -> Scene:
    """The same picture with its ink mask."""
    rng = np.random.default_rng([seed, list(Split).index(split), index])
    label = index % CLASSES
    digit = sources().images[source_of(split, index, seed=seed)]

    ink = _warp(_glyph(digit, rng), rng, spread)
    background = _background(photographs(split), rng)
    painted = Image.composite(_paint(background, ink, rng), background, ink)
    blurred = painted.filter(ImageFilter.GaussianBlur(max(0.0, rng.uniform(-1.0, 2.0))))  # a third stay sharp
    return Scene(_expose(blurred, rng), label, np.asarray(ink))


def _glyph(digit: Pixels, rng: np.random.Generator) -> Image.Image:
    """The digit as a smooth mask: padded, upsampled, then a contrast curve of random threshold and softness."""
    small = Image.fromarray(np.pad(digit * (255 // INK_MAX), PAD_PX))
    side = small.width * UPSAMPLING
    threshold, softness = rng.uniform(95, 125), rng.uniform(60, 150)
    levels = np.clip((np.arange(256) - threshold) / softness + 0.5, 0, 1) * 255
    return small.resize((side, side), Image.Resampling.BICUBIC).point(levels.astype(np.uint8).tolist())


def _warp(glyph: Image.Image, rng: np.random.Generator, spread: float) -> Image.Image:
    """Rotates, shears, scales, tilts, bends and places the glyph on an empty picture."""
    linear = _linear(rng, spread)
    half = np.abs(linear).sum(1) * DIGIT_PX / 2  # half the warped digit's width and height, in picture px
    room = np.maximum(PICTURE_PX / 2 - MARGIN_PX - half, 0)
    centre = PICTURE_PX / 2 + rng.uniform(-room, room)
    grid = _bent_grid(linear, centre, rng, spread)
    return glyph.transform((PICTURE_PX, PICTURE_PX), Image.Transform.MESH, _cells(grid), Image.Resampling.BILINEAR)


def _linear(rng: np.random.Generator, spread: float) -> Floats:
    """[2, 2] from digit px to picture px; at most as large as the centre crop holds."""
    angle, shear = rng.uniform(-TURN_RAD, TURN_RAD) * spread, rng.uniform(-SHEAR, SHEAR) * spread
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = turn @ np.array([[rng.uniform(0.85, 1.2), shear], [0.0, 1.0]])
    scale = CENTRE_PX * rng.uniform(0.35, 0.85) / DIGIT_PX
    largest = (PICTURE_PX - 2 * MARGIN_PX) / DIGIT_PX / np.abs(shape).sum(1).max()
    return np.asarray(shape * min(scale, largest), dtype=np.float64)


def _bent_grid(linear: Floats, centre: Floats, rng: np.random.Generator, spread: float) -> Floats:
    """[MESH+1, MESH+1, 2]: where in the glyph, in its px, each corner of the picture's mesh looks."""
    ticks = np.linspace(0, PICTURE_PX, MESH + 1)
    corners = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    at = (corners - centre) @ np.linalg.inv(linear).T  # digit px from the digit's middle
    tilt = 1 + at @ rng.uniform(-0.015, 0.015, 2)
    bend = rng.uniform(-BEND_PX, BEND_PX, at.shape) * spread
    middle = PAD_PX + DIGIT_PX / 2
    return np.asarray((at * tilt[..., None] + bend + middle) * UPSAMPLING, dtype=np.float64)


def _cells(grid: Floats) -> list[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
    """Pillow's mesh: each target box with its source corners, north-west, south-west, south-east, north-east."""
    step = PICTURE_PX // MESH
    cells = []
    for y in range(MESH):
        for x in range(MESH):
            box = (x * step, y * step, (x + 1) * step, (y + 1) * step)
            quad = np.concatenate([grid[y, x], grid[y + 1, x], grid[y + 1, x + 1], grid[y, x + 1]])
            cells.append((box, tuple(quad.tolist())))
    return cells


def _background(parts: tuple[Image.Image, ...], rng: np.random.Generator) -> Image.Image:
    """A random crop of a photograph with a random tone, its texture bounded so that ink stands out from it."""
    part = parts[rng.integers(len(parts))]
    size = rng.uniform(100, min(part.size), 2)
    corner = rng.uniform(0, np.array(part.size) - size)
    box = tuple(np.concatenate([corner, corner + size]).tolist())
    crop = part.resize((PICTURE_PX, PICTURE_PX), Image.Resampling.BILINEAR, box=box)
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return crop.point(_tone(crop, rng))


def _tone(crop: Image.Image, rng: np.random.Generator) -> list[int]:
    """A look-up table of 3*256 levels: random contrast, brightness, gamma and colour cast."""
    luminance = np.asarray(crop.convert("L").resize((32, 32))) / 255
    contrast = min(rng.uniform(0.3, 1.0), MAX_TEXTURE / max(float(luminance.std()), 1e-3))
    mean, level = float(luminance.mean()), rng.uniform(0.1, 0.9)
    curve = (np.linspace(0, 1, 256) - mean) * contrast + 0.5 * (mean + level)
    channels = np.clip(curve + rng.uniform(-0.06, 0.06, (3, 1)), 0, 1) ** rng.uniform(0.75, 1.33)
    levels: list[int] = np.rint(channels * 255).astype(int).flatten().tolist()
    return levels


def _paint(background: Image.Image, ink: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One colour over the whole picture, at least MIN_CONTRAST lighter or darker than the background under the ink."""
    under = float(np.average(np.asarray(background.convert("L")), weights=np.asarray(ink))) / 255
    lighter, darker = 1.0 - under, under
    light = darker < MIN_CONTRAST or (lighter >= MIN_CONTRAST and rng.random() < 0.5)
    distance = rng.uniform(MIN_CONTRAST, lighter if light else darker)
    luminance = under + distance if light else under - distance
    return Image.new("RGB", background.size, _colour(luminance, rng))


def _colour(luminance: float, rng: np.random.Generator) -> tuple[int, int, int]:
    """A random colour of a given luminance in [0, 1]: a random hue, as saturated as the range allows."""
    hue = rng.uniform(-1, 1, 3)
    hue -= hue @ LUMA  # adding it leaves the luminance as it is
    room = np.where(hue > 0, 1 - luminance, luminance) / np.maximum(np.abs(hue), 1e-6)
    red, green, blue = np.rint((luminance + hue * min(1.0, float(room.min()))) * 255).astype(int).tolist()
    return red, green, blue


def _expose(painted: Image.Image, rng: np.random.Generator) -> Pixels:
    """Light that falls off across the picture, then sensor noise: RGB -> uint8 [H, W, 3]."""
    ramp = np.linspace(-0.5, 0.5, PICTURE_PX, dtype=np.float32)
    slope = rng.uniform(-0.2, 0.2, 2).astype(np.float32)
    light = np.float32(rng.uniform(0.85, 1.1)) + slope[0] * ramp[:, None] + slope[1] * ramp  # H W
    noise = rng.standard_normal((PICTURE_PX, PICTURE_PX), dtype=np.float32)  # the same in all channels
    noise *= 255 * rng.uniform(0.0, 0.07)
    lit = np.asarray(painted) * light[..., None]
    lit += noise[..., None]
    pixels: Pixels = np.clip(lit, 0, 255, out=lit).astype(np.uint8)
    return pixels
