"""The two deployable forms: grids for the stages, then what a ViT's forms have, for tokens or for channels first."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from levit_mobile.model.fake_quant import FakeQuant
from levit_mobile.model.families.graft.grids import GridStem, Pool, form_blocks, stages_of
from levit_mobile.model.families.graft.trained import Graft
from levit_mobile.model.families.vit import channels, tokens
from levit_mobile.model.parts.roles import with_role


class TokenMajor(nn.Module):
    """Pixels [1,3,H,W], or [1,H,W,3] with `channels_last`, to logits [1,classes]."""

    def __init__(self, baked: Graft, *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        tail = tokens.TokenMajor(baked.tail, channels_last=channels_last)
        self.stem = GridStem(baked.stem, baked.size, levels=True)
        self.body = body_of(baked, tail.stem, tail.body)
        self.norm, self.pooled, self.head, self.scores = tail.norm, tail.pooled, tail.head, tail.scores
        self.blocks, self.read = form_blocks(baked), "norm"

    def forward(self, x: Tensor) -> Tensor:
        stream = self.body(self.stem(x.permute(0, 3, 1, 2) if self.channels_last else x))  # 1 t C
        logits: Tensor = self.scores(self.head(self.pooled(self.norm(stream).flatten(1))))
        return logits


class ChannelsFirst(nn.Module):
    """Pixels [1,3,H,W] to logits [1,classes]."""

    def __init__(self, baked: Graft) -> None:
        super().__init__()
        tail = channels.ChannelsFirst(baked.tail)
        self.stem = GridStem(baked.stem, baked.size, levels=False)
        self.body = body_of(baked, tail.stem, tail.body)
        self.norm, self.pooled, self.head, self.scores = tail.norm, tail.pooled, tail.head, tail.scores
        self.head_channels = tail.head_channels
        self.blocks, self.read = form_blocks(baked), "norm"

    def forward(self, x: Tensor) -> Tensor:
        stream = self.norm(self.body(self.stem(x)))  # 1 C 1 t
        beside = stream.transpose(1, 3).reshape(1, self.head_channels, 1, 1)  # 1 t*C 1 1
        logits: Tensor = self.scores(self.head(self.pooled(beside)))
        return logits.flatten(1)


def body_of(baked: Graft, embed: nn.Module, blocks: nn.Module) -> nn.Sequential:
    """Stages, the mean down to the tokens' grid, tokens, blocks."""
    embed.pixels = FakeQuant(group="embed")  # what it reads are no pixels here, and it is no end of the net
    with_role(embed.get_submodule("embed"), "projection")
    middle = nn.Sequential(OrderedDict(pool=Pool(baked.architecture.pool), tokens=embed))
    return nn.Sequential(OrderedDict([*stages_of(baked), ("embed", middle), *blocks.named_children()])).eval()
