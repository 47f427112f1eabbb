"""`levit-mobile bench`."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from levit_mobile.cli.common import FAILED, JsonOption, VerboseOption, heed_interruption, log_file, manners
from levit_mobile.recipe import Verdict

if TYPE_CHECKING:
    from levit_mobile.timing.bench import Options
    from levit_mobile.timing.record import TimingRun
    from levit_mobile.timing.regression import Slowdown

COLUMNS = 3  # artifacts side by side on a terminal
SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")

ArtifactsArgument = Annotated[
    list[Path],
    typer.Argument(help="Folders that `convert` has made, or .tflite, .pte and .mlpackage.", show_default=False),
]
AgainstOption = Annotated[
    list[Path] | None, typer.Option("--against", help="A bundle or artifact to compare all with; may be repeated.")
]
RoundsOption = Annotated[int, typer.Option("--rounds", min=2, help="Each times every artifact once.")]
WarmupOption = Annotated[int, typer.Option("--warmup", min=1, help="Rounds before, in each process, not kept.")]
StartsOption = Annotated[int, typer.Option("--starts", min=1, help="Fresh processes an artifact.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Of LiteRT and ExecuTorch.")]
UnitsOption = Annotated[
    Literal["cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine", "all"],
    typer.Option("--compute-units", help="Of Core ML."),
]
PictureOption = Annotated[str, typer.Option("--picture", help="Width x height where end to end begins.")]
ProfileOption = Annotated[bool, typer.Option("--profile", help="Time by block of the model, where it can be had.")]
BaselineOption = Annotated[Path | None, typer.Option("--baseline", help="An earlier --out: exit 1 if it was faster.")]
SlowdownOption = Annotated[float, typer.Option("--max-slowdown", min=0, help="Share of its time that is let pass.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write the record of all samples to this file.")]


def bench(
    artifacts: ArtifactsArgument,
    against: AgainstOption = None,
    rounds: RoundsOption = 120,
    warmup: WarmupOption = 5,
    starts: StartsOption = 3,
    threads: ThreadsOption = 1,
    compute_units: UnitsOption = "all",
    picture: PictureOption = "640x480",
    profile: ProfileOption = False,
    baseline: BaselineOption = None,
    max_slowdown: SlowdownOption = 1.10,
    out: OutOption = None,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Time artifacts on this machine, interleaved, each with the verdict on what it computes. Exit: 0, 1, 2 usage."""
    size = _size(picture)
    with manners():
        from levit_mobile.system.atomic_write import write_text
        from levit_mobile.timing.bench import Options
        from levit_mobile.timing.record import TimingRun
        from levit_mobile.timing.regression import slowdowns

        before = TimingRun.read(baseline) if baseline else None
        options = Options(rounds, warmup, starts, threads, compute_units, size, profile)
        run = _run(artifacts, against or [], options, log_file("bench.log", verbose=verbose))
        if out is not None:
            write_text(out, run.written())
        found = slowdowns(run, before) if before else ()
    _print(run, found, as_json=json)
    broken = [sentence for one in found if (sentence := one.broken(max_slowdown))]
    for sentence in broken:
        typer.echo(f"error: {sentence}", err=True)
    if broken or any(timing.parity.verdict == Verdict.BROKEN for timing in run.timings):
        raise typer.Exit(FAILED)


def _size(written: str) -> tuple[int, int]:
    found = SIZE.fullmatch(written)
    if not found:
        raise typer.BadParameter(f"--picture is {written!r}, expected width x height such as 640x480")
    return int(found[1]), int(found[2])


def _run(artifacts: list[Path], against: list[Path], options: Options, log: Path | None) -> TimingRun:
    """Under a progress bar."""
    from levit_mobile.cli import progress
    from levit_mobile.timing.bench import bench as timed

    with progress.counted(log) as count:

        def on_step(what: str, done: int, of: int) -> None:
            count(what, done, of)
            heed_interruption()

        return timed(artifacts, against=against, options=options, command=_command(), on_step=on_step)


def _command() -> str:
    """As it was typed."""
    return shlex.join(["levit-mobile", *sys.argv[1:]])


def _print(run: TimingRun, found: tuple[Slowdown, ...], *, as_json: bool) -> None:
    """Results on stdout; what must not be missed, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import bench as report

    if as_json:
        typer.echo(run.written(), nl=False)
    else:
        typer.echo(report.headline(run))
        console = Console()
        for start in range(0, len(run.timings), COLUMNS):
            console.print(report.timing_table(run, run.timings[start : start + COLUMNS], found))
        for timing in run.timings:
            if timing.profile:
                console.print(report.profile_table(timing))
    for line in report.reason_lines(run):
        typer.echo(line, err=True)
