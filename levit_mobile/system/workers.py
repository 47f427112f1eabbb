"""Work spread over processes: native runtimes that abort, hang or eat memory take only their own process with them."""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, TypeVar

from levit_mobile.errors import ArtifactError
from levit_mobile.system import pipes
from levit_mobile.system.limits import memory_bytes

AHEAD = 3  # items given out for each process: enough to keep it busy, few enough to bound memory
TIMEOUT_S = 600.0  # for one item; a model on a slow machine needs seconds
LEAST_BYTES = 4 << 30  # of memory that a process may ask for, however many share the machine
ENDING_S = 5.0  # for a process that closed its pipe to end by itself

WHO = "the process that ran the artifact"
SERVE = "import sys; sys.path[:] = {path!r}; from levit_mobile.system.workers import serve; serve({memory_bytes})"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    load: Callable[[], Callable[[Item], Result]],
    items: Iterable[Item],
    *,
    processes: int,
    timeout_s: float = TIMEOUT_S,
    most_bytes: int | None = None,
) -> Generator[Result, None, None]:
    """Process items in other processes with one thread each, so that a crash ends only one of them.

    No process outlives the iteration. What the processes print goes to stderr, and each gets its share of the memory at
    most. What ``load`` and its result raise is raised here.

    Args:
        load: Runs once in every process; what it returns is called with each item. It is pickled.
        items: The items, which are pickled.
        processes: Number of processes, 1 or more.
        timeout_s: Longest time in seconds for one item.
        most_bytes: Bound of a process's memory in bytes, where that is less than its share. Default: the share.

    Yields:
        The results in the order of the items.

    Raises:
        ArtifactError: A process died (``artifact.crashed``), or gave no result in time (``artifact.timeout``).
    """
    crew = Crew(pickle.dumps(load), min(share_bytes(processes), most_bytes or memory_bytes()))
    threads, waiting = ThreadPoolExecutor(processes), deque[Future[Any]]()
    try:
        for item in items:
            waiting.append(threads.submit(crew.ask, pickle.dumps(item)))
            if len(waiting) >= AHEAD * processes:
                yield _awaited(waiting.popleft(), timeout_s)
        while waiting:
            yield _awaited(waiting.popleft(), timeout_s)
    finally:
        crew.end()
        threads.shutdown(cancel_futures=True)


def _awaited(future: Future[Any], timeout_s: float) -> Any:
    if not wait([future], timeout_s).done:
        raise _late(timeout_s)
    return future.result()


def _late(timeout_s: float) -> ArtifactError:
    return ArtifactError(f"{WHO} did not answer within {timeout_s:g} s", fault="timeout")


def share_bytes(processes: int) -> int:
    """Of what there is; a share may be larger than a fair one, as few processes need all of theirs, never the whole."""
    everything = memory_bytes()
    return max(everything // processes, min(LEAST_BYTES, everything))


class Crew:
    """A process for each thread that asks, started when it first does.

    Args:
        load: The pickle of what `spread` calls ``load``.
        memory_bytes: What a process may ask for at most.
    """

    def __init__(self, load: bytes, memory_bytes: int) -> None:
        self._load, self._memory_bytes = load, memory_bytes
        self._lock, self._own = threading.Lock(), threading.local()
        self._workers: list[_Worker] | None = []  # None once it has ended

    def ask(self, item: bytes) -> Any:
        """The result of one item, or what it raised. Raises ArtifactError when the process dies of it."""
        worker = self._of_this_thread()
        if not worker.has_loaded:
            worker.has_loaded = True
            _result(worker.ask(self._load))
        return _result(worker.ask(item))

    def ask_within(self, item: bytes, timeout_s: float) -> Any:
        """As `ask`; a process that takes longer is ended. Raises ArtifactError for that too (``artifact.timeout``)."""
        worker, late = self._of_this_thread(), threading.Event()

        def end() -> None:
            late.set()
            worker.end()

        timer = threading.Timer(timeout_s, end)
        timer.start()
        try:
            return self.ask(item)
        except ArtifactError as error:
            if late.is_set():
                raise _late(timeout_s) from error
            raise
        finally:
            timer.cancel()

    def _of_this_thread(self) -> _Worker:
        if not hasattr(self._own, "worker"):
            self._own.worker = self._started()
        worker: _Worker = self._own.worker
        return worker

    def _started(self) -> _Worker:
        with self._lock:
            if self._workers is None:
                raise ArtifactError(f"{WHO} was not started: the run has already ended", fault="crashed")
            self._workers.append(worker := _Worker(self._memory_bytes))
        return worker

    def end(self) -> None:
        """End all processes, whatever they are at."""
        with self._lock:
            workers, self._workers = self._workers or [], None
        for worker in workers:
            worker.end()


def _result(answer: bytes) -> Any:
    """What the other process made, or raises what it raised."""
    error, found = pickle.loads(answer)
    if error is None:
        return found
    error.add_note(f"in a worker process:\n{found}")
    raise error


class _Worker:
    """One other process, at the head of a group of its own: Ctrl-C is for this process to decide on."""

    def __init__(self, memory_bytes: int) -> None:
        code = SERVE.format(path=[entry for entry in sys.path if isinstance(entry, str)], memory_bytes=memory_bytes)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
            process_group=0,
        )
        self._lock, self._ended = threading.Lock(), False
        self.has_loaded = False

    def ask(self, message: bytes) -> bytes:
        """One message there, one back. Raises ArtifactError when the process dies of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pipes.send(self._process.stdin, message)
            return pipes.receive(self._process.stdout)
        except (EOFError, OSError) as error:
            code = self.end(patience_s=ENDING_S)
            raise ArtifactError(f"{WHO} ended with {pipes.death(code)} before it answered", fault="crashed") from error

    def end(self, *, patience_s: float = 0.0) -> int:
        """Its exit status, after `patience_s` to end by itself. What it has started ends with it."""
        with self._lock:
            if not self._ended:
                self._ended = True
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience_s)
                pipes.kill(self._process, group=True)
        return self._process.wait()


# In the other process


def serve(memory_bytes: int) -> None:
    """Answer messages until the other end goes away: the first is `load`, the others are items."""
    requests, answers = pipes.own_pipes()
    _bound(memory_bytes)
    run: Callable[[object], object] | None = None

    def work(given: Any) -> object:
        nonlocal run
        if run is not None:
            return run(given)
        run = _unloaded
        run = given()
        return None

    with suppress(EOFError, BrokenPipeError):
        while True:
            pipes.send(answers, _answer(work, pipes.receive(requests)))


def _unloaded(_: object) -> object:
    """Stands where loading failed: what follows is not to be taken for another `load`."""
    raise RuntimeError("the worker process has loaded nothing: its load failed")


def _bound(memory_bytes: int) -> None:
    """No core files, and only so much memory: beyond it an allocation fails, where the system holds to it (Linux)."""
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, memory_bytes)):
        with suppress(ValueError, OSError):  # a stricter bound is in place
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def _answer(work: Callable[[Any], object], message: bytes) -> bytes:
    """A pickle of (None, result) or of (error, its traceback)."""
    try:
        return pickle.dumps((None, work(pickle.loads(message))))
    except Exception as error:
        return _failure(error, traceback.format_exc())


def _failure(error: Exception, told: str) -> bytes:
    """The error itself, or, where it cannot be pickled, one with the same sentence."""
    try:
        answer = pickle.dumps((error, told))
        pickle.loads(answer)
    except Exception:
        return pickle.dumps((RuntimeError(f"{type(error).__name__}: {error}"), told))
    return answer
