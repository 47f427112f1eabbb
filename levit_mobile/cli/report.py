"""`levit-mobile report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from levit_mobile.cli.common import known_failures, say
from levit_mobile.cli.options import JsonOption
from levit_mobile.cli.paths import require_existing

FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", help="Folder to search for bundles, validations and timing records.", show_default=False
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="HTML file to write; replaces an earlier report. Default: DIR/report.html."),
]


def report(folder: FolderArgument, out: OutOption = None, json: JsonOption = False) -> None:
    """Put all bundles, validations and timing records below a folder on one HTML page.

    Joins them by the artifact's sha256. The page holds everything that it shows and loads nothing from the network.

    Exit codes: 0 the page was written, whatever the verdicts are, 1 it failed, 2 wrong usage.
    """
    if str(out) == "-":
        raise typer.BadParameter("--out - is not a file: name one for the page; --json prints on stdout")
    require_existing([folder])
    with known_failures(as_json=json):
        import levit_mobile
        from levit_mobile.reporting.pages.overview import summary_line
        from levit_mobile.reporting.tables.report import overview_json

        made = levit_mobile.report(folder, out=out)
    if json:
        typer.echo(overview_json(made.found, made.artifacts))
    else:
        say(f"{made.path}: {summary_line(made.found, made.artifacts)}", err=False)
    for one in made.found.unread:
        say(f"not read: {one.place}: {one.reason}")
