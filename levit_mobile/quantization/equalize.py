"""Exact rewrites of a baked model that spread outlier channels before per-tensor ranges are chosen.

Each keeps the logits (to 1e-5 relative in float32) and is drawn before -> after. Channels are scaled by powers of
their measured size, as SmoothQuant does between two linears (arXiv:2211.10438), here where the
model's family says that it is exact.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from levit_mobile.model.families import family_of

LIMIT = 64.0  # no channel is scaled further than this, either way
Sizes = dict[str, Tensor]  # module path -> largest absolute value of each output channel, float64 [C]
Scales = Mapping[str, Tensor]  # block's path -> what each channel of its output was divided by, float64 [C]


def equalize(baked: nn.Module, pictures: Iterable[Tensor], *, strength: float = 0.5) -> tuple[nn.Module, Scales]:
    """Balance queries against keys and the channels of the residual stream, by sizes measured on pictures.

    Source: scaling by powers of measured sizes follows Xiao et al., "SmoothQuant", 2022, arXiv:2211.10438; moving
    scales between layers without changing the logits follows Nagel et al., "Data-Free Quantization Through Weight
    Equalization and Bias Correction", 2019, arXiv:1906.04721, section 4.1.

    Args:
        baked: The baked model, which is left as it is.
        pictures: Batches [N,3,side,side] as the baked model takes them.
        strength: Exponent of the residual channels' sizes, 0 to 1; 0 leaves the stream as it is.

    Returns:
        The balanced model, and by what each channel of its blocks' outputs was divided.
    """
    sizes = channel_sizes(baked, pictures)
    balanced = balance_stream(balance_queries(baked, sizes), sizes, strength=strength)
    return balanced, stream_scales(baked, sizes, strength=strength)


@torch.no_grad()
def channel_sizes(baked: nn.Module, pictures: Iterable[Tensor]) -> Sizes:
    """Return the largest absolute value of every channel of every layer's and block's output."""
    sizes: Sizes = {}

    def note(name: str, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        over = (0, 2, 3) if output.ndim == 4 else tuple(range(output.ndim - 1))
        largest = output.abs().amax(over).double()
        sizes[name] = torch.maximum(sizes[name], largest) if name in sizes else largest

    blocks = {block for stream in family_of(baked).streams(baked) for block in stream.writers}
    hooks = [
        module.register_forward_hook(partial(note, name))
        for name, module in baked.named_modules()
        if name in blocks or isinstance(module, nn.Linear | nn.Conv2d)
    ]
    for batch in pictures:
        baked(batch)
    for hook in hooks:
        hook.remove()
    return sizes


def balance_queries(baked: nn.Module, sizes: Sizes) -> nn.Module:
    """Make every query channel as large as the key channel that it meets.

    before   scores = sum over d of  q[d] k[d]
    after    scores = sum over d of  (q[d] s[d]) (k[d] / s[d])          s[d] = sqrt(size of k[d] / size of q[d])
    """
    balanced = copy.deepcopy(baked)
    for pair in family_of(baked).pairs(balanced):
        (query, q), (key, k) = pair.query, pair.key
        factor = _root_ratio(sizes[key][k], sizes[query][q])
        _scale_rows(balanced.get_submodule(query), q, factor)
        _scale_rows(balanced.get_submodule(key), k, 1 / factor)
    return balanced


def balance_stream(baked: nn.Module, sizes: Sizes, *, strength: float) -> nn.Module:
    """Scale the residual stream of each stage, a channel at a time: everything added to it, and everything it feeds.

    before   x = a + b + ...          -> linear(w)
    after    x / s = a / s + b / s    -> linear(w * s)          s[c] ~ (size of channel c) ** strength
    """
    balanced = copy.deepcopy(baked)
    for stream in family_of(baked).streams(balanced):
        scale = _scale(stream.writers, sizes, strength)
        for name in stream.writers.values():
            _scale_rows(balanced.get_submodule(name), torch.arange(len(scale)), 1 / scale)
        for name in stream.readers:
            _scale_columns(balanced.get_submodule(name), scale)
    return balanced


def stream_scales(model: nn.Module, sizes: Sizes, *, strength: float) -> Scales:
    """What `balance_stream` divides the output of each block by."""
    scales: dict[str, Tensor] = {}
    for stream in family_of(model).streams(model):
        scales |= dict.fromkeys(stream.writers, _scale(stream.writers, sizes, strength))
    return scales


def _scale(writers: Iterable[str], sizes: Sizes, strength: float) -> Tensor:
    """Of one residual stream's channels. float64 [C]"""
    largest = torch.stack([sizes[name] for name in writers]).amax(0).clamp_min(1e-12)
    relative = (largest / largest.log().mean().exp()) ** strength
    return relative.clamp(1 / LIMIT, LIMIT)


def _root_ratio(above: Tensor, below: Tensor) -> Tensor:
    smallest = 1e-12
    return (above.clamp_min(smallest) / below.clamp_min(smallest)).sqrt().clamp(1 / LIMIT, LIMIT)


@torch.no_grad()
def _scale_rows(layer: nn.Module, rows: Tensor, factor: Tensor) -> None:
    weight, bias = _parameters(layer)
    by = factor.view(-1, *[1] * (weight.ndim - 1))
    weight[rows] = (weight[rows].double() * by).to(weight.dtype)
    if bias is not None:
        bias[rows] = (bias[rows].double() * factor).to(bias.dtype)


@torch.no_grad()
def _scale_columns(layer: nn.Module, factor: Tensor) -> None:
    weight, _ = _parameters(layer)
    weight.copy_((weight.double() * factor).to(weight.dtype))


def _parameters(layer: nn.Module) -> tuple[Tensor, Tensor | None]:
    if not isinstance(layer, nn.Linear | nn.Conv2d):
        raise ValueError(
            f"the layer is a {type(layer).__name__}, expected a linear or convolution: bake the model first"
        )
    return layer.weight, layer.bias
