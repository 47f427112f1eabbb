"""What can run a target's artifacts: where the runner lives and what it is called. Names only, imported on use."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from levit_mobile.contract import Contract
from levit_mobile.environments import TFLITE_RUNTIME
from levit_mobile.errors import RecipeError
from levit_mobile.findings import Runtime
from levit_mobile.runners import Runner
from levit_mobile.targets import resolve


@dataclass(frozen=True, slots=True)
class Row:
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
RUNTIMES: dict[str, Row] = {
    "coreml": Row("coreml", "levit_mobile.runners.coreml:load", "Core ML", "coremltools"),
    "mil": Row("coreml", _MIL, "MIL reference, rounded as declared", "levit-mobile", real=False),
    "mil-float32": Row("coreml", _MIL, "MIL reference, float32", "levit-mobile", mode="float32", real=False),
    "executorch": Row("executorch", "levit_mobile.runners.executorch:load", "ExecuTorch", "executorch"),
    "litert": Row("tflite", "levit_mobile.runners.tflite:load", "LiteRT", "ai-edge-litert"),
    "tflite-runtime": Row(
        "tflite", "levit_mobile.runners.tflite_runtime:load", "tflite-runtime", "tflite-runtime", fixed=TFLITE_RUNTIME
    ),
}


def defaults(target: str) -> tuple[str, ...]:
    """The runtimes that prove a target here, the verdict's first: for Core ML the real one where it exists."""
    if target == "coreml":
        return ("coreml", "mil") if sys.platform == "darwin" else ("mil",)
    return {"executorch": ("executorch",), "tflite": ("litert",)}[target]


def chosen(name: str | None, target: str) -> str:
    """The runtime of that name, or the first default; raises RecipeError when it does not run the target."""
    fitting = [runtime for runtime, row in RUNTIMES.items() if row.target == target]
    if name is not None and name not in fitting:
        raise RecipeError(f"runtime {name!r} does not run {target} artifacts, expected one of {', '.join(fitting)}")
    return name or defaults(target)[0]


def load(name: str, artifact: Path, contract: Contract) -> Runner:
    """The artifact, ready to run on one thread. Raises RunnerUnavailable, ToolchainMissing, ArtifactError."""
    row = RUNTIMES[name]
    options = {"mode": row.mode} if row.mode else {}
    runner: Runner = resolve(row.loader)(artifact, source=contract.input, result=contract.output, **options)
    return runner


def described(name: str) -> Runtime:
    """The runtime as reports call it."""
    row = RUNTIMES[name]
    try:
        installed = row.fixed or version(row.package)
    except PackageNotFoundError:
        installed = "not installed"
    return Runtime(name=name, title=row.title, version=installed, real=row.real)
