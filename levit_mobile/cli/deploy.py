"""`levit-mobile deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from levit_mobile.cli.common import FAILED, heed_interruption, known_failures, say, understood
from levit_mobile.cli.options import JsonOption
from levit_mobile.cli.paths import deployable_of, require_existing

if TYPE_CHECKING:
    from levit_mobile import Deployment

BundlesArgument = Annotated[
    list[Path], typer.Argument(metavar="BUNDLE", help="Bundles, or folders of bundles.", show_default=False)
]
ToOption = Annotated[
    Path,
    typer.Option(
        "--to",
        metavar="APP",
        help="App to copy into: an Android app's Gradle project, its module or its assets folder, or the folder of an "
        "Xcode project. Any other folder holds the bundles itself.",
        show_default=False,
    ),
]
RuntimeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--runtime",
        metavar="NAME=VERSION",
        help="Version of a runtime in the app, such as executorch=1.4.1 or litert=2.3.0, for an app whose files do "
        "not state it; can be repeated. Default: none.",
    ),
]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Write nothing, and fail if the app's bundles differ from the named ones.")
]


def deploy(
    bundles: BundlesArgument,
    to: ToOption,
    runtime: RuntimeOption = None,
    check: CheckOption = False,
    json: JsonOption = False,
) -> None:
    """Copy bundles into an Android or iOS app, with the index that the app reads.

    The app has exactly these bundles afterwards. Bundles of an earlier deployment that are not named are removed, and
    files that no deployment wrote stay as they are.

    Exit codes: 0 done, or no difference with --check, 1 a bundle is refused, nothing could be written, or --check found
    a difference, 2 wrong usage.
    """
    require_existing(bundles)
    with known_failures(as_json=json):
        import levit_mobile
        from levit_mobile.deployment.places import place_of
        from levit_mobile.deployment.runtimes import named_versions

        versions = understood(lambda: named_versions(runtime or []))
        done = levit_mobile.deploy(deployable_of(bundles, place_of(to).platform), to, runtimes=versions, check=check)
        _print(done, check=check, as_json=json)
        heed_interruption()
    for sentence in done.differences:
        say(f"error: {sentence}")
    if done.differences:
        raise typer.Exit(FAILED)


def _print(done: Deployment, *, check: bool, as_json: bool) -> None:
    from rich.console import Console

    from levit_mobile.reporting.tables import deploy as tables

    if as_json:
        typer.echo(tables.deployment_json(done, checked=check))
        return
    say(tables.place_line(done), err=False)
    Console().print(tables.deployment_table(done, checked=check))
    for line in tables.lines_after(done, checked=check):
        say(line, err=False)
