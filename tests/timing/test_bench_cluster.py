"""The golden images of `bench` on a cluster: the files that travel, and the answers that come back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from levit_mobile.interfaces.runner import Placement
from levit_mobile.timing import bench, measure
from levit_mobile.timing.bench import CandidateState
from levit_mobile.timing.feeding import Answer
from levit_mobile.timing.jobs import Job
from levit_mobile.timing.measure import Start

PIXELS = np.zeros((2, 4, 4, 3), np.uint8)
THERE = {"as its contract says": [Answer(np.ones((2, 3), np.float32))]}


@pytest.mark.parametrize("data", [None, Path("constants.ptd")])
def test_the_answers_are_a_workers_and_the_times_are_this_machines(
    monkeypatch: pytest.MonkeyPatch, data: Path | None
) -> None:
    job = Job("one", Path("model.pte"), "executorch", Placement(data=data))
    asked: list[Any] = []

    def started(given: Any) -> Start:
        asked.append(given)
        return Start(1.0 + len(asked), 2.0, None, None, {} if given[1] is None else THERE)

    def spread(load: Any, items: Any, *, files: list[Path]) -> Any:
        assert files == [Path("model.pte"), *([data] if data else [])]
        return map(load(), items)

    monkeypatch.setattr(measure, "_started", started)
    monkeypatch.setattr(bench, "spread", lambda _, items, **__: map(started, items))
    cluster: Any = SimpleNamespace(address="tcp://a:1", spread=spread)
    state = CandidateState(job)
    bench._start_once(state, PIXELS, cluster)
    (start,) = state.starts
    assert (start.load_ms, start.answers) == (2.0, THERE)
    assert [given[1] is None for given in asked] == [True, False]
    assert state.notes == ["the golden images were run on the cluster tcp://a:1"]


def test_without_golden_images_the_cluster_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Start(1.0, 2.0, None, None, {})
    monkeypatch.setattr(bench, "spread", lambda *_, **__: [made])
    state = CandidateState(Job("one", Path("model.pte"), "executorch"))
    bench._start_once(state, None, SimpleNamespace())  # type: ignore[arg-type]
    assert state.starts == [made]
