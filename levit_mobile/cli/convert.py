"""`levit-mobile convert`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from levit_mobile.cli.common import (
    FAILED,
    NOTHING_PARTIAL,
    heed_interruption,
    interruption_noted,
    known_failures,
    log_file,
    say,
    understood,
)
from levit_mobile.cli.options import (
    CalibrationOption,
    CheckpointOption,
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
    named_targets,
)
from levit_mobile.errors import LevitMobileError
from levit_mobile.images import overrides
from levit_mobile.images.overrides import Preparation
from levit_mobile.recipe import Precision, Recipe, Verdict, recipe

if TYPE_CHECKING:
    from levit_mobile import Bundle

TargetOption = Annotated[
    str,
    typer.Option("--target", "-t", help="Targets, separated by commas: coreml, executorch, tflite; all for all three."),
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
    str | None,
    typer.Option(
        "--images",
        help="At least 32 images for the proof: a folder, a .zip archive, .tar shards (shards-{000..013}.tar), or a "
        "URL of them (s3://, gs://, hf://, https://). Default: 64 held-out digits.",
    ),
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
ArithmeticOption = Annotated[
    str | None,
    typer.Option(
        "--arithmetic",
        help="For tflite and executorch-int8: fp32 computes the float parts in float32 on every core, fp16 in float16 "
        "on cores that can; an executorch artifact then needs such a core. Default: fp16 for tflite, where the recipe "
        "loses nothing by it.",
    ),
]
ObserverOption = Annotated[
    str | None,
    typer.Option(
        "--observer",
        help="For int8: how ranges are chosen: min-max, percentile, mse, entropy or output. "
        "Default: the plan's choice.",
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
NoEmulationOption = Annotated[
    bool,
    typer.Option(
        "--no-emulation",
        help="For recipes that a core may compute in float16: no proof on emulated cores; saves about a minute.",
    ),
]

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check options, weights and toolchains, list the bundles, and write nothing.")
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
    arithmetic: ArithmeticOption = None,
    calibration: CalibrationOption = None,
    calibration_count: CountOption = None,
    seed: SeedOption = 0,
    observer: ObserverOption = None,
    plan: PlanOption = None,
    no_timing: NoTimingOption = False,
    no_emulation: NoEmulationOption = False,
    skip_broken: SkipBrokenOption = False,
    force: ForceOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Convert a checkpoint and prove each artifact against it.

    Writes one bundle per recipe: the artifact, its contract, labels, golden vectors and the proof, which runs the
    artifact and the trained model on the same images. Without --checkpoint it converts the bundled LeViT-128S.

    Exit codes: 0 all artifacts are proven or not run, 1 an artifact is broken or could not be converted, 2 wrong usage.
    """
    recipes = understood(lambda: _recipes(target, precision, minimum_ios, io, arithmetic))
    preparation = Preparation(mean=mean, std=std, resize=resize, crop=crop, interpolation=interpolation)
    understood(lambda: (overrides.read(**preparation), overrides.read_side(side)))
    log = None if dry_run else log_file("convert", verbose=verbose)
    bundles: list[Bundle] = []
    errors: dict[str, LevitMobileError] = {}
    with known_failures(as_json=json), interruption_noted(lambda: _notes(recipes, bundles, errors)):
        import levit_mobile
        from levit_mobile.cli.progress import shown

        options = Options(calibration=calibration, count=calibration_count, observer=observer, plan=plan, force=force)
        with shown(log, quiet=quiet) as progress:
            progress("checking the options", 0, 1)
            understood(
                lambda: levit_mobile.check(recipes, checkpoint, out=out, labels=labels, images=images, **options)
            )
            if dry_run:
                name = _variant(checkpoint, variant=variant, weights=weights, side=side)
            else:
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
        if dry_run:
            _print_dry_run(recipes, out, name, as_json=json)
            return
        say(f"images: {source.spec}; from {source.spec.source}")
        for note in source.notes:
            say(f"NOTE: {note}")
        with shown(log, quiet=quiet) as progress:
            for one in recipes:  # one that fails does not stop the others
                with _kept(errors, one.name):
                    made = levit_mobile.convert(
                        source,
                        one,
                        out=out,
                        seed=seed,
                        skip_broken=skip_broken and calibration is not None,
                        **options,
                        timing=not no_timing,
                        emulation=not no_emulation,
                        progress=progress,
                    )
                    bundles.append(made)
    for skipped in source.reference.pictures.skipped:
        say(f"skipped {skipped.name}: {skipped.reason}")
    _print(bundles, errors, as_json=json)
    if log is not None:
        say(f"vendor output: {log}")
    if errors or any(bundle.proof.verdict == Verdict.BROKEN for bundle in bundles):
        raise typer.Exit(FAILED)


@contextmanager
def _kept(errors: dict[str, LevitMobileError], name: str) -> Iterator[None]:
    """A known failure of the block ends it and is kept under the name, unless an interruption caused it."""
    try:
        yield
    except LevitMobileError as error:
        heed_interruption()
        errors[name] = error


def _recipes(
    targets: str, precision: str | None, minimum_ios: int | None, io: str, arithmetic: str | None
) -> list[Recipe]:
    """The recipes that the options name; an option of one target is for that target where it is among several."""
    names = named_targets(targets)
    choosing = [name for name in names if recipe(name, precision).has_arithmetic]

    return [
        recipe(
            name,
            precision,
            minimum_ios=minimum_ios if name == "coreml" or "coreml" not in names else None,
            io=io,
            arithmetic=arithmetic if name in choosing or not choosing else None,
        )
        for name in names
    ]


def _notes(
    recipes: Sequence[Recipe], bundles: Sequence[Bundle], errors: Mapping[str, LevitMobileError]
) -> Iterator[str]:
    """What an interruption says of the bundles: which are finished, which failed and which are not there."""
    finished = {bundle.contract.recipe for bundle in bundles}
    if bundles:
        yield "finished: " + ", ".join(f"{one.path} ({one.proof.verdict.upper()})" for one in bundles)
    yield from (f"failed: {name}: {error}" for name, error in errors.items())
    rest = [one.name for one in recipes if one.name not in finished and one.name not in errors]
    if rest and len(rest) < len(recipes):
        yield f"not finished: {', '.join(rest)}"
    yield NOTHING_PARTIAL


def _variant(checkpoint: str | None, *, variant: str | None, weights: str | None, side: str | None) -> str | None:
    """The variant of weights that are on this machine, which are imported for that; of others what was asked for."""
    import levit_mobile
    from levit_mobile.reporting.tables.dry_run import on_this_machine

    here = on_this_machine(checkpoint)
    if here is None:
        return variant
    size = overrides.read_side(side)
    return levit_mobile.load_checkpoint(here, variant=variant, weights=weights, side=size).variant


def _print_dry_run(recipes: Sequence[Recipe], out: Path, variant: str | None, *, as_json: bool) -> None:
    """The bundles on stdout; the targets that could not be converted here, a line each, on stderr."""
    from levit_mobile.reporting.tables import dry_run as tables

    planned, errors = tables.planned(recipes, out, variant), tables.missing(recipes)
    if as_json:
        typer.echo(tables.dry_run_json(planned, errors))
    else:
        for one in planned:
            typer.echo(tables.line(one))
    if variant is None:
        say("NOTE: the weights are not on this machine and were not read")
    for name, error in errors.items():
        say(f"error: {name}: {error}")
    if errors:
        raise typer.Exit(FAILED)


def _print(bundles: Sequence[Bundle], errors: Mapping[str, LevitMobileError], *, as_json: bool) -> None:
    """Results on stdout; reasons and errors, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import convert as tables

    if as_json:
        typer.echo(tables.bundles_json(bundles, errors))
    elif bundles:
        Console().print(tables.bundle_table(bundles))
    for line in [*tables.reasons(bundles), *(f"error: {name}: {error}" for name, error in errors.items())]:
        say(line)
