"""Makes the second test model: the bundled one with the outlier channels that large trained transformers grow.

    python training/outliers.py --out runs/outliers

A tenth of the channels of several batch norms get their gain multiplied by 8 to 32, which ruins the model; then it is
trained on until it classifies again, with those gains as they are. Per-tensor int8 ranges fail on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer
from digit_pool import training_pool
from loop import Plan, fit
from torch import Tensor, nn
from train_digits import BUNDLED, VARIANT, both_heads, export

from levit_mobile import LeViT
from levit_mobile.images.digits import CENTRE_PX
from levit_mobile.model.checkpoint import load_checkpoint

SHARE, LEAST, MOST = 10, 8.0, 32.0  # one channel in ten; factors on its gain
BLOCKS = (
    "stem.conv2",
    "body.stage0.mlp0.expand",
    "body.stage0.mlp1.contract",
    "body.shrink0.attn.proj",
    "body.stage1.attn1.qkv",
    "body.stage1.mlp1.expand",
    "body.stage1.mlp2.contract",
    "body.stage2.mlp1.expand",
)
FILE_NAME = f"{VARIANT}_outliers.safetensors"


def main(
    out: Annotated[Path, typer.Option(help="Folder for the picture pool, the resumable state and the checkpoint.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="Training time, in minutes.")] = 30,
    pictures: Annotated[int, typer.Option(min=1, help="Number of training pictures in the pool.")] = 12_000,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes that draw pictures.")] = os.cpu_count() or 1,
    seed: int = 0,
) -> None:
    """Grow the outliers, then train on."""
    out.mkdir(parents=True, exist_ok=True)
    pool = training_pool(out, pictures, seed=seed, workers=workers)
    model = load_checkpoint(BUNDLED).model
    grow_outliers(model, seed=seed)
    plan = Plan(
        title="outliers",
        path=out / "outliers.pt",
        minutes=minutes,
        side=CENTRE_PX,
        batch=32,
        rates=(3e-4, 0.0),
        seed=seed + 2,
        save_s=60,
    )
    print(f"wrote {export(fit(model, both_heads, plan, pool), out / FILE_NAME)}")


def grow_outliers(model: LeViT, *, seed: int) -> None:
    """Multiply a tenth of the gains of BLOCKS by 8 to 32, and hold these gains where they are."""
    generator = torch.Generator().manual_seed(seed)
    for norm in norms(model):
        channels = torch.randperm(len(norm.weight), generator=generator)[: len(norm.weight) // SHARE]
        factors = LEAST + (MOST - LEAST) * torch.rand(len(channels), generator=generator)
        norm.weight.data[channels] *= factors
        norm.weight.register_hook(lambda gradient, held=channels: without(gradient, held))


def without(gradient: Tensor, held: Tensor) -> Tensor:
    """The gradient with nothing for the held channels; decay does not touch gains."""
    kept = gradient.clone()
    kept[held] = 0
    return kept


def norms(model: LeViT) -> Iterator[nn.BatchNorm1d | nn.BatchNorm2d]:
    """The batch norm of every block in BLOCKS."""
    for name in BLOCKS:
        yield model.get_submodule(name).norm  # type: ignore[misc]


if __name__ == "__main__":
    typer.run(main)
