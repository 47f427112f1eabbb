"""`levit-mobile doctor`."""

from __future__ import annotations

import typer

from levit_mobile.cli.common import FAILED, known_failures
from levit_mobile.cli.options import JsonOption


def doctor(json: JsonOption = False) -> None:
    """Say which targets convert and run on this machine, their versions, and the pip line for each that does not."""
    from rich.console import Console

    import levit_mobile
    from levit_mobile.reporting.tables import doctor as tables

    with known_failures(as_json=json):
        found = levit_mobile.doctor()
    if json:
        typer.echo(tables.doctor_json(found))
    else:
        typer.echo(found.machine)
        typer.echo(found.arm64)
        Console().print(tables.doctor_table(found.targets))
        for line in tables.advice(found.targets):
            typer.echo(line)
    if not all(diagnosis.converts for diagnosis in found.targets):
        raise typer.Exit(FAILED)
