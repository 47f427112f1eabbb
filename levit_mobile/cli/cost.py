"""`levit-mobile cost`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from levit_mobile.cli.common import FAILED, JsonOption, VerboseOption, heed_interruption, log_file, manners

if TYPE_CHECKING:
    from levit_mobile.arm64.cost import Cost
    from levit_mobile.arm64.cpus import Cpu
    from levit_mobile.arm64.folder import Arm64

COLUMNS = 3  # costs side by side on a terminal

ArtifactsArgument = Annotated[
    list[Path], typer.Argument(help="Folders that `convert` has made, or .tflite and .pte files.", show_default=False)
]
CpuOption = Annotated[str, typer.Option("--cpu", help="Some of cortex-a53, cortex-a76, i8mm, with commas between.")]
AgainstOption = Annotated[
    list[Path] | None, typer.Option("--against", help="Another bundle or file to compare with; may be repeated.")
]
FunctionsOption = Annotated[int, typer.Option("--functions", min=0, help="How many functions to list for each.")]
BaselineOption = Annotated[Path | None, typer.Option("--baseline", help="Exit 1 where more is executed than it says.")]
GrowthOption = Annotated[str, typer.Option("--max-growth", help="How much more is let pass, such as 1%.")]
WriteOption = Annotated[Path | None, typer.Option("--write-baseline", help="Write what was measured to this file.")]


def cost(
    artifacts: ArtifactsArgument,
    cpu: CpuOption = "cortex-a53,cortex-a76",
    against: AgainstOption = None,
    functions: FunctionsOption = 8,
    baseline: BaselineOption = None,
    max_growth: GrowthOption = "1%",
    write_baseline: WriteOption = None,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Count the ARM64 instructions that an inference executes, by class and by function. They are not milliseconds."""
    cpus, growth = _chosen(cpu), _share(max_growth)
    log = log_file("cost.log", verbose=verbose)
    with manners():
        from levit_mobile.arm64 import cost as costs
        from levit_mobile.arm64 import folder

        arm64 = folder.found()
        before = costs.read_baseline(baseline) if baseline else None
        found, others = _measured([artifacts, against or []], cpus, arm64, log)
        if write_baseline is not None:
            costs.write_baseline(write_baseline, found, arm64)
        broken = costs.grown(found, before, max_growth=growth) if before else ()
    _print(found, others, broken, functions=functions, as_json=json)
    if broken:
        raise typer.Exit(FAILED)


def _chosen(names: str) -> tuple[Cpu, ...]:
    """The CPUs; a wrong word is a usage error."""
    from levit_mobile.arm64.cpus import chosen
    from levit_mobile.errors import RecipeError

    try:
        return chosen(names)
    except RecipeError as error:
        raise typer.BadParameter(str(error)) from error


def _share(written: str) -> float:
    """1% or 0.01."""
    try:
        value = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise typer.BadParameter(f"{written!r} is no growth, expected a share such as 1% or 0.01")
    return value


def _measured(
    groups: list[list[Path]], cpus: tuple[Cpu, ...], arm64: Arm64, log: Path | None
) -> list[tuple[Cost, ...]]:
    """Every artifact of each group on every CPU, under one progress bar."""
    from levit_mobile.arm64 import cost as costs
    from levit_mobile.cli import progress

    for path in (path for group in groups for path in group):
        costs.artifact_of(path)  # what is damaged is said before anything runs
    measured: list[tuple[Cost, ...]] = []
    done, all_of_them = 0, sum(map(len, groups)) * len(cpus)
    with progress.counted(log) as count:
        for group in groups:
            found = []
            for path, cpu in ((path, cpu) for path in group for cpu in cpus):
                count(f"{path.name} on {cpu.name}", done, all_of_them)
                found.append(costs.measure(path, cpu, arm64))
                done += 1
                heed_interruption()
            measured.append(tuple(found))
    return measured


def _print(
    found: tuple[Cost, ...], others: tuple[Cost, ...], broken: tuple[str, ...], *, functions: int, as_json: bool
) -> None:
    """Results on stdout; what has grown, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import cost as report

    if as_json:
        typer.echo(report.costs_json(found, others, broken))
    else:
        typer.echo(report.IS_NOT)
        console = Console()
        everything = (*found, *others)
        for start in range(0, len(everything), COLUMNS):
            console.print(report.cost_table(everything[start : start + COLUMNS], others))
        for one in everything if functions else ():
            console.print(report.function_table(one, functions))
    for sentence in broken:
        typer.echo(f"error: {sentence}", err=True)
