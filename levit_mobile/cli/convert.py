"""`levit-mobile convert`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from levit_mobile.cli.common import (
    FAILED,
    JsonOption,
    SkipBrokenOption,
    VerboseOption,
    heed_interruption,
    log_file,
    manners,
)
from levit_mobile.errors import LevitMobileError
from levit_mobile.recipe import Verdict

if TYPE_CHECKING:
    from levit_mobile.pipeline.writing import Bundle
    from levit_mobile.recipe import Recipe

TargetOption = Annotated[str, typer.Option("--target", "-t", help="coreml, executorch, tflite, or all three: all.")]
CheckpointOption = Annotated[
    str | None,
    typer.Option("--checkpoint", "-c", help="File, folder, hub id or official name. Default: the bundled digits."),
]
PrecisionOption = Annotated[
    str | None,
    typer.Option("--precision", "-p", help="As in the table of recipes. Default: fp16 for coreml, fp32 otherwise."),
]
LabelsOption = Annotated[Path | None, typer.Option("--labels", help="Text file, one label a line, in class order.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder in which the bundles are made.")]
VariantOption = Annotated[str | None, typer.Option("--variant", help="Check that the checkpoint is this variant.")]
ImagesOption = Annotated[
    Path | None, typer.Option("--images", help="Folder of at least 32 pictures for the proof. Default: digits.")
]
IosOption = Annotated[int | None, typer.Option("--minimum-ios", help="Oldest iOS: 16, 17 or 18 (coreml only).")]
IoOption = Annotated[
    str, typer.Option("--io", help="Pixels and logits: float, or int8 (tflite and executorch, int8 only).")
]
CalibrationOption = Annotated[
    str | None,
    typer.Option("--calibration", help="int8: folder of pictures to measure ranges on, or synthetic. Default: digits."),
]
CountOption = Annotated[
    int | None,
    typer.Option("--calibration-count", min=1, help="int8: how many pictures, drawn by --seed. Default: 512."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="int8: draws the calibration pictures.")]
ObserverOption = Annotated[
    str | None, typer.Option("--observer", help="int8: min-max, percentile, mse or entropy. Default: the plan's.")
]
PlanOption = Annotated[
    Path | None, typer.Option("--plan", help="int8: JSON file of what stays float. Default: the committed plan.")
]
NoTimingOption = Annotated[
    bool,
    typer.Option("--no-timing", help="Do not time integers beside float32 here: one lowering less, about 20 s."),
]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace a bundle that exists.")]


def convert(
    target: TargetOption,
    checkpoint: CheckpointOption = None,
    precision: PrecisionOption = None,
    labels: LabelsOption = None,
    out: OutOption = Path("build"),
    variant: VariantOption = None,
    images: ImagesOption = None,
    minimum_ios: IosOption = None,
    io: IoOption = "float",
    calibration: CalibrationOption = None,
    calibration_count: CountOption = None,
    seed: SeedOption = 0,
    observer: ObserverOption = None,
    plan: PlanOption = None,
    no_timing: NoTimingOption = False,
    skip_broken: SkipBrokenOption = False,
    force: ForceOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Convert a checkpoint and prove each artifact against it, on real pictures, by the real runtimes."""
    recipes = _recipes(target, precision, minimum_ios, io)
    sources = {"variant": variant, "labels_file": labels, "images": images, "skip_broken": skip_broken}
    measured = {
        "calibration": calibration,
        "count": calibration_count,
        "observer": observer,
        "plan": plan,
        "seed": seed,
    }
    log = log_file("convert.log", verbose=verbose)
    with manners():
        written = {"out": out, "force": force, "timing": not no_timing}
        bundles, errors = _convert_all(checkpoint, recipes, sources, measured, written, log=log)
    _print_bundles(bundles, errors, as_json=json)
    if log is not None:
        typer.echo(f"vendor output: {log}", err=True)
    if errors or any(bundle.proof.verdict == Verdict.BROKEN for bundle in bundles):
        raise typer.Exit(FAILED)


def _recipes(target: str, precision: str | None, minimum_ios: int | None, io: str = "float") -> list[Recipe]:
    """The recipes that the options name; a wrong word is a usage error."""
    from levit_mobile.errors import RecipeError
    from levit_mobile.recipe import recipe
    from levit_mobile.targets import TARGETS

    names = list(TARGETS) if target == "all" else [target]
    try:
        return [
            recipe(name, precision, minimum_ios=minimum_ios if name == "coreml" or target != "all" else None, io=io)
            for name in names
        ]
    except RecipeError as error:
        raise typer.BadParameter(str(error)) from error


def _convert_all(
    checkpoint: str | None,
    recipes: list[Recipe],
    sources: dict[str, Any],
    measured: dict[str, Any],
    written: dict[str, Any],
    *,
    log: Path | None,
) -> tuple[list[Bundle], dict[str, str]]:
    """Import once, then build each recipe under a progress bar; one that fails does not stop the others."""
    from levit_mobile.cli import progress
    from levit_mobile.model.download import BUNDLED
    from levit_mobile.pipeline import convert as pipeline
    from levit_mobile.pipeline import source_model

    source = checkpoint or BUNDLED
    typer.echo(f"importing {source}", err=True)
    model = source_model.load(source, progress=True, **sources)
    for skipped in model.reference.pictures.skipped:
        typer.echo(f"skipped {skipped.name}: {skipped.reason}", err=True)
    bundles: list[Bundle] = []
    errors: dict[str, str] = {}
    with progress.shown([recipe.name for recipe in recipes], pipeline.STEPS, log) as advance:

        def step(recipe: str, *progress: Any) -> None:
            heed_interruption()
            advance(recipe, *progress)

        for recipe in recipes:
            made = partial(pipeline.build, model, recipe, **written)
            try:
                quantization = pipeline.quantized(model, recipe, **measured)
                bundles.append(made(quantization=quantization, on_step=partial(step, recipe.name)))
            except LevitMobileError as error:
                errors[recipe.name] = str(error)
            heed_interruption()
    return bundles, errors


def _print_bundles(bundles: list[Bundle], errors: dict[str, str], *, as_json: bool) -> None:
    """Results on stdout; reasons and errors, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import convert as report

    if as_json:
        typer.echo(report.bundles_json(bundles, errors))
    elif bundles:
        Console().print(report.bundle_table(bundles))
    for line in [*report.reasons(bundles), *(f"error: {name}: {error}" for name, error in errors.items())]:
        typer.echo(line, err=True)
