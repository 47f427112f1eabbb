"""The connection to a Dask scheduler, or to processes of this machine that are used as one."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from levit_mobile.cluster.files import Packed
from levit_mobile.cluster.remote import Run
from levit_mobile.cluster.spread import Heard, Repack, Workers, results, unheard
from levit_mobile.cluster.versions import require_same_on
from levit_mobile.errors import ClusterError
from levit_mobile.system.files import Sha256
from levit_mobile.system.folders import temporary_folder
from levit_mobile.system.workers import TIMEOUT_S

LOCAL = re.compile(r"local:([1-9][0-9]{0,3})")
REMOTE = re.compile(r"(tcp|tls)://[^\s/]+:[0-9]{1,5}")
WAIT_S = 10.0  # for a scheduler to answer, and for its first worker

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A connection to other machines; ``open_cluster`` makes one.

    Attributes:
        address: The scheduler's address, or ``local:N``.
        client: The client of dask.distributed.
    """

    address: str
    client: Any

    @property
    def threads(self) -> int:
        """Number of items that the workers run at once now."""
        return sum(self.client.nthreads().values())

    def spread(
        self,
        load: Callable[[], Callable[[Any], Result]],
        items: Iterator[Any],
        *,
        files: Sequence[Path] = (),
        held: Mapping[Sha256, Any] | None = None,
        timeout_s: float = TIMEOUT_S,
        repack: Repack | None = None,
        heard: Heard = unheard,
        arrived: Callable[[int, Result], None] | None = None,
    ) -> Generator[Result, None, None]:
        """As `system.workers.spread`, over the workers of the cluster.

        Args:
            load: Runs once in every process; what it returns is called with each item. It is pickled.
            items: The items, which are pickled.
            files: Files and folders that `load` opens. They travel to each worker once, by their digests.
            held: Large objects in `load` that travel so too, by a digest of what they were made from.
            timeout_s: Longest time in seconds for one item.
            repack: Given an item and the error that it raised, returns an item to try in its place, or None.
            heard: Called as work advances with the number of finished items and a sentence about the workers.
            arrived: Called with each result and its number as soon as it is here, in any order.

        Yields:
            The results in the order of the items, however the workers finish them.

        Raises:
            ClusterError: The workers or the scheduler are lost (``cluster.workers-lost``, ``cluster.scheduler-lost``),
                a worker that joined has other versions (``cluster.versions``), or cannot keep a file
                (``cluster.not-sent``). What ``load`` and its result raise is raised as well.
        """
        packed = Packed(load, files, held or {})
        run = Run(uuid4().hex, packed.load, packed.names, timeout_s)
        return results(Workers(self.client, packed, run), items, repack, heard, arrived)


def cluster_of(given: str | Cluster | None) -> Any:
    """A context that has the open cluster, or None for None; one that was open before stays open."""
    return open_cluster(given) if isinstance(given, str) else nullcontext(given)


@contextmanager
def open_cluster(address: str) -> Iterator[Cluster]:
    """Connect to a Dask scheduler; the connection ends with the block.

    The scheduler and its workers are started by the user, as Dask's documentation describes, and keep running. Each
    worker needs the packages of this machine in the same versions.

    Args:
        address: ``tcp://host:port`` or ``tls://host:port`` of a scheduler, or ``local:N`` for N processes of this
            machine.

    Returns:
        A context manager that gives the connection.

    Raises:
        ClusterError: The address is malformed (``cluster.address``), dask.distributed is missing
            (``cluster.not-installed``), nothing answers within 10 s (``cluster.no-scheduler``), there are no workers
            (``cluster.no-workers``), or versions differ (``cluster.versions``).

    Example:
        >>> with levit_mobile.open_cluster("local:2") as cluster:
        ...     run = levit_mobile.validate("build/levit_128s-tflite-fp32", cluster=cluster)
    """
    local = LOCAL.fullmatch(address)
    if local is None and not REMOTE.fullmatch(address):
        raise ClusterError(
            f"{address!r} is not the address of a cluster, expected tcp://HOST:PORT of a Dask scheduler, or local:N "
            "for N processes on this machine",
            fault="address",
        )
    _require_installed()
    with _here(int(local[1])) if local else _there(address) as client:
        yield Cluster(address, client)


def _require_installed() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ClusterError(
            "dask.distributed is not installed; --cluster needs it: pip install 'levit-mobile[cluster]'",
            fault="not-installed",
        ) from error


@contextmanager
def _here(count: int) -> Iterator[Any]:
    """Scheduler and worker are threads of this process: every item has a process of its own anyway."""
    from distributed import Client, LocalCluster

    options = {
        "processes": False,
        "dashboard_address": "127.0.0.1:0",
        "memory_limit": None,
        "silence_logs": logging.CRITICAL,
    }
    with (
        temporary_folder() as folder,
        LocalCluster(n_workers=1, threads_per_worker=count, local_directory=str(folder), **options) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _there(address: str) -> Iterator[Any]:
    client = _client(address)
    try:
        _require_workers(client, address)
        require_same_on(client)
        yield client
    finally:
        client.close(timeout=WAIT_S)


def _client(address: str) -> Any:
    from distributed import Client

    try:
        with warnings.catch_warnings():  # of versions, which are compared after this
            warnings.simplefilter("ignore")
            return Client(address, timeout=WAIT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # a TimeoutError is an OSError
        raise ClusterError(
            f"no Dask scheduler answered at {address} within {WAIT_S:g} s: start one with `dask scheduler`, or correct "
            "the address",
            fault="no-scheduler",
        ) from error


def _require_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WAIT_S)
    except TimeoutError as error:
        raise ClusterError(
            f"the scheduler at {address} has no workers: start some with `dask worker {address}`", fault="no-workers"
        ) from error
