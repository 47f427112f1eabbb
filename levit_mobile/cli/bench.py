"""`levit-mobile bench`."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from levit_mobile.cli.common import FAILED, NOT_RUN, known_failures, log_file, say, understood
from levit_mobile.cli.options import AgainstOption, JsonOption, QuietOption, VerboseOption
from levit_mobile.cli.paths import artifacts_of, require_existing
from levit_mobile.recipe import Verdict

if TYPE_CHECKING:
    from levit_mobile import Slowdown, TimingRun

COLUMNS = 3  # artifacts side by side on a terminal
SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")

ArtifactsArgument = Annotated[
    list[Path],
    typer.Argument(help="Bundles, folders of bundles, or .tflite, .pte and .mlpackage artifacts.", show_default=False),
]
RoundsOption = Annotated[
    int,
    typer.Option("--rounds", min=2, help="Number of rounds that the processes share; each runs every artifact once."),
]
WarmupOption = Annotated[
    int, typer.Option("--warmup", min=1, help="Number of warm-up rounds per process, whose times are discarded.")
]
StartsOption = Annotated[
    int,
    typer.Option(
        "--starts",
        min=1,
        help="Number of fresh processes. Intervals are over them: fewer than 5 make them wide, 1 gives none.",
    ),
]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Number of threads for LiteRT and ExecuTorch.")]
UnitsOption = Annotated[
    Literal["cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine", "all"],
    typer.Option("--compute-units", help="Processors that Core ML may use."),
]
PictureOption = Annotated[
    str,
    typer.Option(
        "--picture", help="Width x height, in pixels, of the decoded image with which end-to-end timing begins."
    ),
]
ProfileOption = Annotated[
    bool,
    typer.Option(
        "--profile", help="Also time every block of the model; only .tflite artifacts can be split into blocks."
    ),
]
MethodOption = Annotated[str, typer.Option("--method", help="Method to run of each .pte that is not in a bundle.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        exists=True,
        dir_okay=False,
        help="Data file (.ptd) of each .pte that is not in a bundle and keeps its constants in one. Default: none.",
    ),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        help="Record of an earlier run, from --out; a slowdown above --max-slowdown exits with 1. Default: none.",
    ),
]
SlowdownOption = Annotated[
    float,
    typer.Option(
        "--max-slowdown",
        min=0,
        help="Fail when the whole 95% interval of the ratio to the baseline is above this (1.10 = 10% slower).",
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Exit 3 when the interval contains --max-slowdown, or an artifact of the baseline was not timed.",
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write the record with every sample to this JSON file. Default: no file.")
]


def bench(
    artifacts: ArtifactsArgument,
    against: AgainstOption = None,
    rounds: RoundsOption = 150,
    warmup: WarmupOption = 5,
    starts: StartsOption = 5,
    threads: ThreadsOption = 1,
    compute_units: UnitsOption = "all",
    picture: PictureOption = "640x480",
    profile: ProfileOption = False,
    method: MethodOption = "forward",
    data: DataOption = None,
    baseline: BaselineOption = None,
    max_slowdown: SlowdownOption = 1.10,
    strict: StrictOption = False,
    out: OutOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Time artifacts on this machine, interleaved, each with a verdict on its logits.

    Loads every artifact in fresh processes, then times all of them in turn, in random order. Reports load, first run,
    inference, end-to-end time and memory, and ratios with 95% intervals.

    Exit codes: 0 done, 1 broken or slower than --max-slowdown allows, 2 wrong usage, 3 undecided under --strict.
    """
    size = understood(lambda: _size(picture))
    if strict and baseline is None:
        raise typer.BadParameter("--strict has no effect without --baseline")
    if baseline is not None and starts < 2:
        raise typer.BadParameter("--baseline needs --starts 2 or more: one process gives no interval to compare")
    require_existing([*artifacts, *(against or [])])
    with known_failures(as_json=json):
        import levit_mobile
        from levit_mobile.cli.progress import shown

        before = levit_mobile.TimingRun.read(baseline) if baseline else None
        chosen, damaged = _sound(artifacts_of(artifacts))
        with shown(log_file("bench", verbose=verbose), quiet=quiet) as progress:
            run = levit_mobile.bench(
                chosen,
                against=artifacts_of(against or []),
                options=levit_mobile.BenchOptions(
                    rounds, warmup, starts, threads, compute_units, size, profile, method, data
                ),
                command=shlex.join(["levit-mobile", *sys.argv[1:]]),  # as it was typed
                progress=progress,
            )
        if out is not None:
            run.write(out)
        found = levit_mobile.slowdowns(run, before) if before else ()
        undecided = _undecided(found, max_slowdown, run.lacks(before) if before else ())
    _print(run, found, as_json=json)
    broken = [sentence for one in found if (sentence := one.broken(max_slowdown))]
    for sentence in broken:
        say(f"error: {sentence}")
    for sentence in undecided:
        say(f"UNDECIDED: {sentence}")
    if damaged or broken or any(timing.parity.verdict == Verdict.BROKEN for timing in run.timings):
        raise typer.Exit(FAILED)
    if strict and undecided:
        raise typer.Exit(NOT_RUN)


def _sound(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The artifacts and sound bundles among several, and the damaged bundles, which do not stop the others.

    Raises BundleError where nothing is left to time.
    """
    from levit_mobile.bundle.reader import open_bundle
    from levit_mobile.contract import CONTRACT_FILE
    from levit_mobile.errors import LevitMobileError

    errors: dict[Path, LevitMobileError] = {}
    for path in paths:
        try:
            _ = open_bundle(path) if (path / CONTRACT_FILE).is_file() else None
        except LevitMobileError as error:
            errors[path] = error
    sound = [path for path in paths if path not in errors]
    if errors and not sound:
        raise next(iter(errors.values()))
    for path, error in errors.items():
        say(f"error: {path} is not timed: {error}")
    return sound, list(errors)


def _undecided(found: Sequence[Slowdown], most: float, lacking: Sequence[str]) -> list[str]:
    """What the comparison with the baseline leaves open, a sentence each."""
    said = [sentence for one in found if (sentence := one.undecided(most))]
    return said + [f"the baseline has timed {name}, and this run has not" for name in lacking]


def _size(written: str) -> tuple[int, int]:
    """Raises ValueError."""
    found = SIZE.fullmatch(written)
    if not found:
        raise ValueError(f"--picture is {written!r}, expected width x height such as 640x480")
    return int(found[1]), int(found[2])


def _print(run: TimingRun, found: Sequence[Slowdown], *, as_json: bool) -> None:
    """Results on stdout; what must not be missed, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import bench as tables

    if as_json:
        typer.echo(run.written(), nl=False)
    else:
        say(tables.headline(run), err=False)
        console = Console()
        for start in range(0, len(run.timings), COLUMNS):
            console.print(tables.timing_table(run, run.timings[start : start + COLUMNS], found))
        for timing in run.timings:
            if timing.profile:
                console.print(tables.profile_table(timing))
    for line in tables.reason_lines(run):
        say(line)
