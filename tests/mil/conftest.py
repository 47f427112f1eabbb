"""What tests of damaged programs share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def package(whole: Path, tmp_path: Path) -> Path:
    """A copy of the module's whole program, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "x.mlpackage"))
