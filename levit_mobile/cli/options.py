"""Options that several commands share, spelled once."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from levit_mobile.targets import TARGETS


class Weights(StrEnum):
    """Averaged over the training, or as the last step left them."""

    EMA = "ema"
    RAW = "raw"


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of tables.")]
VerboseOption = Annotated[
    bool,
    typer.Option("--verbose", help="Show the output of the vendor toolchains instead of writing it to a log file."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")]
SkipBrokenOption = Annotated[bool, typer.Option("--skip-broken", help="Skip unreadable images instead of stopping.")]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Other machines to share the work: the address of a Dask scheduler, tcp://HOST:PORT, or local:N for N "
        "processes of this machine. Needs the extra cluster. Default: this machine alone.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace existing output.")]
CheckpointOption = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        "-c",
        help="Weights: a file, a folder, a hub id or an official name. Default: the bundled digits model.",
    ),
]
VariantOption = Annotated[
    str | None,
    typer.Option(
        "--variant",
        help="Fail unless the checkpoint is the named one: levit_128s, levit_128, levit_192, levit_256, levit_384, "
        "timm's name of a ViT or DeiT (deit_tiny_patch16_224), or levit or vit for other sizes. Of several that fit "
        "the weights, this chooses one. Default: no check.",
    ),
]
SideOption = Annotated[
    str | None,
    typer.Option(
        "--side",
        help="Size of the input in px, for weights that several sizes fit: HEIGHTxWIDTH, or one number for a square. "
        "Default: the checkpoint's own, else the square.",
    ),
]
WeightsOption = Annotated[
    Weights | None,
    typer.Option(
        "--weights",
        help="Weights to take from a file that holds both: ema (averaged over the training) or raw. "
        "Default: those that the framework which wrote the file loads itself.",
    ),
]
MeanOption = Annotated[
    str | None,
    typer.Option(
        "--mean",
        help="What the model subtracts from pixels in [0,1]: one number, or three separated by commas. "
        "Default: the checkpoint's own, else ImageNet's mean.",
    ),
]
StdOption = Annotated[
    str | None,
    typer.Option(
        "--std",
        help="What the model divides by after --mean: one number, or three separated by commas. "
        "Default: the checkpoint's own, else ImageNet's standard deviation.",
    ),
]
ResizeOption = Annotated[
    str | None,
    typer.Option(
        "--resize",
        help="How images are resized, in px: the length of the short side, HEIGHTxWIDTH to squash to, or none. "
        "Default: the checkpoint's own, else the short side to 256/224 of the input.",
    ),
]
CropOption = Annotated[
    str | None,
    typer.Option(
        "--crop",
        help="Share of the resized image that the model takes, such as 0.9, or the input's size in px. "
        "Default: the checkpoint's own, else as the paper does.",
    ),
]
InterpolationOption = Annotated[
    str | None,
    typer.Option(
        "--interpolation",
        help="Filter of the resize: bicubic or bilinear. Default: the checkpoint's own, else bicubic.",
    ),
]
CalibrationOption = Annotated[
    str | None,
    typer.Option(
        "--calibration",
        help="For int8: images on which ranges are measured, given like --images, or 'synthetic'. "
        "Default: training digits.",
    ),
]
CountOption = Annotated[
    int | None,
    typer.Option(
        "--calibration-count", min=1, help="For int8: number of calibration images, sampled by --seed. Default: 512."
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="For int8: random seed that samples the calibration images.")
]
AgainstOption = Annotated[
    list[Path] | None,
    typer.Option("--against", help="Bundle or artifact of any origin to compare with; can be repeated. Default: none."),
]


def named_targets(names: str) -> list[str]:
    """The targets in a comma list, each once; all of them for "all". Whether there are such targets is not asked."""
    asked = [name.strip() for name in names.split(",")]
    return list(dict.fromkeys(name for one in asked for name in (TARGETS if one == "all" else (one,))))


_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


def picture_size(written: str, most: int | None = None) -> tuple[int, int]:
    """Width and height that `--picture` states, each at most `most`. Raises ValueError."""
    found = _SIZE.fullmatch(written)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not found or (most is not None and max(width, height) > most):
        limit = "" if most is None else f", at most {most} each"
        raise ValueError(f"--picture is {written!r}, expected width x height such as 640x480{limit}")
    return width, height
