"""What must be installed to read ARM64 code: pyelftools for its files, capstone for its instructions."""

from __future__ import annotations

from importlib.util import find_spec

from levit_mobile.errors import RunnerUnavailable

MODULES = {"pyelftools": "elftools", "capstone": "capstone"}


def require_readers() -> None:
    """Raise RunnerUnavailable, with the line that installs them, where one of them is not installed."""
    for package, module in MODULES.items():
        if find_spec(module) is None:
            raise RunnerUnavailable(
                f"{package} is not installed; emulated ARM64 needs it: pip install 'levit-mobile[arm64]'",
                fault="not-installed",
            )
