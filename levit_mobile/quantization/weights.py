"""Weights on int8 grids, one a row, and biases that take the mean error of the rounding back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from levit_mobile.model.fake_quant import Layer, fake_quantize_weight_


def round_weights(layers: Mapping[str, Layer], mean_inputs: Mapping[str, Tensor], *, correct: bool = True) -> None:
    """Put every layer's weights on its rows' grids, in place, and, with `correct`, correct its bias.

    before   y = w x + b
    after    y = w' x + (b - (w' - w) mean(x))          w' = round(w / scale) * scale

    The output's mean over the calibration pictures stays what it was: arXiv:1906.04721, section 4.2.
    """
    for name, layer in layers.items():
        before = layer.weight.detach().double().clone()
        fake_quantize_weight_(layer)
        change = layer.weight.detach().double() - before
        if correct:
            _shift(layer, -_response(change, mean_inputs[name]))


def _response(weight: Tensor, mean_input: Tensor) -> Tensor:
    """What a layer of these weights makes of a constant input [in]: [out]."""
    if weight.ndim == 4:
        weight = weight.sum((2, 3))
    return weight @ mean_input


def _shift(layer: nn.Linear | nn.Conv2d, by: Tensor) -> None:
    if layer.bias is None:
        raise ValueError("the layer has no bias, expected one to correct")
    layer.bias.data = (layer.bias.detach().double() + by).to(layer.bias.dtype)
