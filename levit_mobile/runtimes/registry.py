"""What can run a target's artifacts: where the runner lives and what it is called. Names only, imported on use."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict

from levit_mobile.arm64 import cpus, folder
from levit_mobile.arm64 import runner as arm64
from levit_mobile.contract import Contract
from levit_mobile.errors import RecipeError, RunnerUnavailable
from levit_mobile.interfaces.runner import Runner
from levit_mobile.interfaces.toolchain import RunnerLoader
from levit_mobile.system.environments import TFLITE_RUNTIME
from levit_mobile.targets import resolve


@dataclass(frozen=True, slots=True)
class RuntimeId:
    """A runtime, a key of RUNTIMES, and the ARM64 CPU, a key of CPUS, that it runs on; None is this machine's own.

    It is written "litert", or "litert@cortex-a76".
    """

    name: str
    cpu: str | None = None

    @classmethod
    def parse(cls, text: str) -> RuntimeId:
        """What `str` gives, read back. Whether there is such a runtime is not asked."""
        name, _, cpu = text.partition("@")
        return cls(name, cpu or None)

    def __str__(self) -> str:
        return self.name if self.cpu is None else f"{self.name}@{self.cpu}"


class Runtime(BaseModel):
    """What ran the artifact; `title` is how it is called everywhere, such as "LiteRT"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    version: str
    real: bool  # False for the MIL reference: no phone runs it

    @property
    def id(self) -> RuntimeId:
        """Its name, read."""
        return RuntimeId.parse(self.name)


@dataclass(frozen=True, slots=True)
class RuntimeEntry:
    """One runtime. `loader` is "module:function", a RunnerLoader.

    `package` is the distribution whose version is its own, or that version is `fixed`. `real` is False for what no
    phone runs.
    """

    target: str
    loader: str
    title: str
    package: str
    real: bool = True
    fixed: str | None = None


RUNTIMES: dict[str, RuntimeEntry] = {
    "coreml": RuntimeEntry("coreml", "levit_mobile.runners.coreml:load", "Core ML", "coremltools"),
    "mil": RuntimeEntry(
        "coreml", "levit_mobile.runners.mil:load", "MIL reference, rounded as declared", "levit-mobile", real=False
    ),
    "mil-float32": RuntimeEntry(
        "coreml", "levit_mobile.runners.mil:load_float32", "MIL reference, float32", "levit-mobile", real=False
    ),
    "executorch": RuntimeEntry("executorch", "levit_mobile.runners.executorch:load", "ExecuTorch", "executorch"),
    "litert": RuntimeEntry("tflite", "levit_mobile.runners.tflite:load", "LiteRT", "ai-edge-litert"),
    "tflite-runtime": RuntimeEntry(
        "tflite", "levit_mobile.runners.tflite_runtime:load", "tflite-runtime", "tflite-runtime", fixed=TFLITE_RUNTIME
    ),
}


ARM64 = {"coreml": "coreml", "executorch": "executorch", "tflite": "litert"}  # target -> what may run it on a CPU


def defaults(target: str) -> tuple[RuntimeId, ...]:
    """The runtimes that prove a target here, the verdict's first: for Core ML the real one where it exists."""
    if target == "coreml":
        return (RuntimeId("coreml"), RuntimeId("mil")) if sys.platform == "darwin" else (RuntimeId("mil"),)
    return {"executorch": (RuntimeId("executorch"),), "tflite": (RuntimeId("litert"),)}[target]


def reference_of(target: str) -> RuntimeEntry | None:
    """What executes the target's artifacts where no phone's runtime can; None where nothing does."""
    return next((entry for entry in RUNTIMES.values() if entry.target == target and not entry.real), None)


def real(target: str) -> RuntimeId:
    """The one that phones run, whether it exists here or not."""
    return RuntimeId(ARM64[target])


def on(cpu: str, target: str) -> RuntimeId:
    """The runtime that runs the target on an ARM64 CPU. Raises RecipeError where `cpu` is not a name of CPUS."""
    (core,) = cpus.chosen((cpu,))
    return RuntimeId(ARM64[target], core.name)


def chosen(name: str | None, target: str) -> RuntimeId:
    """Return the runtime of that name, or the target's first default.

    Args:
        name: A key of RUNTIMES, with ``@`` and a core for an ARM64 one; None for the default.
        target: The target whose artifacts it must run.

    Returns:
        The runtime's id.

    Raises:
        RecipeError: The runtime does not run the target (``recipe.runtime``), or the core is unknown
            (``recipe.unknown-cpu``).
    """
    if name is None:
        return defaults(target)[0]
    found = RuntimeId.parse(name)
    if found.cpu is not None and found == on(found.cpu, target):
        return found
    fitting = [runtime for runtime, row in RUNTIMES.items() if row.target == target]
    if name not in fitting:
        raise RecipeError(
            f"the runtime {name!r} does not run {target} artifacts, expected one of {', '.join(fitting)}",
            fault="runtime",
        )
    return found


def load(runtime: RuntimeId, artifact: Path, contract: Contract) -> Runner:
    """The artifact, ready to run on one thread. Raises RunnerUnavailable, ToolchainMissing, ArtifactError."""
    if runtime.cpu is not None and not folder.native():
        return arm64.load(artifact, source=contract.input, result=contract.output, cpu=runtime.cpu)
    loader = cast(RunnerLoader, resolve(RUNTIMES[runtime.name].loader))
    return loader(artifact, source=contract.input, result=contract.output)


def require(runtime: RuntimeId) -> None:
    """Raise RunnerUnavailable where a runtime on a CPU cannot be had, without starting it; others are not looked at."""
    if runtime.cpu is not None and RUNTIMES[runtime.name].target == "coreml":
        raise RunnerUnavailable(
            f"Core ML exists on Apple's systems only: no runtime executes its packages on {runtime.cpu}",
            fault="platform",
        )
    if runtime.cpu is not None and not folder.native():
        folder.found()


def described(runtime: RuntimeId) -> Runtime:
    """The runtime as reports call it."""
    row = RUNTIMES[runtime.name]
    try:
        installed = row.fixed or version(row.package)
    except PackageNotFoundError:
        installed = "not installed"
    return Runtime(name=str(runtime), title=row.title + _place(runtime.cpu), version=installed, real=row.real)


def _place(cpu: str | None) -> str:
    if cpu is None:
        return ""
    return " on this machine's own ARM64 CPU" if folder.native() else f" on {cpu}, emulated"
