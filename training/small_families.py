"""Makes the small checkpoints of the other families that tests judge accuracy by: digits in photographs, as bundled.

    python training/small_families.py deit --out runs/small
    python training/small_families.py coatnet --out runs/small

Each learns the labels of a pool of training pictures, drawn once, and what the bundled LeViT says of them (hard
distillation, arXiv:2012.12877, section 4): DeiT by its second head, CoAtNet by the mean of both losses. The weights are
written in float16, with a config.json that says how pictures are prepared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from digit_pool import CENTRE, Pool, held_out, normalised, training_pool
from loop import Loss, Plan, fit
from mimetic import mimicked
from safetensors.torch import save_file
from sketches import sketches
from torch import Tensor, nn
from torch.nn import functional as F
from train_digits import SMOOTHING, WORKERS, Device, Minutes, Out, Workers, chosen, cross_entropy, right

from levit_mobile.images.digits import CENTRE_PX, CLASSES, LABELS, PICTURE_PX, Split, source_of
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.download import BUNDLED
from levit_mobile.model.families.coatnet import architecture as coatnet
from levit_mobile.model.families.coatnet.trained import CoAtNet
from levit_mobile.model.families.vit.architecture import Architecture
from levit_mobile.model.families.vit.trained import ViT
from levit_mobile.parity.metrics import clustered_interval

SPEC = ImageSpec()
MAX_BYTES = 6_000_000
SOURCE = "levit_mobile.images.digits: UCI optical recognition of handwritten digits over two scikit-learn photographs"
RATES = (1e-3, 0.0)
SKETCHED = 0.85  # of the time, where pictures are drawn as they are used
SKETCH_RATES, AFTER_SKETCHES = (3e-3, 2e-4), (5e-4, 0.0)
HELD_OUT = 5000
DEIT_SIDE, COATNET_SIDE = 56, 96  # px
DEIT_BATCH, COATNET_BATCH = 32, 64
DEIT_CONFIG = {
    "architecture": "deit_tiny_distilled_patch16_224",
    "model_args": {
        "img_size": DEIT_SIDE,
        "patch_size": 8,
        "embed_dim": 96,
        "num_heads": 3,
        "depth": 4,
        "num_classes": CLASSES,
    },
}
COATNET_CONFIG = {"architecture": "coatnet_0_rw_224"}
TAUGHT_AT_ONCE = 32


class Name(StrEnum):
    """Which of the nets."""

    DEIT = "deit"
    COATNET = "coatnet"


@dataclass(frozen=True, slots=True)
class Small:
    """A net that fits into a repository.

    Attributes:
        net: The net, at random weights.
        side: Edge of its pictures in px.
        config: What its config.json says of the net, in timm's words.
        loss: What it learns; labels are `label + CLASSES * what the teacher says`.
        plan: What differs in its plan.
        sketched: Whether it first learns the labels of pictures that are drawn as they are used.
    """

    net: nn.Module
    side: int
    config: Mapping[str, Any]
    loss: Loss
    plan: Mapping[str, Any]
    sketched: bool


def small(name: Name) -> Small:
    """DeiT-tiny at half its width and a third of its depth, or CoAtNet-0 at a quarter, with five blocks."""
    if name is Name.DEIT:
        sizes = Architecture(width=96, heads=3, depth=4, hidden=384, patch=8, tokens=2)
        net = mimicked(ViT(sizes, classes=CLASSES, side=DEIT_SIDE, distillation=True))
        return Small(net, DEIT_SIDE, DEIT_CONFIG, two_heads, {"muon": True, "batch": DEIT_BATCH}, sketched=True)
    traits = coatnet.VARIANTS["coatnet_0_rw"].traits
    thin = coatnet.Architecture((16, 24), (24, 64, 96, 192), (1, 1, 2, 1), traits)
    net = CoAtNet(thin, classes=CLASSES, side=COATNET_SIDE)
    return Small(net, COATNET_SIDE, COATNET_CONFIG, one_head, {"batch": COATNET_BATCH}, sketched=False)


def main(
    name: Annotated[Name, typer.Argument(help="Which net.")],
    out: Out = Path("runs/small"),
    device: Device = "auto",
    workers: Workers = WORKERS,
    pictures: Annotated[int, typer.Option(min=1, help="Number of training pictures in the pool.")] = 16_000,
    minutes: Minutes = 40,
    seed: int = 0,
) -> None:
    """Train one of the nets, write it, and judge what was written; an interrupted run is continued."""
    torch.manual_seed(seed)
    folder = out / f"{name}_digits"
    folder.mkdir(parents=True, exist_ok=True)
    where, wanted = chosen(device), small(name)
    net = wanted.net.to(where)
    plan = Plan(title=name, path=out / f"{name}.pt", minutes=minutes, side=wanted.side, rates=RATES, seed=seed,
                save_s=60, mixed=False, **wanted.plan)  # fmt: skip
    if wanted.sketched:
        plan = after_sketches(net, plan)
    pool = taught(
        training_pool(out, pictures, seed=seed, workers=workers), out / f"taught_{pictures}_{seed}.npy", where
    )
    export(fit(net, wanted.loss, plan, pool), wanted, folder)
    judge(folder, wanted.side, workers)


def after_sketches(net: nn.Module, whole: Plan) -> Plan:
    """Train the net on sketches; what is left of the plan."""
    first = replace(whole, title=f"{whole.title}, sketches", path=whole.path.with_stem(f"{whole.path.stem}_sketches"),
                    rates=SKETCH_RATES, minutes=whole.minutes * SKETCHED)  # fmt: skip
    net.load_state_dict(fit(net, labels_alone, first, sketches(whole.side, whole.seed)))
    return replace(whole, rates=AFTER_SKETCHES, minutes=whole.minutes * (1 - SKETCHED))


def labels_alone(model: nn.Module, x: Tensor, labels: Tensor, _left: float) -> tuple[Tensor, Tensor]:
    """Both heads learn the labels."""
    first, second = model(x)
    return cross_entropy(first, second, labels, labels), right(first, second, labels)


def two_heads(model: nn.Module, x: Tensor, labels: Tensor, _left: float) -> tuple[Tensor, Tensor]:
    """The class head learns the labels, the other what the teacher says."""
    truth, teacher = labels % CLASSES, labels // CLASSES
    first, second = model(x)
    return cross_entropy(first, second, truth, teacher), right(first, second, truth)


def one_head(model: nn.Module, x: Tensor, labels: Tensor, _left: float) -> tuple[Tensor, Tensor]:
    """One head learns both."""
    truth, teacher = labels % CLASSES, labels // CLASSES
    logits = model(x)
    loss = (F.cross_entropy(logits, truth, label_smoothing=SMOOTHING) + F.cross_entropy(logits, teacher)) / 2
    return loss, right(logits, logits, truth)


@torch.no_grad()
def taught(pool: Pool, path: Path, device: torch.device) -> Pool:
    """The pool with what the bundled model says of each picture's centre in its labels, found once."""
    if not path.exists():
        teacher = load_checkpoint(BUNDLED).model.to(device)
        window = slice(CENTRE, CENTRE + CENTRE_PX)
        parts = range(0, len(pool.labels), TAUGHT_AT_ONCE)
        centres = (torch.from_numpy(pool.pixels[i : i + TAUGHT_AT_ONCE, window, window].copy()) for i in parts)
        says = [teacher(normalised(one.to(device))).argmax(1).cpu() for one in centres]
        np.save(path, torch.cat(says).numpy())
    said = np.load(path)
    print(f"the teacher is right on {(said == pool.labels).mean():.2%} of {len(said)} training pictures", flush=True)
    return Pool(pool.pixels, pool.labels + CLASSES * said)


def export(weights: dict[str, Tensor], made: Small, folder: Path) -> None:
    """Write `model.safetensors` and `config.json`; refuses what float16 cannot hold, and too large a file."""
    kept = {key: w.half().cpu().contiguous() for key, w in weights.items() if not key.endswith("num_batches_tracked")}
    if broken := [key for key, w in kept.items() if not bool(torch.isfinite(w).all())]:
        raise SystemExit(f"not finite in float16: {', '.join(broken)}")
    metadata = {"format": "levit-mobile", "labels": ",".join(LABELS), "source": SOURCE, "licence": "Apache-2.0"}
    save_file(kept, folder / "model.safetensors", metadata=metadata)
    if (size := (folder / "model.safetensors").stat().st_size) > MAX_BYTES:
        raise SystemExit(f"the weights are {size} bytes, more than {MAX_BYTES}")
    cfg = {
        "input_size": [3, made.side, made.side],
        "crop_pct": CENTRE_PX / PICTURE_PX,
        "interpolation": "bicubic",
        "mean": list(SPEC.unit_mean),
        "std": list(SPEC.unit_std),
    }
    (folder / "config.json").write_text(
        json.dumps({**made.config, "pretrained_cfg": cfg}, indent=2) + "\n", encoding="utf-8"
    )


@torch.no_grad()
def judge(folder: Path, side: int, workers: int) -> None:
    """Print the accuracy on held-out pictures of what was written, with its interval over source digits."""
    model, hits = load_checkpoint(folder).model, []
    for pixels, labels in held_out(HELD_OUT, TAUGHT_AT_ONCE, workers):
        hits.append(model(normalised(pixels, side)).argmax(1) == labels)
    right_ones = torch.cat(hits)
    digits = [source_of(Split.HELD_OUT, index) for index in range(len(right_ones))]
    low, high = clustered_interval(right_ones.numpy(), digits)
    print(f"{folder}: top-1 {float(right_ones.double().mean()):.4f} of {len(right_ones)} held-out pictures,")
    print(f"95% interval {low:.4f} to {high:.4f} over {len(set(digits))} source digits")


if __name__ == "__main__":
    typer.run(main)
