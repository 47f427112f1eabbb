"""The bundles that tests run: every recipe that Android runs, made by the converters of this repository."""

from __future__ import annotations

import os
from functools import cache as remembered
from pathlib import Path

from machine import python_with_wheels
from processes import run

SCRIPT = Path(__file__).with_name("write_bundles.py")


@remembered
def folder() -> Path | None:
    """The folder of the bundles, made once, or that of $LEVIT_BUNDLES; None without the wheels.

    Digits and Python's logits are beside it.
    """
    if named := os.environ.get("LEVIT_BUNDLES"):
        return Path(named)
    program = python_with_wheels()
    if program is None or not SCRIPT.exists():
        return None
    return Path(run([program, SCRIPT]).split()[-1]) / "bundles"
