"""Runs a `.tflite` with tflite-runtime 2.14.0, LiteRT's frozen predecessor, that apps in the field still ship.

It wants numpy below 2, so it lives in an isolated environment, and here in a process of its own: a model that crashes
the runtime takes only that process with it.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levit_mobile import environments
from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError
from levit_mobile.runners import Images, Runner, adapted, as_logits, one_by_one, tflite_runtime_child

LIMIT_S = 300.0  # to load, and for each picture; both take well below a second
MAGIC = b"TFL3"  # at byte 4
REFUSED = f"is not a TFLite model that tflite-runtime {environments.TFLITE_RUNTIME} can load"


def load(path: Path, *, source: Input, result: Output, threads: int = 1, limit_s: float = LIMIT_S) -> Runner:
    """The first call on a machine installs the runtime, in seconds; its process lives as long as the runner.

    Raises RunnerUnavailable where the runtime cannot be installed, and ArtifactError when it cannot load the file:
    refuses it, crashes on it, or does not answer within `limit_s`. The runner raises ArtifactError likewise.
    """
    _require_model(path)
    child = _Child(environments.tflite_runtime_python(), limit_s)
    try:
        child.ask({"path": str(path), "threads": threads, "source": source.name, "result": result.name})
    except (RuntimeError, OSError) as error:
        child.end()
        raise ArtifactError(f"{path} {REFUSED}: {error}") from error

    def run(image: Images) -> NDArray[np.generic]:
        return as_logits(child.ask({}, adapted(image, source)), result)

    return one_by_one(run)


def _require_model(path: Path) -> None:
    """The runtime's own complaint about a foreign file quotes its bytes, and those beyond its end."""
    try:
        with path.open("rb") as stream:
            known = stream.read(8)[4:] == MAGIC
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    if not known:
        raise ArtifactError(f"{path} {REFUSED}: it does not start as one")


class _Child:
    """The other interpreter. It ends with this object or this process, whichever is first; `end()` ends it now."""

    def __init__(self, python: Path, limit_s: float) -> None:
        command = [str(python), "-I", tflite_runtime_child.__file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lock, self._limit_s = threading.Lock(), limit_s
        self.end = weakref.finalize(self, _end, self._process)

    def ask(self, header: dict[str, Any], array: NDArray[Any] = tflite_runtime_child.NOTHING) -> NDArray[Any]:
        """One message there, one back. Raises RuntimeError with the runtime's own complaint.

        Raises ChildProcessError when the process ended, and TimeoutError when it had to be ended.
        """
        with self._lock:
            answer, found = self._exchange(header, array)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return found

    def _exchange(self, header: dict[str, Any], array: NDArray[Any]) -> tuple[dict[str, Any], NDArray[Any]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + self._limit_s
        with _killed_after(self._process, self._limit_s):
            try:
                tflite_runtime_child.send(self._process.stdin, header, array)
                return tflite_runtime_child.receive(self._process.stdout)
            except (EOFError, OSError) as error:
                raise self._death(deadline) from error
            except BaseException:
                _kill(self._process)  # or the next picture would be given this one's answer
                raise

    def _death(self, deadline: float) -> OSError:
        """What the process died of; `deadline` is on the monotonic clock."""
        code = self._process.wait()
        if time.monotonic() >= deadline:
            return TimeoutError(f"the runtime gave no answer within {self._limit_s:g} s")
        cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return ChildProcessError(f"the runtime ended with {cause}")


@contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not read in time is not missed
                pipe.close()
