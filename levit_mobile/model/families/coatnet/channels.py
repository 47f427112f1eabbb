"""Grids [1,C,H,W] throughout: 1x1 convolutions and 4-D matmuls, what Apple's Neural Engine prefers."""

from __future__ import annotations

from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.families.coatnet.architecture import HEAD_DIM
from levit_mobile.model.families.coatnet.body import laid_out
from levit_mobile.model.families.coatnet.grids import GridConv, GridStem, copied, last_affine, shortcut_of
from levit_mobile.model.families.coatnet.tokens import inner_norm
from levit_mobile.model.families.coatnet.trained import ChannelNorm, CoAtNet, MbConv, Transformer, blocks_in
from levit_mobile.model.parts.constants import constant_of
from levit_mobile.model.parts.grids import halved
from levit_mobile.model.parts.norms import Centred
from levit_mobile.model.parts.roles import add_table
from levit_mobile.model.parts.rows import conv_of, regroup, rows_of, stacked
from levit_mobile.model.parts.tokens import mean


class ChannelTransformer(nn.Module):
    """[1,C,H,W] -> [1,C',H',W']; q, k, v are whole channel blocks of one convolution."""

    bias: Tensor

    def __init__(self, block: Transformer) -> None:
        super().__init__()
        self.shrinks, self.heads = block.shrinks, block.attn.heads
        self.qkv = conv_of(stacked(regroup(block.attn.qkv, self.heads, (HEAD_DIM,) * 3)))
        self.norm = channel_norm(block.norm, self.qkv.in_channels)
        self.normed, self.joint = FakeQuant(group="scores"), FakeQuant(group="scores")
        add_table(self, "bias", constant_of(block.attn.bias)[None])  # 1 h T T
        self.mixed, self.change = FakeQuant(group="output"), FakeQuant(group="output")
        self.proj = copied(block.attn.proj)
        self.shortcut = shortcut_of(block.shortcut, copied)
        self.expand, self.contract = copied(block.expand), copied(block.contract)
        self.mlp_norm = channel_norm(block.mlp_norm, self.expand.in_channels)
        self.entered, self.wide = FakeQuant(group="expand"), FakeQuant(group="expand")
        self.gelu = nn.GELU()
        self.hidden, self.added = FakeQuant(group="contract"), FakeQuant(group="contract")

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        if self.shrinks:
            normed, x = halved(normed), halved(x)
        mixed = self.mixed(self.attend(self.joint(self.qkv(self.normed(normed)))))
        x = self.shortcut(x) + self.change(self.proj(mixed))
        hidden = self.hidden(self.gelu(self.wide(self.expand(self.entered(self.mlp_norm(x))))))
        y: Tensor = x + self.added(self.contract(hidden))
        return y

    def attend(self, joint: Tensor) -> Tensor:
        """[1,3hd,H,W] -> [1,hd,H,W]."""
        width = self.heads * HEAD_DIM
        queries, keys, values = (
            part.reshape(1, self.heads, HEAD_DIM, -1) for part in joint.split([width] * 3, dim=1)
        )  # 1 h d T
        weights = (queries.transpose(2, 3) @ keys + self.bias).softmax(-1)  # 1 h T T
        mixed: Tensor = values @ weights.transpose(2, 3)  # 1 h d T
        return mixed.reshape(1, width, *joint.shape[2:])


class ChannelsFirst(nn.Module):
    """Pixels [1,3,H,W] to logits [1,classes]."""

    def __init__(self, baked: CoAtNet) -> None:
        super().__init__()
        self.stem = GridStem(baked.stem, baked.size, levels=False)
        self.body = laid_out(baked, {MbConv: GridConv, Transformer: ChannelTransformer})
        self.norm = channel_norm(inner_norm(baked), baked.head.in_features)
        self.affine = last_affine(baked)
        self.pooled, self.scores = FakeQuant(group="head"), FakeQuant(group="head")
        self.head = conv_of(rows_of(baked.head), role="head")
        self.blocks, self.read = blocks_in(self.body), "head"

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pooled(self.affine(mean(self.norm(self.body(self.stem(x))))))  # 1 C 1 1
        logits: Tensor = self.scores(self.head(pooled))
        return logits.flatten(1)


def channel_norm(norm: nn.Module, channels: int) -> nn.Module:
    """Means as convolutions of one output."""
    return Centred.by_conv(channels, norm.eps) if isinstance(norm, ChannelNorm) else nn.Identity()
