"""`levit-mobile recipes`."""

from __future__ import annotations

from typing import Annotated

import typer

from levit_mobile.cli.common import understood
from levit_mobile.cli.options import JsonOption, named_targets
from levit_mobile.recipe import RECIPES, recipe

TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target", "-t", help="Targets to list, separated by commas: coreml, executorch, tflite. Default: all three."
    ),
]


def recipes(target: TargetOption = None, json: JsonOption = False) -> None:
    """List every recipe with its size and its bounds.

    A recipe is a target and a precision, such as tflite-int8. The table shows the types that it stores, computes in and
    takes, the measured size for LeViT-128S, and the bounds that its proof must keep.
    """
    from rich.console import Console

    from levit_mobile.reporting.tables import recipes as tables

    names = named_targets(target if target is not None else "all")
    chosen = understood(lambda: [recipe(name).target for name in names])
    listed = [one for one in RECIPES.values() if one.target in chosen]
    if json:
        typer.echo(tables.recipes_json(listed))
        return
    for name in chosen:
        Console().print(tables.recipe_table(name, [one for one in listed if one.target == name]))
    for line in tables.legend():
        typer.echo(line)
