"""`levit-mobile validate`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from levit_mobile.cli.common import (
    FAILED,
    NOT_RUN,
    NOTHING_PARTIAL,
    heed_interruption,
    interruption_noted,
    known_failures,
    log_file,
    say,
    understood,
)
from levit_mobile.cli.options import (
    ClusterOption,
    JsonOption,
    QuietOption,
    SkipBrokenOption,
    VerboseOption,
    WeightsOption,
)
from levit_mobile.cli.paths import bundles_of, require_existing
from levit_mobile.errors import LevitMobileError, RecipeError
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.system.printable import printable

if TYPE_CHECKING:
    from levit_mobile import Cluster, Validation, ValidationRun

COLUMNS = 3  # validations side by side on a terminal

BundlesArgument = Annotated[
    list[Path], typer.Argument(help="Bundles by `levit-mobile convert`, or folders of bundles.", show_default=False)
]
ReferenceOption = Annotated[
    str | None,
    typer.Option(
        "--reference",
        "-r",
        help="What to compare with: a checkpoint, a bundle folder, or 'golden' for the vectors in the bundle. "
        "Default: the checkpoint that the bundle was made from.",
    ),
]
ImagesOption = Annotated[
    str | None,
    typer.Option(
        "--images",
        help="Images: a folder, a .zip archive, .tar shards (shards-{000..013}.tar), or a URL of them (s3://, gs://, "
        "hf://, https://). Default: held-out digits.",
    ),
]
CountOption = Annotated[
    int | None,
    typer.Option(
        "--count", "-n", min=1, help="Number of images, evenly spread. Default: all of --images, or 256 digits."
    ),
]
TruthOption = Annotated[
    str | None,
    typer.Option(
        "--truth",
        help="Labels of the images: 'folders' if folder names are the classes, 'shards' if labels are beside the "
        "images in .tar shards, or a CSV file with the columns file and label. "
        "Default: known for digits, none for --images.",
    ),
]
RuntimeOption = Annotated[
    str | None,
    typer.Option(
        "--runtime",
        help="Runtime: coreml, mil, mil-float32, executorch, litert or tflite-runtime. "
        "Default: all that prove the bundle's target on this machine.",
    ),
]
CpuOption = Annotated[
    str | None,
    typer.Option(
        "--cpu",
        help="Also run on emulated ARM64 cores, separated by commas: cortex-a53, cortex-a76, i8mm. "
        "Needs `levit-mobile setup arm64`. Default: none.",
    ),
]
CpuCountOption = Annotated[
    int | None,
    typer.Option("--cpu-count", min=1, help="Number of images per emulated core, evenly spread. Default: 8."),
]
DrillOption = Annotated[
    bool, typer.Option("--drill", help="Measure the error of every block and name the first one over its budget.")
]
CalibrationOption = Annotated[
    str | None,
    typer.Option(
        "--calibration",
        help="For --drill on int8: images that the bundle was calibrated on, given like --images. "
        "Default: the source named in its contract.",
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit with 3 if a validation could not run on this machine.")
]
ProcessesOption = Annotated[
    int | None, typer.Option("--processes", min=1, help="Number of worker processes. Default: one per core.")
]
ResumeOption = Annotated[
    Path | None,
    typer.Option(
        "--resume",
        help="Folder that keeps finished images while the command runs: after an interruption, the same command "
        "continues from there. Default: it starts anew.",
    ),
]
JunitOption = Annotated[
    Path | None, typer.Option("--junit", help="Write the results as JUnit XML to this file. Default: no file.")
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", help="Write the results as one self-contained HTML page to this file. Default: no file."),
]
GithubOption = Annotated[
    bool, typer.Option("--github", help="On GitHub Actions: print annotations and append to the job summary.")
]


def _share(name: str, words: str) -> Any:
    return typer.Option(name, min=0, max=1, help=words, rich_help_panel="Bounds (default: the recipe's)")


def _bound(name: str, words: str, least: float = 0) -> Any:
    return typer.Option(name, min=least, help=words, rich_help_panel="Bounds (default: the recipe's)")


def validate(
    bundles: BundlesArgument,
    reference: ReferenceOption = None,
    weights: WeightsOption = None,
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
    cluster: ClusterOption = None,
    resume: ResumeOption = None,
    skip_broken: SkipBrokenOption = False,
    min_sqnr_db: Annotated[float | None, _bound("--min-sqnr-db", "Lowest SQNR of the logits, in dB, above 0.")] = None,
    min_top1_agreement: Annotated[
        float | None, _share("--min-top1-agreement", "Lowest share of images with the reference's top class, 0 to 1.")
    ] = None,
    min_top5_agreement: Annotated[
        float | None,
        _share("--min-top5-agreement", "Lowest share of images with the reference's top class in the top 5, 0 to 1."),
    ] = None,
    min_cosine: Annotated[
        float | None, _bound("--min-cosine", "Lowest mean cosine similarity of the logits, -1 to 1.", -1)
    ] = None,
    max_abs_error: Annotated[float | None, _bound("--max-abs-error", "Largest absolute error of any logit.")] = None,
    max_mean_abs_error: Annotated[
        float | None, _bound("--max-mean-abs-error", "Largest mean absolute error of the logits.")
    ] = None,
    max_kl: Annotated[float | None, _bound("--max-kl", "Largest KL divergence of the probabilities, in nats.")] = None,
    min_top1_accuracy: Annotated[
        float | None, _share("--min-top1-accuracy", "Lowest top-1 accuracy of the artifact, 0 to 1; needs labels.")
    ] = None,
    max_accuracy_drop: Annotated[
        float | None,
        _share("--max-accuracy-drop", "Largest drop of top-1 accuracy below the reference, 0 to 1; needs labels."),
    ] = None,
    json: JsonOption = False,
    junit: JunitOption = None,
    html: HtmlOption = None,
    github: GithubOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Prove bundles again, on this machine, against the trained model.

    Checks every digest of a bundle, runs the artifact and the reference on the same images, and compares their logits
    with the recipe's bounds. Reports errors, agreement and, where labels are known, accuracy.

    Exit codes: 0 proven, 1 broken, 2 wrong usage, 3 not run (only with --strict).
    """
    asked = {
        "min_sqnr_db": min_sqnr_db,
        "min_top1_agreement": min_top1_agreement,
        "min_top5_agreement": min_top5_agreement,
        "min_cosine": min_cosine,
        "max_abs_error": max_abs_error,
        "max_mean_abs_error": max_mean_abs_error,
        "max_kl": max_kl,
        "min_top1_accuracy": min_top1_accuracy,
        "max_accuracy_drop": max_accuracy_drop,
    }
    bounds = {name: value for name, value in asked.items() if value is not None}
    if calibration is not None and not drill:
        raise typer.BadParameter("--calibration is for --drill, which calibrates int8 once more")
    understood(lambda: _require_sane(bounds, runtime))
    cpus = understood(lambda: _cpus(cpu))
    require_existing(bundles)
    runs: list[ValidationRun] = []
    with known_failures(as_json=json), interruption_noted(lambda: _judged(runs, resume)):
        import levit_mobile
        from levit_mobile.cli.progress import shown

        chosen = bundles_of(bundles)
        with shown(log_file("validate", verbose=verbose), quiet=quiet) as progress, _opened(cluster) as machines:
            for bundle in chosen:  # one that is damaged, or cannot be judged, does not stop the others
                verdict = Verdict.BROKEN
                try:
                    opened = levit_mobile.open_bundle(bundle)
                    verdict = Verdict.NOT_RUN
                    run = levit_mobile.validate(
                        opened,
                        reference=reference,
                        weights=weights,
                        images=images,
                        count=count,
                        truth=truth,
                        runtime=runtime,
                        cpus=cpus,
                        cpu_count=cpu_count,
                        bounds=bounds,
                        skip_broken=skip_broken,
                        drill=drill,
                        calibration=calibration,
                        processes=processes,
                        cluster=machines,
                        resume=resume,
                        progress=progress,
                    )
                except RecipeError as error:
                    raise typer.BadParameter(printable(str(error))) from error
                except LevitMobileError as error:
                    heed_interruption()  # which may be what caused it
                    run = levit_mobile.ValidationRun.not_judged(bundle, error, verdict)
                runs.append(run)
        _write(runs, junit, html)
    _print([found for run in runs for found in run.validations], as_json=json, github=github)
    if any(run.refused or run.verdict == Verdict.BROKEN for run in runs):
        raise typer.Exit(FAILED)
    if strict and any(run.verdict == Verdict.NOT_RUN for run in runs):
        raise typer.Exit(NOT_RUN)


def _opened(cluster: str | None) -> AbstractContextManager[Cluster | None]:
    """Once for all bundles."""
    import levit_mobile

    return levit_mobile.open_cluster(cluster) if cluster is not None else nullcontext()


def _judged(runs: Sequence[ValidationRun], resume: Path | None) -> Iterator[str]:
    """What an interruption says of the bundles that are done."""
    if runs:
        yield "finished: " + ", ".join(f"{run.validations[0].bundle} ({run.verdict.upper()})" for run in runs)
    yield f"the same command continues from {resume}" if resume is not None else NOTHING_PARTIAL


def _cpus(names: str | None) -> tuple[str, ...]:
    """The names in a comma list. Raises RecipeError."""
    from levit_mobile.arm64.cpus import chosen

    return tuple(cpu.name for cpu in chosen(names)) if names is not None else ()


def _require_sane(bounds: Mapping[str, float], runtime: str | None) -> None:
    """Raise ValueError for what needs no bundle to be seen."""
    from levit_mobile.runtimes.registry import RUNTIMES

    Tolerance(**{"min_sqnr_db": 1.0, "min_top1_agreement": 0.0, **bounds})
    if runtime is not None and runtime not in RUNTIMES:
        raise ValueError(f"unknown runtime {runtime!r}, expected one of {', '.join(RUNTIMES)}")


def _write(runs: Sequence[ValidationRun], junit: Path | None, html: Path | None) -> None:
    from levit_mobile.reporting.junit import junit_xml
    from levit_mobile.reporting.pages.validation import page
    from levit_mobile.system.atomic_write import write_text

    validations = [found for run in runs for found in run.validations]
    if junit is not None:
        write_text(junit, junit_xml(validations))
    if html is not None:
        pictures = (run.thumbnails() for run in runs)
        write_text(html, page(validations, {name: png for shown in pictures for name, png in shown.items()}))


def _print(validations: list[Validation], *, as_json: bool, github: bool) -> None:
    """Results on stdout; reasons and annotations, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import validate as tables

    if as_json:
        typer.echo(tables.validations_json(validations))
    else:
        console = Console()
        for start in range(0, len(validations), COLUMNS):
            console.print(tables.validation_table(validations[start : start + COLUMNS]))
        for found in validations:
            if found.flips:
                console.print(tables.flip_table([found]))
            if found.drill:
                console.print(tables.drill_table(found))
    for line in [*tables.reason_lines(validations), *tables.note_lines(validations)]:
        say(line)
    if github:
        _annotate(validations)


def _annotate(validations: list[Validation]) -> None:
    """GitHub reads commands from the log, and its summary from the file that it names."""
    from levit_mobile.reporting.github import commands, summary

    for line in commands(validations):
        typer.echo(line, err=True)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(page).open("a", encoding="utf-8") as stream:
                stream.write(summary(validations) + "\n")
        except OSError as error:  # the verdict, which the exit code carries, does not depend on it
            say(f"NOTE: the job summary {page} could not be written: {error.strerror or error}")
