"""int4 weights in groups that share a scale, as XNNPACK's kernels take them: torch only."""

from __future__ import annotations

import torch
from torch import Tensor

GROUP = 32  # inputs that share a scale; XNNPACK takes multiples of 32; it divides every width of every variant
INT4 = 7  # the largest integer
SHRINKS = torch.linspace(0.5, 1.15, 40)  # of a group's largest value / 7, tried as its scale


def least_squares_scales(groups: Tensor) -> Tensor:
    """[..., n] -> the scales [...] of int4, exact in bfloat16, that leave the least square error."""
    largest = positive(torch.maximum(groups.amax(-1) / INT4, groups.amin(-1) / (-INT4 - 1)))
    tried = [(largest * shrink).bfloat16().float() for shrink in SHRINKS]
    errors = torch.stack([(int4(groups, s) * s[..., None] - groups).square().sum(-1) for s in tried])
    return torch.stack(tried).gather(0, errors.argmin(0, keepdim=True))[0]


def int4(groups: Tensor, scales: Tensor) -> Tensor:
    """[..., n] and scales [...] -> integers, -8 to 7."""
    return (groups / scales[..., None]).round().clamp(-INT4 - 1, INT4)


def positive(values: Tensor) -> Tensor:
    """A channel of zeros has a scale too."""
    return values.clamp_min(1e-20)
