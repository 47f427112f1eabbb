"""Samples in turn by the monotonic clock, and what they say."""

from __future__ import annotations

import numpy as np
import pytest

from levit_mobile.timing import samples


def test_each_round_calls_all_in_turn_and_warmup_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    now = iter(range(0, 10**12, 10**6))  # a millisecond a look
    monkeypatch.setattr("time.perf_counter_ns", lambda: next(now))
    found = samples.interleaved({name: lambda name=name: called.append(name) for name in "ab"}, rounds=3, warmup=2)  # type: ignore[misc]
    assert called == list("ab") * 5
    assert found == {"a": (1.0, 1.0, 1.0), "b": (1.0, 1.0, 1.0)}


def test_only_the_call_itself_is_in_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0]
    monkeypatch.setattr("time.perf_counter_ns", lambda: clock[0])

    def wait(ns: int) -> None:
        clock[0] += ns

    found = samples.interleaved({"fast": lambda: wait(2_000_000), "slow": lambda: wait(5_000_000)}, rounds=2, warmup=1)
    assert found == {"fast": (2.0, 2.0), "slow": (5.0, 5.0)}


def test_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="0 rounds, expected 1 or more"):
        samples.interleaved({"a": lambda: None}, rounds=0)


def test_a_candidate_that_fails_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        samples.interleaved({"a": lambda: 1 / 0}, rounds=1, warmup=0)


def test_a_ratio_is_of_medians_and_its_interval_holds_it() -> None:
    drawn = np.random.default_rng(1).normal(size=(2, 60))
    found = samples.ratio(3 + 0.1 * drawn[0], 6 + 0.1 * drawn[1])
    assert found.middle == pytest.approx(0.5, abs=0.02)
    assert 0.47 < found.low < found.middle < found.high < 0.53
    assert samples.ratio(3 + 0.1 * drawn[0], 6 + 0.1 * drawn[1]) == found


def test_the_interval_is_wider_where_samples_are() -> None:
    drawn = np.random.default_rng(1).normal(size=(2, 60))
    narrow, wide = (samples.ratio(5 + by * drawn[0], 5 + by * drawn[1]) for by in (0.01, 1))
    assert wide.high - wide.low > 20 * (narrow.high - narrow.low)


def test_an_outlier_moves_neither_ratio_nor_spread_much() -> None:
    steady = [5.0, 5.1] * 20
    disturbed = [*steady[:-1], 500.0]
    assert samples.ratio(disturbed, steady).middle == pytest.approx(1, abs=0.02)
    assert samples.spread(disturbed) < samples.NOISY < samples.spread([4.0, 5.0, 6.0] * 10)
