"""Makes and judges the bundled checkpoint: a LeViT-128S that reads handwritten digits in photographs.

    python training/train_digits.py train
    python training/train_digits.py evaluate --checkpoint runs/digits/levit_128s_digits.safetensors

The recipe is made for one CPU core and about three hours: a pool of pictures drawn once; a teacher, the same network at
half resolution, where a step costs a quarter; then the model itself, which starts from the teacher's weights. AdamW,
cosine schedule, averaged weights and hard distillation into the second head as in the paper (arXiv:2104.01136,
section 5); at first the model's tokens follow the teacher's too (FitNets, arXiv:1412.6550).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import torch.distributed as dist
import typer
from digit_pool import held_out, normalised, training_pool
from loop import Plan, fit, rank
from safetensors.torch import save as serialised
from torch import Tensor
from torch.nn import functional as F

from levit_mobile import LeViT
from levit_mobile.images.digits import CENTRE_PX, CLASSES, LABELS, Split, source_of
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.parity.metrics import clustered_interval

VARIANT = "levit_128s"
FILE_NAME = f"{VARIANT}_digits.safetensors"
BUNDLED = Path(__file__).parents[1] / "levit_mobile" / "data" / FILE_NAME
MAX_BYTES = 16_000_000
SOURCE = "levit_mobile.images.digits: UCI optical recognition of handwritten digits over two scikit-learn photographs"
HALF_SIDE = 112  # px
HALF_RATES, FULL_RATES = (1e-3, 0.0), (5e-4, 0.0)  # first and last of each phase
SMOOTHING = 0.1

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Out = Annotated[Path, typer.Option(help="Folder for the picture pool, the resumable state and the checkpoint.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Workers = Annotated[int, typer.Option(min=1, help="Number of processes that draw pictures.")]
Minutes = Annotated[float, typer.Option(min=0.01, help="Training time at this resolution, in minutes.")]
WORKERS = os.cpu_count() or 1


@app.command()
def train(
    out: Out = Path("runs/digits"),
    device: Device = "auto",
    workers: Workers = WORKERS,
    pictures: Annotated[int, typer.Option(min=1, help="Number of training pictures in the pool.")] = 48_000,
    half_minutes: Minutes = 28,
    full_minutes: Minutes = 150,
    weights: Annotated[Path | None, typer.Option(exists=True, help="Weights that both phases start from.")] = None,
    batch: Annotated[int, typer.Option(min=2)] = 32,
    save_seconds: Annotated[float, typer.Option(min=0, help="Seconds between two saves of the state.")] = 60,
    seed: int = 0,
) -> None:
    """Trains a teacher at half resolution, then the student at full resolution; continues an interrupted run."""
    out.mkdir(parents=True, exist_ok=True)
    if "RANK" in os.environ:  # started by torchrun
        dist.init_process_group()
    torch.manual_seed(seed + rank())
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
    first = load_checkpoint(weights).model.state_dict() if weights else None
    teacher = begun(HALF_SIDE, first).to(where)
    teacher.load_state_dict(fit(teacher, both_heads, half, pool))
    student = begun(CENTRE_PX, first or teacher.state_dict()).to(where)
    averaged = fit(student, Distilled(teacher, follow=not weights), full, pool)
    if not rank():
        print(f"wrote {export(averaged, out / FILE_NAME)}")


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="A file that `train` wrote.")] = BUNDLED,
    count: Annotated[int, typer.Option(min=1, help="Number of held-out pictures.")] = 5000,
    device: Device = "auto",
    workers: Workers = WORKERS,
    batch: Annotated[int, typer.Option(min=1, help="Pictures per batch; on a CPU, larger batches are slower.")] = 20,
    min_top1: Annotated[float, typer.Option(min=0, max=1, help="Exit 1 below this top-1 accuracy, 0 to 1.")] = 0.98,
    spread: Annotated[float, typer.Option(min=0, help="Factor by which poses are wider; training uses 1.75.")] = 1.0,
) -> None:
    """Measures a checkpoint on the first held-out pictures: centre crop, mean of both heads."""
    pictures = held_out(count, batch, workers, spread)
    labels, heads = predictions(load_checkpoint(checkpoint).model, pictures, chosen(device))
    hits = {name: guess == labels for name, guess in heads.items()}
    top1 = float(hits["mean"].double().mean())
    show(checkpoint, labels, hits)
    if not (top1 >= min_top1):
        typer.echo(f"top-1 {top1:.4f} of {checkpoint} is under the {min_top1} asked for", err=True)
        raise typer.Exit(1)


def chosen(device: str) -> torch.device:
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)


def begun(side: int, weights: dict[str, Tensor] | None) -> LeViT:
    """A model for pictures of `side` px, from weights of another resolution or, without any, from scratch."""
    model = LeViT(VARIANT, classes=CLASSES, side=side)
    if weights is not None:
        model.load_state_dict(resized(weights, model.state_dict()))
    return model


def resized(weights: dict[str, Tensor], like: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights with their attention-bias tables, maps over (|dy|, |dx|), stretched to another resolution."""
    shapes = {name: w.shape for name, w in like.items()}
    return {name: w if w.shape == shapes[name] else stretched(w, shapes[name][1]) for name, w in weights.items()}


def stretched(table: Tensor, entries: int) -> Tensor:
    """[heads, side^2] -> [heads, entries], bilinearly; the corners stay."""
    old, new = math.isqrt(table.shape[1]), math.isqrt(entries)
    maps = table.unflatten(1, (old, old))[:, None]
    return F.interpolate(maps, (new, new), mode="bilinear", align_corners=True).flatten(1)


def both_heads(model: LeViT, x: Tensor, labels: Tensor, _left: float) -> tuple[Tensor, Tensor]:
    """The teacher's loss: both heads learn the labels, the class head smoothed ones."""
    first, second = model(x)
    return cross_entropy(first, second, labels, labels), right(first, second, labels)


def right(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    """Whether the mean of both heads is right, a truth value per picture."""
    hits: Tensor = (first + second).argmax(1) == labels
    return hits


def cross_entropy(first: Tensor, second: Tensor, labels: Tensor, taught: Tensor) -> Tensor:
    return (F.cross_entropy(first, labels, label_smoothing=SMOOTHING) + F.cross_entropy(second, taught)) / 2


class Distilled:
    """The student's loss: the class head learns the labels, the distillation head what the teacher says of the same
    picture at half the resolution. With `follow`, for a student that starts from the teacher's weights, the tokens
    after each stage follow the teacher's as well, at first, ever less."""

    def __init__(self, teacher: LeViT, *, follow: bool) -> None:
        self.teacher, self.follow = teacher.eval(), follow

    def __call__(self, model: LeViT, x: Tensor, labels: Tensor, left: float) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            examples, *votes = tokens_and_logits(self.teacher, halved(x))
        tokens, first, second = tokens_and_logits(model, x)
        loss = cross_entropy(first, second, labels, (votes[0] + votes[1]).argmax(1))
        if self.follow:
            astray = [distance(own, example) for own, example in zip(tokens, examples, strict=True)]
            loss = loss + left * torch.stack(astray).mean()
        return loss, right(first, second, labels)


def halved(x: Tensor) -> Tensor:
    """[N,3,H,W] -> [N,3,H/2,W/2], means of 2x2; a convolution is the fast way."""
    return F.conv2d(x, x.new_full((3, 1, 2, 2), 0.25), stride=2, groups=3)


def tokens_and_logits(model: LeViT, x: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
    """The tokens [N,T,C] after each of the three stages, and the logits of the class and the distillation head."""
    y: Tensor = model.stem(x).flatten(2).transpose(1, 2)
    stages = []
    for name, block in model.body.named_children():
        y = block(y)
        if name.startswith("stage"):
            stages.append(y)
    return stages, *logits_of(model, y.mean(1))


def logits_of(model: LeViT, features: Tensor) -> tuple[Tensor, Tensor]:
    """What the class and the distillation head make of features [N,C]."""
    if model.head_dist is None:
        raise SystemExit("the model has no distillation head")
    return model.head(features), model.head_dist(features)


def distance(tokens: Tensor, examples: Tensor) -> Tensor:
    """Mean squared difference to the teacher's tokens, each standing for 2x2 of the student's, over their variance."""
    side, coarse = (math.isqrt(grid.shape[1]) for grid in (tokens, examples))
    rows = examples.float().unflatten(1, (coarse, coarse)).repeat_interleave(2, 1)[:, :side]
    example = rows.repeat_interleave(2, 2)[:, :, :side].flatten(1, 2)
    error: Tensor = F.mse_loss(tokens.float(), example) / example.var()
    return error


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


@torch.no_grad()
def predictions(
    model: LeViT, pictures: Iterable[tuple[Tensor, Tensor]], device: torch.device
) -> tuple[Tensor, dict[str, Tensor]]:
    """True labels [N] of batches of pictures, and each head's guesses [N]."""
    model.to(device)
    labels: list[Tensor] = []
    guesses: list[Tensor] = []
    for pixels, truth in pictures:
        labels.append(truth)
        guesses.append(per_head(model, normalised(pixels.to(device))).cpu())
    mean, first, second = torch.cat(guesses, 1)
    return torch.cat(labels), {"mean": mean, "class head": first, "distillation head": second}


def per_head(model: LeViT, x: Tensor) -> Tensor:
    """[3, N]: the guesses of the mean, the class head and the distillation head."""
    first, second = logits_of(model, model.features(x))
    return torch.stack([first + second, first, second]).argmax(-1)


def show(checkpoint: Path, labels: Tensor, hits: dict[str, Tensor]) -> None:
    count = len(labels)
    digits = [source_of(Split.HELD_OUT, index) for index in range(count)]
    low, high = clustered_interval(hits["mean"].numpy(), digits)
    print(f"{checkpoint}: {count} held-out pictures of {len(set(digits))} source digits")
    for name, hit in hits.items():
        print(f"top-1 {float(hit.double().mean()):.4f}  {name}")
    print(f"95% interval of the mean's top-1: {low:.4f} to {high:.4f} (over {len(set(digits))} source digits)")
    for label, name in enumerate(LABELS):
        of_class = hits["mean"][labels == label]
        print(f"top-1 {float(of_class.double().mean()):.4f}  class {name}, {len(of_class)} pictures")


if __name__ == "__main__":
    app()
