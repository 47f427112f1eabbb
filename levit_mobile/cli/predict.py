"""`levit-mobile predict`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from levit_mobile.cli.common import known_failures, log_file, say
from levit_mobile.cli.options import JsonOption, SkipBrokenOption, VerboseOption
from levit_mobile.errors import RecipeError
from levit_mobile.images.address import names_one_path, place_of

if TYPE_CHECKING:
    from levit_mobile import PredictionRun

BundleArgument = Annotated[
    Path, typer.Argument(help="Bundle folder written by `levit-mobile convert`.", show_default=False)
]
PicturesArgument = Annotated[
    list[str],
    typer.Argument(
        help="Images, or folders, .zip archives, .tar shards or URLs of them (s3://, gs://, hf://, https://).",
        show_default=False,
    ),
]
TopOption = Annotated[int, typer.Option("--top", "-n", min=1, help="Number of classes per image, best first.")]
RuntimeOption = Annotated[
    str | None,
    typer.Option(
        "--runtime",
        help="Runtime: coreml, mil, mil-float32, executorch, litert or tflite-runtime. "
        "Default: the one that phones use, or for Core ML off a Mac the MIL reference.",
    ),
]


def predict(
    bundle: BundleArgument,
    pictures: PicturesArgument,
    top: TopOption = 5,
    runtime: RuntimeOption = None,
    skip_broken: SkipBrokenOption = False,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Classify images with the artifact of a bundle.

    Prepares the images as the contract states, runs the artifact on this machine, and shows the best classes of each
    image with their probabilities and the runtime that computed them.

    Exit codes: 0 every image was classified or skipped, 1 it failed, 2 wrong usage.
    """
    for path in (bundle, *(place_of(one) for one in pictures if names_one_path(one))):
        if not os.path.lexists(path):
            raise typer.BadParameter(f"{path} does not exist")
    with known_failures(as_json=json):
        import levit_mobile
        from levit_mobile.cli.progress import shown

        with shown(log_file("predict", verbose=verbose)) as progress:
            try:
                found = levit_mobile.predict(
                    bundle, pictures, top=top, runtime=runtime, skip_broken=skip_broken, progress=progress
                )
            except RecipeError as error:
                raise typer.BadParameter(str(error)) from error
    _print(found, as_json=json)


def _print(found: PredictionRun, *, as_json: bool) -> None:
    """Classes on stdout; notes and skipped images, a line each, on stderr."""
    from rich.console import Console

    from levit_mobile.reporting.tables import predict as tables

    if as_json:
        typer.echo(tables.predictions_json(found))
    else:
        Console().print(tables.prediction_table(found))
    for line in tables.lines(found):
        say(line)
