"""Exact rewrites from the trained form to one that a phone runs: module in, new module out.

Each is drawn before -> after and keeps the logits (to 1e-5 relative in float32). All arithmetic on weights is done in
float64, and rounded once, at the end. `bake` is their list, in order.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from levit_mobile.model.families.vit.trained import STREAM_SCALE, Attention, Mlp, Stem, ViT
from levit_mobile.model.parts.fold import new_linear, require_evaluation
from levit_mobile.model.parts.intermediate_outputs import compared_as
from levit_mobile.model.parts.norms import Rms


class BakedStem(nn.Module):
    """Pixels [N,3,H,W] -> [N,T,C]; what patches share is in their positions."""

    special: Tensor
    position: Tensor

    def __init__(self, embed: nn.Conv2d, special: Tensor, position: Tensor) -> None:
        super().__init__()
        self.embed = embed
        self.register_buffer("special", special)
        self.register_buffer("position", position)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.embed(x).flatten(2).transpose(1, 2) + self.position
        return torch.cat([self.special.expand(len(x), -1, -1), patches], 1)


@torch.no_grad()
def bake(model: ViT, *, mean: Sequence[float], std: Sequence[float], pixel_range: float = 1.0) -> ViT:
    """Apply all rewrites in order: trained ViT -> a model that takes pixels and has only constants left.

    Args:
        model: The trained model in evaluation mode, which is left as it is.
        mean: Mean of the red, green and blue values in [0,1].
        std: Standard deviation of the same values.
        pixel_range: Value of a full pixel in the graph's input, 1 or 255.

    Returns:
        A new model that takes pixels in [0, pixel_range] and gives the logits of the merged heads.

    Raises:
        ValueError: The model is in training mode, where two heads give two results.
    """
    require_evaluation(model)
    dtype = model.head.weight.dtype
    baked = copy.deepcopy(model).double()
    fold_norms_(baked)
    fold_query_scale_(baked)
    drop_key_and_value_biases_(baked)
    merge_heads_(baked)
    embed_normalisation_(baked, mean=mean, std=std, pixel_range=pixel_range)
    freeze_tokens_(baked)
    centre_stream_(baked)
    compared_as(baked, None)
    return baked.to(dtype).eval()


def fold_norms_(baked: ViT) -> None:
    """Move the gain and shift of every LayerNorm into the layers that read it.

    before   norm(x) * g + s -> linear(w, b)
    after    norm(x)         -> linear(w * g, b + w s)
    """
    for block in _blocks(baked):
        _fold(block.norm, (block.q, block.k, block.v) if isinstance(block, Attention) else (block.expand,))
        block.norm = _plain(block.norm)
    _fold(baked.norm, [head for head in (baked.head, baked.head_dist) if head is not None])
    baked.norm = _plain(baked.norm)


def fold_query_scale_(baked: ViT) -> None:
    """Scale the queries instead of the scores.

    before   softmax(q(x) k(x)^T * scale)
    after    softmax(q'(x) k(x)^T)              q' = scale * q, weight and bias
    """
    for block in _attentions(baked):
        block.q.weight.mul_(block.scale)
        block.q.bias.mul_(block.scale)
        block.scale = 1.0


def drop_key_and_value_biases_(baked: ViT) -> None:
    """A softmax ignores what is added to a whole row of scores, and its rows sum to 1.

    before   softmax(q (k + a)^T) (v + b) -> proj(w, c)
    after    softmax(q k^T) v             -> proj(w, c + w b)
    """
    for block in _attentions(baked):
        block.proj.bias.add_(block.proj.weight @ block.v.bias)
        block.k.bias = block.v.bias = None  # type: ignore[assignment]


def merge_heads_(baked: ViT) -> None:
    """One linear over both tokens side by side.

    before   x0 -> head(w, b), x1 -> head_dist(w', b') -> mean
    after    x0 x1 -> head(w/2 w'/2, (b + b')/2)
    """
    two = baked.head_dist
    if two is None:
        return
    weight = torch.cat([baked.head.weight, two.weight], 1) / 2
    baked.head = new_linear(weight, (baked.head.bias + two.bias) / 2, weight.dtype)
    baked.head_dist, baked.distillation = None, False


def embed_normalisation_(baked: ViT, *, mean: Sequence[float], std: Sequence[float], pixel_range: float) -> None:
    """Put the picture's normalisation into the patches' convolution, which has no padding.

    before   pixels/range -> (x - mean) / std -> embed(w, b)
    after    pixels -> embed(w', b - sum of w' * mean * range)          w' = w / (range * std)
    """
    embed = _stem(baked).embed
    assert embed.bias is not None
    scale, offset = (torch.tensor(values, dtype=torch.float64) * pixel_range for values in (std, mean))
    embed.weight.div_(scale.view(1, -1, 1, 1))
    embed.bias.sub_((embed.weight * offset.view(1, -1, 1, 1)).sum((1, 2, 3)))


def freeze_tokens_(baked: ViT) -> None:
    """Special tokens and positions are the same for every picture, and so is the bias of the convolution.

    before   class token, distillation token, embed(x) + b, all + position
    after    constant, embed(x) + (position + b)
    """
    stem = _stem(baked)
    special, position = stem.special, stem.position
    count, bias = special.shape[1], stem.embed.bias
    assert bias is not None
    stem.embed.bias = None
    baked.stem = BakedStem(stem.embed, special + position[:, :count], position[:, count:] + bias)


def centre_stream_(baked: ViT) -> None:
    """Take the mean over channels off everything that is added to the stream, and scale it by a power of two.

    before   x = a + b + ...                          -> layer norm
    after    x' = s (a - mean(a)) + s (b - mean(b))   -> x' / sqrt(mean(x' x') + s s e)

    The scale keeps squares within float16: it costs nothing, and in float32 it is exact.
    """
    stem = baked.stem
    assert isinstance(stem, BakedStem)
    stem.embed.weight.copy_(_centred(stem.embed.weight, 0))
    stem.special, stem.position = _centred(stem.special, 2), _centred(stem.position, 2)
    for block in _blocks(baked):
        writer = block.proj if isinstance(block, Attention) else block.contract
        writer.weight.copy_(_centred(writer.weight, 0))
        writer.bias.copy_(_centred(writer.bias, 0))
        block.norm = _rms(block.norm)
    baked.norm = _rms(baked.norm)


def _centred(values: Tensor, channels: int) -> Tensor:
    return (values - values.mean(channels, keepdim=True)) * STREAM_SCALE


def _rms(norm: nn.Module) -> Rms:
    assert isinstance(norm, nn.LayerNorm)
    return Rms(norm.eps * STREAM_SCALE**2)


def _fold(norm: nn.Module, readers: Sequence[nn.Linear]) -> None:
    assert isinstance(norm, nn.LayerNorm)
    for reader in readers:
        reader.bias.add_(reader.weight @ norm.bias)
        reader.weight.mul_(norm.weight)


def _plain(norm: nn.Module) -> nn.LayerNorm:
    """Without gain and shift."""
    assert isinstance(norm, nn.LayerNorm)
    return nn.LayerNorm(norm.normalized_shape, norm.eps, elementwise_affine=False)


def _stem(baked: ViT) -> Stem:
    assert isinstance(baked.stem, Stem)
    return baked.stem


def _blocks(baked: ViT) -> list[Attention | Mlp]:
    return [block for block in baked.body.modules() if isinstance(block, Attention | Mlp)]


def _attentions(baked: ViT) -> list[Attention]:
    return [block for block in _blocks(baked) if isinstance(block, Attention)]
