"""Items sent to the workers of a Dask cluster a few ahead, and their results in the order of the items."""

from __future__ import annotations

import pickle
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from levit_mobile.cluster import remote
from levit_mobile.cluster.files import Packed
from levit_mobile.cluster.remote import Run, Unprepared
from levit_mobile.cluster.versions import require_same_on, require_same_source
from levit_mobile.errors import ClusterError
from levit_mobile.system.workers import AHEAD

LOST_S = 60.0  # without a worker, or without the scheduler, until the run fails
LOOK_S = 1.0  # between two looks at the cluster
SHOWN = 6  # workers in the sentence about them

Result = TypeVar("Result")
Repack = Callable[[Any, Exception], Any]
Heard = Callable[[int, str], None]
Arrived = Callable[[int, Any], None]


def unheard(finished: int, about: str) -> None:
    """The default: nobody listens."""


def results(
    workers: Workers, items: Iterator[Any], repack: Repack | None, heard: Heard, arrived: Arrived | None
) -> Generator[Any, None, None]:
    """The results of `Cluster.spread`, which says more. Whatever ends it, nothing goes on anywhere afterwards."""
    work = _Work(workers, items, repack, heard, arrived or (lambda _number, _result: None))
    try:
        yield from work.results()
    finally:
        work.end()


@dataclass(slots=True)
class Workers:
    """The machines of one run: those that were prepared for it, and what became of the others."""

    client: Any
    packed: Packed
    run: Run
    threads: int = 0
    _alone_since: float | None = None

    def prepare(self, addresses: Sequence[str]) -> None:
        """Compare versions, send what each worker lacks, and announce the run. Raises ClusterError."""
        require_same_on(self.client, addresses)
        for address, source in self._on(addresses, remote.source).items():
            require_same_source(address, source, remote.source())
        lacking = self._on(addresses, remote.lacking, self.run.files)
        for sha256, name in self.run.files.items():
            if there := [address for address, missing in lacking.items() if sha256 in missing]:
                self._on(there, remote.store, sha256, name, self.packed.content(sha256))
        self._on(addresses, remote.begin, self.run)

    def _on(self, addresses: Sequence[str], call: Callable[..., Any], *values: Any) -> dict[str, Any]:
        """What a call gives on each worker, without those that were lost meanwhile. Raises ClusterError."""
        found = self.client.run(call, *values, workers=list(addresses), on_error="return")
        for address, one in found.items():
            if isinstance(one, Exception) and not _is_loss(one):
                raise ClusterError(
                    f"the worker {address} could not be prepared for the run: {one}; correct that, or stop the worker",
                    fault="not-sent",
                ) from one
        return {address: one for address, one in found.items() if not isinstance(one, Exception)}

    def look(self) -> None:
        """Count threads. Raises ClusterError when there has been nobody for too long."""
        self.threads = sum(self.client.nthreads().values()) if self.client.status == "running" else 0
        if self.threads:
            self._alone_since = None
            return
        self._alone_since = self._alone_since or time.monotonic()
        if time.monotonic() - self._alone_since > LOST_S:
            raise self._lost()

    def _lost(self) -> ClusterError:
        if self.client.status != "running":
            return scheduler_lost()
        return ClusterError(
            f"all workers were lost, and none came back within {LOST_S:g} s: start some, and repeat the command",
            fault="workers-lost",
        )

    def addresses(self) -> list[str]:
        return list(self.client.nthreads())

    def end(self) -> None:
        """End the run's processes on all workers that can be reached."""
        with suppress(Exception):  # whatever keeps them from ending cannot be helped from here
            self.client.run(remote.end, self.run.id, on_error="ignore")


def scheduler_lost() -> ClusterError:
    """The error for a connection that ended."""
    return ClusterError(
        "the connection to the scheduler was lost: see whether it runs, and repeat the command",
        fault="scheduler-lost",
    )


def _is_loss(error: Exception) -> bool:
    """A worker that has left, rather than one that refused."""
    from distributed.comm.core import CommClosedError

    return isinstance(error, CommClosedError | TimeoutError | ConnectionError)


@dataclass(slots=True)
class _Work:
    """Items on their way; what comes back early waits for those before it."""

    workers: Workers
    items: Iterator[Any]
    repack: Repack | None
    heard: Heard
    announce: Arrived
    given: dict[int, Any] = field(default_factory=dict)  # number -> item, until its result is here
    futures: dict[int, Any] = field(default_factory=dict)
    early: dict[int, Any] = field(default_factory=dict)  # number -> result or error
    by_worker: Counter[str] = field(default_factory=Counter)
    done: SimpleQueue[int] = field(default_factory=SimpleQueue)
    keys: Iterator[int] = field(default_factory=count)
    drawn: int = 0
    failed: bool = False
    looked_at: float = 0.0

    def results(self) -> Iterator[Any]:
        self.workers.prepare(self.workers.addresses())
        self.workers.look()
        number = 0
        while self.fill() or number < self.drawn:
            while number not in self.early:
                self.wait()
                self.fill()
            yield _released(self.early.pop(number))
            number += 1

    def fill(self) -> bool:
        """Draw items until every thread has its share; False where none is left."""
        while not self.failed and len(self.given) < AHEAD * max(1, self.workers.threads):
            try:
                item = next(self.items)
            except StopIteration:
                return False
            self.give(self.drawn, item)
            self.drawn += 1
        return not self.failed

    def give(self, number: int, item: Any) -> None:
        self.given[number] = item
        client, run = self.workers.client, self.workers.run
        future = client.submit(
            remote.ask, run.id, pickle.dumps(item), key=f"levit-mobile-{run.id}-{next(self.keys)}", pure=False
        )
        self.futures[number] = future
        future.add_done_callback(lambda _: self.done.put(number))

    def wait(self) -> None:
        """Until something comes back, or it is time to look at the cluster."""
        try:
            number = self.done.get(timeout=LOOK_S)
        except Empty:
            self.look()
            return
        if number in self.futures:
            self.take(number, self.futures.pop(number))
        if time.monotonic() - self.looked_at > LOOK_S:
            self.look()

    def take(self, number: int, future: Any) -> None:
        """A result, an error, or an item to be given once more."""
        try:
            address, result = future.result()
        except Exception as error:
            self.take_error(number, error)
            return
        del self.given[number]
        self.by_worker[address] += 1
        self.early[number] = result
        self.announce(number, result)

    def take_error(self, number: int, error: Exception) -> None:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError

        item = self.given.pop(number)
        if isinstance(error, Unprepared):
            self.workers.prepare([str(error)])
            self.give(number, item)
        elif isinstance(error, FutureCancelledError | CommClosedError):  # the scheduler has gone, or what it knew
            raise scheduler_lost() from error
        elif (again := self.repacked(item, error)) is not None:
            self.give(number, again)
        else:
            self.failed = True
            self.early[number] = _killed(error) if isinstance(error, KilledWorker) else error

    def repacked(self, item: Any, error: Exception) -> Any:
        """None where there is nothing else to try."""
        return self.repack(item, error) if self.repack is not None else None

    def look(self) -> None:
        self.looked_at = time.monotonic()
        try:
            self.workers.look()
            about = self.about()
        except OSError as error:  # dask.distributed's own errors of a connection are such
            raise scheduler_lost() from error
        self.heard(self.drawn - len(self.given), about)

    def about(self) -> str:
        """What each worker has done and does."""
        busy = {address: len(keys) for address, keys in self.workers.client.processing().items()}
        listed = [f"{_host(one)} did {self.by_worker[one]}, runs {held}" for one, held in sorted(busy.items())]
        rest = f", and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        return f"{len(listed)} worker{'s' if len(listed) > 1 else ''}: {', '.join(listed[:SHOWN])}{rest}"

    def end(self) -> None:
        """Nothing of it goes on anywhere."""
        with suppress(Exception):
            self.workers.client.cancel(list(self.futures.values()), force=True)
        self.futures.clear()
        self.workers.end()


def _released(found: Any) -> Any:
    if isinstance(found, Exception):
        raise found
    return found


def _killed(error: Exception) -> ClusterError:
    lost = ClusterError(
        f"the same work ended several workers, the last at {error.last_worker.address}: look at the logs of the "  # type: ignore[attr-defined]
        "workers, which may have run out of memory",
        fault="workers-lost",
    )
    lost.__cause__ = error
    return lost


def _host(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return "this machine" if scheme == "inproc" else rest
