"""Whether a cluster has the packages that this machine has: other versions may give other logits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from levit_mobile.errors import ClusterError
from levit_mobile.system.files import Sha256

OF_SCHEDULER = ("python", "dask", "distributed")
OF_WORKERS = (
    *OF_SCHEDULER,
    "levit-mobile",
    "torch",
    "numpy",
    "pillow",
    "executorch",
    "ai-edge-litert",
    "coremltools",
)

PACKAGES = [name for name in OF_WORKERS if name != "python"]  # Dask states Python's without being asked

Versions = Mapping[str, str | None]


def require_same_on(client: Any, workers: Iterable[str] | None = None) -> None:
    """Ask a Dask client for the versions of all machines, and compare them as `require_same` does."""
    require_same(client.get_versions(packages=PACKAGES), workers)


def require_same(found: Mapping[str, Any], workers: Iterable[str] | None = None) -> None:
    """Compare what dask.distributed's `Client.get_versions` returned with this machine.

    Args:
        found: The versions of the scheduler, the workers and the client.
        workers: Addresses of the workers to look at. Default: all.

    Raises:
        ClusterError: Some differ (``cluster.versions``).
    """
    here = _packages(found["client"])
    _require("the scheduler", _packages(found["scheduler"]), here, OF_SCHEDULER)
    for address in found["workers"] if workers is None else workers:
        if address in found["workers"]:
            _require(f"the worker {address}", _packages(found["workers"][address]), here, OF_WORKERS)


def require_same_source(address: str, there: Sha256, here: Sha256) -> None:
    """Compare the digests of this package's code. Raises ClusterError when they differ (``cluster.versions``)."""
    if there != here:
        raise ClusterError(
            f"the worker {address} has levit-mobile with source code whose sha256 begins with {there[:12]}, expected "
            f"{here[:12]} as on this machine: install the same source there, and start the worker again",
            fault="versions",
        )


def _packages(of: Mapping[str, Any] | None) -> Versions:
    return (of or {}).get("packages", {})  # type: ignore[no-any-return]


def _require(who: str, there: Versions, here: Versions, names: Iterable[str]) -> None:
    differing = [name for name in names if there.get(name) != here.get(name)]
    if differing:
        raise ClusterError(
            f"{who} has {_listed(there, differing)}, expected {_listed(here, differing)} as on this machine: "
            "install the same versions there",
            fault="versions",
        )


def _listed(versions: Versions, names: Iterable[str]) -> str:
    return ", ".join(f"{name} {_short(versions.get(name))}" for name in names)


def _short(version: str | None) -> str:
    """`3.11.9.final.0` is how Dask writes Python's."""
    return version.removesuffix(".final.0") if version else "(not installed)"
