"""Makes and judges the bundled checkpoint: a LeViT-128S that reads handwritten digits in photographs.

    python training/train_digits.py train
    python training/train_digits.py evaluate --checkpoint runs/digits/levit_128s_digits.safetensors

The recipe is made for one CPU core and an hour: a pool of pictures drawn once, most steps at half resolution where one
costs a quarter, the last ones at full resolution. AdamW, cosine schedule and averaged weights as in the paper
(arXiv:2104.01136, section 5). The teacher is the network of the first phase, which is trained first and then labels the
whole pool: in the second, the class head learns the true labels and the distillation head the teacher's, hard, as in
DeiT (arXiv:2012.12877, section 4).
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from digit_pool import Pool, held_out, normalised, training_pool
from loop import Plan, fit, mixed_precision
from safetensors import safe_open
from safetensors.torch import save as serialised
from torch import Tensor, nn
from torch.nn import functional as F

from levit_mobile.digits import CENTRE_PX, CLASSES, LABELS, Split, source_indices
from levit_mobile.model.levit import LeViT

VARIANT = "levit_128s"
FILE_NAME = f"{VARIANT}_digits.safetensors"
BUNDLED = Path(__file__).parents[1] / "levit_mobile" / "data" / FILE_NAME
MAX_BYTES = 16_000_000
SOURCE = "levit_mobile.digits: UCI optical recognition of handwritten digits over two scikit-learn photographs"
HALF_SIDE = 112  # px
HALF_RATES, FULL_RATES = (1e-3, 5e-4), (5e-4, 0.0)  # first and last of each phase
SMOOTHING = 0.1
WILSON_Z = 1.959964  # 95 %
CHUNK = 100  # pictures labelled at once

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Out = Annotated[Path, typer.Option(help="Folder for the picture pool, the resumable state and the checkpoint.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that draw pictures.")]
Minutes = Annotated[float, typer.Option(min=0.01, help="Training time at this resolution.")]
WORKERS = os.cpu_count() or 1


@app.command()
def train(
    out: Out = Path("runs/digits"),
    device: Device = "auto",
    workers: Workers = WORKERS,
    pictures: Annotated[int, typer.Option(min=1, help="Training pictures in the pool.")] = 48_000,
    half_minutes: Minutes = 28,
    full_minutes: Minutes = 44,
    batch: Annotated[int, typer.Option(min=2)] = 64,
    save_seconds: Annotated[float, typer.Option(min=0, help="How often to save the state.")] = 60,
    seed: int = 0,
) -> None:
    """Trains a teacher at half resolution, then the student at full; started again, goes on where it was."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = True
    where, pool = chosen(device), training_pool(out, pictures, seed=seed, workers=workers)
    half = Plan(
        title="half",
        path=out / "half.pt",
        minutes=half_minutes,
        side=HALF_SIDE,
        batch=batch,
        rates=HALF_RATES,
        seed=seed,
        save_s=save_seconds,
    )
    full = replace(
        half,
        title="full",
        path=out / "full.pt",
        minutes=full_minutes,
        side=CENTRE_PX,
        rates=FULL_RATES,
        seed=seed + 1,
    )
    teacher = trained(half, pool, where)
    weights = trained(full, taught_by(teacher, pool, half.side, where, out), where, teacher)
    print(f"wrote {export(weights, out / FILE_NAME)}")


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="A file that `train` wrote.")] = BUNDLED,
    count: Annotated[int, typer.Option(min=1, help="How many held-out pictures.")] = 5000,
    device: Device = "auto",
    workers: Workers = WORKERS,
    batch: Annotated[int, typer.Option(min=1)] = 100,
    min_top1: Annotated[float, typer.Option(min=0, max=1, help="Fails under this top-1.")] = 0.98,
) -> None:
    """Judges a checkpoint on the first held-out pictures, centre crop, mean of both heads."""
    labels, heads = predictions(loaded(checkpoint), count, chosen(device), workers, batch)
    hits = {name: guess == labels for name, guess in heads.items()}
    top1 = float(hits["mean"].double().mean())
    show(checkpoint, labels, hits)
    if not (top1 >= min_top1):
        typer.echo(f"top-1 {top1:.4f} of {checkpoint} is under the {min_top1} asked for", err=True)
        raise typer.Exit(1)


def chosen(device: str) -> torch.device:
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)


def trained(plan: Plan, pool: Pool, device: torch.device, start: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    """LeViT trained at the plan's resolution, from weights for another one or from scratch."""
    model = LeViT(VARIANT, classes=CLASSES, side=plan.side).to(device)
    if start is not None:
        model.load_state_dict(resized(start, model.state_dict()))
    return fit(model, both_heads, plan, pool)


@torch.no_grad()
def taught_by(teacher: dict[str, Tensor], pool: Pool, side: int, device: torch.device, out: Path) -> Pool:
    """The pool with the teacher's hard labels, the arg max of the mean of its heads on the pictures' centres."""
    path = out / "taught.npy"
    if not path.exists():
        model = LeViT(VARIANT, classes=CLASSES, side=side).to(device)
        model.load_state_dict(teacher)
        with mixed_precision(device):
            parts = [model.eval()(normalised(p.to(device), side)).argmax(1).cpu() for p in pool.centres(CHUNK)]
        np.save(path, torch.cat(parts).numpy())
    taught = np.load(path)
    print(f"teacher: {(taught == pool.labels).mean():.4f} of {len(taught)} training pictures", flush=True)
    return replace(pool, taught=taught)


def resized(weights: dict[str, Tensor], like: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights with their attention-bias tables, maps over (|dy|, |dx|), stretched to another resolution."""
    shapes = {name: w.shape for name, w in like.items()}
    return {name: w if w.shape == shapes[name] else stretched(w, shapes[name][1]) for name, w in weights.items()}


def stretched(table: Tensor, entries: int) -> Tensor:
    """[heads, side^2] -> [heads, entries], bilinearly; the corners stay."""
    old, new = math.isqrt(table.shape[1]), math.isqrt(entries)
    maps = table.unflatten(1, (old, old))[:, None]
    return F.interpolate(maps, (new, new), mode="bilinear", align_corners=True).flatten(1)


def both_heads(model: nn.Module, x: Tensor, labels: Tensor, taught: Tensor) -> tuple[Tensor, Tensor]:
    """The class head learns the labels, smoothed, the distillation head the teacher's; both count the same."""
    first, second = model(x)
    loss = F.cross_entropy(first, labels, label_smoothing=SMOOTHING) + F.cross_entropy(second, taught)
    return loss / 2, (first + second) / 2


def export(weights: dict[str, Tensor], path: Path) -> Path:
    """Writes the weights in float16; refuses what float16 cannot hold, and a file too large to bundle."""
    kept = {
        name: w.half().cpu().contiguous() for name, w in weights.items() if not name.endswith("num_batches_tracked")
    }
    broken = [name for name, w in kept.items() if not bool(torch.isfinite(w).all())]
    if broken:
        raise SystemExit(f"not finite in float16: {', '.join(broken)}")
    beside = path.with_suffix(".tmp")
    beside.write_bytes(serialised(kept, metadata=metadata()))
    if beside.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{beside} is {beside.stat().st_size} bytes, more than {MAX_BYTES}")
    return beside.replace(path)


def metadata() -> dict[str, str]:
    shape = {"variant": VARIANT, "classes": str(CLASSES), "side": str(CENTRE_PX), "distillation": "true"}
    return {"format": "levit-mobile", **shape, "labels": ",".join(LABELS), "source": SOURCE, "licence": "Apache-2.0"}


def loaded(path: Path) -> LeViT:
    """The checkpoint's model in evaluation, float32; every key accounted for."""
    with safe_open(path, framework="pt") as stream:
        about = stream.metadata()
        weights = {name: stream.get_tensor(name).float() for name in stream.keys()}  # noqa: SIM118 - no mapping
    model = LeViT(about["variant"], classes=int(about["classes"]), side=int(about["side"]))
    lacking = model.load_state_dict(weights, strict=False)
    missing = [name for name in lacking.missing_keys if not name.endswith("num_batches_tracked")]
    if missing or lacking.unexpected_keys:
        raise SystemExit(f"{path}: missing {missing}, unexpected {lacking.unexpected_keys}")
    return model.eval()


@torch.no_grad()
def predictions(
    model: LeViT, count: int, device: torch.device, workers: int, batch: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """True labels [count], and each head's guesses [count]."""
    model.to(device)
    labels: list[Tensor] = []
    guesses: list[Tensor] = []
    for pixels, truth in held_out(count, batch, workers):
        labels.append(truth)
        guesses.append(per_head(model, normalised(pixels.to(device))).cpu())
    mean, first, second = torch.cat(guesses, 1)
    return torch.cat(labels), {"mean": mean, "class head": first, "distillation head": second}


def per_head(model: LeViT, x: Tensor) -> Tensor:
    """[3, N]: the guesses of the mean, the class head and the distillation head."""
    if model.head_dist is None:
        raise SystemExit("the checkpoint has no distillation head")
    features = model.features(x)
    first, second = model.head(features), model.head_dist(features)
    return torch.stack([first + second, first, second]).argmax(-1)


def show(checkpoint: Path, labels: Tensor, hits: dict[str, Tensor]) -> None:
    count = len(labels)
    low, high = wilson(int(hits["mean"].sum()), count)
    digits = len(source_indices(Split.HELD_OUT))
    print(f"{checkpoint}: {count} held-out pictures of {digits} source digits")
    for name, hit in hits.items():
        print(f"top-1 {float(hit.double().mean()):.4f}  {name}")
    print(f"95 % interval of the mean's top-1: {low:.4f} to {high:.4f} (Wilson, over pictures)")
    for label, name in enumerate(LABELS):
        of_class = hits["mean"][labels == label]
        print(f"top-1 {float(of_class.double().mean()):.4f}  class {name}, {len(of_class)} pictures")


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's score interval for a proportion."""
    p, z2 = hits / count, WILSON_Z**2
    middle, half = p + z2 / (2 * count), WILSON_Z * math.sqrt(p * (1 - p) / count + z2 / (4 * count**2))
    return (middle - half) / (1 + z2 / count), (middle + half) / (1 + z2 / count)


if __name__ == "__main__":
    app()
