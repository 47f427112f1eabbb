"""Samples in turn by the monotonic clock, and what they say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from levit_mobile.timing import samples


def test_each_round_calls_all_once_and_warmup_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    now = iter(range(0, 10**12, 10**6))  # a millisecond a look
    monkeypatch.setattr("time.perf_counter_ns", lambda: next(now))
    found = samples.interleaved({name: lambda name=name: called.append(name) for name in "abc"}, rounds=3, warmup=2)  # type: ignore[misc]
    assert [sorted(called[start : start + 3]) for start in range(0, 15, 3)] == [list("abc")] * 5
    assert found == dict.fromkeys("abc", (1.0, 1.0, 1.0))


def test_who_runs_before_whom_is_drawn_anew_each_round() -> None:
    called: list[str] = []
    calls = {name: lambda name=name: called.append(name) for name in "abc"}  # type: ignore[misc]
    samples.interleaved(calls, rounds=200, warmup=0)
    pairs = list(itertools.pairwise(called))
    assert all(pairs.count(pair) > 60 for pair in itertools.permutations("abc", 2))
    again = called.copy()
    called.clear()
    samples.interleaved(calls, rounds=200, warmup=0)
    assert called == again


def test_only_the_call_itself_is_in_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0]
    monkeypatch.setattr("time.perf_counter_ns", lambda: clock[0])

    def wait(ns: int) -> None:
        clock[0] += ns

    found = samples.interleaved({"fast": lambda: wait(2_000_000), "slow": lambda: wait(5_000_000)}, rounds=2, warmup=1)
    assert found == {"fast": (2.0, 2.0), "slow": (5.0, 5.0)}


def test_rounds_are_shared_by_the_processes() -> None:
    assert [samples.shares(4, 2), samples.shares(7, 3), samples.shares(2, 3)] == [[2, 2], [2, 2, 3], [1, 1]]


def test_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="rounds is 0, expected 1 or more"):
        samples.interleaved({"a": lambda: None}, rounds=0)


def test_a_candidate_that_fails_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        samples.interleaved({"a": lambda: 1 / 0}, rounds=1, warmup=0)


def test_an_outlier_moves_the_spread_little() -> None:
    disturbed = [*([5.0, 5.1] * 20)[:-1], 500.0]
    assert samples.spread(disturbed) < samples.NOISY < samples.spread([4.0, 5.0, 6.0] * 10)


# What samples come to


def test_a_summary_has_the_percentiles_of_its_samples() -> None:
    found = samples.Summary.of([float(value) for value in range(1, 102)])
    assert found == samples.Summary(1, 51, 91, 100, 50)
    assert found.pictures_per_second == pytest.approx(1000 / 51)
    assert found.noisy
    assert samples.Summary.of([]) is None


def test_few_samples_have_no_99th_percentile() -> None:
    few, many = samples.Summary.of([1.0, 1.01] * 49), samples.Summary.of([1.0, 1.01] * 50)
    assert few is not None
    assert many is not None
    assert (few.p99_ms, many.p99_ms) == (None, 1.01)
    assert not few.noisy


def test_150_rounds_follow_5_of_warmup_by_default() -> None:
    called: list[None] = []
    found = samples.interleaved({"a": lambda: called.append(None)})
    assert (len(found["a"]), len(called)) == (150, 155)


def test_the_order_of_each_round_is_the_generators() -> None:
    def order(**given: np.random.Generator) -> list[str]:
        called: list[str] = []
        calls = {name: lambda name=name: called.append(name) for name in "abc"}  # type: ignore[misc]
        samples.interleaved(calls, rounds=4, warmup=0, **given)
        return called

    for seed, given in ((7, {"drawn": np.random.default_rng(7)}), (0, {})):
        expected = np.random.default_rng(seed)
        assert order(**given) == ["abc"[place] for _ in range(4) for place in expected.permutation(3)]


@pytest.mark.parametrize(("iqr_ms", "noisy"), [(0.0, False), (0.25, False), (0.26, True), (math.nan, True)])
def test_above_a_tenth_of_the_median_the_spread_is_noise(iqr_ms: float, noisy: bool) -> None:
    found = samples.Summary(2.0, 2.5, 3.0, None, iqr_ms)
    assert found.noisy is noisy
    assert found.spread == pytest.approx(iqr_ms / 2.5, nan_ok=True)


def test_no_time_at_all_has_no_spread() -> None:
    nothing = samples.Summary(0.0, 0.0, 0.0, None, 0.0)
    assert (nothing.spread, nothing.pictures_per_second, samples.spread([])) == (0.0, 0.0, 0.0)
