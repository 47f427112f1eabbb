"""`levit-mobile validate`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from levit_mobile.cli.common import (
    FAILED,
    NOT_RUN,
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
    from levit_mobile.bundle.reader import OpenBundle
    from levit_mobile.validation.results import Validation
    from levit_mobile.validation.setup import ValidationSetup

THUMBNAILS = 50  # pictures of flips that a page shows
COLUMNS = 3  # validations side by side on a terminal

BundlesArgument = Annotated[list[Path], typer.Argument(help="Folders that `convert` has made.", show_default=False)]
ReferenceOption = Annotated[
    str | None,
    typer.Option("--reference", "-r", help="Checkpoint, bundle, or golden. Default: what the bundle was made from."),
]
ImagesOption = Annotated[Path | None, typer.Option("--images", help="Folder of pictures. Default: held-out digits.")]
CountOption = Annotated[int | None, typer.Option("--count", "-n", min=1, help="How many pictures, evenly spread.")]
TruthOption = Annotated[
    str | None, typer.Option("--truth", help="What the pictures show: folders, or a CSV file with file,label.")
]
RuntimeOption = Annotated[
    str | None, typer.Option("--runtime", help="coreml, mil, mil-float32, executorch, litert or tflite-runtime.")
]
CpuOption = Annotated[
    str | None,
    typer.Option("--cpu", help="Run on ARM64 too: some of cortex-a53, cortex-a76, i8mm, with commas between."),
]
CpuCountOption = Annotated[
    int | None, typer.Option("--cpu-count", min=1, help="How many pictures a CPU, evenly spread. Default: 8.")
]
DrillOption = Annotated[bool, typer.Option("--drill", help="Measure every block, name the first over its budget.")]
CalibrationOption = Annotated[
    str | None,
    typer.Option("--calibration", help="--drill of int8: folder it was calibrated on. Default: as its contract says."),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit 3 when something could not be run here.")]
ProcessesOption = Annotated[int | None, typer.Option("--processes", min=1, help="How many. Default: one a core.")]
JunitOption = Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML to this file.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", help="Write one self-contained page to this file.")]
GithubOption = Annotated[bool, typer.Option("--github", help="Annotate the run, and add to its summary, on GitHub.")]


def _share(name: str, words: str) -> Any:
    return typer.Option(name, min=0, max=1, help=words, rich_help_panel="Bounds (default: the recipe's)")


def _bound(name: str, words: str, least: float = 0) -> Any:
    return typer.Option(name, min=least, help=words, rich_help_panel="Bounds (default: the recipe's)")


def validate(
    bundles: BundlesArgument,
    reference: ReferenceOption = None,
    images: ImagesOption = None,
    count: CountOption = None,
    truth: TruthOption = None,
    runtime: RuntimeOption = None,
    cpu: CpuOption = None,
    cpu_count: CpuCountOption = None,
    drill: DrillOption = False,
    calibration: CalibrationOption = None,
    strict: StrictOption = False,
    processes: ProcessesOption = None,
    skip_broken: SkipBrokenOption = False,
    min_sqnr_db: Annotated[float | None, _bound("--min-sqnr-db", "Of the logits, in dB.")] = None,
    min_top1_agreement: Annotated[float | None, _share("--min-top1-agreement", "Share of equal top classes.")] = None,
    min_top5_agreement: Annotated[float | None, _share("--min-top5-agreement", "Reference's top in top 5.")] = None,
    min_cosine: Annotated[float | None, _bound("--min-cosine", "Of the logits, mean.", -1)] = None,
    max_abs_error: Annotated[float | None, _bound("--max-abs-error", "Of any logit.")] = None,
    max_mean_abs_error: Annotated[float | None, _bound("--max-mean-abs-error", "Of all logits.")] = None,
    max_kl: Annotated[float | None, _bound("--max-kl", "Of the probabilities, in nats.")] = None,
    min_top1_accuracy: Annotated[float | None, _share("--min-top1-accuracy", "Of the artifact; needs labels.")] = None,
    max_accuracy_drop: Annotated[float | None, _share("--max-accuracy-drop", "Below the reference's.")] = None,
    json: JsonOption = False,
    junit: JunitOption = None,
    html: HtmlOption = None,
    github: GithubOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Prove bundles again, here and now, against the trained model. Exit: 0 proven, 1 broken, 2 usage, 3 NOT RUN."""
    given = {name: value for name, value in locals().items() if name.startswith(("min_", "max_"))}
    bounds = {name: value for name, value in given.items() if value is not None}
    options = {"images": images, "count": count, "truth": truth, "skip_broken": skip_broken, "bounds": bounds}
    if calibration is not None and not drill:
        raise typer.BadParameter("--calibration is for --drill, which calibrates int8 once more")
    _require_sane(bounds, runtime)
    options |= {"calibration": calibration}
    wanted = Wanted(reference, runtime, options, drill, processes, _cpus(cpu), cpu_count)
    with manners():
        looked_at = list(_all(bundles, wanted, log_file("validate.log", verbose=verbose)))
        validations = [validation for _, validation in looked_at]
        _write(looked_at, junit, html)
    _print(validations, as_json=json, github=github)
    if any(case is None or found.verdict == Verdict.BROKEN for case, found in looked_at):
        raise typer.Exit(FAILED)
    if strict and any(found.verdict == Verdict.NOT_RUN for found in validations):
        raise typer.Exit(NOT_RUN)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What all bundles of one call are asked."""

    reference: str | None
    runtime: str | None
    options: dict[str, Any]
    drill: bool
    processes: int | None
    cpus: tuple[str, ...]
    cpu_count: int | None


def _cpus(names: str | None) -> tuple[str, ...]:
    """The names in a comma list; a wrong word is a usage error."""
    from levit_mobile.arm64.cpus import chosen
    from levit_mobile.errors import RecipeError

    try:
        return tuple(cpu.name for cpu in chosen(names)) if names is not None else ()
    except RecipeError as error:
        raise typer.BadParameter(str(error)) from error


def _require_sane(bounds: dict[str, float], runtime: str | None) -> None:
    """Usage errors that need no bundle to be seen."""
    from levit_mobile.recipe import Tolerance
    from levit_mobile.runtimes.registry import RUNTIMES

    try:
        Tolerance(**{"min_sqnr_db": 1.0, "min_top1_agreement": 0.0, **bounds})
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if runtime is not None and runtime not in RUNTIMES:
        raise typer.BadParameter(f"unknown runtime {runtime!r}, expected one of {', '.join(RUNTIMES)}")


def _all(bundles: list[Path], wanted: Wanted, log: Path | None) -> Iterator[tuple[ValidationSetup | None, Validation]]:
    """Each bundle by each runtime that its verdict wants, under one progress bar."""
    from levit_mobile.cli import progress

    with progress.counted(log) as count:
        for bundle in bundles:
            yield from _one(bundle, wanted, count)
            heed_interruption()


def _one(bundle: Path, wanted: Wanted, count: Any) -> Iterator[tuple[ValidationSetup | None, Validation]]:
    """A bundle that is damaged, or that could not be judged, does not stop the others. A usage error does."""
    from levit_mobile.bundle import reader
    from levit_mobile.errors import RecipeError
    from levit_mobile.validation import setup
    from levit_mobile.validation import validate as validation

    try:
        opened = reader.open_bundle(bundle)
    except LevitMobileError as error:
        yield None, validation.refused(bundle, str(error), Verdict.BROKEN)
        return
    try:
        for number, options in enumerate(_passes(opened, wanted)):
            case = setup.prepare(opened, **options)
            advance = partial(count, f"{bundle.name} by {case.runtime}")
            advance(0, len(case.pictures))
            found = validation.examine(
                case, drill=wanted.drill and not number, processes=wanted.processes, on_pictures=advance
            )
            yield case, found
    except RecipeError as error:
        raise typer.BadParameter(str(error)) from error
    except LevitMobileError as error:
        yield None, validation.refused(bundle, str(error), Verdict.NOT_RUN)


def _passes(opened: OpenBundle, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """What `cases.prepare` is given: this machine's own passes, and one a CPU."""
    from levit_mobile.validation import setup

    for runtime, reference in setup.passes(opened, wanted.runtime, wanted.reference):
        yield {**wanted.options, "runtime": runtime, "reference": reference}
    for cpu in wanted.cpus:
        yield {**wanted.options, "cpu": cpu, "reference": wanted.reference, "count": wanted.cpu_count}


def _write(looked_at: list[tuple[ValidationSetup | None, Validation]], junit: Path | None, html: Path | None) -> None:
    from levit_mobile.reporting.junit import junit_xml
    from levit_mobile.reporting.pages.validation import page
    from levit_mobile.system.atomic_write import write_text

    validations = [validation for _, validation in looked_at]
    if junit is not None:
        write_text(junit, junit_xml(validations))
    if html is not None:
        write_text(html, page(validations, _thumbnails(looked_at)))


def _thumbnails(looked_at: list[tuple[ValidationSetup | None, Validation]]) -> dict[str, bytes]:
    """PNG files of the pictures that a page shows."""
    from levit_mobile.images.image_set import png

    shown: dict[str, bytes] = {}
    for case, found in looked_at:
        for picture in (*found.worst, *found.flips[:THUMBNAILS]) if case else ():
            if picture.name not in shown and case:
                shown[picture.name] = png(case.pictures.read(picture.name))
    return shown


def _print(validations: list[Validation], *, as_json: bool, github: bool) -> None:
    """Results on stdout; reasons and annotations, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import validate as report

    if as_json:
        typer.echo(report.validations_json(validations))
    else:
        console = Console()
        for start in range(0, len(validations), COLUMNS):
            console.print(report.validation_table(validations[start : start + COLUMNS]))
        for found in validations:
            if found.flips:
                console.print(report.flip_table([found]))
            if found.drill:
                console.print(report.drill_table(found))
    for line in [*report.reason_lines(validations), *report.note_lines(validations)]:
        typer.echo(line, err=True)
    if github:
        _annotate(validations)


def _annotate(validations: list[Validation]) -> None:
    """GitHub reads commands from the log, and its summary from the file that it names."""
    from levit_mobile.reporting.github import commands, summary

    for line in commands(validations):
        typer.echo(line, err=True)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(page).open("a", encoding="utf-8") as stream:
            stream.write(summary(validations) + "\n")
