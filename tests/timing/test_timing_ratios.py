"""Ratios of times: their intervals cover what they claim, over processes and not over rounds."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t, ttest_1samp, ttest_ind

from levit_mobile.timing.ratios import PROCESSES, T_975, Ratio, across, by_process, change, ratio, t_975, told
from levit_mobile.timing.samples import ROUNDS

Times = NDArray[np.float64]  # [artifact, repetition, process, round], in ms
RUNS, FEW = 500, 120  # repetitions: a coverage of 95% is then known to 1%, and to 2%


def simulated(runs: int, effect: float, *, artifacts: int = 2, processes: int = PROCESSES, seed: int = 0) -> Times:
    """Runs of artifacts that take 3 ms, in which each process makes each artifact `effect` slower or faster.

    Rounds have noise that artifacts share, noise of their own with a heavy tail to the right, and a process drifts by
    up to 3% while it lives.
    """
    drawn, rounds = np.random.default_rng(seed), ROUNDS // PROCESSES
    shape = (artifacts, runs, processes, rounds)
    of_process = effect * drawn.normal(size=(*shape[:3], 1))
    shared, own = 0.03 * drawn.normal(size=shape[1:]), 0.01 * drawn.normal(size=shape)
    tail = np.where(drawn.random(shape) < 0.08, drawn.exponential(0.25, shape), 0)
    drift = 0.03 * drawn.random((*shape[1:3], 1)) * np.linspace(0, 1, rounds)
    made: Times = 3 * np.exp(of_process + shared + own + tail + drift)
    return made


def coverage(found: list[Ratio], truth: float = 1.0) -> float:
    """The share of the intervals that hold the truth."""
    assert all(one.low is not None and one.high is not None for one in found)
    return float(np.mean([one.low <= truth <= one.high for one in found]))  # type: ignore[operator]


def by_rounds(ours: Times, against: Times) -> Ratio:
    """The naive interval: a percentile bootstrap that draws 150 rounds out of 150, whichever process they are of."""
    index = np.random.default_rng(0).integers(ROUNDS, size=(200, ROUNDS))
    first, second = (np.median(times.ravel()[index], axis=1) for times in (ours, against))
    low, high = np.quantile(first / second, [0.025, 0.975])
    return Ratio(float(np.median(ours) / np.median(against)), float(low), float(high), (len(ours),))


@pytest.mark.parametrize("effect", [0.0, 0.01, 0.03])
@pytest.mark.parametrize("processes", [PROCESSES, 3])
def test_an_interval_covers_the_truth_as_often_as_it_claims(effect: float, processes: int) -> None:
    ours, against = simulated(RUNS, effect, processes=processes)
    assert 0.90 <= coverage([ratio(*pair) for pair in zip(ours, against, strict=True)]) <= 0.98  # type: ignore[arg-type]


@pytest.mark.parametrize(("effect", "most"), [(0.01, 0.80), (0.03, 0.60)])
def test_rounds_as_the_sample_cover_far_less(effect: float, most: float) -> None:
    """The simulation sees the fault: intervals that claim 95% and ignore the processes miss much too often."""
    assert coverage([by_rounds(*pair) for pair in zip(*simulated(FEW, effect), strict=True)]) < most


def test_every_round_as_a_process_of_its_own_covers_far_less() -> None:
    pairs = zip(*simulated(50, 0.03), strict=True)
    apart = [[[[time] for time in one.ravel()] for one in pair] for pair in pairs]
    assert coverage([ratio(*pair) for pair in apart]) < 0.75


@pytest.mark.parametrize("effect", [0.0, 0.01, 0.03])
def test_two_runs_are_compared_at_the_same_coverage(effect: float) -> None:
    (now, by), (then, by_then) = (simulated(RUNS, effect, seed=seed) for seed in (1, 2))
    slower = 1.2  # and for `change` the machine of the first run takes three times as long
    pairs = zip(3 * slower * now, 3 * by, then, by_then, strict=True)
    found = [change((a, b), (c, d)) for a, b, c, d in pairs]  # type: ignore[arg-type]
    assert 0.90 <= coverage(found, slower) <= 0.98
    found = [across(a, c) for a, c in zip(slower * now, then, strict=True)]  # type: ignore[arg-type]
    assert 0.90 <= coverage(found, slower) <= 0.98


# Against scipy


def test_the_quantiles_are_scipys() -> None:
    for degrees in (*range(1, 61), 100, 10_000):
        assert t_975(degrees) == pytest.approx(t.ppf(0.975, degrees), abs=2e-4), degrees
    assert (t_975(1), t_975(30)) == (T_975[0], T_975[29])  # as printed, and not by the expansion
    assert (t_975(4.99), t_975(0.5), t_975(math.inf)) == (t_975(4), t_975(1), t_975(1))


def logs(samples: Times) -> Times:
    return np.log(np.median(samples, axis=1))


def test_the_interval_of_one_run_is_students_over_its_processes() -> None:
    ours, against = simulated(1, 0.02)[:, 0]
    found, expected = ratio(ours, against), ttest_1samp(logs(ours) - logs(against), 0)  # type: ignore[arg-type]
    low, high = np.exp(expected.confidence_interval(0.95))
    assert (found.low, found.high) == (pytest.approx(low, rel=1e-4), pytest.approx(high, rel=1e-4))
    assert found.middle == pytest.approx(math.sqrt(low * high), rel=1e-4)
    assert found.processes == (PROCESSES,)


def test_the_interval_of_two_runs_is_welchs_with_its_degrees_rounded_down() -> None:
    now, then = simulated(1, 0.02, seed=3)[:, 0]
    found, expected = across(now, then[:3]), ttest_ind(logs(now), logs(then[:3]), equal_var=False)  # type: ignore[arg-type]
    middle, degrees = logs(now).mean() - logs(then[:3]).mean(), expected.df
    reach = t.ppf(0.975, math.floor(degrees)) * middle / expected.statistic
    assert found.middle == pytest.approx(math.exp(middle))
    assert (found.low, found.high) == (
        pytest.approx(math.exp(middle - abs(reach)), rel=1e-4),
        pytest.approx(math.exp(middle + abs(reach)), rel=1e-4),
    )
    assert found.processes == (5, 3)


# Which samples belong together


def test_samples_are_cut_by_the_counts_and_without_counts_are_one_process() -> None:
    assert by_process((1.0, 2.0, 3.0, 4.0), (1, 3)) == ((1.0,), (2.0, 3.0, 4.0))
    assert by_process((1.0, 2.0), ()) == ((1.0, 2.0),)


def test_what_a_process_does_to_both_cancels_out_in_a_run_and_not_between_two() -> None:
    """Three processes, each slower than the one before as a whole."""
    ours = [[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]
    against = [[2.0, 2.0], [4.0, 4.0], [8.0, 8.0]]
    found = ratio(ours, against)
    assert (found.low, found.middle, found.high) == pytest.approx((0.5, 0.5, 0.5))
    apart = across(ours, against)
    assert apart.middle == pytest.approx(0.5)
    assert apart.low is not None
    assert apart.low < 0.2


def test_candidates_of_other_processes_are_independent() -> None:
    ours = [[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]
    found = ratio(ours, [[2.0], [4.0], [8.0]])
    assert found.processes == (3, 3)
    assert found == across(ours, [[2.0], [4.0], [8.0]])


def test_a_change_adds_up_what_varies_in_each_run() -> None:
    """By hand: logs of ratios -0.1, 0, 0.1 now and -0.2, 0, 0.2 then; the means vary by 1/300 and 4/300."""
    steady = [[1.0]] * 3
    now, then = ([[math.exp(by * step)] for step in (-1, 0, 1)] for by in (0.1, 0.2))
    found = change((now, steady), (then, steady))
    degrees = 5**2 / ((1 + 4**2) / 2)  # 2.94, rounded down to 2
    assert math.floor(degrees) == 2
    reach = 4.3027 * math.sqrt(5 / 300)
    assert found.processes == (3, 3)
    assert (found.low, found.middle, found.high) == pytest.approx((math.exp(-reach), 1.0, math.exp(reach)))


def test_a_change_between_a_run_and_itself_has_an_interval() -> None:
    """The two runs are drawn independently: the same samples twice do not cancel out."""
    ours, against = simulated(1, 0.02)[:, 0]
    found = change((ours, against), (ours, against))  # type: ignore[arg-type]
    assert found.middle == pytest.approx(1)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.98 < 1.02 < found.high


@pytest.mark.parametrize("compared", [ratio, across])
def test_one_process_gives_a_ratio_and_no_interval(compared: Callable[..., Ratio]) -> None:
    many = [[3.0, 3.1], [3.0, 3.1]]
    assert compared([[6.0, 6.2]], [[3.0, 3.1]]).middle == pytest.approx(2)
    for pair in (([[6.0]], [[3.0]]), (many, [[3.0]]), ([[3.0]], many)):
        found = compared(*pair)
        assert (found.low, found.high) == (None, None)


def test_a_disturbed_round_moves_little() -> None:
    steady = [[5.0, 5.1] * 10] * 5
    disturbed = [[*steady[0][:-1], 500.0], *steady[1:]]
    assert ratio(disturbed, steady).middle == pytest.approx(1, abs=0.005)


def test_a_time_of_zero_is_never_a_good_ratio() -> None:
    nothing, something = [[0.0], [0.0]], [[1.0], [1.0]]
    assert math.isnan(ratio(nothing, nothing).middle)
    assert ratio(something, nothing).middle == math.inf
    assert math.isnan(across(nothing, something).low or 0)


def test_the_processes_in_words() -> None:
    assert [told(counts) for counts in ((5,), (1,), (5, 3), (1, 1))] == [
        "5 processes",
        "1 process",
        "5 and 3 processes",
        "1 and 1 processes",
    ]
