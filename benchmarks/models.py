"""The networks that the benchmarks time: ours in every variant, and those of others, with random weights.

Weights do not change what is executed: gains and variances of batch norms are drawn, so that no branch is zero.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from levit_mobile import LeViT
from levit_mobile.model.families.vit.trained import ViT

CLASSES, SIDE_PX = 1000, 224
SUFFIXES = {"tflite": ".tflite", "executorch": ".pte"}


def drawn(make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """A network with random weights, always the same."""
    torch.manual_seed(0)
    model = make()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def saved(variant: str, path: Path) -> Path:
    """A checkpoint of our own form with two heads."""
    torch.save(drawn(lambda: LeViT(variant, classes=CLASSES)).state_dict(), path)
    return path


def saved_vit(name: str, folder: Path) -> Path:
    """A folder with a ViT or DeiT of our own form, by its name in timm."""
    folder.mkdir()
    torch.save(drawn(lambda: ViT(name, classes=CLASSES)).state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({"architecture": name}))
    return folder


def levit_128s() -> torch.nn.Module:
    """transformers' LeViT-128S with both heads."""
    from transformers import LevitConfig, LevitForImageClassificationWithTeacher

    sizes = {"hidden_sizes": [128, 256, 384], "num_attention_heads": [4, 6, 8], "depths": [2, 3, 4]}
    return drawn(lambda: LevitForImageClassificationWithTeacher(LevitConfig(num_labels=CLASSES, **sizes)))


def efficientnet_b0() -> torch.nn.Module:
    """EfficientNet-B0, 5.3 M parameters.

    transformers pools by a window of 1280 x 1280 that is clipped to the 7 x 7 there are. Runtimes do not clip it: it
    took 700 of 730 ms. The mean over all places is the same.
    """
    from transformers import EfficientNetConfig, EfficientNetForImageClassification

    sizes = {"image_size": SIDE_PX, "width_coefficient": 1.0, "depth_coefficient": 1.0, "hidden_dim": 1280}

    def made() -> torch.nn.Module:
        model = EfficientNetForImageClassification(EfficientNetConfig(num_labels=CLASSES, **sizes))
        model.efficientnet.pooler = torch.nn.AdaptiveAvgPool2d(1)
        return model

    return drawn(made)


def deit_tiny_distilled() -> torch.nn.Module:
    """DeiT-tiny with a distillation token, and the mean of both heads."""
    from transformers import DeiTConfig, DeiTForImageClassificationWithTeacher

    sizes = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}
    return drawn(lambda: DeiTForImageClassificationWithTeacher(DeiTConfig(num_labels=CLASSES, **sizes)))


def coatnet_0() -> torch.nn.Module:
    """timm's CoAtNet-0, 27 M parameters."""
    import timm

    return drawn(lambda: timm.create_model("coatnet_0_rw_224", num_classes=CLASSES))


def graft() -> torch.nn.Module:
    """Two stages of ResNet-50 and six blocks of DeiT-S, 13 M parameters."""
    from levit_mobile.model.families.graft.trained import Graft

    return drawn(lambda: Graft("resnet50_2_deit_small_6", classes=CLASSES))


class Logits(torch.nn.Module):
    """Unwraps transformers' output object; other networks give logits by themselves."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        found = self.model(image)
        logits: torch.Tensor = getattr(found, "logits", found)
        return logits


def lower(model: torch.nn.Module, name: str, folder: Path) -> dict[str, Path]:
    """A network as it is, by each vendor's shortest way: target -> `name` in `folder`."""
    module, example = Logits(model).eval(), torch.zeros(1, 3, SIDE_PX, SIDE_PX)
    with torch.no_grad():
        module(example)  # fills LeViT's bias caches, which would otherwise leak fake tensors
    files = {target: folder / f"{name}{suffix}" for target, suffix in SUFFIXES.items()}
    _to_tflite(module, example, files["tflite"])
    _to_executorch(module, example, files["executorch"])
    return files


def _to_tflite(module: Any, example: torch.Tensor, path: Path) -> None:
    import litert_torch

    litert_torch.convert(module, (example,)).export(str(path))


def _to_executorch(module: Any, example: torch.Tensor, path: Path) -> None:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    lowered = to_edge_transform_and_lower(torch.export.export(module, (example,)), partitioner=[XnnpackPartitioner()])
    path.write_bytes(lowered.to_executorch().buffer)
