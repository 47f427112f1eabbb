"""What a LayerNorm becomes whose stream has no mean and whose gain and shift are in the layers behind it.

    before   (x - mean(x)) / sqrt(var(x) + e) * gain + shift
    after    x / sqrt(mean(x * x) + e)

One module for each layout: XNNPACK takes no mean over the last of three axes in ExecuTorch, and Core ML's convolutions
want the channels first. A mean by a layer has the role `norm`, since its result must not be rounded.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from levit_mobile.model.parts.roles import with_role


class Rms(nn.Module):
    """[..., C] -> [..., C], the mean by a reduction."""

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.epsilon)


class LinearRms(nn.Module):
    """[1,T,C] -> [1,T,C], the mean by a linear of one output."""

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.mean = with_role(nn.Linear(channels, 1), "norm")
        _average(self.mean, channels, epsilon)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(self.mean(x * x))


class ConvRms(nn.Module):
    """[1,C,1,T] -> [1,C,1,T], the mean by a 1x1 convolution to one channel."""

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.mean = with_role(nn.Conv2d(channels, 1, 1), "norm")
        _average(self.mean, channels, epsilon)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(self.mean(x * x))


@torch.no_grad()
def _average(layer: nn.Linear | nn.Conv2d, channels: int, epsilon: float) -> None:
    assert layer.bias is not None
    layer.weight.fill_(1 / channels)
    layer.bias.fill_(epsilon)


class Centred(nn.Module):
    """A LayerNorm without gain and shift, of a stream that has a mean: [..., C] or [1,C,...] -> the same.

    before   (x - mean(x)) / sqrt(var(x) + e)
    after    y / sqrt(mean(y * y) + s s e)          y = s (x - mean(x)), s = 1/4

    The scale keeps squares within float16 up to values of 1023, and e within what float16 can tell from 0.

    Args:
        mean: What computes the mean over channels, without a bias.
        rms: The norm of what is left, for the epsilon `scaled(e)`.
    """

    SCALE = 0.25
    scale: Tensor

    def __init__(self, mean: nn.Module, rms: nn.Module) -> None:
        super().__init__()
        self.mean, self.rms = mean, rms
        self.register_buffer("scale", torch.tensor([self.SCALE]))  # a number would be cast at run time in float16

    @classmethod
    def scaled(cls, epsilon: float) -> float:
        """The epsilon behind the scale."""
        return epsilon * cls.SCALE**2

    @classmethod
    def by_reduction(cls, epsilon: float) -> Centred:
        """[..., C], for TFLite, whose quantizers leave reductions in float."""
        return cls(_Mean(), Rms(cls.scaled(epsilon)))

    @classmethod
    def by_linear(cls, channels: int, epsilon: float) -> Centred:
        """[1,T,C], for ExecuTorch."""
        mean = with_role(nn.Linear(channels, 1), "norm")
        _average(mean, channels, 0.0)
        return cls(mean, LinearRms(channels, cls.scaled(epsilon)))

    @classmethod
    def by_conv(cls, channels: int, epsilon: float) -> Centred:
        """[1,C,H,W], for Core ML."""
        mean = with_role(nn.Conv2d(channels, 1, 1), "norm")
        _average(mean, channels, 0.0)
        return cls(mean, ConvRms(channels, cls.scaled(epsilon)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rms((x - self.mean(x)) * self.scale)
        return y


class _Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(-1, keepdim=True)
