"""`levit-mobile plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from levit_mobile.cli.common import known_failures, log_file, say, understood
from levit_mobile.cli.options import (
    CalibrationOption,
    CheckpointOption,
    ClusterOption,
    CountOption,
    CropOption,
    ForceOption,
    InterpolationOption,
    JsonOption,
    MeanOption,
    QuietOption,
    ResizeOption,
    SeedOption,
    SideOption,
    SkipBrokenOption,
    StdOption,
    VariantOption,
    VerboseOption,
    WeightsOption,
)
from levit_mobile.images import overrides
from levit_mobile.images.overrides import Preparation
from levit_mobile.recipe import recipe

if TYPE_CHECKING:
    from levit_mobile import PlanSearch

TargetOption = Annotated[str, typer.Option("--target", "-t", help="Target: coreml, executorch or tflite.")]
SearchCountOption = Annotated[
    int,
    typer.Option(
        "--search-count", min=1, help="Number of calibration images on which each candidate is judged, evenly spread."
    ),
]
MaxKlOption = Annotated[
    float,
    typer.Option(
        "--max-kl", min=0, help="Largest accepted KL divergence from the float model's probabilities, in nats."
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", help="JSON file to write. Default: the variant, the target and int8.json, joined by hyphens."
    ),
]


def plan(
    target: TargetOption,
    checkpoint: CheckpointOption = None,
    calibration: CalibrationOption = None,
    calibration_count: CountOption = None,
    seed: SeedOption = 0,
    search_count: SearchCountOption = 64,
    max_kl: MaxKlOption = 1e-3,
    variant: VariantOption = None,
    weights: WeightsOption = None,
    side: SideOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    resize: ResizeOption = None,
    crop: CropOption = None,
    interpolation: InterpolationOption = None,
    skip_broken: SkipBrokenOption = False,
    out: OutOption = None,
    force: ForceOption = False,
    cluster: ClusterOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Search for the layers that an int8 artifact should keep in float.

    Measures the error of each block's op groups in int8 and the gain of keeping them in float, then writes the cheapest
    plan within --max-kl, for `levit-mobile convert --plan`. An interrupted search can be continued: run it again.

    Exit codes: 0 a plan was written, 1 it failed, 2 wrong usage.
    """
    preparation = Preparation(mean=mean, std=std, resize=resize, crop=crop, interpolation=interpolation)
    understood(lambda: (recipe(target), overrides.read(**preparation), overrides.read_side(side)))
    with known_failures(as_json=json):
        import levit_mobile
        from levit_mobile.cli.progress import shown

        with shown(log_file("plan", verbose=verbose), quiet=quiet) as progress:
            found = levit_mobile.plan(
                checkpoint,
                target,
                out=out,
                variant=variant,
                weights=weights,
                side=side,
                **preparation,
                calibration=calibration,
                count=calibration_count,
                seed=seed,
                search_count=search_count,
                max_kl=max_kl,
                skip_broken=skip_broken,
                force=force,
                cluster=cluster,
                progress=progress,
            )
    _print(found, as_json=json)


def _print(found: PlanSearch, *, as_json: bool) -> None:
    """The plan on stdout; where it lies, and what it does not reach, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import plan as tables

    for note in found.notes:
        say(f"note: {note}")
    if as_json:
        typer.echo(found.plan.model_dump_json(indent=2))
    else:
        console = Console()
        for table in (tables.damage_table(found.plan), tables.front_table(found.plan)):
            console.print(table)
        say(tables.rules_line(found.plan), err=False)
    if line := tables.shortfall(found.plan):
        say(line)
    say(f"wrote {found.path}")
