"""What exact rewrites of weights are made of: replaced modules, folded batch norms, scaled rows.

The arithmetic on weights is done in float64.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from levit_mobile.model.parts.constants import SubtractMean
from levit_mobile.model.parts.roles import around

Norm = nn.BatchNorm1d | nn.BatchNorm2d
Net = TypeVar("Net", bound=nn.Module)


def require_evaluation(model: nn.Module) -> None:
    """Raises ValueError for a model in training mode."""
    if model.training:
        raise ValueError("the model is in training mode, expected evaluation mode: call model.eval() first")


def replaced(model: Net, kind: type[nn.Module], rewrite: Callable[..., nn.Module]) -> Net:
    """A deep copy in which every module of `kind` is replaced by `rewrite(module)`."""
    baked = copy.deepcopy(model)
    for parent in list(baked.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kind):
                setattr(parent, name, rewrite(child).eval())
    return baked


def gain_and_shift(norm: Norm) -> tuple[Tensor, Tensor]:
    """The affine map that a norm is in evaluation: x -> gain * x + shift, float64."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("the batch norm has no running statistics, expected some to fold")
    gain = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return gain, norm.bias.double() - gain * norm.running_mean.double()


def batch_norm(norm: nn.Module) -> nn.BatchNorm2d:
    """The norm as what it is. Raises ValueError for any other module."""
    if not isinstance(norm, nn.BatchNorm2d):
        raise ValueError(f"the norm is a {type(norm).__name__}, expected a batch norm: the model was baked before")
    return norm


def scaled_conv(conv: nn.Conv2d, gain: Tensor, shift: Tensor) -> nn.Conv2d:
    """A convolution followed by gain * y + shift, as one."""
    bias = conv.bias.double() if conv.bias is not None else torch.zeros_like(gain)
    return remade_conv(conv, conv.weight.double() * gain.view(-1, 1, 1, 1), bias * gain + shift)


def remade_conv(conv: nn.Conv2d, weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """The same convolution with other weights, in its own type."""
    made = copy.deepcopy(conv)
    made.weight = nn.Parameter(weight.detach().to(conv.weight.dtype))
    made.bias = nn.Parameter(bias.detach().to(conv.weight.dtype))
    return made


def take_normalisation(
    conv: nn.Conv2d, *, mean: Sequence[float], std: Sequence[float], pixel_range: float
) -> SubtractMean:
    """Divide, in place, a padded first convolution by what pixels were divided by; what to subtract is returned.

    The subtraction stays an op of its own: folding it into the bias is wrong at the border, where the zero padding
    means "mean colour" after it. The division does fold, since zero stays zero.
    """
    scale, offset = (torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1) * pixel_range for values in (std, mean))
    dtype = conv.weight.dtype
    conv.weight.data = (conv.weight.double() / scale).to(dtype)
    return SubtractMean(offset.to(dtype))


def new_linear(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=dtype)
    linear.weight.data, linear.bias.data = weight.detach().to(dtype), bias.detach().to(dtype)
    return linear.eval()


def plain_linear(module: nn.Module) -> nn.Linear:
    if not isinstance(module, nn.Linear):
        raise ValueError(f"the layer is a {type(module).__name__}, expected a plain linear: fold the batch norms first")
    return module


def scale_rows(linear: nn.Linear, rows: Tensor | slice, scale: float) -> None:
    with torch.no_grad():
        linear.weight[rows] = (linear.weight[rows].double() * scale).to(linear.weight.dtype)
        linear.bias[rows] = (linear.bias[rows].double() * scale).to(linear.bias.dtype)


def framed(conv: nn.Module, mean: Tensor) -> nn.Conv2d:
    """A padded convolution as one without padding, over pixels that still carry the mean colour [1,3,1,1].

    before   pixels -> subtract the mean -> conv(w, b), zero padding
    after    pixels -> frame of the mean colour -> conv(w, b - sum(w) * mean), no padding
    """
    if not isinstance(conv, nn.Conv2d) or conv.bias is None:
        raise ValueError("conv0 is not a plain convolution: bake the model first")
    made = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, stride=conv.stride)  # type: ignore[arg-type]
    shift = (conv.weight.detach().double() * mean.double()).sum((1, 2, 3))
    made.weight.data = conv.weight.detach().clone()
    made.bias = nn.Parameter((conv.bias.detach().double() - shift).to(conv.weight.dtype))
    return around(made.to(conv.weight.dtype), mean)
