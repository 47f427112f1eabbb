"""The pictures that int8 ranges are measured on: where they come from, what is wrong with them, and their digest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from levit_mobile.errors import ImageError
from levit_mobile.images import digits
from levit_mobile.images.image_set import Found, ImageSet, Skipped, digest_of, picture_digest, skip
from levit_mobile.images.image_set import find as find_pictures
from levit_mobile.images.preprocessing import Pixels, preprocess
from levit_mobile.images.source import ImageOrigin, ImageSource, calibration_source, require_count
from levit_mobile.images.spec import ImageSpec

COUNT = 512
KEPT_BYTES = 160_000_000  # of pictures in memory: 1062 of 224 px
MIN_PICTURES, FEW_PICTURES = 16, 128
NOISE = 0.3  # mean correlation of neighbouring pixels; photographs have 0.9 and more, noise 0
SATURATED = 0.25  # share of values at 0 or 255


@dataclass(frozen=True, slots=True)
class CalibrationSet:
    """Pictures, where they are from, the seed that chose them, and how many classes they show.

    `classes` is None where nothing says so. `seen` has the digests of those that were read so far.
    """

    pictures: ImageSet
    source: ImageSource
    seed: int
    classes: int | None
    seen: Mapping[str, str] = field(default_factory=dict)

    @property
    def for_release(self) -> bool:
        """False for noise, which is no picture of anything."""
        return self.source.origin is not ImageOrigin.SYNTHETIC

    @property
    def digests(self) -> dict[str, str]:
        """Of every picture by its name; none is read again for it."""
        return {name: self.seen.get(name) or picture_digest(self.pictures.read(name)) for name in self.pictures.names}

    @property
    def digest(self) -> str:
        """What `ImageSet.digest` would give."""
        return digest_of(self.digests)


class Remembered:
    """What reads a picture: it keeps each one's digest, and the pictures that fit into `room_bytes`.

    Sent to another process, it has forgotten them.
    """

    def __init__(self, read: Callable[[str], Pixels], room_bytes: int = KEPT_BYTES) -> None:
        self.read, self.room_bytes, self.left_bytes = read, room_bytes, room_bytes
        self.pictures: dict[str, Pixels] = {}
        self.digests: dict[str, str] = {}

    def __call__(self, name: str) -> Pixels:
        if name in self.pictures:
            return self.pictures[name]
        pixels = self.read(name)
        self.digests[name] = picture_digest(pixels)
        if pixels.nbytes <= self.left_bytes:
            self.pictures[name] = pixels
            self.left_bytes -= pixels.nbytes
        return pixels

    def __reduce__(self) -> tuple[type[Remembered], tuple[Callable[[str], Pixels], int]]:
        return Remembered, (self.read, self.room_bytes)


def find(
    source: str | Path | None,
    spec: ImageSpec,
    *,
    count: int | None = None,
    seed: int = 0,
    skip_broken: bool = False,
) -> CalibrationSet:
    """Find the pictures on which ranges are measured.

    Args:
        source: A folder, archive, tar shards or URL of images, ``"synthetic"`` for noise, or None for the bundled
            training digits.
        spec: How pictures are prepared.
        count: Number of pictures, 1 or more. Default: 512.
        seed: Seed that draws them, 0 or more.
        skip_broken: Draw another picture of the source for each one that cannot be read.

    Returns:
        The pictures, which are read on use.

    Raises:
        ValueError: The count is below 1.
        ImageError: The source cannot be read (the codes of ``image_set.find``), or holds fewer than 16 pictures
            (``image.too-few``) or noise (``image.noise``).
    """
    require_count("count", count)
    wanted = COUNT if count is None else count
    return drawn_from(calibration_source(source), spec, count=wanted, seed=seed, skip_broken=skip_broken)


def drawn_from(
    source: ImageSource, spec: ImageSpec, *, count: int, seed: int, skip_broken: bool = False
) -> CalibrationSet:
    """What `find` gives, where the source is known."""
    if source.place is not None:
        return _placed(source, find_pictures(source.place), spec, count, seed, skip_broken=skip_broken)
    return (_synthetic if source.origin is ImageOrigin.SYNTHETIC else _bundled)(spec, count, seed)


def concerns(found: CalibrationSet, *, proof: ImageSet, bundled_model: bool) -> tuple[str, ...]:
    """Return one sentence for each reason to doubt ranges measured on these pictures.

    Args:
        found: The calibration pictures.
        proof: The pictures of the proof; those that both use make the proof too good.
        bundled_model: Whether the checkpoint is the bundled digits model.

    Returns:
        The sentences; empty if there is no reason.
    """
    return tuple(_doubts(found, proof, bundled_model))


def _doubts(found: CalibrationSet, proof: ImageSet, bundled_model: bool) -> Iterator[str]:
    pictures = found.pictures
    if not found.for_release:
        yield "calibrated on synthetic noise: this bundle is not for release"
    if len(pictures) < FEW_PICTURES:
        yield f"only {len(pictures)} calibration images: use at least {FEW_PICTURES} for stable ranges"
    if skipped := pictures.skipped:
        left_out = "image was" if len(skipped) == 1 else "images were"
        yield f"{len(skipped)} unreadable calibration {left_out} skipped, the first: {skipped[0].name}"
    if found.classes == 1:
        yield "all calibration images show one class: the ranges of the other classes were not measured"
    if found.source.origin is ImageOrigin.BUNDLED and not bundled_model:
        yield "calibrated on the bundled digits, which this checkpoint was not trained on: use --calibration DIR"
    saturated = float(np.mean([np.isin(pixels, (0, 255)).mean() for pixels in _some(pictures)]))
    if found.for_release and saturated > SATURATED:
        yield f"{saturated:.0%} of the calibration pixels are 0 or 255: clipped images give clipped ranges"
    shared = {*found.digests.values()} & {picture_digest(p) for p in proof}
    if shared:
        yield f"{len(shared)} calibration images are also used by the proof, which makes its figures too good"


def _bundled(spec: ImageSpec, count: int, seed: int) -> CalibrationSet:
    names = tuple(f"training-digit-{index:05d}" for index in range(count))
    read, source = Remembered(partial(_drawn, spec, seed)), ImageSource(ImageOrigin.BUNDLED)
    return CalibrationSet(ImageSet(names, read), source, seed, len(digits.LABELS), seen=read.digests)


def _drawn(spec: ImageSpec, seed: int, name: str) -> Pixels:
    pixels, _ = digits.picture(digits.Split.TRAINING, int(name.rpartition("-")[2]), seed=seed)
    return preprocess(Image.fromarray(pixels), spec)


def _synthetic(spec: ImageSpec, count: int, seed: int) -> CalibrationSet:
    names = tuple(f"noise-{index:05d}" for index in range(count))
    read, source = Remembered(partial(_noise, spec, seed)), ImageSource(ImageOrigin.SYNTHETIC)
    return CalibrationSet(ImageSet(names, read), source, seed, None, seen=read.digests)


def _noise(spec: ImageSpec, seed: int, name: str) -> Pixels:
    drawn = np.random.default_rng([seed, int(name.rpartition("-")[2])])
    return drawn.integers(0, 256, (spec.crop_height, spec.crop_width, 3), np.uint8)


def _placed(
    source: ImageSource, found: Found, spec: ImageSpec, count: int, seed: int, *, skip_broken: bool
) -> CalibrationSet:
    everything = ImageSet.of(found, spec)
    order = np.random.default_rng(seed).permutation(len(everything))
    read, drawn = Remembered(everything.read), [everything.names[index] for index in order]
    names, skipped = _readable(drawn, read, count) if skip_broken else (drawn[:count], [])
    if len(names) < MIN_PICTURES:
        broken = f" ({len(skipped)} cannot be read, the first: {skipped[0].reason})" if skipped else ""
        raise ImageError(
            f"{found.place} gave {len(names)} images of up to {count}{broken}, expected at least {MIN_PICTURES} for a "
            "calibration",
            fault="too-few",
        )
    taken = set(names)
    chosen = ImageSet(tuple(name for name in everything.names if name in taken), read, tuple(skipped))
    _refuse_noise(chosen, found.place)
    tops = {name.split("/")[0] for name in names if "/" in name}
    return CalibrationSet(chosen, source, seed, len(tops) or None, seen=read.digests)


def _readable(names: Sequence[str], read: Callable[[str], Pixels], count: int) -> tuple[list[str], list[Skipped]]:
    """The first `count` pictures that can be read, and those before them that cannot.

    The same count and seed give the same pictures again, which `validate --drill` relies on.
    """
    readable: list[str] = []
    skipped: list[Skipped] = []
    for name in names:
        if len(readable) == count:
            break
        try:
            read(name)
            readable.append(name)
        except ImageError as error:
            skipped.append(skip(error, name))
    return readable, skipped


def _refuse_noise(pictures: ImageSet, place: str) -> None:
    likeness = float(np.mean([_likeness(pixels) for pixels in _some(pictures)]))
    if likeness < NOISE:
        raise ImageError(
            f"the images in {place} are noise: neighbouring pixels correlate by {likeness:.2f}, expected about 0.9 "
            "as in photographs; use real images, or --calibration synthetic for a bundle that is not for release",
            fault="noise",
        )


def _some(pictures: ImageSet) -> Iterator[Pixels]:
    """Up to 32 of them, evenly spread."""
    step = max(1, len(pictures) // 32)
    return map(pictures.read, pictures.names[::step])


def _likeness(pixels: Pixels) -> float:
    """Correlation of each grey pixel with its right neighbour; 1 for a picture of one colour."""
    grey = pixels.mean(2)
    left, right = grey[:, :-1].ravel(), grey[:, 1:].ravel()
    if left.std() == 0 or right.std() == 0:
        return 1.0
    return float(np.corrcoef(left, right)[0, 1])
