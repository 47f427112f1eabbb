"""`levit-mobile cost`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from levit_mobile.cli.common import FAILED, known_failures, log_file, say, understood
from levit_mobile.cli.options import AgainstOption, JsonOption, QuietOption, VerboseOption
from levit_mobile.cli.paths import countable_of, require_existing

if TYPE_CHECKING:
    from levit_mobile import CostRun

COLUMNS = 3  # costs side by side on a terminal

ArtifactsArgument = Annotated[
    list[Path], typer.Argument(help="Bundles, folders of bundles, or .tflite and .pte artifacts.", show_default=False)
]
CpuOption = Annotated[
    str, typer.Option("--cpu", help="Emulated ARM64 cores, separated by commas: cortex-a53, cortex-a76, i8mm.")
]
FunctionsOption = Annotated[
    int, typer.Option("--functions", min=0, help="Number of functions to list per artifact and core; 0 lists none.")
]
BaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        help="Counts of an earlier run, from --write-baseline; growth above --max-growth exits with 1. Default: none.",
    ),
]
GrowthOption = Annotated[
    str, typer.Option("--max-growth", help="Allowed growth over the baseline, in percent (1%) or as a share (0.01).")
]
WriteOption = Annotated[
    Path | None,
    typer.Option("--write-baseline", help="Write the instruction counts to this JSON file. Default: no file."),
]


def cost(
    artifacts: ArtifactsArgument,
    cpu: CpuOption = "cortex-a53,cortex-a76",
    against: AgainstOption = None,
    functions: FunctionsOption = 8,
    baseline: BaselineOption = None,
    max_growth: GrowthOption = "1%",
    write_baseline: WriteOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Count the ARM64 instructions that one inference executes.

    Runs real ARM64 builds of LiteRT and ExecuTorch on emulated cores and counts by class and by function. Instructions
    are not milliseconds. Needs `levit-mobile setup arm64` once.

    Exit codes: 0 done, 1 a count grew by more than --max-growth, 2 wrong usage.
    """
    from levit_mobile.arm64.cpus import chosen

    cpus, growth = understood(lambda: chosen(cpu)), understood(lambda: _share(max_growth))
    require_existing([*artifacts, *(against or [])])
    with known_failures(as_json=json):
        import levit_mobile
        from levit_mobile.cli.progress import shown

        with shown(log_file("cost", verbose=verbose), quiet=quiet) as progress:
            found = levit_mobile.cost(
                countable_of(artifacts),
                cpus=[one.name for one in cpus],
                against=countable_of(against or []),
                baseline=baseline,
                max_growth=growth,
                write_baseline_to=write_baseline,
                progress=progress,
            )
    _print(found, functions=functions, as_json=json)
    if found.broken:
        raise typer.Exit(FAILED)


def _share(written: str) -> float:
    """1% or 0.01. Raises ValueError."""
    try:
        value = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError(f"{written!r} is not a growth, expected a share such as 1% or 0.01")
    return value


def _print(found: CostRun, *, functions: int, as_json: bool) -> None:
    """Results on stdout; what has grown, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import cost as tables

    if as_json:
        typer.echo(tables.costs_json(found.costs, found.against, found.broken))
    else:
        typer.echo(tables.IS_NOT)
        console = Console()
        everything = (*found.costs, *found.against)
        for start in range(0, len(everything), COLUMNS):
            console.print(tables.cost_table(everything[start : start + COLUMNS], found.against))
        for one in everything if functions else ():
            console.print(tables.function_table(one, functions))
    for sentence in found.broken:
        say(f"error: {sentence}")
