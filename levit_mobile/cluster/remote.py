"""On a worker: files that came by digest, and the processes that run a client's items."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from levit_mobile.cluster.files import Content, file_of, loaded, stored
from levit_mobile.system.files import Sha256, digest, digest_bytes
from levit_mobile.system.workers import Crew, share_bytes

IDLE_S = 60.0  # until processes end whose client sends nothing more: it may have been killed
KEPT_ON = "levit_mobile"  # the attribute of a Dask worker that holds its Station


class Unprepared(Exception):
    """The worker, whose address this has, joined after the run began."""


@dataclass(frozen=True, slots=True)
class Run:
    """One client's work: the digest of its pickled `load`, and the names of that and of the files that it opens."""

    id: str
    load: Sha256
    files: Mapping[Sha256, str]
    timeout_s: float


@dataclass(slots=True)
class _RunHere:
    """The processes of one run on one worker. They are started when they are needed, and ended when they idle."""

    run: Run
    folder: Path
    memory_bytes: int
    _crew: Crew | None = None
    _asking: int = 0
    _has_ended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timer: threading.Timer | None = None

    def ask(self, item: bytes) -> Any:
        with self._asked() as crew:
            return crew.ask_within(item, self.run.timeout_s)

    @contextmanager
    def _asked(self) -> Iterator[Crew]:
        with self._lock:
            if self._has_ended:
                raise Unprepared
            if self._timer is not None:
                self._timer.cancel()
            self._asking += 1
            crew = self._crew = self._crew or Crew(self._load(), self.memory_bytes)
        try:
            yield crew
        finally:
            with self._lock:
                self._asking -= 1
                self._timer = threading.Timer(IDLE_S, self._rest)
                self._timer.daemon = True
                self._timer.start()

    def _load(self) -> bytes:
        places = {sha256: file_of(self.folder, sha256, name) for sha256, name in self.run.files.items()}
        return pickle.dumps(partial(loaded, places[self.run.load], places))

    def _rest(self) -> None:
        with self._lock:
            if not self._asking and self._crew is not None:
                self._crew.end()
                self._crew = None

    def end(self) -> None:
        with self._lock:
            self._has_ended, crew = True, self._crew
            if self._timer is not None:
                self._timer.cancel()
        if crew is not None:
            crew.end()


@dataclass(slots=True)
class Station:
    """What this package keeps on one Dask worker: its folder for files, and the runs that were announced to it."""

    folder: Path
    memory_bytes: int
    runs: dict[str, _RunHere] = field(default_factory=dict)

    @classmethod
    def of(cls, worker: Any) -> Station:
        """The station of a Dask worker."""
        threads = worker.state.nthreads
        made = cls(Path(worker.local_directory) / "levit-mobile", share_bytes(threads))
        station: Station = worker.__dict__.setdefault(KEPT_ON, made)
        return station


# Called by the client on each worker; Dask gives the worker


def source(*, dask_worker: Any = None) -> Sha256:  # noqa: ARG001
    """SHA-256 of this package's code: two states of it may have one version."""
    return _source()


@cache
def _source() -> Sha256:
    package = Path(__file__).parents[1]
    return digest_bytes(b"".join(digest(file).encode() for file in sorted(package.rglob("*.py"))))


def lacking(files: Mapping[Sha256, str], *, dask_worker: Any) -> frozenset[Sha256]:
    """Those of the files that never came here."""
    folder = Station.of(dask_worker).folder
    return frozenset(sha256 for sha256, name in files.items() if not file_of(folder, sha256, name).exists())


def store(sha256: Sha256, name: str, content: Content, *, dask_worker: Any) -> None:
    """Keep a file. Raises OSError when it cannot be written, ValueError when its digest is different."""
    stored(Station.of(dask_worker).folder, sha256, name, content)


def begin(run: Run, *, dask_worker: Any) -> None:
    """Announce a run, whose files are here."""
    station = Station.of(dask_worker)
    station.runs.setdefault(run.id, _RunHere(run, station.folder, station.memory_bytes))


def end(run_id: str, *, dask_worker: Any) -> None:
    """End a run and its processes, whatever they do."""
    found = Station.of(dask_worker).runs.pop(run_id, None)
    if found is not None:
        found.end()


def ask(run_id: str, item: bytes) -> tuple[str, Any]:
    """The task: the worker's address, and the result of one pickled item. Raises Unprepared, and what the item does."""
    from distributed import get_worker

    worker = get_worker()
    found = Station.of(worker).runs.get(run_id)
    if found is None:
        raise Unprepared(worker.address)
    return worker.address, found.ask(item)
