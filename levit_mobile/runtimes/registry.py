"""What can run a target's artifacts: where the runner lives and what it is called. Names only, imported on use."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from levit_mobile.arm64 import folder
from levit_mobile.contract import Contract
from levit_mobile.errors import RecipeError, RunnerUnavailable
from levit_mobile.interfaces.runner import Runner
from levit_mobile.system.environments import TFLITE_RUNTIME
from levit_mobile.targets import resolve


class Runtime(BaseModel):
    """What ran the artifact; `title` is how it is called everywhere, such as "LiteRT"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    version: str
    real: bool  # False for the MIL reference: no phone runs it


@dataclass(frozen=True, slots=True)
class RuntimeEntry:
    """One runtime. `package` is the distribution whose version is its own, or that version is `fixed`.

    `real` is False for what no phone runs.
    """

    target: str
    loader: str
    title: str
    package: str
    mode: str | None = None  # of the MIL reference
    real: bool = True
    fixed: str | None = None


_MIL = "levit_mobile.runners.mil:load"
RUNTIMES: dict[str, RuntimeEntry] = {
    "coreml": RuntimeEntry("coreml", "levit_mobile.runners.coreml:load", "Core ML", "coremltools"),
    "mil": RuntimeEntry("coreml", _MIL, "MIL reference, rounded as declared", "levit-mobile", real=False),
    "mil-float32": RuntimeEntry("coreml", _MIL, "MIL reference, float32", "levit-mobile", mode="float32", real=False),
    "executorch": RuntimeEntry("executorch", "levit_mobile.runners.executorch:load", "ExecuTorch", "executorch"),
    "litert": RuntimeEntry("tflite", "levit_mobile.runners.tflite:load", "LiteRT", "ai-edge-litert"),
    "tflite-runtime": RuntimeEntry(
        "tflite", "levit_mobile.runners.tflite_runtime:load", "tflite-runtime", "tflite-runtime", fixed=TFLITE_RUNTIME
    ),
}


AT = "@"  # between a runtime and the CPU it runs on: litert@cortex-a76
ARM64_LOADER = "levit_mobile.arm64.runner:load"
ARM64 = {"coreml": "coreml", "executorch": "executorch", "tflite": "litert"}  # target -> what may run it on a CPU


def defaults(target: str) -> tuple[str, ...]:
    """The runtimes that prove a target here, the verdict's first: for Core ML the real one where it exists."""
    if target == "coreml":
        return ("coreml", "mil") if sys.platform == "darwin" else ("mil",)
    return {"executorch": ("executorch",), "tflite": ("litert",)}[target]


def real(target: str) -> str:
    """The one that phones run, whether it exists here or not."""
    return ARM64[target]


def chosen(name: str | None, target: str) -> str:
    """The runtime of that name, or the first default; raises RecipeError when it does not run the target."""
    if name is not None and name == on(name.partition(AT)[2], target):
        return name
    fitting = [runtime for runtime, row in RUNTIMES.items() if row.target == target]
    if name is not None and name not in fitting:
        raise RecipeError(f"runtime {name!r} does not run {target} artifacts, expected one of {', '.join(fitting)}")
    return name or defaults(target)[0]


def load(name: str, artifact: Path, contract: Contract) -> Runner:
    """The artifact, ready to run on one thread. Raises RunnerUnavailable, ToolchainMissing, ArtifactError."""
    base, _, cpu = name.partition(AT)
    row, emulated = RUNTIMES[base], cpu and not folder.native()
    options = {"cpu": cpu} if emulated else {"mode": row.mode} if row.mode else {}
    loader = resolve(ARM64_LOADER if emulated else row.loader)
    runner: Runner = loader(artifact, source=contract.input, result=contract.output, **options)
    return runner


def on(cpu: str, target: str) -> str:
    """The runtime of a target's on an ARM64 CPU: "litert@cortex-a76"."""
    return f"{ARM64[target]}{AT}{cpu}"


def require(name: str) -> None:
    """Raise RunnerUnavailable where a runtime on a CPU cannot be had, without starting it; others are not looked at."""
    base, _, cpu = name.partition(AT)
    if cpu and RUNTIMES[base].target == "coreml":
        raise RunnerUnavailable(
            f"Core ML exists on Apple's systems only: nothing runs its packages on {cpu}", fault="platform"
        )
    if cpu and not folder.native():
        folder.found()


def described(name: str) -> Runtime:
    """The runtime as reports call it."""
    base, _, cpu = name.partition(AT)
    row = RUNTIMES[base]
    try:
        installed = row.fixed or version(row.package)
    except PackageNotFoundError:
        installed = "not installed"
    return Runtime(name=name, title=row.title + _place(cpu), version=installed, real=row.real)


def _place(cpu: str) -> str:
    if not cpu:
        return ""
    return " on this machine's own ARM64 CPU" if folder.native() else f" on {cpu}, emulated"
