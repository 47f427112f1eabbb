"""The distance of neighbouring integers, with an answer for what is constant."""

from __future__ import annotations

import torch
from torch import Tensor


def steps(largest: Tensor, levels: int) -> Tensor:
    """Return ``largest / levels``, and ``1 / levels`` where that is no normal number.

    Zeros are exact at any step. One near to those of other tensors keeps the ratios of steps in the range that kernels
    accept, where the least positive number would not.

    Args:
        largest: The largest absolute value, or the width of the range, of each group of values; finite, not negative.
        levels: Number of steps that it spans.

    Returns:
        The steps, of the shape and type of ``largest``, above zero.
    """
    exact = largest.double() / levels
    normal = exact >= torch.finfo(torch.float32).tiny
    return torch.where(normal, exact, 1 / levels).to(largest.dtype)


def step(largest: float, levels: int) -> float:
    """The same of one number."""
    return float(steps(torch.tensor(largest, dtype=torch.float64), levels))
