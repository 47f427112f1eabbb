"""The payload's programs in the emulator, as they run on a phone: no environment, and no root file system."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levit_mobile.arm64 import payload
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.arm64.payload import START, Payload
from levit_mobile.contract import Contract
from levit_mobile.runners.adapters import adapted
from support.arm64s import ready

NOTHING: dict[str, str] = {}
LIMIT_S = 600.0
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bare:
    """A payload, and a folder in which nothing is but the core's own /proc/cpuinfo."""

    payload: Payload
    root: Path
    cpu: str

    def command(self, program: str, *words: object) -> list[str]:
        """The command line that starts a program; for the payload's folder."""
        emulator = shutil.which("qemu-aarch64")
        assert emulator is not None
        guest = [*START, f"./{program}", *map(str, words)]
        return [emulator, "-cpu", CPUS[self.cpu].emulated, "-L", str(self.root), *guest]

    def start(self, program: str, *words: object) -> subprocess.Popen[str]:
        """A program that goes on."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            self.command(program, *words), cwd=self.payload.path, env=NOTHING, **pipes
        )

    def run(self, program: str, *words: object) -> subprocess.CompletedProcess[str]:
        """A program until it ends."""
        return subprocess.run(
            self.command(program, *words),
            cwd=self.payload.path,
            env=NOTHING,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    def events(self, program: str, *words: object) -> list[Event]:
        """What a program prints that ends well."""
        done = self.run(program, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return events(done.stdout.splitlines())


def bare(folder: Path, cpu: str = "cortex-a76") -> Bare:
    """The payload of the set-up, on one emulated core. Skips as `ready` does."""
    (folder / cpu / "proc").mkdir(parents=True)
    (folder / cpu / "proc" / "cpuinfo").write_text(CPUS[cpu].cpuinfo())
    return Bare(payload.read(ready().path / payload.FOLDER), folder / cpu, cpu)


def events(lines: Iterable[str]) -> list[Event]:
    """Each line is one; a line that is not is an error."""
    found = [json.loads(line) for line in lines]
    assert all("event" in event for event in found)
    return found


def named(found: Iterable[Event], event: str) -> list[Event]:
    return [one for one in found if one["event"] == event]


def values(answer: Event, dtype: str = "float32") -> NDArray[np.generic]:
    """The output that an answer holds."""
    return np.frombuffer(base64.b64decode(answer["values"]), dtype)


def stored(folder: Path, contract: Contract, images: NDArray[np.float32]) -> list[Path]:
    """Images [N,3,H,W] as files that hold the artifact's raw input, one each."""
    order = (0, 2, 3, 1) if contract.input.memory_order == "channels last" else ()
    files = []
    for number, image in enumerate(images):
        given = adapted(image, contract.input)
        files.append(folder / f"input{number}.raw")
        files[-1].write_bytes(np.ascontiguousarray(given.transpose(order) if order else given).tobytes())
    return files
