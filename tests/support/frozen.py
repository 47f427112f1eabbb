"""The environment of the frozen TFLite runtime, made once a session for the tests of several files."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from levit_mobile.system import environments

RUNS_HERE = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in environments.MACHINES,
    reason="NOT RUN: tflite-runtime 2.14.0 has wheels for Linux on x86_64 and aarch64 only",
)
MAKE = """
import sys
from levit_mobile.system import environments
from levit_mobile import errors
try:
    print(environments.tflite_runtime_python())
except errors.RunnerUnavailable as error:
    sys.exit(str(error))
"""


@cache
def cache_with_environment(base: Path) -> Path:
    """A cache folder below `base` with the environment in it, which two processes were told to make at the same time.

    Skips where there is truly no network, but never in CI.
    """
    folder = base / "frozen-cache"
    variables = {**os.environ, "LEVIT_MOBILE_CACHE": str(folder), "PIP_LOG": str(folder / "pip.log")}
    makers = [_started(variables) for _ in range(2)]
    (said, complaint), (echo, _) = [maker.communicate(timeout=600) for maker in makers]
    if any(maker.returncode for maker in makers):
        _require_no_network(complaint, folder)
    assert said == echo
    return folder


def _started(variables: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MAKE]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _require_no_network(complaint: str, folder: Path) -> None:
    download = ["download", "--no-deps", "--only-binary=:all:", "--python-version=3.11", "--dest", str(folder)]
    tried = subprocess.run([sys.executable, "-m", "pip", *download, environments.REQUIREMENTS[0]], capture_output=True)
    if "CI" in os.environ or tried.returncode == 0:
        pytest.fail(complaint)
    pytest.skip(f"NOT RUN: {complaint}")
