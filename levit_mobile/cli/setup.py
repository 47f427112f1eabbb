"""`levit-mobile setup`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from levit_mobile.cli.common import manners

KNOWN = ("arm64",)

WhatArgument = Annotated[str, typer.Argument(help="What to set up: arm64.", show_default=False)]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Make it anew, even where it is whole.")]


def setup(what: WhatArgument, force: ForceOption = False) -> None:
    """Set up what `validate --cpu` and `cost` need: both runtimes for ARM64, in the cache folder. About 20 seconds."""
    if what not in KNOWN:
        raise typer.BadParameter(f"unknown {what!r}, expected {', '.join(KNOWN)}")
    started = time.monotonic()
    with manners():
        from levit_mobile.arm64.setup import set_up

        made = set_up(force=force, on_step=lambda step: typer.echo(step, err=True))
    versions = ", ".join(f"{name} {version}" for name, version in made.manifest.versions.items())
    typer.echo(f"{made.path}: {versions}, Debian {made.manifest.debian}; {time.monotonic() - started:.0f} s")
