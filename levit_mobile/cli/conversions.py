"""The command line: a skin over the public API. Exit codes: 0 done, 1 known failure, 2 usage, 130 interrupted."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from levit_mobile.errors import LevitMobileError

if TYPE_CHECKING:
    from levit_mobile.bundle import Bundle
    from levit_mobile.recipe import Recipe

INTERRUPTED = 130

app = typer.Typer(
    help="Turn a trained LeViT into Core ML, ExecuTorch and TFLite bundles that hold their own proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

TargetOption = Annotated[str, typer.Option("--target", "-t", help="coreml, executorch, tflite, or all three: all.")]
CheckpointOption = Annotated[
    str | None,
    typer.Option("--checkpoint", "-c", help="File, folder, hub id or official name. Default: the bundled digits."),
]
PrecisionOption = Annotated[
    str | None, typer.Option("--precision", "-p", help="fp32 or fp16. Default: fp16 for coreml, fp32 otherwise.")
]
LabelsOption = Annotated[Path | None, typer.Option("--labels", help="Text file, one label a line, in class order.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder in which the bundles are made.")]
VariantOption = Annotated[str | None, typer.Option("--variant", help="Check that the checkpoint is this variant.")]
ImagesOption = Annotated[
    Path | None, typer.Option("--images", help="Folder of at least 32 pictures for the proof. Default: digits.")
]
IosOption = Annotated[int | None, typer.Option("--minimum-ios", help="Oldest iOS: 16, 17 or 18 (coreml only).")]
SkipBrokenOption = Annotated[bool, typer.Option("--skip-broken", help="Leave out pictures that cannot be read.")]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace a bundle that exists.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of a table.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show what the vendor toolchains print.")]


@app.callback(invoke_without_command=True)
def common(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Options without a command."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("levit-mobile"))
        raise typer.Exit


@app.command()
def convert(
    target: TargetOption,
    checkpoint: CheckpointOption = None,
    precision: PrecisionOption = None,
    labels: LabelsOption = None,
    out: OutOption = Path("build"),
    variant: VariantOption = None,
    images: ImagesOption = None,
    minimum_ios: IosOption = None,
    skip_broken: SkipBrokenOption = False,
    force: ForceOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Convert a checkpoint and prove each artifact against it, on real pictures, by the real runtimes."""
    recipes = _recipes(target, precision, minimum_ios)
    sources = {"variant": variant, "labels_file": labels, "images": images, "skip_broken": skip_broken}
    log = None if verbose else Path(tempfile.mkdtemp(prefix="levit-mobile-")) / "convert.log"
    with _manners():
        bundles, errors = _convert_all(checkpoint, recipes, sources, out=out, force=force, log=log)
    _print_bundles(bundles, errors, as_json=json)
    if log is not None:
        typer.echo(f"vendor output: {log}", err=True)
    if errors or any(bundle.proof.verdict == "broken" for bundle in bundles):
        raise typer.Exit(1)


@app.command()
def doctor(json: JsonOption = False) -> None:
    """Say which targets convert and run on this machine, their versions, and the pip line for each that does not."""
    from rich.console import Console

    from levit_mobile import doctor as examination
    from levit_mobile import report

    found = examination.diagnose()
    if json:
        typer.echo(report.doctor_json(found))
    else:
        typer.echo(examination.machine())
        Console().print(report.doctor_table(found))
        for line in report.advice(found):
            typer.echo(line)
    if not all(diagnosis.converts for diagnosis in found):
        raise typer.Exit(1)


def _recipes(target: str, precision: str | None, minimum_ios: int | None) -> list[Recipe]:
    """The recipes that the options name; a wrong word is a usage error."""
    from levit_mobile.errors import RecipeError
    from levit_mobile.recipe import recipe
    from levit_mobile.targets import TARGETS

    names = list(TARGETS) if target == "all" else [target]
    try:
        return [
            recipe(name, precision, minimum_ios=minimum_ios if name == "coreml" or target != "all" else None)
            for name in names
        ]
    except RecipeError as error:
        raise typer.BadParameter(str(error)) from error


def _convert_all(
    checkpoint: str | None, recipes: list[Recipe], sources: dict[str, Any], *, out: Path, force: bool, log: Path | None
) -> tuple[list[Bundle], dict[str, str]]:
    """Import once, then build each recipe under a progress bar; one that fails does not stop the others."""
    from levit_mobile import pipeline, progress, trained
    from levit_mobile.model.download import BUNDLED

    source = checkpoint or BUNDLED
    typer.echo(f"importing {source}", err=True)
    model = trained.load(source, progress=True, **sources)
    for skipped in model.reference.pictures.skipped:
        typer.echo(f"skipped {skipped.name}: {skipped.reason}", err=True)
    bundles: list[Bundle] = []
    errors: dict[str, str] = {}
    with progress.shown([recipe.name for recipe in recipes], pipeline.STEPS, log) as advance:

        def step(recipe: str, name: str) -> None:
            _heed_interruption()
            advance(recipe, name)

        for recipe in recipes:
            on_step = partial(step, recipe.name)
            try:
                bundles.append(pipeline.build(model, recipe, out=out, force=force, on_step=on_step))
            except LevitMobileError as error:
                errors[recipe.name] = str(error)
            _heed_interruption()
    return bundles, errors


def _print_bundles(bundles: list[Bundle], errors: dict[str, str], *, as_json: bool) -> None:
    """Results on stdout; reasons and errors, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile import report

    if as_json:
        typer.echo(report.bundles_json(bundles, errors))
    elif bundles:
        Console().print(report.bundle_table(bundles))
    for line in [*report.reasons(bundles), *(f"error: {name}: {error}" for name, error in errors.items())]:
        typer.echo(line, err=True)


@contextmanager
def _manners() -> Iterator[None]:
    """Known failures become one sentence and exit 1, an interruption a word and exit 130."""
    try:
        yield
    except LevitMobileError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        typer.echo("interrupted; no half-made bundle was left behind", err=True)
        raise typer.Exit(INTERRUPTED) from error


_interruptions: list[int] = []


def _interrupt(number: int, _: object) -> NoReturn:
    _interruptions.append(number)
    raise KeyboardInterrupt


def _heed_interruption() -> None:
    """Raise it again where a vendor swallowed it: with a bare except, or on the way through C++."""
    if _interruptions:
        raise KeyboardInterrupt


def main() -> None:
    """The console script. A polite kill cleans up as Ctrl-C does."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    app()
