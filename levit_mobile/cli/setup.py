"""`levit-mobile setup`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from levit_mobile.cli.common import known_failures, say
from levit_mobile.cli.options import ForceOption, QuietOption

KNOWN = ("arm64",)

WhatArgument = Annotated[str, typer.Argument(help="Part to set up; arm64 is the only one.", show_default=False)]


def setup(what: WhatArgument, force: ForceOption = False, quiet: QuietOption = False) -> None:
    """Set up both runtimes for ARM64, for `validate --cpu`, `cost`, and `bench` on phones.

    Downloads LiteRT, ExecuTorch and an emulator to the cache folder. Takes about 20 seconds.
    """
    if what not in KNOWN:
        raise typer.BadParameter(f"unknown {what!r}, expected {', '.join(KNOWN)}")
    started = time.monotonic()
    with known_failures():
        import levit_mobile

        made = levit_mobile.setup_arm64(force=force, progress=lambda step, _done, _of: None if quiet else say(step))
    versions = ", ".join(f"{name} {version}" for name, version in made.manifest.versions.items())
    say(f"{made.path}: {versions}, Debian {made.manifest.debian}; {time.monotonic() - started:.0f} s", err=False)
