"""LeViTs of sizes that the paper does not have, made by timm and transformers, whose every tensor matters."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from support.checkpoints import randomise

SIDE = 64
TIMM: dict[str, dict[str, Any]] = {
    "one stage": {"embed_dim": (96,), "key_dim": 16, "depth": (2,), "num_heads": (3,)},
    "two stages": {"embed_dim": (64, 96), "key_dim": 16, "depth": (1, 2), "num_heads": (4, 5)},
    "four stages": {"embed_dim": (32, 64, 96, 128), "key_dim": 8, "depth": (1, 1, 2, 1), "num_heads": (2, 3, 4, 5)},
    "odd widths": {"embed_dim": (40, 72, 100), "key_dim": 20, "depth": (1, 1, 1), "num_heads": (3, 1, 7)},
    "fractions": {
        "embed_dim": (64, 96, 128),
        "key_dim": 16,
        "depth": (1, 2, 1),
        "num_heads": (4, 6, 8),
        "attn_ratio": (1.5, 2.0, 2.5),
        "mlp_ratio": (1.5, 2.0, 3.0),
    },
    "stride 8": {
        "embed_dim": (64, 96, 128),
        "key_dim": 16,
        "depth": (1, 1, 1),
        "num_heads": (4, 6, 8),
        "stem_type": "s8",
    },
    "convolutions": {
        "embed_dim": (64, 96, 128),
        "key_dim": 32,
        "depth": (1, 1, 1),
        "num_heads": (2, 3, 4),
        "use_conv": True,
    },
}
HUB: dict[str, dict[str, Any]] = {
    "keys by stage": {"key_dim": [16, 24, 32]},
    "ratios": {"attention_ratio": [2, 3, 1], "mlp_ratio": [1, 2, 4]},
    "deeper": {"depths": [1, 5, 2]},
    "narrow": {"hidden_sizes": [64, 96, 128], "num_attention_heads": [2, 3, 5], "key_dim": [8, 16, 24]},
}
SIZES = {"hidden_sizes": [64, 128, 192], "num_attention_heads": [4, 6, 8], "depths": [1, 2, 1]}
NAMES = [*TIMM, *HUB]


def images(count: int = 3) -> Tensor:
    """Normalised pictures [N,3,64,64]."""
    return torch.randn(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@cache
def net(name: str) -> Any:
    """In evaluation mode, for 64 x 64 px and 5 classes."""
    torch.manual_seed(2)
    model = _timms(TIMM[name]) if name in TIMM else _hubs(HUB[name])
    randomise(model, images(48))
    return model.eval()


def logits(model: Any, x: Tensor) -> Tensor:
    """What the framework's own model gives."""
    found = model(x)
    given: Tensor = found if isinstance(found, Tensor) else found.logits
    return given


def _timms(options: dict[str, Any]) -> Any:
    from timm.models.levit import LevitDistilled

    return LevitDistilled(img_size=SIDE, num_classes=5, **options)


def _hubs(options: dict[str, Any]) -> Any:
    from transformers import LevitConfig, LevitForImageClassificationWithTeacher

    return LevitForImageClassificationWithTeacher(LevitConfig(image_size=SIDE, num_labels=5, **SIZES | options))
