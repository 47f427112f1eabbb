"""GELUs that ExecuTorch's XNNPACK delegate computes as they are meant.

ExecuTorch 1.4.1 hands every GELU to XNNPACK as the exact one, whatever `approximate` says
(`backends/xnnpack/operators/op_gelu.py` has no field for it), and leaves a GELU in float16 outside of the delegate
(`partition/config/generic_node_configs.py`, `GeluConfig`). Both are drawn from ops that it takes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

CUBIC = 0.044715  # Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, arXiv:1606.08415, section 2


class TanhGelu(nn.Module):
    """x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), of any shape.

    No power is larger than a square, and an infinite one gives the right end of tanh: nothing is lost in float16.
    Factors are buffers, since ExecuTorch leaves products with a Python number outside of the delegate.
    """

    one_half: Tensor
    slope: Tensor
    cubic: Tensor

    def __init__(self) -> None:
        super().__init__()
        slope = math.sqrt(2 / math.pi)
        for name, value in (("one_half", 0.5), ("slope", slope), ("cubic", slope * CUBIC)):
            self.register_buffer(name, torch.tensor([value]))

    def forward(self, x: Tensor) -> Tensor:
        bent = torch.tanh(x * (x * x * self.cubic + self.slope))
        half = x * self.one_half
        return half + half * bent


def draw_gelus(module: nn.Module, *, in_half: bool) -> nn.Module:
    """Replace, in place, GELUs by tanh, and `in_half` also exact ones.

    In float16 the two differ by less than what the arithmetic loses: 79 dB of a DeiT-tiny's logits, where float16 has
    44 to 50.
    """
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if _misread(child, in_half=in_half):
                setattr(parent, name, TanhGelu())
    return module


def needs_drawing(module: nn.Module, *, in_half: bool) -> bool:
    """Has it a GELU that `draw_gelus` would replace?"""
    return any(_misread(each, in_half=in_half) for each in module.modules())


def _misread(module: nn.Module, *, in_half: bool) -> bool:
    return isinstance(module, nn.GELU) and (in_half or module.approximate == "tanh")
