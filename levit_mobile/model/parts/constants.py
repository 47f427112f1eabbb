"""Constants of a baked model that are modules of their own, so that a form can find them."""

from __future__ import annotations

from torch import Tensor, nn


class FrozenBias(nn.Module):
    """An attention bias as the constant [h, T_query, T_key] that the gather of its table gives."""

    value: Tensor

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value)

    def forward(self) -> Tensor:
        return self.value


class SubtractMean(nn.Module):
    """Subtracts the mean colour: pixels [N,3,H,W] -> [N,3,H,W]. The division by std lives in the next convolution."""

    mean: Tensor

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)

    def forward(self, x: Tensor) -> Tensor:
        return x - self.mean


def constant_of(bias: nn.Module) -> Tensor:
    """The [h, T_query, T_key] value of a baked attention bias."""
    if not isinstance(bias, FrozenBias):
        raise ValueError("an attention bias is still gathered from a table: bake the model first")
    return bias.value


class Affine(nn.Module):
    """gain * x + shift, one of each per channel: [N,C,H,W] -> [N,C,H,W]; without a gain, x + shift."""

    gain: Tensor | None
    shift: Tensor

    def __init__(self, gain: Tensor | None, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("gain", gain)
        self.register_buffer("shift", shift)

    def forward(self, x: Tensor) -> Tensor:
        return (x if self.gain is None else x * self.gain) + self.shift
