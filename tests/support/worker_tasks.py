"""What tests make other processes do. Each leaves its number in a folder, so that a test can see that it is gone."""

from __future__ import annotations

import builtins
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from levit_mobile import errors

PATIENCE_S = 60.0  # on a busy machine


class Surprising(Exception):
    """Cannot be made again from its message."""

    def __init__(self, place: int, *, why: str) -> None:
        super().__init__(f"{why} at {place}")


def double(item: float) -> float:
    """The first items take longest."""
    time.sleep(max(0.0, 0.5 - item / 10))
    return item * 2


def process(_: object) -> int:
    time.sleep(0.2)
    return os.getpid()


def end_by(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def end_with(status: int) -> None:
    os._exit(status)


def leave(status: int) -> None:
    sys.exit(status)


def allocating() -> Callable[[int], int]:
    """For `spread`: as many bytes as are asked for, and how many they are."""
    return allocate


def allocate(size: int) -> int:
    return len(bytearray(size))


def crash(_: object) -> None:
    end_by(signal.SIGSEGV)


def hang(_: object) -> None:
    time.sleep(600)


def spin(_: object) -> None:
    while True:
        pass


def hang_in_a_child(folder: Path) -> None:
    """Its own child ignores what it can."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code])
    (folder / str(child.pid)).touch()
    child.wait()


def die_in_a_thread(_: object) -> None:
    threading.Thread(target=end_by, args=(signal.SIGSEGV,)).start()
    time.sleep(60)


def fail(error: str) -> None:
    """One of the package's own errors, or another."""
    if error == "ToolchainMissing":
        raise errors.ToolchainMissing("some-vendor", "tflite")
    if error == "Surprising":
        raise Surprising(3, why="nobody knows")
    if error in ("KeyError", "TimeoutError"):
        raise getattr(builtins, error)("missing")
    raise getattr(errors, error)(f"{error} of levit_128s")


def fail_by(fault: str) -> None:
    """An error of the package's own with a fault."""
    raise errors.ArtifactError(f"it is {fault}", fault=fault)


def lock(_: object) -> Any:
    """What no other process can be given."""
    return threading.Lock()


def chatter(item: object) -> object:
    """By every road to stdout, and stdin asked for more."""
    sys.stdout.write("[python]\n")
    sys.stdout.flush()
    os.write(1, b"[descriptor]\n")
    subprocess.run(["/bin/sh", "-c", "echo '[child]'; cat"], check=True)
    return sys.stdin.read() or item


def limits(_: object) -> dict[str, int]:
    import resource

    return {name: resource.getrlimit(getattr(resource, name))[0] for name in ("RLIMIT_CORE", "RLIMIT_DATA")}


def take(count: int) -> int:
    """Allocates this many bytes and touches none of them: to write gigabytes of zeros takes seconds."""
    return len(bytes(count))


def threads(_: object) -> dict[str, str]:
    return {name: os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass
class Load:
    """Loads a function of this file; `loads` are the numbers of the processes that did."""

    folder: Path
    function: Callable[[Any], Any]
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self) -> Callable[[Any], Any]:
        number = self.folder / str(os.getpid())
        number.touch(exist_ok=False)  # it loads once
        return self.function


@dataclass
class Failing:
    """Fails before it has anything to call."""

    folder: Path
    error: str

    def __call__(self) -> Callable[[Any], Any]:
        (self.folder / str(os.getpid())).touch()
        fail(self.error)
        raise AssertionError


def alive(folder: Path) -> list[int]:
    """The processes that left their number and still run."""
    return [int(file.name) for file in folder.iterdir() if runs(int(file.name))]


def runs(number: int) -> bool:
    """Whether a process of this number runs; one that has ended and waits for its parent to ask after it does not."""
    try:
        os.kill(number, 0)
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # it ended since, or this system has no /proc
        return not Path("/proc/self").exists()


def until(happened: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Wait, however busy the machine is; a test that waits in vain fails."""
    end = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
