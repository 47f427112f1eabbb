"""This machine as the device: an ARM64 machine with Linux runs the same programs as a phone, by the same script."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from levit_mobile.arm64.folder import native
from levit_mobile.errors import RunnerUnavailable

PATIENCE_S = 10.0  # for the script to end its programs


def require_arm64_linux() -> None:
    """Raise RunnerUnavailable on a machine that cannot run the programs itself."""
    if sys.platform != "linux" or not native():
        raise RunnerUnavailable(
            f"this machine is {platform.system()} on {platform.machine()}, and `local` runs the programs for phones on "
            "ARM64 machines with Linux; without --on the artifacts run here, and --on android runs them on a phone",
            fault="platform",
        )


@contextmanager
def lines(folder: Path, script: str) -> Iterator[Iterator[str]]:
    """Run a script in its folder; the lines that it prints. Leaving the block ends it and everything below it."""
    process = subprocess.Popen(
        ["/bin/sh", script], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        yield (line.decode(errors="replace") for line in process.stdout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
