"""Tokens [1,T,C]: linears and 3-D batched matmuls, what XNNPACK runs as one partition, in float and in int8."""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.families.vit.baked import epsilon_of, laid_out, stem_of
from levit_mobile.model.families.vit.trained import Attention, Mlp, ViT
from levit_mobile.model.parts.norms import LinearRms, Rms
from levit_mobile.model.parts.roles import with_role
from levit_mobile.model.parts.tokens import to_tokens, token_attend


class TokenAttention(nn.Module):
    """[1,T,C] -> [1,T,C], or [1,kept,C]: the first tokens alone ask then, and all of them answer.

    The stream, the norms, scores, softmax and the mixing of values have no edges: they stay in float.
    """

    bias: None = None

    def __init__(self, block: Attention, kept: int | None, *, channels_last: bool) -> None:
        super().__init__()
        self.heads, self.kept = block.heads, kept
        self.norm = token_norm(block.norm, block.q.in_features, channels_last=channels_last)
        self.normed = FakeQuant(group="scores")
        self.asking = self.normed if kept is None else FakeQuant(group="scores")
        self.q, self.k, self.v = (copy.deepcopy(layer) for layer in (block.q, block.k, block.v))
        self.query, self.key = FakeQuant(group="scores"), FakeQuant(group="scores", right=True)
        self.value, self.mixed = FakeQuant(group="scores", right=True), FakeQuant(group="output")
        self.proj = copy.deepcopy(block.proj)
        self.change = FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        tokens = self.normed(normed)
        k, v = self.key(self.k(tokens)), self.value(self.v(tokens))
        if self.kept is not None:
            x, tokens = x[:, : self.kept], self.asking(normed[:, : self.kept])
        mixed = self.mixed(token_attend(self, self.query(self.q(tokens)), k, v))
        shortcut: Tensor = x + self.change(self.proj(mixed))
        return shortcut


class TokenMlp(nn.Module):
    """[1,T,C] -> [1,T,C]."""

    def __init__(self, block: Mlp, *, channels_last: bool) -> None:
        super().__init__()
        self.norm = token_norm(block.norm, block.expand.in_features, channels_last=channels_last)
        self.normed, self.wide = FakeQuant(group="expand"), FakeQuant(group="expand")
        self.expand, self.contract = copy.deepcopy(block.expand), copy.deepcopy(block.contract)
        self.gelu = nn.GELU(approximate=block.gelu)
        self.hidden, self.change = FakeQuant(group="output"), FakeQuant(group="output")

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(self.gelu(self.wide(self.expand(self.normed(self.norm(x))))))
        y: Tensor = x + self.change(self.contract(hidden))
        return y


class TokenStem(nn.Module):
    """Pixels [1,3,H,W] -> [1,T,C]. The positions have no edge: they are as large as the stream itself."""

    special: Tensor
    position: Tensor

    def __init__(self, baked: ViT) -> None:
        super().__init__()
        stem = stem_of(baked)
        self.embed = with_role(copy.deepcopy(stem.embed), "stem")
        self.register_buffer("special", stem.special)
        self.register_buffer("position", stem.position)
        self.pixels, self.patches = FakeQuant(group="embed", pixels=True), FakeQuant(group="embed")

    def forward(self, pixels: Tensor) -> Tensor:
        grid = self.patches(self.embed(self.pixels(pixels)))
        return torch.cat([self.special, to_tokens(grid, self.patches) + self.position], 1)


class TokenMajor(nn.Module):
    """Pixels [1,3,H,W], or [1,H,W,3] with `channels_last`, to logits [1,classes]."""

    def __init__(self, baked: ViT, *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.stem = TokenStem(baked)
        self.body = laid_out(
            baked, partial(TokenAttention, channels_last=channels_last), partial(TokenMlp, channels_last=channels_last)
        )
        self.norm = token_norm(baked.norm, self.stem.special.shape[2], channels_last=channels_last)
        self.pooled = FakeQuant(group="head")
        self.head = with_role(copy.deepcopy(baked.head), "head")
        self.scores = FakeQuant(group="head")
        self.blocks, self.read = baked.blocks, "norm"

    def forward(self, x: Tensor) -> Tensor:
        stream = self.body(self.stem(x.permute(0, 3, 1, 2) if self.channels_last else x))  # 1 t C
        logits: Tensor = self.scores(self.head(self.pooled(self.norm(stream).flatten(1))))
        return logits


def token_norm(norm: nn.Module, channels: int, *, channels_last: bool) -> nn.Module:
    """With `channels_last`, for TFLite, the mean is a reduction, which its quantizers leave in float."""
    epsilon = epsilon_of(norm)
    return Rms(epsilon) if channels_last else LinearRms(channels, epsilon)
