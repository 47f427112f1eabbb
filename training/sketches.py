"""Endless training pictures, drawn by torch at the size a small net sees: the same digits, on easier ground at first.

    8x8 digits -> sampled through a pose -> ink mask --+
    crops of the training photographs -> tone ---------+-> composite -> light -> noise -> pictures

They follow `levit_mobile.images.digits` step by step, save that nothing is blurred, which hardly shows at this size. A
picture takes 0.5 ms on a core, and one from there 9 ms. `wildness` goes from 0, a large upright digit in the middle of
flat ground, to 1, training pictures as in the pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from digit_pool import CENTRE, SHIFT_PX, SPREAD
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from levit_mobile.images.digits import (
    BEND_PX,
    CENTRE_PX,
    DIGIT_PX,
    INK_MAX,
    LUMA,
    MARGIN_PX,
    MAX_TEXTURE,
    MESH,
    MIN_CONTRAST,
    PAD_PX,
    PICTURE_PX,
    SHEAR,
    TURN_RAD,
    Split,
    photographs,
    source_indices,
    sources,
)

GROUNDS = 3000  # crops of photographs that pictures are laid over
LEAST_CROP = 100  # px
TILT = 0.015


@dataclass(frozen=True, slots=True)
class Sketches:
    """Pictures [N,side,side,3] uint8 and labels [N], ever wilder.

    Attributes:
        side: Edge of a picture in px, at most 224.
        grounds: Crops of photographs, [GROUNDS,3,side,side], 0 to 1.
    """

    side: int
    grounds: Tensor

    def batch(self, number: int, size: int, seed: int, done: float) -> tuple[Tensor, Tensor]:
        """Batch `number` of a seed, when a share `done` of the training is done."""
        drawn = Draw(size, torch.Generator().manual_seed((seed << 32) + number))
        wild = drawn.between(*wildness(done))
        rows = drawn.whole(len(DIGITS))
        ink = inked(DIGITS[rows], drawn, self.side, wild)
        ground = toned(self.grounds[drawn.whole(len(self.grounds))], drawn, wild)
        lit = exposed(torch.lerp(ground, colours(ground, ink, drawn), ink), drawn)
        return (lit * 255).permute(0, 2, 3, 1).to(torch.uint8), LABELS[rows]


def wildness(done: float) -> tuple[float, float]:
    """The least and the most of a batch's pictures: 0 to 0.2 at first, 1 at the end."""
    return max(0.0, 2 * done - 1), min(1.0, 0.2 + 2 * done)


class Draw:
    """Random numbers, one a picture."""

    def __init__(self, size: int, source: torch.Generator) -> None:
        self.size, self.source = size, source

    def whole(self, below: int) -> Tensor:
        """[N] integers from 0."""
        return torch.randint(below, (self.size,), generator=self.source)

    def between(self, low: float | Tensor, high: float | Tensor, *shape: int) -> Tensor:
        """[N,1,1,1] or [N,*shape], uniform."""
        share = torch.rand((self.size, *(shape or (1, 1, 1))), generator=self.source)
        return low + share * (high - low)


DIGITS = torch.from_numpy(sources().images[source_indices(Split.TRAINING)]).float()[:, None] / INK_MAX  # N 1 8 8
LABELS = torch.from_numpy(sources().labels[source_indices(Split.TRAINING)]).long()


def sketches(side: int, seed: int = 0) -> Sketches:
    """With crops of the training photographs."""
    rng, parts = np.random.default_rng(seed), photographs(Split.TRAINING)
    crops = [_crop(parts[i % len(parts)], side, rng) for i in range(GROUNDS)]
    return Sketches(side, torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255)


def _crop(part: Image.Image, side: int, rng: np.random.Generator) -> np.ndarray:
    size = rng.uniform(LEAST_CROP, min(part.size), 2) * CENTRE_PX / PICTURE_PX
    corner = rng.uniform(0, np.array(part.size) - size)
    box = tuple(np.concatenate([corner, corner + size]).tolist())
    crop = part.resize((side, side), Image.Resampling.BILINEAR, box=box)
    return np.asarray(crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else crop)


def inked(digits: Tensor, drawn: Draw, side: int, wild: Tensor) -> Tensor:
    """Digits [N,1,8,8] in a random pose, as masks [N,1,side,side] from 0 to 1."""
    at = placed(drawn, side, wild)
    tilt = 1 + (at * drawn.between(-TILT, TILT, 1, 1, 2) * wild).sum(-1, keepdim=True)
    bend = drawn.between(-BEND_PX, BEND_PX, 2, MESH + 1, MESH + 1) * (SPREAD * wild)
    at = at * tilt + F.interpolate(bend, (side, side), mode="bilinear", align_corners=True).permute(0, 2, 3, 1)
    shown = F.grid_sample(
        F.pad(digits, (PAD_PX,) * 4), at / (DIGIT_PX / 2 + PAD_PX), mode="bicubic", align_corners=False
    )
    threshold, softness = (drawn.between(low / 255, high / 255) for low, high in ((95, 125), (60, 150)))
    return ((shown * (15 * INK_MAX / 255) - threshold) / softness + 0.5).clamp(0, 1)


def placed(drawn: Draw, side: int, wild: Tensor) -> Tensor:
    """Where in digits each pixel lies, in their px from the middle: [N,side,side,2]."""
    each = wild.flatten(1)
    angle, shear = (drawn.between(-most, most, 1) * (SPREAD * each) for most in (TURN_RAD, SHEAR))
    cos, sin, one, none = angle.cos(), angle.sin(), torch.ones_like(angle), torch.zeros_like(angle)
    turn = torch.stack([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)], 1)
    stretch = 1 + (drawn.between(0.85, 1.2, 1) - 1) * each
    shape = turn @ torch.stack([torch.cat([stretch, shear], 1), torch.cat([none, one], 1)], 1)  # N 2 2
    scale = CENTRE_PX / DIGIT_PX * drawn.between(0.85 - 0.5 * each, 0.85, 1)
    largest = (PICTURE_PX - 2 * MARGIN_PX) / DIGIT_PX / shape.abs().sum(2).amax(1, keepdim=True)
    linear = shape * torch.minimum(scale, largest)[:, None]
    room = (PICTURE_PX / 2 - MARGIN_PX - linear.abs().sum(2) * DIGIT_PX / 2).clamp(min=0) + SHIFT_PX
    centre = PICTURE_PX / 2 + drawn.between(-1, 1, 2) * room * each
    ticks = CENTRE + (torch.arange(side) + 0.5) * (CENTRE_PX / side)
    pixels = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1)  # side side 2, x first
    return (pixels - centre[:, None, None]) @ torch.linalg.inv(linear).transpose(1, 2)[:, None]


def toned(grounds: Tensor, drawn: Draw, wild: Tensor) -> Tensor:
    """Random contrast, brightness, gamma and colour cast, with texture bounded: [N,3,side,side] from 0 to 1."""
    light = luminance(grounds)
    mean, texture = light.mean((2, 3), keepdim=True), light.std((2, 3), keepdim=True).clamp(min=1e-3)
    contrast = torch.minimum(drawn.between(0.3, 1.0), MAX_TEXTURE / texture) * wild
    curve = (grounds - mean) * contrast + 0.5 * (mean + drawn.between(0.1, 0.9))
    return (curve + drawn.between(-0.06, 0.06, 3, 1, 1)).clamp(0, 1) ** drawn.between(0.75, 1.33)


def luminance(x: Tensor) -> Tensor:
    """[N,3,H,W] -> [N,1,H,W]."""
    return (x * torch.tensor(LUMA, dtype=torch.float32).view(1, 3, 1, 1)).sum(1, keepdim=True)


def colours(ground: Tensor, ink: Tensor, drawn: Draw) -> Tensor:
    """One colour a picture that stands out from the ground under its ink: [N,3,1,1]."""
    under = (luminance(ground) * ink).sum((2, 3), keepdim=True) / ink.sum((2, 3), keepdim=True).clamp(min=1e-3)
    light = (under < MIN_CONTRAST) | ((1 - under >= MIN_CONTRAST) & (drawn.between(0.0, 1.0) < 0.5))
    distance = drawn.between(MIN_CONTRAST, torch.where(light, 1 - under, under))
    level = torch.where(light, under + distance, under - distance)
    hue = drawn.between(-1.0, 1.0, 3, 1, 1)
    hue = hue - luminance(hue)
    room = torch.where(hue > 0, 1 - level, level) / hue.abs().clamp(min=1e-6)
    return level + hue * room.amin(1, keepdim=True).clamp(max=1)


def exposed(x: Tensor, drawn: Draw) -> Tensor:
    """Light that falls off across the picture, and noise as it is left after averaging to this size."""
    side = x.shape[-1]
    ramp = torch.linspace(-0.5, 0.5, side) * CENTRE_PX / PICTURE_PX
    across, down = (drawn.between(-0.2, 0.2) for _ in range(2))
    light = drawn.between(0.85, 1.1) + across * ramp + down * ramp[:, None]
    noise = torch.randn((len(x), 1, side, side), generator=drawn.source)
    return (x * light + noise * drawn.between(0.0, 0.07) * (side / CENTRE_PX)).clamp(0, 1)
