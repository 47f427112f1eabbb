"""Addresses that are none, schedulers and workers that are not there, and workers with other packages."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from support import dask_processes
from support.refusals import refused

from levit_mobile.cluster import connect, spread, versions
from levit_mobile.cluster.connect import open_cluster
from levit_mobile.cluster.spread import Workers
from levit_mobile.errors import ClusterError

HERE = {
    "python": "3.11.9.final.0",
    "dask": "2026.8.0",
    "distributed": "2026.8.0",
    "levit-mobile": "0.1.0",
    "torch": "2.13.0",
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "WAIT_S", 0.5)


@pytest.mark.parametrize(
    "address",
    ["", "local", "local:0", "local:-1", "local:x", "10.0.0.1:8786", "tcp://10.0.0.1", "http://a:80", "tcp://:1"],
)
def test_an_address_that_is_none(address: str) -> None:
    with refused(ClusterError, "cluster.address", repr(address), "tcp://HOST:PORT", "local:N"), open_cluster(address):
        pass


def test_without_dask_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        refused(ClusterError, "cluster.not-installed", "pip install 'levit-mobile[cluster]'"),
        open_cluster("local:1"),
    ):
        pass


@pytest.mark.usefixtures("impatient")
def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{bound.getsockname()[1]}"
        with refused(ClusterError, "cluster.no-scheduler", address, "0.5 s", "dask scheduler"), open_cluster(address):
            pass


# A scheduler of its own


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dask_processes.scheduler(tmp_path_factory.mktemp("scheduler")) as address:
        yield address


@pytest.mark.slow
def test_a_scheduler_without_workers(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "WAIT_S", 5.0)
    with refused(ClusterError, "cluster.no-workers", scheduler, f"dask worker {scheduler}"), open_cluster(scheduler):
        pass


@pytest.mark.slow
def test_a_worker_with_another_torch_is_refused_with_both_lists(scheduler: str, tmp_path: Path) -> None:
    for name in ("torch", "numpy"):
        about = tmp_path / "other" / f"{name}-9.9.dist-info" / "METADATA"
        about.parent.mkdir(parents=True)
        about.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    environment = {"PYTHONPATH": str(tmp_path / "other")}
    with dask_processes.worker(scheduler, tmp_path / "worker", environment=environment):
        facts = "torch 9.9, numpy 9.9", f"torch {version('torch')}, numpy {version('numpy')}", "the worker tcp://"
        with refused(ClusterError, "cluster.versions", *facts), open_cluster(scheduler):
            pass


@pytest.mark.slow
def test_workers_that_are_lost_for_good(scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "LOST_S", 1.0)
    with dask_processes.worker(scheduler, tmp_path / "worker") as number, open_cluster(scheduler) as cluster:
        found = cluster.spread(partial(partial, time.sleep), iter([0.2] * 1000))
        next(found)
        dask_processes.kill(number)
        with refused(ClusterError, "cluster.workers-lost", "all workers were lost", "within 1 s"):
            list(found)


@pytest.mark.slow
def test_a_scheduler_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "LOST_S", 1.0)
    with (
        dask_processes.scheduler(tmp_path) as address,
        dask_processes.worker(address, tmp_path / "worker"),
        open_cluster(address) as cluster,
    ):
        found = cluster.spread(partial(partial, time.sleep), iter([0.2] * 1000))
        next(found)
        dask_processes.kill(int((tmp_path / "number").read_text()))
        with refused(ClusterError, "cluster.scheduler-lost", "connection to the scheduler was lost"):
            list(found)


# What is compared


def found(**changed: Any) -> dict[str, Any]:
    """As Dask gives versions, with one worker's changed."""
    packages = {name: {"packages": dict(HERE)} for name in ("a", "b")}
    packages["b"]["packages"] |= changed
    return {"client": {"packages": HERE}, "scheduler": {"packages": HERE}, "workers": packages}


def test_equal_versions_pass() -> None:
    versions.require_same(found())


def test_only_what_differs_is_listed_and_a_missing_package_is_named() -> None:
    with pytest.raises(ClusterError) as caught:
        versions.require_same(found(python="3.12.1.final.0", torch=None))
    assert str(caught.value) == (
        "the worker b has python 3.12.1, torch (not installed), expected python 3.11.9, torch 2.13.0 as on this "
        "machine: install the same versions there"
    )


def test_a_worker_that_is_not_asked_for_is_not_looked_at() -> None:
    versions.require_same(found(torch="1.0"), ["a"])


def test_the_scheduler_needs_the_same_dask_and_no_torch() -> None:
    scheduler = {"packages": {name: HERE[name] for name in versions.OF_SCHEDULER}}
    versions.require_same(found() | {"scheduler": scheduler})
    with refused(ClusterError, "cluster.versions", "the scheduler has dask 2025.1", "expected dask 2026.8.0"):
        versions.require_same(found() | {"scheduler": {"packages": scheduler["packages"] | {"dask": "2025.1"}}})


def test_other_source_of_the_same_version_is_refused() -> None:
    versions.require_same_source("a", "00" * 32, "00" * 32)
    with refused(ClusterError, "cluster.versions", "the worker a", "0a0a0a0a0a0a", "0b0b0b0b0b0b"):
        versions.require_same_source("a", "0a" * 32, "0b" * 32)


def test_a_worker_that_cannot_keep_a_file_is_named() -> None:
    class Full:
        def run(self, *_: object, **__: object) -> dict[str, Exception]:
            return {"tcp://a:1": OSError(28, "No space left on device")}

    workers = Workers(Full(), None, None)  # type: ignore[arg-type]
    with refused(ClusterError, "cluster.not-sent", "the worker tcp://a:1", "No space left on device"):
        workers._on(["tcp://a:1"], print)
