"""`levit-mobile convert`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from levit_mobile.cli.common import FAILED, known_failures, log_file, understood
from levit_mobile.cli.options import (
    CalibrationOption,
    CheckpointOption,
    CountOption,
    CropOption,
    ForceOption,
    InterpolationOption,
    JsonOption,
    MeanOption,
    ResizeOption,
    SeedOption,
    SideOption,
    SkipBrokenOption,
    StdOption,
    VariantOption,
    VerboseOption,
    WeightsOption,
)
from levit_mobile.errors import LevitMobileError
from levit_mobile.images import overrides
from levit_mobile.images.overrides import Preparation
from levit_mobile.recipe import Precision, Recipe, Verdict, recipe
from levit_mobile.targets import TARGETS

if TYPE_CHECKING:
    from levit_mobile import Bundle

TargetOption = Annotated[
    str, typer.Option("--target", "-t", help="Target: coreml, executorch, tflite, or all for all three.")
]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        "--precision",
        "-p",
        help=f"Number format: {', '.join(Precision)}. `levit-mobile recipes` shows which target has which. "
        "Default: fp16 for coreml, fp32 for the others.",
    ),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        help="Text file with one label per line, in class order. Default: the checkpoint's labels, "
        "ImageNet's for published weights, else placeholders.",
    ),
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder in which each bundle gets its own folder.")]
ImagesOption = Annotated[
    Path | None,
    typer.Option("--images", help="Folder of at least 32 images for the proof. Default: 64 held-out digits."),
]
IosOption = Annotated[
    int | None,
    typer.Option(
        "--minimum-ios",
        help="For coreml: oldest iOS version that the model must run on: 16, 17 or 18. "
        "Default: the oldest that the precision allows.",
    ),
]
IoOption = Annotated[
    str,
    typer.Option(
        "--io", help="Type of pixels and logits: float, or int8 (only for --precision int8 on tflite and executorch)."
    ),
]
ObserverOption = Annotated[
    str | None,
    typer.Option(
        "--observer",
        help="For int8: how ranges are chosen: min-max, percentile, mse or entropy. Default: the plan's choice.",
    ),
]
PlanOption = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        help="For int8: JSON file by `levit-mobile plan` that lists the layers to keep in float. "
        "Default: the plan that ships with the package, if there is one for the model.",
    ),
]
NoTimingOption = Annotated[
    bool,
    typer.Option(
        "--no-timing",
        help="For integer precisions: do not time the artifact and its float32 counterpart; saves about 20 s.",
    ),
]


class Options(TypedDict):
    """What the check and the conversion both take."""

    calibration: str | None
    count: int | None
    observer: str | None
    plan: Path | None
    force: bool


def convert(
    target: TargetOption,
    checkpoint: CheckpointOption = None,
    precision: PrecisionOption = None,
    labels: LabelsOption = None,
    out: OutOption = Path("build"),
    variant: VariantOption = None,
    weights: WeightsOption = None,
    side: SideOption = None,
    images: ImagesOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    resize: ResizeOption = None,
    crop: CropOption = None,
    interpolation: InterpolationOption = None,
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
    """Convert a checkpoint and prove each artifact against it.

    Writes one bundle per recipe: the artifact, its contract, labels, golden vectors and the proof, which runs the
    artifact and the trained model on the same images. Without --checkpoint it converts the bundled LeViT-128S.

    Exit codes: 0 all artifacts are proven or not run, 1 an artifact is broken or could not be converted, 2 wrong usage.
    """
    recipes = understood(lambda: _recipes(target, precision, minimum_ios, io))
    preparation = Preparation(mean=mean, std=std, resize=resize, crop=crop, interpolation=interpolation)
    understood(lambda: (overrides.read(**preparation), overrides.read_side(side)))
    log = log_file("convert", verbose=verbose)
    bundles: list[Bundle] = []
    errors: dict[str, LevitMobileError] = {}
    with known_failures(as_json=json):
        import levit_mobile
        from levit_mobile.cli.progress import shown

        options = Options(calibration=calibration, count=calibration_count, observer=observer, plan=plan, force=force)
        understood(lambda: levit_mobile.check(recipes, checkpoint, out=out, labels=labels, images=images, **options))
        typer.echo(f"importing {checkpoint or 'the bundled checkpoint'}", err=True)
        with shown(log) as progress:
            source = levit_mobile.load_source(
                checkpoint,
                variant=variant,
                weights=weights,
                side=side,
                labels=labels,
                images=images,
                skip_broken=skip_broken,
                **preparation,
                progress=progress,
            )
            typer.echo(f"images: {source.spec}; from {source.spec.source}", err=True)
            for note in source.notes:
                typer.echo(f"NOTE: {note}", err=True)
            for one in recipes:  # one that fails does not stop the others
                try:
                    made = levit_mobile.convert(
                        source,
                        one,
                        out=out,
                        seed=seed,
                        skip_broken=skip_broken and calibration is not None,
                        **options,
                        timing=not no_timing,
                        progress=progress,
                    )
                    bundles.append(made)
                except LevitMobileError as error:
                    errors[one.name] = error
    for skipped in source.reference.pictures.skipped:
        typer.echo(f"skipped {skipped.name}: {skipped.reason}", err=True)
    _print(bundles, errors, as_json=json)
    if log is not None:
        typer.echo(f"vendor output: {log}", err=True)
    if errors or any(bundle.proof.verdict == Verdict.BROKEN for bundle in bundles):
        raise typer.Exit(FAILED)


def _recipes(target: str, precision: str | None, minimum_ios: int | None, io: str) -> list[Recipe]:
    """The recipes that the options name."""
    names = list(TARGETS) if target == "all" else [target]
    return [
        recipe(name, precision, minimum_ios=minimum_ios if name == "coreml" or target != "all" else None, io=io)
        for name in names
    ]


def _print(bundles: Sequence[Bundle], errors: Mapping[str, LevitMobileError], *, as_json: bool) -> None:
    """Results on stdout; reasons and errors, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import convert as tables

    if as_json:
        typer.echo(tables.bundles_json(bundles, errors))
    elif bundles:
        Console().print(tables.bundle_table(bundles))
    for line in [*tables.reasons(bundles), *(f"error: {name}: {error}" for name, error in errors.items())]:
        typer.echo(line, err=True)
