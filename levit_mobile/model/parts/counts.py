"""Sizes of a trained model, of any family."""

from __future__ import annotations

import copy

import torch
from torch import nn


def count_parameters(model: nn.Module) -> int:
    """Learnt values; the running statistics of norms are none."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(model: nn.Module, size: tuple[int, int]) -> int:
    """Multiply-accumulates of one picture [3,H,W] in convolutions, linears and matmuls.

    They are half of FlopCounterMode's flops.
    """
    from torch.utils.flop_counter import FlopCounterMode

    shapes_only = copy.deepcopy(model).to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        shapes_only(torch.empty(1, 3, *size, device="meta"))
    return int(counter.get_total_flops()) // 2
