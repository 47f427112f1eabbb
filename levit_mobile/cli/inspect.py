"""`levit-mobile inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from levit_mobile.cli.common import FAILED, heed_interruption, known_failures, say
from levit_mobile.cli.options import JsonOption
from levit_mobile.cli.paths import artifacts_of, require_existing
from levit_mobile.errors import LevitMobileError

if TYPE_CHECKING:
    from levit_mobile import Inspected

PathsArgument = Annotated[
    list[Path],
    typer.Argument(
        help="Bundles, folders of bundles, or .tflite, .pte, .mlpackage and .mlmodel artifacts of any origin.",
        show_default=False,
    ),
]
DiffOption = Annotated[bool, typer.Option("--diff", help="Compare two artifacts and show only the differences.")]


def inspect(paths: PathsArgument, diff: DiffOption = False, json: JsonOption = False) -> None:
    """Show what is inside artifacts: inputs, outputs, ops, partitions, types, bytes and MACs.

    Reads any .tflite, .pte, .mlpackage or .mlmodel by its content, without a vendor toolchain. For a bundle it also
    checks every digest and compares the contract with the artifact.

    Exit codes: 0 all artifacts were read, 1 an artifact is damaged or contradicts its contract, 2 wrong usage.
    """
    require_existing(paths)
    with known_failures(as_json=json):
        artifacts = artifacts_of(paths)
        if diff and len(artifacts) != 2:
            raise typer.BadParameter(f"--diff takes two artifacts, and there are {len(artifacts)}")
        found, broken, codes = _inspected(artifacts)
        if not diff:
            _print(found, broken, codes, as_json=json)
        elif len(found) == 2:
            _print_difference(*found, as_json=json)
    _complain(broken)
    if broken:
        raise typer.Exit(FAILED)


def _inspected(paths: list[Path]) -> tuple[list[Inspected], list[str], dict[str, str]]:
    """What is whole; of what is broken, which does not stop the others, a sentence each, and by path the code."""
    import levit_mobile

    found: list[Inspected] = []
    broken: list[str] = []
    codes: dict[str, str] = {}
    for path in paths:
        try:
            found.append(levit_mobile.inspect(path))
            broken += [f"{path}: {sentence}" for sentence in found[-1].contradictions]
        except LevitMobileError as error:
            broken.append(str(error))
            codes[str(path)] = error.code
        heed_interruption()
    return found, broken, codes


def _complain(broken: list[str]) -> None:
    """A line each on stderr; what they quote comes out of damaged files."""
    for sentence in broken:
        say(f"error: {sentence}")


def _print(found: list[Inspected], broken: list[str], codes: dict[str, str], *, as_json: bool) -> None:
    from rich.console import Console

    from levit_mobile.reporting.tables import inspect as tables

    if as_json:
        typer.echo(tables.inspections_json(found, broken, codes))
        return
    console = Console()
    for one in found:
        console.print(tables.inspection_table(one))


def _print_difference(a: Inspected, b: Inspected, *, as_json: bool) -> None:
    from rich.console import Console

    import levit_mobile
    from levit_mobile.reporting.tables import inspect as tables

    rows = levit_mobile.differences(a, b)
    if as_json:
        typer.echo(tables.differences_json(a, b, rows))
    elif (same := tables.equality(rows)) is not None:
        typer.echo(same)
    else:
        Console().print(tables.difference_table(a, b, rows))
