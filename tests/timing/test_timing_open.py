"""An artifact whose shape is set at run time: what becomes of it where it cannot run at the golden images' size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from levit_mobile.errors import ArtifactError
from levit_mobile.interfaces.inspection import Port
from levit_mobile.interfaces.runner import InputForm
from levit_mobile.timing import bench
from levit_mobile.timing.feeding import Foreign
from levit_mobile.timing.jobs import Job

OPEN = Port("x", "float32", (1, -1, -1, 3), ranges=((1, 1), (1, None), (1, None), (3, 3)))
FIXED = Port("x", "float32", (1, 8, 8, 3))


@pytest.mark.parametrize(("port", "broken"), [(OPEN, False), (FIXED, True)])
def test_what_fails_at_a_shape_of_ours_is_not_broken(port: Port, broken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network may take some sizes only, which its file does not say."""

    def spread(*_: object, **__: object) -> Iterator[Any]:
        raise ArtifactError("the runtime could not run the artifact: 12 != 16", fault="failed")

    monkeypatch.setattr(bench, "spread", spread)
    job = Job("x", Path("x.tflite"), "tflite", foreign=Foreign(port, (), InputForm((1, 8, 8, 3))))
    state = bench.CandidateState(job)
    bench._start_once(state, None, None)
    assert state.refused == broken
    assert "12 != 16" in str(state.not_run)
    assert ("it does not run at [1, 8, 8, 3], a shape that it leaves to the run" in str(state.not_run)) != broken
