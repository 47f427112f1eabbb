"""The trained model itself, unbaked, in PyTorch: the reference of every proof."""

from __future__ import annotations

import copy

import numpy as np
import torch

from levit_mobile.images import ImageSpec
from levit_mobile.model.levit import LeViT
from levit_mobile.runners import Images, Logits, Runner


def load(model: LeViT, spec: ImageSpec, *, double: bool = False) -> Runner:
    """A runner over `model` in evaluation mode, in float32, or in float64 throughout with `double`."""
    dtype = torch.float64 if double else torch.float32
    reference = copy.deepcopy(model).to(dtype).eval()
    mean, std = (torch.tensor(values, dtype=dtype).view(1, 3, 1, 1) for values in (spec.mean, spec.std))

    def run(images: Images) -> Logits:
        with torch.inference_mode():
            logits = reference((torch.from_numpy(images).to(dtype) - mean) / std)
        return np.asarray(logits.numpy())

    return run
