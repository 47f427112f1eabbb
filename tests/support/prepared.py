"""Folders as transformers and timm write them, of the bundled trained weights, retrained on paper for other pictures.

The first convolution takes what a net with another mean and deviation would take: inside a picture this is exact, at
its border the zeros of the padding stand for another colour. The frameworks' own models and processors then say what
is right.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from levit_mobile.images import digits
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.download import BUNDLED
from levit_mobile.model.families.family import their_key
from levit_mobile.model.families.levit import keys
from levit_mobile.model.families.levit.architecture import VARIANTS

VARIANT = "levit_128s"
MEAN, STD = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))
COUNT = 100
Numbers = tuple[float, ...] | float


@cache
def held_out(count: int = COUNT) -> tuple[list[Image.Image], NDArray[np.int64]]:
    """Held-out digits and what they show."""
    pictures, labels = zip(*digits.pictures(digits.Split.HELD_OUT, count), strict=True)
    return [Image.fromarray(pixels) for pixels in pictures], np.array(labels)


def retrained(mean: Numbers, std: Numbers, rescale: float = 1 / 255) -> dict[str, Tensor]:
    """The bundled weights for pictures of (level * rescale - mean) / std, under our own names."""
    state = {key: tensor.clone() for key, tensor in load_checkpoint(BUNDLED).model.state_dict().items()}
    full = 255 * rescale
    gain = torch.tensor(np.broadcast_to(std, 3) / (full * STD))
    shift = torch.tensor((np.broadcast_to(mean, 3) / full - MEAN) / STD)
    weight = state["stem.conv0.conv.weight"].double()
    constant = (weight.sum((2, 3)) * shift).sum(1)
    state["stem.conv0.norm.running_mean"] = (state["stem.conv0.norm.running_mean"].double() - constant).float()
    state["stem.conv0.conv.weight"] = (weight * gain[:, None, None]).float()
    return state


def renamed(state: dict[str, Tensor], layout: str) -> dict[str, Tensor]:
    """Under the names of another layout; whose model then takes them strictly, or not."""
    names = keys.our_names(layout, VARIANTS[VARIANT].depths)
    return {their_key(key, names): tensor for key, tensor in state.items()}


def transformers_folder(folder: Path, processor: Any, state: dict[str, Tensor]) -> nn.Module:
    """What `save_pretrained` writes of a model and of its image processor; returns the model."""
    from transformers import LevitConfig, LevitForImageClassificationWithTeacher

    config = LevitConfig(
        image_size=224,
        hidden_sizes=[128, 256, 384],
        num_attention_heads=[4, 6, 8],
        depths=[2, 3, 4],
        key_dim=[16, 16, 16],
        num_labels=10,
    )
    model = LevitForImageClassificationWithTeacher(config).eval()
    missing, surplus = model.load_state_dict(renamed(state, "transformers"), strict=False)
    assert (missing, surplus) == ([], [])
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model


def timm_folder(folder: Path, state: dict[str, Tensor], **pretrained_cfg: object) -> nn.Module:
    """What timm pushes to the hub: weights, and config.json with `pretrained_cfg`; returns the model."""
    import timm
    from timm.models import save_for_hf

    model = timm.create_model(VARIANT, pretrained=False, num_classes=10).eval()
    model.load_state_dict(renamed(state, "timm"), strict=True)
    model.pretrained_cfg = {**model.pretrained_cfg, "num_classes": 10, **pretrained_cfg}
    save_for_hf(model, str(folder))
    return model


def logits_of(model: nn.Module, pictures: Tensor) -> NDArray[np.float32]:
    """What a framework's own model gives for its own processor's pictures [N,3,H,W]."""
    with torch.inference_mode():
        made = model(pictures)
    return np.asarray((made.logits if hasattr(made, "logits") else made).numpy())


def accuracy(logits: NDArray[np.float32]) -> float:
    """Top-1, in percent, on the held-out digits."""
    return 100 * float((logits.argmax(1) == held_out(len(logits))[1]).mean())
