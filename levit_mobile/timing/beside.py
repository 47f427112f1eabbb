"""Artifacts of one target timed beside each other in several fresh processes, without a record of the run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from levit_mobile.system.workers import spread
from levit_mobile.timing.jobs import Job
from levit_mobile.timing.machine import pinned
from levit_mobile.timing.measure import turns
from levit_mobile.timing.ratios import PROCESSES
from levit_mobile.timing.samples import INFERENCE, ROUNDS, WARMUP, Samples, shares

NO_PICTURE = np.zeros((1, 1, 3), np.uint8)  # `end to end` begins with one, and only inference is timed here


def beside(
    artifacts: Mapping[str, Path],
    target: str,
    *,
    rounds: int = ROUNDS,
    warmup: int = WARMUP,
    processes: int = PROCESSES,
) -> dict[str, tuple[Samples, ...]]:
    """Time the runtime's own call of each artifact, on one thread and one core; each round calls all of them once.

    Args:
        artifacts: Name -> file, all of one target.
        target: The target's name.
        rounds: How many in all; the processes share them.
        warmup: Rounds before, in each process, which are not kept.
        processes: How many fresh processes load the artifacts, one after the other.

    Returns:
        Name -> samples in ms, by process.

    Raises:
        RunnerUnavailable, ToolchainMissing, ArtifactError: Nothing was timed.
    """
    jobs = tuple(Job(name, path, target) for name, path in artifacts.items())
    taken: list[dict[tuple[str, str], Samples]] = []
    with pinned(1):
        for seed, share in enumerate(shares(rounds, processes)):
            _, made = spread(partial(turns, jobs, NO_PICTURE, seed), [warmup, share], processes=1)
            taken.append(made)
    return {name: tuple(made[name, INFERENCE] for made in taken) for name in artifacts}
