"""Batches of digit pictures: drawn in worker processes, normalised on the device."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from levit_mobile.digits import CENTRE_PX, PICTURE_PX, Split, picture

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # LeViT's own, for RGB in [0, 1]
CENTRE = (PICTURE_PX - CENTRE_PX) // 2
POOL_BATCHES = 16


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Batch `number` -> uint8 [N,224,224,3] and int64 [N]; each picture's crop lies up to `shift_px` off centre."""

    def __init__(self, split: Split, size: int, *, seed: int, shift_px: int) -> None:
        self.split, self.size, self.seed, self.shift_px = split, size, seed, shift_px

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.seed, number])
        pixels = np.empty((self.size, CENTRE_PX, CENTRE_PX, 3), np.uint8)
        labels = np.empty(self.size, np.int64)
        for i in range(self.size):
            whole, labels[i] = picture(self.split, number * self.size + i, seed=self.seed)
            y, x = CENTRE + rng.integers(-self.shift_px, self.shift_px, 2, endpoint=True)
            pixels[i] = whole[y : y + CENTRE_PX, x : x + CENTRE_PX]
        return torch.from_numpy(pixels), torch.from_numpy(labels)


def loader(
    batches: Batches, *, start: int = 0, stop: int | None = None, workers: int, pin: bool
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Batches `start`, `start` + 1, ... in order, without end when `stop` is None."""
    numbers = itertools.count(start) if stop is None else range(start, stop)
    return DataLoader(
        batches,
        batch_size=None,  # the workers assemble the batches
        sampler=numbers,
        num_workers=workers,
        pin_memory=pin,
        worker_init_fn=one_thread,
    )


def one_thread(_worker: int) -> None:
    torch.set_num_threads(1)


def normalise(pixels: Tensor) -> Tensor:
    """uint8 [N,H,W,3] -> float32 [N,3,H,W], channels last in memory, as LeViT wants it."""
    mean, std = (torch.tensor(values, device=pixels.device) * 255 for values in (MEAN, STD))
    return ((pixels.float() - mean) / std).permute(0, 3, 1, 2)


class Pool:
    """The latest batches on the device, to train on each picture more than once where drawing them is the bottleneck.

    With `reuse` 1 it holds one batch, and `draw` gives just that. `hints` are the teacher's labels.
    """

    def __init__(self, batch: int, *, reuse: int, device: torch.device) -> None:
        self.batch, self.capacity = batch, batch * (POOL_BATCHES if reuse > 1 else 1)
        self.pixels = torch.empty((self.capacity, CENTRE_PX, CENTRE_PX, 3), dtype=torch.uint8, device=device)
        self.labels = torch.empty(self.capacity, dtype=torch.int64, device=device)
        self.hints = torch.empty_like(self.labels)
        self.written = 0

    def put(self, pixels: Tensor, labels: Tensor, hints: Tensor) -> None:
        first = self.written % self.capacity
        rows = slice(first, first + self.batch)
        self.pixels[rows], self.labels[rows], self.hints[rows] = pixels, labels, hints
        self.written += self.batch

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        held = min(self.written, self.capacity)
        rows = torch.randperm(held, device=self.pixels.device)[: self.batch]
        return self.pixels[rows], self.labels[rows], self.hints[rows]
