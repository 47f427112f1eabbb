"""ARM64, set up once for the tests of several files: in the user's own cache folder, as a user does it."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache

import pytest

from levit_mobile.arm64.folder import Arm64
from levit_mobile.arm64.packages import ALL, missing
from levit_mobile.arm64.setup import setup_arm64
from levit_mobile.errors import RunnerUnavailable

HERE = sys.platform == "linux" and platform.machine() == "x86_64"
RUNS_HERE = pytest.mark.skipif(
    "CI" not in os.environ and (not HERE or bool(missing())),
    reason=f"NOT RUN: ARM64 is emulated on Debian on x86_64, with apt-get install --no-install-recommends {ALL}",
)


@cache
def ready() -> Arm64:
    """What was set up, or is now. Skips where it cannot be, but never in CI."""
    try:
        return setup_arm64()
    except RunnerUnavailable as error:
        if "CI" in os.environ:
            raise
        pytest.skip(f"NOT RUN: {error}")
