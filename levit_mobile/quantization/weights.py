"""Weights on int8 grids, one a row, and biases that take the mean error of the rounding back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import Layer, fake_quantize_weight_


def round_weights(layers: Mapping[str, Layer], mean_inputs: Mapping[str, Tensor], *, correct: bool = True) -> None:
    """Round every layer's weights to int8 with one scale per row, in place, and correct its bias.

    ::

        before   y = w x + b
        after    y = w' x + (b - (w' - w) mean(x))          w' = round(w / scale) * scale

    The mean of the output over the calibration pictures stays what it was.

    Source: bias correction is from Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
    Correction", 2019, arXiv:1906.04721, section 4.2.

    Args:
        layers: Linears and convolutions by path.
        mean_inputs: Mean of each input channel over the calibration pictures by path, float64 [in].
        correct: Whether to correct the biases.
    """
    for name, layer in layers.items():
        before = layer.weight.detach().double().clone()
        fake_quantize_weight_(layer)
        change = layer.weight.detach().double() - before
        if correct:
            groups = layer.groups if isinstance(layer, nn.Conv2d) else 1
            _shift(layer, -_response(change, mean_inputs[name], groups=groups))


def _response(weight: Tensor, mean_input: Tensor, *, groups: int) -> Tensor:
    """What a layer of these weights makes of a constant input [in]: [out]. The weight is [out, in / groups, ...]."""
    if weight.ndim == 4:
        weight = weight.sum((2, 3))
    rows, means = weight.unflatten(0, (groups, -1)), mean_input.unflatten(0, (groups, -1))
    return torch.cat([part @ mean for part, mean in zip(rows, means, strict=True)])


def _shift(layer: nn.Linear | nn.Conv2d, by: Tensor) -> None:
    if layer.bias is None:
        layer.bias = nn.Parameter(layer.weight.new_zeros(len(layer.weight)))
    layer.bias.data = (layer.bias.detach().double() + by).to(layer.bias.dtype)
