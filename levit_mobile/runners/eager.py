"""The trained model itself, unbaked, in PyTorch: the reference of every proof."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.runner import Images, Logits, Outputs, Runner
from levit_mobile.model.parts.intermediate_outputs import Tapped


def load(model: nn.Module, spec: ImageSpec, *, double: bool = False) -> Runner:
    """A runner over `model` in evaluation mode, in float32, or in float64 throughout with `double`."""
    reference = _evaluated(model, spec, torch.float64 if double else torch.float32)

    def run(images: Images) -> Logits:
        return np.asarray(reference(images).numpy())

    return run


def outputs(model: nn.Module, spec: ImageSpec) -> Outputs:
    """The logits and what every block gives, in float32, by the names of `Tapped`."""
    tapped = Tapped(model)
    reference = _evaluated(tapped, spec, torch.float32)

    def run(image: Images) -> dict[str, NDArray[np.generic]]:
        made = reference(image[None])
        return {name: np.asarray(value.numpy()) for name, value in zip(tapped.names, made, strict=True)}

    return run


def _evaluated(model: nn.Module, spec: ImageSpec, dtype: torch.dtype) -> Callable[[Images], Any]:
    """A call that takes pictures [N,3,H,W] in [0,1] and gives what the model makes of them, in `dtype` throughout."""
    reference = copy.deepcopy(model).to(dtype).eval()
    mean, std = (torch.tensor(values, dtype=dtype).view(1, 3, 1, 1) for values in (spec.unit_mean, spec.unit_std))

    def run(images: Images) -> Any:
        with torch.inference_mode():
            return reference((torch.from_numpy(images).to(dtype) - mean) / std)

    return run
