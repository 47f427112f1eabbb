"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of tables.")]
VerboseOption = Annotated[
    bool,
    typer.Option("--verbose", help="Show the output of the vendor toolchains instead of writing it to a log file."),
]
SkipBrokenOption = Annotated[bool, typer.Option("--skip-broken", help="Skip unreadable images instead of stopping.")]
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
        help="Fail unless the checkpoint is levit_128s, levit_128, levit_192, levit_256 or levit_384, whichever is "
        "named. Default: no check.",
    ),
]
CalibrationOption = Annotated[
    str | None,
    typer.Option(
        "--calibration",
        help="For int8: folder of images on which ranges are measured, or 'synthetic'. Default: training digits.",
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
