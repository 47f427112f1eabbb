"""Digit pictures for training and judging: a pool drawn once into a file, and batches of held-out pictures."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.format import open_memmap
from torch import Tensor
from torch.nn import functional as F

from levit_mobile.images.digits import CENTRE_PX, PICTURE_PX, Split, picture
from levit_mobile.images.spec import ImageSpec

SPEC = ImageSpec()
CENTRE = (PICTURE_PX - CENTRE_PX) // 2
SHIFT_PX = 8  # training crops lie up to this far off centre
SPREAD = 1.75  # training pictures are turned, sheared and bent up to this much farther than held-out ones
JITTER = 0.2  # of a training picture's channels: relative contrast, and brightness in standard deviations
DRAWN_AT_ONCE = 32  # pictures a task of a drawing process
LINE_S = 10.0

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pool:
    """Training pictures [N,256,256,3] uint8, in a file mapped into memory, and their labels [N]."""

    pixels: Pixels
    labels: Labels

    def batch(self, number: int, size: int, seed: int, _done: float) -> tuple[Tensor, Tensor]:
        """Batch `number` of an endless walk, each round in another order: pictures [N,224,224,3] and labels [N]."""
        batches = len(self.labels) // size
        order = np.random.default_rng([seed, number // batches]).permutation(len(self.labels))
        rows = np.sort(order[number % batches * size :][:size])
        shifts = np.random.default_rng([seed, number, 1]).integers(-SHIFT_PX, SHIFT_PX, (size, 2), endpoint=True)
        crops = [self.crop(row, *shift) for row, shift in zip(rows, shifts, strict=True)]
        return torch.from_numpy(np.stack(crops)), torch.from_numpy(self.labels[rows])

    def crop(self, row: int, dy: int, dx: int) -> Pixels:
        y, x = CENTRE + dy, CENTRE + dx
        return self.pixels[row, y : y + CENTRE_PX, x : x + CENTRE_PX]


def training_pool(folder: Path, count: int, *, seed: int, workers: int) -> Pool:
    """The first `count` training pictures of a seed; drawn unless they are in `folder`."""
    path = folder / f"pool_{count}_{seed}.npy"
    if not path.exists():
        beside = path.with_suffix(".partial")
        _draw(beside, count, seed, workers)
        beside.replace(path)
    labels = np.load(path.with_suffix(".labels.npy"))
    return Pool(np.load(path, mmap_mode="r"), labels)


def _draw(path: Path, count: int, seed: int, workers: int) -> None:
    pixels = open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, PICTURE_PX, PICTURE_PX, 3))
    labels = np.empty(count, np.int64)
    shown = time.monotonic()
    for i, (pixels[i], labels[i]) in enumerate(_pictures(Split.TRAINING, count, seed, workers, SPREAD)):
        if time.monotonic() - shown > LINE_S:
            shown = time.monotonic()
            print(f"pool {i + 1} of {count} pictures", flush=True)
    pixels.flush()
    np.save(path.with_suffix(".labels.npy"), labels)


def _pictures(split: Split, count: int, seed: int, workers: int, spread: float) -> Iterator[tuple[Pixels, int]]:
    """`count` pictures in order, drawn by `workers` processes."""
    with get_context("fork").Pool(workers) as processes:
        yield from processes.imap(partial(picture, split, seed=seed, spread=spread), range(count), DRAWN_AT_ONCE)


def held_out(count: int, size: int, workers: int, spread: float = 1.0) -> Iterator[tuple[Tensor, Tensor]]:
    """The first `count` held-out pictures' centres uint8 [N,224,224,3] and labels int64 [N], `size` at a time."""
    window = slice(CENTRE, CENTRE + CENTRE_PX)
    drawn = _pictures(Split.HELD_OUT, count, 0, workers, spread)
    for _ in range(math.ceil(count / size)):
        pixels, labels = zip(*itertools.islice(drawn, size), strict=True)
        yield torch.from_numpy(np.stack([whole[window, window] for whole in pixels])), torch.tensor(labels)


def normalised(pixels: Tensor, side: int = CENTRE_PX, *, jitter: bool = False) -> Tensor:
    """uint8 [N,S,S,3] -> float32 [N,3,side,side], channels last in memory; quicker if side divides S, which is 224.

    `jitter` makes each picture's channels a little brighter or darker, with more or less contrast.
    """
    mean, std = (torch.tensor(values, device=pixels.device) * 255 for values in (SPEC.mean, SPEC.std))
    gain, offset = (torch.rand((2, len(pixels), 3), device=pixels.device) * 2 - 1) * (JITTER if jitter else 0)
    scale = (1 + gain) / std
    return _scaled(_pooled(pixels, side), scale, offset - mean * scale).permute(0, 3, 1, 2)


def _pooled(pixels: Tensor, side: int) -> Tensor:
    """Means of the pixels that an output pixel covers, float32 [N,side,side,3].

    Over whole windows bfloat16, exact for 0..255, and a convolution are the fast way.
    """
    window, rest = divmod(pixels.shape[1], side)
    if rest:
        return F.adaptive_avg_pool2d(pixels.permute(0, 3, 1, 2).float(), side).permute(0, 2, 3, 1).contiguous()
    if window == 1:
        return pixels.float()
    x = pixels.permute(0, 3, 1, 2).to(torch.bfloat16)
    kernel = x.new_full((3, 1, window, window), window**-2)
    return F.conv2d(x, kernel, stride=window, groups=3).permute(0, 2, 3, 1).float()


def _scaled(x: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """x [N,H,W,C] * scale [N,C] + offset [N,C], along whole rows, for an innermost loop over C alone is slow."""
    n, h, w, c = x.shape
    wide_scale, wide_offset = (values.repeat(1, w)[:, None] for values in (scale, offset))
    return torch.addcmul(wide_offset, x.reshape(n, h, w * c), wide_scale).view(n, h, w, c)
