"""CoAtNets of timm, and grafts made of transformers' ResNet and DeiT, whose every tensor matters.

No norm is the identity, no two rows of a bias table are alike, and the logits depend on the picture.
"""

from __future__ import annotations

import copy
import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from levit_mobile.images.digits import Split, pictures
from levit_mobile.model.families.family import their_key
from levit_mobile.model.families.graft.architecture import Architecture
from levit_mobile.model.families.graft.trained import Graft
from levit_mobile.model.families.vit import VIT

SMALL: dict[str, Any] = {"embed_dim": [64, 96, 128, 160], "depths": [1, 2, 2, 2], "stem_width": [32, 32]}
CLASSES, SIDE = 10, 64
NAMES = ("coatnet_nano_rw", "coatnet_0_rw", "coatnet_1_rw", "coatnet_2_rw", "coatnet_bn_0_rw")


@torch.no_grad()
def drawn(model: nn.Module, side: int, seed: int = 0) -> nn.Module:
    """The model itself with weights away from their first values, in evaluation mode.

    Its batch norms have the statistics of what they see, as training leaves them: by others, values grow from norm to
    norm until float16 cannot hold them.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.weight.normal_(0, 1.3 * module.weight[0].numel() ** -0.5, generator=generator)
            if module.bias is not None:
                module.bias.normal_(0, 0.1, generator=generator)
        elif isinstance(module, nn.LayerNorm | nn.BatchNorm2d):
            module.weight.uniform_(0.7, 1.3, generator=generator)
            module.bias.normal_(0, 0.2, generator=generator)
    for name, parameter in model.named_parameters():
        if name.endswith(("relative_position_bias_table", "token", "position_embeddings", "position")):
            parameter.normal_(0, 1, generator=generator)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean over all calls, of which there is one
    model.train()(digits(side))
    return model.eval()


@cache
def digits(side: int) -> Tensor:
    """128 training pictures [128,3,side,side], of about unit variance."""
    levels = torch.tensor(np.stack([pixels for pixels, _ in pictures(Split.TRAINING, 128)])).permute(0, 3, 1, 2)
    return nn.functional.adaptive_avg_pool2d(levels.float(), side) / 64 - 2


@lru_cache(maxsize=6)
def of_timm(name: str, *, side: int = SIDE, small: bool = True, **options: Any) -> nn.Module:
    """One of timm's CoAtNets by the name of its variant, small unless asked otherwise."""
    import timm

    sizes = {**SMALL, "num_classes": CLASSES} if small else {}
    return drawn(timm.create_model(f"{name}_224", img_size=side, **sizes, **options), side)


def saved(name: str, folder: Path, *, side: int = SIDE, **options: Any) -> Path:
    """A folder as timm writes it for the hub: the weights, and a config that names the architecture."""
    model: Any = of_timm(name, side=side, **options)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    cfg = {key: model.pretrained_cfg[key] for key in ("mean", "std", "crop_pct", "interpolation")}
    config = {
        "architecture": f"{name}_224",
        "num_classes": CLASSES,
        "model_args": {**SMALL, "img_size": side, **options},
        "pretrained_cfg": {**cfg, "input_size": [3, side, side]},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


class Parts(nn.Module):
    """A graft as nobody but transformers computes it: its ResNet, torch's mean over cells, its DeiT on the grid."""

    def __init__(self, sizes: Architecture, side: int = SIDE) -> None:
        super().__init__()
        from transformers import DeiTConfig, DeiTForImageClassificationWithTeacher, ResNetConfig, ResNetModel

        self.sizes = sizes
        self.resnet = ResNetModel(
            ResNetConfig(
                embedding_size=sizes.stem,
                hidden_sizes=list(sizes.channels),
                depths=list(sizes.depths),
                layer_type="bottleneck",
            )
        )
        self.deit = DeiTForImageClassificationWithTeacher(
            DeiTConfig(
                num_channels=sizes.channels[-1],
                image_size=side // 16,
                patch_size=1,
                hidden_size=sizes.width,
                num_hidden_layers=sizes.blocks,
                num_attention_heads=sizes.width // 64,
                intermediate_size=4 * sizes.width,
                num_labels=CLASSES,
                layer_norm_eps=1e-6,
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        grid = self.resnet(x).last_hidden_state
        pooled = nn.functional.avg_pool2d(grid, self.sizes.pool) if self.sizes.pool > 1 else grid
        logits: Tensor = self.deit(pooled).logits
        return logits


@lru_cache(maxsize=4)
def graft_parts(stages: int) -> Parts:
    """Small, in evaluation mode."""
    parts = drawn(Parts(small_graft(stages)), SIDE)
    assert isinstance(parts, Parts)
    return parts


def small_graft(stages: int) -> Architecture:
    """32 to 512 channels, then three blocks with two heads."""
    return Architecture(32, (1, 2, 1)[:stages], 128, 3)


def graft_state(parts: Parts) -> dict[str, Tensor]:
    """The same weights under a graft's own names."""
    found = {
        f"{name}.{leaf}": tensor for name, module in _resnet(parts) for leaf, tensor in module.state_dict().items()
    }
    names, tail = VIT.layouts["transformers-5"](parts.sizes.tail), Graft(parts.sizes, classes=CLASSES, side=SIDE).tail
    theirs = {key.removeprefix("deit."): tensor for key, tensor in parts.deit.state_dict().items()}
    heads = {"head": "cls_classifier", "head_dist": "distillation_classifier"}
    return found | {f"tail.{key}": theirs[their_key(key, {**names, **heads})] for key in tail.state_dict()}


def _resnet(parts: Parts) -> list[tuple[str, nn.Module]]:
    first = parts.resnet.embedder.embedder
    found = [("stem.conv", first.convolution), ("stem.norm", first.normalization)]
    for s, stage in enumerate(parts.resnet.encoder.stages):
        for j, layer in enumerate(stage.layers):
            place = f"trunk.stage{s}.block{j}"
            for k, one in enumerate(layer.layer):
                found += [(f"{place}.conv{k}", one.convolution), (f"{place}.norm{k}", one.normalization)]
            if not isinstance(layer.shortcut, nn.Identity):
                short = layer.shortcut
                found += [(f"{place}.shortcut", short.convolution), (f"{place}.shortcut_norm", short.normalization)]
    return found


def in_float64(model: nn.Module, x: Tensor) -> Tensor:
    """Logits of a copy of the model in float64."""
    with torch.no_grad():
        logits: Tensor = copy.deepcopy(model).double()(x.double())
    return logits


def relative(expected: Tensor, found: Tensor) -> float:
    """max |difference| / max |logit|, after seeing that the logits depend on the picture."""
    assert expected.std(0).mean() > 0.02 * expected.abs().max()
    return ((expected - found).abs().max() / expected.abs().max()).item()
