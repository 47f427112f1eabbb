"""Makes and judges the bundled checkpoint: a LeViT-128S that reads handwritten digits in photographs.

    python training/train_digits.py train --out runs/digits --teacher-minutes 2.5 --minutes 5.5
    python training/train_digits.py evaluate --checkpoint runs/digits/levit_128s_digits.safetensors

The recipe is the paper's (arXiv:2104.01136, section 5): a RegNetY teacher, hard distillation into the second head,
AdamW, cosine schedule; the teacher is small and sees the pictures at half size, for pictures of digits need no more.
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from digit_batches import Batches, loader, normalise
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
TEACHER_SHRINK = 2
TEACHER_RATE, STUDENT_RATE = 2e-3, 2e-3
SMOOTHING = 0.1
WILSON_Z = 1.959964  # 95 %

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Out = Annotated[Path, typer.Option(help="Folder for the resumable state and the checkpoint.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that draw pictures.")]
Minutes = Annotated[float | None, typer.Option(min=0.01, help="Schedule by the clock instead of by pictures.")]
WORKERS = max((os.cpu_count() or 1) - 1, 1)


@app.command()
def train(
    out: Out = Path("runs/digits"),
    device: Device = "auto",
    workers: Workers = WORKERS,
    teacher_pictures: Annotated[int, typer.Option(min=1)] = 300_000,
    pictures: Annotated[int, typer.Option(min=1)] = 1_000_000,
    teacher_minutes: Minutes = None,
    minutes: Minutes = None,
    batch: Annotated[int, typer.Option(min=2)] = 512,
    reuse: Annotated[int, typer.Option(min=1, help="Steps for every batch drawn.")] = 1,
    save_seconds: Annotated[float, typer.Option(min=0, help="How often to save the state.")] = 30,
    seed: int = 0,
) -> None:
    """Trains the teacher, then the student; started again, goes on where it was."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = True
    where = chosen(device)
    teach = Plan(
        title="teacher",
        path=out / "teacher.pt",
        pictures=teacher_pictures,
        minutes=teacher_minutes,
        batch=batch,
        reuse=reuse,
        rate=TEACHER_RATE,
        workers=workers,
        seed=seed,
        save_s=save_seconds,
    )
    study = replace(
        teach,
        title="student",
        path=out / "student.pt",
        pictures=pictures,
        minutes=minutes,
        rate=STUDENT_RATE,
        seed=seed + 1,
    )
    taught = trained_teacher(teach, where)
    model = LeViT(VARIANT, classes=CLASSES, side=CENTRE_PX).to(where)
    weights = fit(model, distilled, study, hint=taught)
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


class Teacher(nn.Module):
    """RegNetY-400MF on half-size pictures: normalised [N,3,224,224] -> logits [N,10]."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import RegNetConfig, RegNetForImageClassification

        sizes = {"embedding_size": 32, "hidden_sizes": [48, 104, 208, 440], "depths": [1, 3, 6, 6], "groups_width": 8}
        self.net = RegNetForImageClassification(RegNetConfig(**sizes, layer_type="y", num_labels=CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(pixel_values=F.avg_pool2d(x, TEACHER_SHRINK)).logits
        return logits


class Hints:
    """The trained teacher's labels: normalised pictures [N,3,224,224] -> int64 [N]."""

    def __init__(self, teacher: nn.Module) -> None:
        self.teacher = teacher.eval()

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        with mixed_precision(x.device):
            labels: Tensor = self.teacher(x).argmax(1)
        return labels


def trained_teacher(plan: Plan, device: torch.device) -> Hints:
    teacher = Teacher().to(device)
    teacher.load_state_dict(fit(teacher, supervised, plan))
    return Hints(teacher)


def supervised(model: nn.Module, x: Tensor, labels: Tensor, _hints: Tensor) -> tuple[Tensor, Tensor]:
    """The teacher's loss: cross entropy with smoothed labels."""
    logits = model(x)
    return F.cross_entropy(logits, labels, label_smoothing=SMOOTHING), logits


def distilled(model: nn.Module, x: Tensor, labels: Tensor, hints: Tensor) -> tuple[Tensor, Tensor]:
    """Hard distillation: one head learns the labels, the other what the teacher says; both count the same."""
    by_label, by_teacher = model(x)
    loss = F.cross_entropy(by_label, labels, label_smoothing=SMOOTHING) + F.cross_entropy(by_teacher, hints)
    return loss / 2, (by_label + by_teacher) / 2


def export(weights: dict[str, Tensor], path: Path) -> Path:
    """Writes the student's weights in float16; refuses what float16 cannot hold, and a file too large to bundle."""
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
    batches = Batches(Split.HELD_OUT, batch, seed=0, shift_px=0)
    for pixels, truth in loader(batches, stop=math.ceil(count / batch), workers=workers, pin=False):
        labels.append(truth)
        guesses.append(per_head(model, normalise(pixels.to(device))).cpu())
    mean, by_label, by_teacher = torch.cat(guesses, 1)[:, :count]
    return torch.cat(labels)[:count], {"mean": mean, "class head": by_label, "distillation head": by_teacher}


def per_head(model: LeViT, x: Tensor) -> Tensor:
    """[3, N]: the guesses of the mean, the class head and the distillation head."""
    if model.head_dist is None:
        raise SystemExit("the checkpoint has no distillation head")
    features = model.features(x)
    by_label, by_teacher = model.head(features), model.head_dist(features)
    return torch.stack([by_label + by_teacher, by_label, by_teacher]).argmax(-1)


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
