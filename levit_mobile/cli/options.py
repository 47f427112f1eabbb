"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of a table.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show what the vendor toolchains print.")]
SkipBrokenOption = Annotated[bool, typer.Option("--skip-broken", help="Leave out pictures that cannot be read.")]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace what exists.")]
CheckpointOption = Annotated[
    str | None,
    typer.Option("--checkpoint", "-c", help="File, folder, hub id or official name. Default: the bundled digits."),
]
VariantOption = Annotated[str | None, typer.Option("--variant", help="Check that the checkpoint is this variant.")]
CalibrationOption = Annotated[
    str | None,
    typer.Option("--calibration", help="int8: folder of pictures to measure ranges on, or synthetic. Default: digits."),
]
CountOption = Annotated[
    int | None,
    typer.Option("--calibration-count", min=1, help="int8: how many pictures, drawn by --seed. Default: 512."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="int8: draws the calibration pictures.")]
AgainstOption = Annotated[
    list[Path] | None,
    typer.Option("--against", help="Another bundle or artifact, of any origin, to compare with; may be repeated."),
]
