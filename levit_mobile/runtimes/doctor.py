"""Which targets and runtimes work on this machine, by trying each."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from levit_mobile.arm64 import folder, packages
from levit_mobile.errors import RunnerUnavailable
from levit_mobile.system import android_sdk
from levit_mobile.system.progress import Progress, Steps, silent
from levit_mobile.targets import TARGETS, Target

# What each target's converter and runner import. Tried in a process of its own: a broken wheel can abort.
IMPORTS: Mapping[str, tuple[str, str]] = {
    "coreml": ("coremltools.converters.mil", "coremltools.libcoremlpython"),
    "executorch": ("executorch.exir", "executorch.extension.pybindings._portable_lib"),
    "tflite": ("litert_torch, ai_edge_quantizer", "ai_edge_litert.interpreter"),
}
WITHOUT_RUNTIME = {"coreml": "Core ML runs on macOS only; here the MIL reference proves what is converted"}
TIMEOUT_S = 600  # torch alone takes two minutes on a slow disk
PARTS = ("converter", "runtime")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Whether one target works on this machine.

    Attributes:
        target: Name of the target.
        converts: Whether the packages of its converter were seen to import.
        runs: Whether its runtime was seen to import.
        versions: Installed version by distribution; None for one that is not installed.
        advice: What to do, one line each; empty if everything works.
        unknown: ``converts`` and ``runs``, for each import that took too long, so that the machine may be slow.
    """

    target: str
    converts: bool
    runs: bool
    versions: Mapping[str, str | None]
    advice: tuple[str, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examination:
    """What works on this machine.

    Attributes:
        machine: Python version, system and processor, in one line.
        targets: One diagnosis per target: Core ML, ExecuTorch, TFLite.
        arm64_runs: Whether ARM64 kernels run here, natively or emulated.
        arm64: Where the ARM64 runtimes are set up, how to set them up, or why that is impossible, in one line.
        adb: The program that would reach phones; None where there is none.
    """

    machine: str
    targets: tuple[Diagnosis, ...]
    arm64_runs: bool
    arm64: str
    adb: Path | None = None


def doctor(*, progress: Progress = silent) -> Examination:
    """Import every target's converter and runtime, each in a fresh interpreter.

    Thread-safe.

    Args:
        progress: Called before every import.

    Returns:
        One diagnosis per target, and whether ARM64 kernels run here.

    Example:
        >>> [found.target for found in levit_mobile.doctor().targets]
        ['coreml', 'executorch', 'tflite']
    """
    runs, line = arm64()
    steps = tuple(f"{target}'s {part}" for target in TARGETS for part in PARTS)
    found = tuple(examine(target, Steps(progress, "importing", steps)) for target in TARGETS.values())
    return Examination(machine(), found, runs, line, android_sdk.adb())


def examine(target: Target, steps: Steps | None = None) -> Diagnosis:
    """Import what the target's converter and runner need, each in a fresh interpreter."""
    versions = {package: _version(package) for package in target.packages}
    found = []
    for part, modules in zip(PARTS, IMPORTS[target.name], strict=True):
        if steps:
            steps.begin(f"{target.name}'s {part}")
        found.append(_imports(modules))
    (converts, why), (runs, why_not) = found
    unknown = tuple(name for name, works in (("converts", converts), ("runs", runs)) if works is None)
    advice = []
    if converts is None:
        advice.append(f"not known whether it converts: {why}")
    elif not converts:
        advice.append(f"pip install 'levit-mobile[{target.extra}]'" + (f" ({why})" if all(versions.values()) else ""))
    if runs is None:
        advice.append(f"not known whether it runs: {why_not}")
    elif not runs and converts is not False:
        advice.append(WITHOUT_RUNTIME.get(target.name, f"the runtime cannot be imported: {why_not}"))
    return Diagnosis(target.name, bool(converts), bool(runs), versions, tuple(advice), unknown)


def arm64() -> tuple[bool, str]:
    """Whether `validate --cpu` runs here, and one line: where it is set up, what sets it up, or why nothing can."""
    if folder.native():
        return True, "ARM64: this machine's own processor"
    try:
        return True, f"ARM64: set up in {folder.found().path}"
    except RunnerUnavailable as error:
        obstacle = error
    try:
        packages.require_host()
    except RunnerUnavailable as error:
        obstacle = error
    return False, f"ARM64: NOT RUN: {obstacle}"


def machine() -> str:
    """One line: Python, system, processor."""
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _imports(modules: str) -> tuple[bool | None, str]:
    """Does `import modules` work, None if it takes too long; and if not, the last line of what it said."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"import {modules}"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"its import took longer than {TIMEOUT_S} s; try again when the machine is less busy"
    lines = done.stderr.strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else f"exit code {done.returncode}"
