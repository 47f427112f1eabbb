"""Grids, then tokens [1,T,C] where blocks attend: linears and 3-D batched matmuls, one partition for XNNPACK."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.families.coatnet.architecture import CONV_STAGES, HEAD_DIM
from levit_mobile.model.families.coatnet.body import laid_out
from levit_mobile.model.families.coatnet.grids import GridConv, GridStem, last_affine, shortcut_of
from levit_mobile.model.families.coatnet.trained import ChannelNorm, CoAtNet, MbConv, Transformer, blocks_in, cells_of
from levit_mobile.model.parts.constants import constant_of
from levit_mobile.model.parts.grids import Cells, halved
from levit_mobile.model.parts.norms import Centred
from levit_mobile.model.parts.roles import add_table
from levit_mobile.model.parts.rows import linear_of, regroup, rows_of
from levit_mobile.model.parts.tokens import mean, to_grid, to_tokens, token_attend

FLOAT = FakeQuant()  # of moves between tokens and grids that are in float in every recipe


class TokenTransformer(nn.Module):
    """[1,T,C] -> [1,T',C'].

    The stream, the norms, scores, softmax, the mixing of values and means over cells have no edges: they stay in float.
    """

    bias: Tensor

    def __init__(self, block: Transformer, *, channels_last: bool) -> None:
        super().__init__()
        self.cells, self.shrinks, self.heads = block.cells, block.shrinks, block.attn.heads
        q, k, v = (linear_of(rows) for rows in regroup(block.attn.qkv, self.heads, (HEAD_DIM,) * 3))
        self.norm = token_norm(block.norm, q.in_features, channels_last=channels_last)
        self.normed, self.query = FakeQuant(group="scores"), FakeQuant(group="scores")
        self.key, self.value = FakeQuant(group="scores", right=True), FakeQuant(group="scores", right=True)
        self.q, self.k, self.v = q, k, v
        add_table(self, "bias", constant_of(block.attn.bias))
        self.mixed, self.change = FakeQuant(group="output"), FakeQuant(group="output")
        self.proj = linear_of(rows_of(block.attn.proj))
        self.shortcut = shortcut_of(block.shortcut, lambda layer: linear_of(rows_of(layer)))
        self.expand, self.contract = linear_of(rows_of(block.expand)), linear_of(rows_of(block.contract))
        self.mlp_norm = token_norm(block.mlp_norm, self.expand.in_features, channels_last=channels_last)
        self.entered, self.wide = FakeQuant(group="expand"), FakeQuant(group="expand")
        self.gelu = nn.GELU()
        self.hidden, self.added = FakeQuant(group="contract"), FakeQuant(group="contract")

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        if self.shrinks:
            normed, x = (halved_tokens(tokens, self.cells) for tokens in (normed, x))
        x = self.shortcut(x) + self.attend(self.normed(normed))
        hidden = self.hidden(self.gelu(self.wide(self.expand(self.entered(self.mlp_norm(x))))))
        y: Tensor = x + self.added(self.contract(hidden))
        return y

    def attend(self, x: Tensor) -> Tensor:
        """[1,T,C] -> [1,T,C']."""
        mixed = token_attend(self, self.query(self.q(x)), self.key(self.k(x)), self.value(self.v(x)))
        changed: Tensor = self.change(self.proj(self.mixed(mixed)))
        return changed


class TokenMajor(nn.Module):
    """Pixels [1,3,H,W], or [1,H,W,3] with `channels_last`, to logits [1,classes]."""

    def __init__(self, baked: CoAtNet, *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.stem = GridStem(baked.stem, baked.size, levels=True)
        kinds: dict[type, Callable[..., nn.Module]] = {
            MbConv: GridConv,
            Transformer: partial(TokenTransformer, channels_last=channels_last),
        }
        self.body = laid_out(baked, kinds)
        self.cells = cells_of(baked.size, len(self.body) - 1)
        self.norm = token_norm(inner_norm(baked), baked.head.in_features, channels_last=channels_last)
        self.affine = last_affine(baked)
        self.pooled, self.scores = FakeQuant(group="head"), FakeQuant(group="head")
        self.head = linear_of(rows_of(baked.head), role="head")
        self.blocks, self.read = blocks_in(self.body), "head"

    def forward(self, x: Tensor) -> Tensor:
        grid = self.stem(x.permute(0, 3, 1, 2) if self.channels_last else x)
        stages = OrderedDict(self.body.named_children()).values()
        for i, stage in enumerate(stages):
            grid = stage(to_tokens(grid, FLOAT) if i == CONV_STAGES else grid)
        pooled = self.affine(mean(to_grid(self.norm(grid), self.cells, FLOAT)))
        logits: Tensor = self.scores(self.head(self.pooled(pooled.flatten(1))))
        return logits


def token_norm(norm: nn.Module, channels: int, *, channels_last: bool) -> nn.Module:
    """With `channels_last`, for TFLite, means are reductions, which its quantizers leave in float."""
    if not isinstance(norm, ChannelNorm):
        return nn.Identity()
    return Centred.by_reduction(norm.eps) if channels_last else Centred.by_linear(channels, norm.eps)


def halved_tokens(tokens: Tensor, cells: Cells) -> Tensor:
    """[1,4T,C] -> [1,T,C] for a grid of `cells` afterwards: the mean of 2 x 2."""
    before = cells[0] * 2, cells[1] * 2
    return to_tokens(halved(to_grid(tokens, before, FLOAT)), FLOAT)


def inner_norm(baked: CoAtNet) -> nn.Module:
    """What the last norm does before the mean over the grid."""
    norm: nn.Module = baked.norm[0]  # type: ignore[index]
    return norm
