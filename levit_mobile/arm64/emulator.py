"""A runtime for ARM64 in the emulator: started, asked, and its instructions counted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levit_mobile.arm64 import counting
from levit_mobile.arm64.cpus import Cpu
from levit_mobile.arm64.folder import SET_UP, Arm64
from levit_mobile.arm64.requirements import require_readers
from levit_mobile.errors import ArtifactError, RunnerUnavailable, ToolchainMissing
from levit_mobile.interfaces.toolchain import surveyor
from levit_mobile.runners import tflite_runtime_child
from levit_mobile.runners.child import Child
from levit_mobile.system.file_signature import begins_as
from levit_mobile.targets import TARGETS

EMULATOR = "qemu-aarch64"
MODULE = "ai_edge_litert.interpreter"
LIMIT_S = 300.0  # to load, and for each picture; both take a few seconds
# A guest that crashes would leave its core where the user stands.
WITHOUT_CORES = ("/bin/sh", "-c", 'ulimit -c 0; exec "$@"', "sh")
TARGETS_BY_SUFFIX = {".tflite": "tflite", ".pte": "executorch"}
RUNTIME_TITLES = {".tflite": "LiteRT", ".pte": "ExecuTorch"}


class Emulated:
    """An artifact on one emulated core. `shape` and `dtype` are its input's, as the artifact itself says."""

    def __init__(
        self,
        artifact: Path,
        cpu: Cpu,
        arm64: Arm64,
        *,
        source: str | None = None,
        result: str | None = None,
        limit_s: float = LIMIT_S,
    ) -> None:
        """Raises RunnerUnavailable without qemu, pyelftools or capstone, and ArtifactError where the file is refused.

        `source` and `result` are the names of its input and output, which LiteRT requires where they are given.
        """
        require_magic(artifact)
        require_readers()
        self._counts = os.memfd_create("counts")  # a file without a name: nothing is left of it
        self._child = _started(artifact, cpu, arm64, self._counts, limit_s)
        order = {"path": str(artifact.absolute()), "module": MODULE, "threads": 1, "counted": True}
        try:
            answer, _ = self._child.exchange({**order, "source": source, "result": result})
        except (RuntimeError, OSError) as error:
            self.end()
            raise ArtifactError(
                f"{artifact} cannot be loaded by {RUNTIME_TITLES[artifact.suffix]} for ARM64 on {cpu.name}: "
                f"{_lacks_half(artifact, cpu) or error}",
                fault=ArtifactError.fault_of(error, "refused"),
            ) from error
        self.shape, self.dtype = tuple(answer["shape"]), np.dtype(answer["dtype"])

    def infer(self, values: NDArray[Any]) -> NDArray[Any]:
        """The output of one inference. Raises RuntimeError, ChildProcessError and TimeoutError as `Child` does."""
        return self._child.ask({}, values)

    def counts(self) -> counting.Counts:
        """What ran since this was last asked. Raises as `infer` does."""
        maps = self._child.ask({}, tflite_runtime_child.NOTHING)
        return counting.read(_content(self._counts), maps.tobytes().decode())

    def end(self) -> None:
        """End the process now, if it still runs."""
        self._child.end()
        if self._counts >= 0:
            os.close(self._counts)
        self._counts = -1

    def __del__(self) -> None:
        if getattr(self, "_counts", -1) >= 0:
            os.close(self._counts)


def _lacks_half(artifact: Path, cpu: Cpu) -> str:
    """Why a core without float16 refuses a `.pte` that computes in it: its runtime gives a number; empty otherwise."""
    if cpu.computes_in_half or artifact.suffix != ".pte":
        return ""
    try:
        needed = surveyor(TARGETS["executorch"])(artifact).arithmetic == "fp16"
    except (ArtifactError, ToolchainMissing):
        return ""
    return "the artifact computes in float16, which this core lacks; choose cortex-a76 or i8mm" if needed else ""


def require_magic(artifact: Path) -> None:
    """Raise ArtifactError for what is neither a `.tflite` nor a `.pte`: a runtime may crash on it, or quote it."""
    target = TARGETS_BY_SUFFIX.get(artifact.suffix)
    if target is None:
        raise ArtifactError(
            f"{artifact} does not run on ARM64 here, expected a {' or '.join(TARGETS_BY_SUFFIX)} file",
            fault="unknown-format",
        )
    if not begins_as(artifact, target):
        raise ArtifactError(
            f"{artifact} does not begin like a {artifact.suffix} file: it is damaged or of a different format",
            fault="unknown-format",
        )


def _started(artifact: Path, cpu: Cpu, arm64: Arm64, counts: int, limit_s: float) -> Child:
    emulator = shutil.which(EMULATOR)
    if emulator is None:
        raise RunnerUnavailable(
            f"{EMULATOR} is not on PATH; emulated ARM64 needs it: `{SET_UP}` prints how to install it",
            fault="not-installed",
        )
    options = ["-cpu", cpu.emulated, "-L", str(arm64.prefix(cpu.name)), "-plugin", f"{arm64.plugin},fd={counts}"]
    guest = GUESTS[artifact.suffix](artifact.absolute(), arm64)
    environment = {
        "PYTHONPATH": str(arm64.site),
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
    }
    return Child([*WITHOUT_CORES, emulator, *options, *guest], limit_s, env=environment, pass_fds=(counts,))


def _litert(_: Path, arm64: Arm64) -> list[str]:
    return [str(arm64.python), "-sP", tflite_runtime_child.__file__]


def _executorch(artifact: Path, arm64: Arm64) -> list[str]:
    return [str(arm64.program), str(artifact)]


GUESTS: dict[str, Callable[[Path, Arm64], list[str]]] = {".tflite": _litert, ".pte": _executorch}


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
