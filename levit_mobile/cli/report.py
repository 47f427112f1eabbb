"""`levit-mobile report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from levit_mobile.cli.common import JsonOption, manners

if TYPE_CHECKING:
    from levit_mobile.overview.collect import Gathered

PAGE = "report.html"

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder with bundles, validations and times below it.", show_default=False)
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The page; an earlier report there is replaced. Default: DIR/report.html."),
]


def report(folder: FolderArgument, out: OutOption = None, json: JsonOption = False) -> None:
    """Put every bundle, validation and timing found below a folder on one page. Exit 0 whatever their verdicts are."""
    target = folder / PAGE if out is None else out
    if str(target) == "-":
        raise typer.BadParameter("--out - is no file: a page is opened from one; --json prints on stdout")
    with manners():
        from levit_mobile.overview.collect import gather
        from levit_mobile.overview.join import join
        from levit_mobile.reporting.pages.overview import page, summary_line
        from levit_mobile.system.atomic_write import write_text

        _require_free(target)
        found = gather(folder)
        artifacts = join(found)
        write_text(target, page(found, artifacts))
    if json:
        from levit_mobile.reporting.tables.report import overview_json

        typer.echo(overview_json(found, artifacts))
    else:
        typer.echo(f"{target}: {summary_line(found, artifacts)}")
    _say_unread(found)


def _require_free(target: Path) -> None:
    """Refuse to replace a file that is no report: this one is made again at any time, another may not be."""
    from levit_mobile.errors import BundleError
    from levit_mobile.reporting.pages.overview import is_report

    if target.exists() and not is_report(target):
        raise BundleError(f"{target} exists already and is no report: use --out for another place", fault="exists")


def _say_unread(found: Gathered) -> None:
    from levit_mobile.reporting.text import clean

    for one in found.unread:
        typer.echo(clean(f"not read: {one.place}: {one.reason}"), err=True)
