"""Steps that need more of the machine than the rest: without it they print NOT RUN and why; with CI=true they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import api_versions
from machine import python_with_wheels

SIGNER = "apksigner", "Android's signer (Debian: apksigner)"


def wheels() -> str:
    """Why no artifact can be run; empty if one can."""
    return "" if python_with_wheels() else "no Python with the wheels of the runtimes: .venv, or $PYTHON"


def signer() -> str:
    """Why no APK can be signed; empty if one can."""
    name, what = SIGNER
    return "" if shutil.which(name) else f"no {what}: `{name}` is not on the path"


def declarations() -> str:
    """Why Lint has no API levels; empty if it has."""
    known = api_versions.place().exists() or shutil.which("npm")
    return "" if known else "no API levels: `npm`, which downloads them, is not on the path"


def only_if(reason: Callable[[], str], name: str, run: Callable[[], object]) -> Callable[[], None]:
    """The step `run`, or what replaces it where there is a reason not to run it."""

    def step() -> None:
        why = reason()
        if not why:
            run()
        elif os.environ.get("CI") == "true":
            raise SystemExit(f"NOT RUN: {why}")
        else:
            print(f"{name}: NOT RUN: {why}", flush=True)

    return step
