"""A run on this machine of what no runtime here can run: a record with the reason, without starting anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.small_bundles import bundle

from levit_mobile.timing import bench as timing_bench
from levit_mobile.timing.bench import BenchOptions, bench


def test_a_run_without_any_times_is_a_record_with_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    job_of = timing_bench.job_of
    monkeypatch.setattr(timing_bench, "job_of", lambda *about: (job_of(*about)[0], "no such runtime"))
    (timing,) = bench([tmp_path / "a"], options=BenchOptions(rounds=2, starts=1)).timings
    assert (timing.not_run, timing.parity.verdict) == ("no such runtime", "not run")
    assert (timing.name, timing.threads, timing.samples_ms) == ("a", 1, ())
