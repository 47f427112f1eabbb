"""`levit-mobile doctor`."""

from __future__ import annotations

import typer

from levit_mobile.cli.common import FAILED, JsonOption


def doctor(json: JsonOption = False) -> None:
    """Say which targets convert and run on this machine, their versions, and the pip line for each that does not."""
    from rich.console import Console

    from levit_mobile.reporting.tables import doctor as report
    from levit_mobile.runtimes import doctor as examination

    found, arm64 = examination.diagnose(), examination.arm64()
    if json:
        typer.echo(report.doctor_json(found, arm64))
    else:
        typer.echo(examination.machine())
        typer.echo(arm64[1])
        Console().print(report.doctor_table(found))
        for line in report.advice(found):
            typer.echo(line)
    if not all(diagnosis.converts for diagnosis in found):
        raise typer.Exit(FAILED)
