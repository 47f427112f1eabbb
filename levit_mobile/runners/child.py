"""A runtime in a process of its own: messages there and back, and what becomes of it when it dies or is silent.

The messages are those of `tflite_runtime_child`.
"""

from __future__ import annotations

import subprocess
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from levit_mobile.runners import tflite_runtime_child
from levit_mobile.runners.tflite_runtime_child import NOTHING
from levit_mobile.system import pipes


class Child:
    """A process that answers. It ends with this object or this process, whichever is first; `end()` ends it now.

    What it prints on stderr goes to this process's. `options` are subprocess.Popen's.
    """

    def __init__(self, command: Sequence[str], limit_s: float, **options: Any) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        self._lock, self._limit_s = threading.Lock(), limit_s
        self.end = weakref.finalize(self, pipes.kill, self._process)

    def ask(self, header: dict[str, Any], array: NDArray[Any] = NOTHING) -> NDArray[Any]:
        """One message there, one back: what its body holds. Raises as `exchange` does."""
        return self.exchange(header, array)[1]

    def exchange(self, header: dict[str, Any], array: NDArray[Any] = NOTHING) -> tuple[dict[str, Any], NDArray[Any]]:
        """One message there, one back. Raises RuntimeError with the runtime's own complaint.

        Raises ChildProcessError when the process ended, and TimeoutError when it had to be ended.
        """
        with self._lock:
            answer, found = self._sent(header, array)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer, found

    def _sent(self, header: dict[str, Any], array: NDArray[Any]) -> tuple[dict[str, Any], NDArray[Any]]:
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
                self._process.kill()  # or the next picture would be given this one's answer
                self._process.wait()
                raise

    def _death(self, deadline: float) -> OSError:
        """What the process died of; `deadline` is on the monotonic clock."""
        code = self._process.wait()
        if time.monotonic() >= deadline:
            return TimeoutError(f"the runtime did not answer within {self._limit_s:g} s")
        return ChildProcessError(f"the runtime ended with {pipes.death(code)}")


@contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
