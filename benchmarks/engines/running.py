"""A row's file opened in a process of its own: on this machine, or on an emulated ARM64 core where it is counted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from engines import ours
from engines.engine import Row, Unavailable
from engines.environment import search_path, target_of
from levit_mobile.arm64 import counting, folder
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.arm64.emulator import EMULATOR, WITHOUT_CORES, Emulated
from levit_mobile.errors import ArtifactError
from levit_mobile.runners.child import Child

LIMIT_S = 600.0  # to load, and for each picture
HOST = "x86"
COMMON = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
FAULTS = (RuntimeError, OSError)  # what `Child` raises, with the runtime's own sentence


class Opened(Protocol):
    """An open file."""

    def infer(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,3,H,W] in [0,1] -> logits [1,classes]."""

    def counts(self) -> counting.Counts:
        """What ran within inferences since this was last asked; on emulated cores only."""

    def end(self) -> None:
        """End the process."""


class Served:
    """A file that `engines.guest` serves. Methods raise Unavailable with the runtime's own sentence."""

    def __init__(self, name: str, row: Row, path: Path, where: str = HOST) -> None:
        self._counts = os.memfd_create("counts")
        host = where == HOST
        command = [sys.executable, "-sP"] if host else _emulated(where, self._counts)
        environment = {**(os.environ if host else {}), **COMMON, "PYTHONPATH": _search_path(name, where)}
        passed = () if host else (self._counts,)
        self._child = Child([*command, "-m", "engines.guest"], LIMIT_S, env=environment, pass_fds=passed)
        self._exchange({"engine": name, "path": str(path.absolute()), "options": dict(row.options)})

    def infer(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Opened`."""
        return cast("NDArray[np.float32]", self._exchange({}, picture))

    def counts(self) -> counting.Counts:
        """See `Opened`."""
        maps = self._exchange({"ask": "counts"})
        content = os.pread(self._counts, os.fstat(self._counts).st_size, 0)
        return counting.read(content, maps.tobytes().decode())

    def seconds(self, picture: NDArray[np.float32], rounds: int) -> NDArray[np.float64]:
        """The time of each of some inferences."""
        return self._exchange({"ask": "seconds", "rounds": rounds}, picture)

    def end(self) -> None:
        """See `Opened`."""
        self._child.end()
        if self._counts >= 0:
            os.close(self._counts)
        self._counts = -1

    def _exchange(self, header: Mapping[str, Any], array: NDArray[Any] | None = None) -> NDArray[Any]:
        try:
            return self._child.ask(dict(header), np.empty(0, np.uint8) if array is None else array)
        except FAULTS as error:
            self.end()
            raise Unavailable(str(error)) from error


class EmulatedProgram:
    """A `.pte` in the emulator, where a program without Python serves it."""

    def __init__(self, path: Path, core: str) -> None:
        try:
            self._emulated = Emulated(path, CPUS[core], folder.found(), limit_s=LIMIT_S)
        except ArtifactError as error:
            raise Unavailable(str(error)) from error
        self._order = ours.dim_order(path) or (0, 1, 2, 3)

    def infer(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Opened`."""
        values = np.ascontiguousarray(picture.transpose(self._order)).astype(self._emulated.dtype)
        try:
            return np.asarray(self._emulated.infer(values), np.float32).reshape(1, -1)
        except FAULTS as error:
            raise Unavailable(str(error)) from error

    def counts(self) -> counting.Counts:
        """See `Opened`."""
        return self._emulated.counts()

    def end(self) -> None:
        """See `Opened`."""
        self._emulated.end()


def opened(name: str, row: Row, path: Path, where: str = HOST) -> Opened:
    """A row's file on this machine or on a core, a name of CPUS. Raises Unavailable, RunnerUnavailable."""
    if path.suffix == ".pte" and where != HOST:  # no Python of this runtime exists for ARM64
        return EmulatedProgram(path, where)
    return Served(name, row, path, where)


def _search_path(name: str, where: str) -> str:
    return search_path(target_of(name)) if where == HOST else search_path("arm64", folder.found().site)


def _emulated(core: str, counts: int) -> list[str]:
    emulator, arm64 = shutil.which(EMULATOR), folder.found()
    if emulator is None:
        raise Unavailable(f"{EMULATOR} is not on PATH")
    cpu = CPUS[core]
    options = ["-cpu", cpu.emulated, "-L", str(arm64.prefix(core)), "-plugin", f"{arm64.plugin},fd={counts}"]
    return [*WITHOUT_CORES, emulator, *options, str(arm64.python), "-sP"]
