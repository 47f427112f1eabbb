"""`levit-mobile doctor`."""

from __future__ import annotations

import typer

from levit_mobile.cli.common import FAILED, known_failures, say
from levit_mobile.cli.options import JsonOption, QuietOption


def doctor(json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Show which targets convert and run on this machine.

    Lists the versions of their packages, and a pip command for each target that does not work.

    Exit codes: 0 every target converts, 1 a target does not, or its packages took too long to import.
    """
    from rich.console import Console

    import levit_mobile
    from levit_mobile.cli.progress import shown
    from levit_mobile.reporting.tables import doctor as tables

    with known_failures(as_json=json), shown(None, quiet=quiet) as progress:
        found = levit_mobile.doctor(progress=progress)
    if json:
        typer.echo(tables.doctor_json(found))
    else:
        say(found.machine, err=False)
        say(found.arm64, err=False)
        say(tables.phones_line(found), err=False)
        Console().print(tables.doctor_table(found.targets))
        for line in tables.advice(found.targets):
            say(line, err=False)
    if not all(diagnosis.converts for diagnosis in found.targets):
        raise typer.Exit(FAILED)
