"""`levit-mobile report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from levit_mobile.cli.common import known_failures
from levit_mobile.cli.options import JsonOption

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder with bundles, validations and times below it.", show_default=False)
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The page; an earlier report there is replaced. Default: DIR/report.html."),
]


def report(folder: FolderArgument, out: OutOption = None, json: JsonOption = False) -> None:
    """Put every bundle, validation and timing found below a folder on one page. Exit 0 whatever their verdicts are."""
    if str(out) == "-":
        raise typer.BadParameter("--out - is no file: a page is opened from one; --json prints on stdout")
    with known_failures(as_json=json):
        import levit_mobile
        from levit_mobile.reporting.pages.overview import summary_line
        from levit_mobile.reporting.tables.report import overview_json
        from levit_mobile.reporting.text import clean

        made = levit_mobile.report(folder, out=out)
    if json:
        typer.echo(overview_json(made.found, made.artifacts))
    else:
        typer.echo(f"{made.path}: {summary_line(made.found, made.artifacts)}")
    for one in made.found.unread:
        typer.echo(clean(f"not read: {one.place}: {one.reason}"), err=True)
