"""What an inference costs in executed ARM64 instructions: measured in the emulator, and held against a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from levit_mobile.arm64.counting import TITLES, Counts
from levit_mobile.arm64.cpus import Cpu
from levit_mobile.arm64.emulator import RUNTIME_TITLES, TARGETS_BY_SUFFIX, Emulated
from levit_mobile.arm64.folder import Arm64
from levit_mobile.arm64.symbols import by_symbol
from levit_mobile.bundle import reader
from levit_mobile.errors import ArtifactError, BundleError, ToolchainMissing
from levit_mobile.interfaces.inspection import Port
from levit_mobile.interfaces.toolchain import surveyor
from levit_mobile.system.atomic_write import write_text
from levit_mobile.system.files import Sha256, digest, read_json
from levit_mobile.targets import TARGETS

SCHEMA_VERSION: Literal[1] = 1
PACKAGES = {".tflite": "ai-edge-litert", ".pte": "executorch"}
OWN = ("xnn_", "pthreadpool_")  # what XNNPACK and its thread pool call all of their functions
KEPT = 40  # functions
BY_NAME: Literal["names"] = "names"
BY_DELEGATE: Literal["delegate calls"] = "delegate calls"


class CostPart(BaseModel):
    """Base of everything here: frozen, strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Function(CostPart):
    """One function and the instructions that ran in it; `name` is empty where its file does not tell."""

    file: str
    """Name of the library or program."""
    name: str
    """Name of the function; empty if its file has no names."""
    instructions: int
    """Number of instructions executed in it."""


class Cost(CostPart):
    """The instructions of one artifact's second inference on one core; the first one prepares."""

    artifact: str
    """Name of the bundle or file."""
    artifact_sha256: Sha256
    """SHA-256 of the artifact."""
    runtime: str
    """Name and version of the runtime."""
    cpu: str
    """Name of the core."""
    instructions: int
    """Number of executed instructions."""
    classes: dict[str, int]
    """The same by class of instruction; the values sum up to ``instructions``."""
    outside: int
    """Instructions outside XNNPACK: for a ``.pte`` while the delegate was not running; for a ``.tflite`` in functions
    not named as XNNPACK's are, including the memory copies that it asks of libc."""
    outside_by: Literal["names", "delegate calls"]
    """How ``outside`` was counted."""
    functions: tuple[Function, ...]
    """The functions with most instructions, most first, at most 40."""

    @property
    def outside_share(self) -> float:
        """The share of all instructions that are outside XNNPACK, 0 to 1."""
        return self.outside / self.instructions if self.instructions else 0.0


class Baseline(CostPart):
    """A file to hold costs against: artifact -> core -> instructions, by which versions of the runtimes."""

    schema_version: Literal[1] = SCHEMA_VERSION
    versions: dict[str, str]
    instructions: dict[str, dict[str, int]]


def artifact_of(path: Path) -> tuple[str, Path]:
    """What to measure for a path, a bundle's folder or an artifact's file, and how it is called.

    Raises BundleError for a damaged bundle, ArtifactError for what ARM64 cannot run.
    """
    if path.is_dir() and path.suffix != ".mlpackage":
        opened = reader.open_bundle(path)
        name, artifact = opened.path.resolve().name, opened.artifact
    else:
        name, artifact = path.name, path
    if artifact.suffix not in RUNTIME_TITLES:
        raise ArtifactError(
            f"{path} cannot be counted, expected a tflite or executorch bundle, a .tflite file or a .pte file",
            fault="unknown-format",
        )
    return name, artifact


def require_one_shape(artifact: Path) -> None:
    """Raise ArtifactError for sizes that are set at run time: a runtime would count the stored or the highest ones."""
    for port in _inputs(artifact):
        if port.is_open:
            raise ArtifactError(
                f"{artifact} cannot be counted: the sizes of its input are set at run time, {port.dtype} {port.sizes}; "
                "export it with fixed sizes",
                fault="not-one-image",
            )


def _inputs(artifact: Path) -> tuple[Port, ...]:
    """Its inputs; none where it cannot be read, which its runtime reports in its own words."""
    try:
        return surveyor(TARGETS[TARGETS_BY_SUFFIX[artifact.suffix]])(artifact).inputs
    except (ArtifactError, ToolchainMissing):
        return ()


def measure(path: Path, cpu: Cpu, arm64: Arm64) -> Cost:
    """Count one inference of a bundle or an artifact, of a random picture. Raises LevitMobileError."""
    name, artifact = artifact_of(path)
    counts = _counted(artifact, cpu, arm64)
    functions = by_symbol(counts, kin(arm64))
    delegated = artifact.suffix == ".pte"
    return Cost(
        artifact=name,
        artifact_sha256=digest(artifact),
        runtime=f"{RUNTIME_TITLES[artifact.suffix]} {arm64.manifest.versions[PACKAGES[artifact.suffix]]}",
        cpu=cpu.name,
        instructions=counts.executed,
        classes={TITLES[name]: count for name, count in counts.by_class().items()},
        outside=counts.outside_delegates if delegated else outside_by_name(functions),
        outside_by=BY_DELEGATE if delegated else BY_NAME,
        functions=tuple(_functions(functions))[:KEPT],
    )


def _counted(artifact: Path, cpu: Cpu, arm64: Arm64) -> Counts:
    emulated = Emulated(artifact, cpu, arm64)
    try:
        picture = _picture(emulated.shape, emulated.dtype)
        emulated.infer(picture)
        emulated.counts()
        emulated.infer(picture)
        return emulated.counts()
    except (RuntimeError, OSError, ValueError) as error:
        raise ArtifactError(
            f"{artifact} could not be counted on {cpu.name}: {error}",
            fault=ArtifactError.fault_of(error, "failed"),
        ) from error
    finally:
        emulated.end()


def _picture(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Always the same: numbers do not change what runs, but for a few branches."""
    drawn = np.random.default_rng(0).random(shape, np.float32)
    return (drawn * 255 - 128).astype(dtype) if dtype == np.int8 else drawn.astype(dtype)


def kin(arm64: Arm64) -> dict[str, Path]:
    """ExecuTorch's library, which is stripped, and the one of LiteRT's that it shares kernels with."""
    litert = max((arm64.site / "ai_edge_litert").glob("*.so"), key=lambda file: file.stat().st_size)
    return {file.name: litert for file in arm64.program.parent.glob("_portable_lib*.so")}


def outside_by_name(functions: Mapping[tuple[str, str], int]) -> int:
    """Instructions that ran in functions which are not called as XNNPACK's are."""
    return sum(count for (_, name), count in functions.items() if not name.startswith(OWN))


def _functions(found: Mapping[tuple[str, str], int]) -> Iterator[Function]:
    return (Function(file=file, name=name, instructions=count) for (file, name), count in found.items())


# Against a baseline


def write_baseline(path: Path, costs: tuple[Cost, ...], arm64: Arm64) -> None:
    """Write what was measured as the baseline of later calls. Raises BundleError when it cannot be written."""
    found: dict[str, dict[str, int]] = {}
    for cost in costs:
        found.setdefault(cost.artifact, {})[cost.cpu] = cost.instructions
    baseline = Baseline(versions=arm64.manifest.versions, instructions=found)
    write_text(path, baseline.model_dump_json(indent=2) + "\n")


def read_baseline(path: Path) -> Baseline:
    """Raises BundleError when it cannot be read, or is none."""
    return read_json(Baseline, path, BundleError, "a baseline", where=f"the baseline {path}")


def grown(costs: tuple[Cost, ...], baseline: Baseline, *, max_growth: float) -> tuple[str, ...]:
    """A sentence for each cost that exceeds its baseline by more than `max_growth` (a share), or has none."""
    return tuple(sentence for cost in costs if (sentence := _broken(cost, baseline, max_growth)))


def _broken(cost: Cost, baseline: Baseline, max_growth: float) -> str | None:
    before, where = baseline.instructions.get(cost.artifact, {}).get(cost.cpu), f"{cost.artifact} on {cost.cpu}"
    if before is None or before < 1:
        return f"{where} is not in the baseline: --write-baseline writes one"
    if cost.instructions <= before * (1 + max_growth):
        return None
    return (
        f"{where} executes {cost.instructions / 1e6:.3f} M instructions per inference, "
        f"{cost.instructions / before - 1:.2%} more than the "
        f"{before / 1e6:.3f} M of the baseline, expected at most {max_growth:.2%} more"
    )
