"""Artifacts side by side in fresh processes: who gets which rounds, and whose samples are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from levit_mobile.timing import beside as module
from levit_mobile.timing.beside import beside
from levit_mobile.timing.jobs import Job
from levit_mobile.timing.measure import turns
from levit_mobile.timing.samples import END_TO_END, INFERENCE

ARTIFACTS = {"ours": Path("ours.pte"), "float32": Path("float32.pte")}
Spread = Callable[..., Iterator[dict[tuple[str, str], tuple[float, ...]]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked of each process; its samples are 1, 2, ... in the first process, 101, 102, ... in the next."""
    found: list[Any] = []

    def spread(load: partial[Any], rounds: list[int], *, processes: int) -> Iterator[dict[tuple[str, str], Any]]:
        jobs, picture, seed = load.args
        assert (picture.shape, picture.dtype.name) == ((1, 1, 3), "uint8")
        found.append((load.func, jobs, seed, rounds, processes))
        for count in rounds:
            taken = tuple(100.0 * seed + number for number in range(1, count + 1))
            yield {(job.name, what): taken for job in jobs for what in (INFERENCE, END_TO_END)}

    @contextmanager
    def pinned(count: int) -> Iterator[None]:
        found.append(count)
        yield

    monkeypatch.setattr(module, "spread", spread)
    monkeypatch.setattr(module, "pinned", pinned)
    return found


def test_processes_share_the_rounds_and_each_warms_up_by_itself(asked: list[Any]) -> None:
    found = beside(ARTIFACTS, "executorch", rounds=5, warmup=3, processes=2)
    jobs = tuple(Job(name, path, "executorch") for name, path in ARTIFACTS.items())
    assert asked == [1, (turns, jobs, 0, [3, 2], 1), (turns, jobs, 1, [3, 3], 1)]
    assert found == dict.fromkeys(ARTIFACTS, ((1.0, 2.0), (101.0, 102.0, 103.0)))


def test_five_processes_share_150_rounds_by_default(asked: list[Any]) -> None:
    found = beside(ARTIFACTS, "executorch")
    assert [one[3] for one in asked[1:]] == [[5, 30]] * 5
    assert {name: [len(part) for part in parts] for name, parts in found.items()} == dict.fromkeys(ARTIFACTS, [30] * 5)
