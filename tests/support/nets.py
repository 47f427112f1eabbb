"""LeViTs whose every tensor matters, the last few kept: nobody may change one in place.

Unlike those of checkpoints.py they do not amplify rounding: float32 is within 4e-6 of float64 here, so that a bound of
1e-5 on a rewrite says something about the rewrite.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.model.families.levit.trained import AttentionBias, LeViT

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
OF_128S = (
    "logits stem stage0.attn0 stage0.mlp0 stage0.attn1 stage0.mlp1 shrink0.attn shrink0.mlp stage1.attn0 stage1.mlp0 "
    "stage1.attn1 stage1.mlp1 stage1.attn2 stage1.mlp2 shrink1.attn shrink1.mlp stage2.attn0 stage2.mlp0 stage2.attn1 "
    "stage2.mlp1 stage2.attn2 stage2.mlp2 stage2.attn3 pooled"
)  # names of all block outputs of levit_128s
GAIN = 1.0  # of every projection; above it, differences grow from block to block


@lru_cache(maxsize=6)
def levit(variant: str = "levit_128s", *, side: int = 96, heads: int = 2, classes: int = 10) -> LeViT:
    """In evaluation mode; no norm is the identity, no two rows of a bias are alike."""
    torch.manual_seed(1)
    model = LeViT(variant, classes=classes, side=side, distillation=heads == 2)
    for module in model.modules():
        _draw(module)
    return model.eval()


def pixels(count: int, side: int, seed: int = 0) -> Tensor:
    """Pictures [N,3,side,side] in [0,1]: coloured clouds under a little noise."""
    generator = torch.Generator().manual_seed(seed)
    clouds = F.interpolate(torch.rand(count, 3, 4, 4, generator=generator), side, mode="bilinear")
    return 0.9 * clouds + 0.1 * torch.rand(count, 3, side, side, generator=generator)


def normalised(x: Tensor) -> Tensor:
    """What the trained model takes, from pixels in [0,1]."""
    mean, std = (torch.tensor(values, dtype=x.dtype).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (x - mean) / std


@torch.no_grad()
def logits_of(model: nn.Module, x: Tensor) -> Tensor:
    """One picture a call, as artifacts take them: [N,classes]."""
    return torch.cat([model(picture[None]) for picture in x])


def relative_error(reference: Tensor, candidate: Tensor) -> float:
    """max |difference| / max |logit|, after seeing that the logits depend on the picture."""
    assert reference.shape == candidate.shape
    scale = reference.abs().max()
    assert reference.std(0).mean() > 0.02 * scale
    return ((reference - candidate).abs().max() / scale).item()


def _draw(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.normal_(module.weight, std=GAIN * module.weight[0].numel() ** -0.5)
        if module.bias is not None:
            nn.init.normal_(module.bias, std=0.3)
    elif isinstance(module, AttentionBias):
        nn.init.normal_(module.table)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        for gain in (module.weight, module.running_var):
            nn.init.uniform_(gain, 0.7, 1.3)
        for shift in (module.bias, module.running_mean):
            nn.init.normal_(shift, std=0.2)
