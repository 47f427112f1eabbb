"""ViTs and DeiTs of transformers and timm whose every tensor matters: nobody may change one in place.

LayerNorms have gains away from 1, channels of the stream differ in size, and its mean over channels is not 0.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.families.vit.trained import ViT

RESIDUAL = ("attention.output", "o_proj", "output.dense", "fc2", "attn.proj")  # layers that write to the stream
LEARNT = ("token", "pos_embed", "position_embeddings")
SMALL = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 128}
SMALL_TIMM = {"embed_dim": 64, "depth": 3, "num_heads": 2, "mlp_ratio": 2.0, "patch_size": 16}
CLASSES, SIDE = 10, 64
KINDS = {
    "vit": ("ViT", "ForImageClassification"),
    "deit": ("DeiT", "ForImageClassification"),
    "deit with teacher": ("DeiT", "ForImageClassificationWithTeacher"),
}


@torch.no_grad()
def drawn(model: nn.Module, seed: int = 0) -> nn.Module:
    """The model itself with weights that pictures reach the logits through, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            gain = 0.5 if any(part in name for part in RESIDUAL) else 1.2
            module.weight.normal_(0, gain * module.weight[0].numel() ** -0.5, generator=generator)
            if module.bias is not None:
                module.bias.normal_(0.1, 0.2, generator=generator)
        elif isinstance(module, nn.LayerNorm):
            module.weight.uniform_(0.5, 1.5, generator=generator)
            module.bias.normal_(0, 0.2, generator=generator)
    for name, parameter in model.named_parameters():
        if name.endswith(LEARNT):
            parameter.normal_(0.2, 0.5, generator=generator)
    return model.eval()


@lru_cache(maxsize=8)
def of_transformers(kind: str, **options: Any) -> Any:
    """`vit`, `deit` or `deit with teacher`, small unless `options` of its config say otherwise."""
    import transformers

    name, head = KINDS[kind]
    config = getattr(transformers, f"{name}Config")(
        **{**SMALL, "image_size": SIDE, "num_labels": CLASSES, "patch_size": 16, **options}
    )
    return drawn(getattr(transformers, f"{name}{head}")(config))


@lru_cache(maxsize=8)
def of_timm(name: str, **options: Any) -> nn.Module:
    """One of timm's models, small unless `options` say otherwise."""
    import timm

    return drawn(timm.create_model(name, **{**SMALL_TIMM, "img_size": SIDE, "num_classes": CLASSES, **options}))


def saved(kind: str, folder: Path, **options: Any) -> Path:
    """A folder as transformers writes it."""
    of_transformers(kind, **options).save_pretrained(folder)
    return folder


def imported(kind: str, folder: Path, **options: Any) -> ViT:
    """The model that the product reads from such a folder."""
    model = load_checkpoint(saved(kind, folder, **options)).model
    assert isinstance(model, ViT)
    return model


def logits(model: Any, x: Tensor) -> Tensor:
    """Of either framework's model, in evaluation."""
    with torch.no_grad():
        made = model(x)
    found: Tensor = made if isinstance(made, Tensor) else made.logits
    return found


def pictures(count: int = 3, side: int = SIDE, seed: int = 0) -> Tensor:
    """Normalised pictures [N,3,side,side]."""
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))
