"""`levit-mobile plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from levit_mobile.cli.common import INTERRUPTED, JsonOption, VerboseOption, heed_interruption, log_file, manners
from levit_mobile.cli.convert import CalibrationOption, CheckpointOption, CountOption, SeedOption, VariantOption

if TYPE_CHECKING:
    from levit_mobile.model.checkpoint import Checkpoint
    from levit_mobile.quantization.calibration import CalibrationSet
    from levit_mobile.quantization.plan import Plan
    from levit_mobile.quantization.search import SearchProblem

TargetOption = Annotated[str, typer.Option("--target", "-t", help="coreml, executorch or tflite.")]
SearchCountOption = Annotated[
    int, typer.Option("--search-count", min=1, help="How many of them judge each candidate, evenly spread.")
]
MaxKlOption = Annotated[
    float, typer.Option("--max-kl", min=0, help="KL of the probabilities from the float model's to reach, in nats.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="File to write. Default: <variant>-<target>-int8.json.")
]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace a plan that exists.")]


class Aim(NamedTuple):
    """How many pictures judge each candidate, and what is to be reached, in nats."""

    compared: int
    max_kl: float


def plan(
    target: TargetOption,
    checkpoint: CheckpointOption = None,
    calibration: CalibrationOption = None,
    calibration_count: CountOption = None,
    seed: SeedOption = 0,
    search_count: SearchCountOption = 64,
    max_kl: MaxKlOption = 1e-3,
    variant: VariantOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Find what an int8 artifact must keep in float, group by group, and write it down for `convert --plan`."""
    _require_known(target)
    with manners():
        _require_free(out, force)
        model = _import(checkpoint, variant)
        path = out or Path(f"{model.variant}-{target}-int8.json")
        _require_free(path, force)
        pictures = _pictures(model, calibration, calibration_count, seed)
        aim = Aim(search_count, max_kl)
        found = _search(model, pictures, target, path, aim, log_file("plan.log", verbose=verbose))
    _print(found, path, as_json=json)


def _require_known(target: str) -> None:
    """A wrong word is a usage error."""
    from levit_mobile.errors import RecipeError
    from levit_mobile.recipe import recipe

    try:
        recipe(target)
    except RecipeError as error:
        raise typer.BadParameter(str(error)) from error


def _require_free(path: Path | None, force: bool) -> None:
    from levit_mobile.errors import BundleError

    if path is not None and path.is_dir():
        raise BundleError(f"{path} is a folder, and a plan is a file: use --out for another place", fault="exists")
    if path is not None and path.exists() and not force:
        raise BundleError(
            f"{path} exists already; use --force to replace it, or --out for another place", fault="exists"
        )


def _import(checkpoint: str | None, variant: str | None) -> Checkpoint:
    from levit_mobile.model.checkpoint import load_checkpoint
    from levit_mobile.model.download import BUNDLED

    source = checkpoint or BUNDLED
    typer.echo(f"importing {source}", err=True)
    return load_checkpoint(source, variant=variant, progress=True)


def _pictures(model: Checkpoint, calibration: str | None, count: int | None, seed: int) -> CalibrationSet:
    """Those that `convert` would measure on, with the same doubts."""
    from levit_mobile.images.image_set import ImageSet, ImageSpec
    from levit_mobile.model.download import BUNDLED
    from levit_mobile.quantization.calibration import concerns, find

    found = find(calibration, ImageSpec.for_side(model.side), count=count, seed=seed)
    proof = ImageSet((), found.pictures.read)  # a plan is not proven: its artifact is
    for concern in concerns(found, proof=proof, bundled_model=model.source == str(BUNDLED)):
        typer.echo(f"note: {concern}", err=True)
    return found


def _subject(model: Checkpoint, pictures: CalibrationSet, target: str, count: int) -> SearchProblem:
    from functools import partial

    from levit_mobile.images.image_set import ImageSpec
    from levit_mobile.model.bake import bake
    from levit_mobile.pipeline.lowering import form_of
    from levit_mobile.quantization.search import SearchProblem
    from levit_mobile.targets import TARGETS

    row, spec = TARGETS[target], ImageSpec.for_side(model.side)
    return SearchProblem(
        bake(model.model, mean=spec.mean, std=spec.std, pixel_range=row.pixel_range),
        partial(form_of, target=row),
        pictures,
        pixel_range=row.pixel_range,
        channels_last=row.layout == "NHWC",
        compared=count,
    )


def _search(model: Checkpoint, pictures: CalibrationSet, target: str, path: Path, aim: Aim, log: Path | None) -> Plan:
    """Under a progress bar, and with a journal beside the plan that outlives an interruption."""
    from levit_mobile.cli import progress
    from levit_mobile.quantization.search import CandidateEvaluator, identity, open_journal, search

    subject = _subject(model, pictures, target, aim.compared)
    origin = identity(subject, model.sha256, aim.max_kl)
    journal = open_journal(path.with_name(f"{path.name}.partial"), origin, target)
    if journal.found:
        typer.echo(f"going on from {journal.path}: {journal.found} measurements are in it", err=True)
    try:
        with progress.counted(log) as bar:

            def step(*done: Any) -> None:
                heed_interruption()
                bar(*done)

            found = search(CandidateEvaluator(subject, step), journal, origin, variant=model.variant, target=target)
    except KeyboardInterrupt as error:
        kept = f"the same command goes on from {journal.path}" if journal.known else "nothing was measured yet"
        typer.echo(f"interrupted; {kept}", err=True)
        raise typer.Exit(INTERRUPTED) from error
    found.write(path)
    journal.path.unlink(missing_ok=True)
    return found


def _print(found: Plan, path: Path, *, as_json: bool) -> None:
    """The plan on stdout; where it lies, and what it does not reach, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import plan as report

    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        console = Console()
        for table in (report.damage_table(found), report.front_table(found)):
            console.print(table)
        typer.echo(report.rules_line(found))
    if line := report.shortfall(found):
        typer.echo(line, err=True)
    typer.echo(f"wrote {path}", err=True)
