"""Slower than it was: in milliseconds on one machine, by a baseline on two; and what is undecided."""

from __future__ import annotations

import math
from typing import Any

import pytest
from support.refusals import refused
from support.timings import HOST, PIXEL, STEADY, run, slower
from support.timings import timing as in_one_process

from levit_mobile.errors import TimingError
from levit_mobile.timing.ratios import Ratio
from levit_mobile.timing.record import Timing, TimingRun
from levit_mobile.timing.regression import Slowdown, slowdowns

NAME = "levit_128s-tflite-int8"
OTHER = HOST.model_copy(update={"soc": "Another Processor"})


def timing(name: str = NAME, **facts: Any) -> Timing:
    """Ten samples of five processes."""
    counts = {} if facts.get("not_run") else {"process_samples": (2,) * 5}
    return in_one_process(name, **counts | facts)


def test_the_same_times_pass() -> None:
    (found,) = slowdowns(run(timing()), run(timing()))
    assert (found.name, found.ratio.middle, found.baseline) == (NAME, 1.0, None)
    assert found.broken(1.0) is None


def test_what_takes_longer_is_a_sentence_with_its_interval() -> None:
    (found,) = slowdowns(run(timing(samples_ms=slower(1.2))), run(timing()))
    assert found.broken(1.21) is None
    sentence = found.broken(1.1)
    assert sentence is not None
    assert sentence.startswith(f"{NAME} takes 1.200 (1.")
    assert sentence.endswith("95% interval over 5 and 5 processes) of its time in the baseline, expected at most 1.100")
    assert found.ratio.low is not None
    assert found.ratio.high is not None
    assert 1.19 < found.ratio.low < 1.2 < found.ratio.high < 1.21


@pytest.mark.parametrize(
    ("most", "broken", "undecided"),
    [
        (1.0499, True, False),  # the interval is above the bound
        (1.05, False, True),  # it begins at the bound
        (1.12, False, True),  # the ratio is above the bound, and so is half of the interval
        (1.1999, False, True),
        (1.2, False, False),  # it ends at the bound
        (1.3, False, False),
    ],
)
def test_only_an_interval_above_the_bound_is_broken_and_one_around_it_is_undecided(
    most: float, broken: bool, undecided: bool
) -> None:
    found = Slowdown("a", Ratio(1.125, 1.05, 1.2, (5, 5)), None)
    assert (found.broken(most) is not None, found.undecided(most) is not None) == (broken, undecided)


def test_an_undecided_one_says_what_decides_it() -> None:
    sentence = Slowdown("a", Ratio(1.1, 1.0, 1.2, (3, 5)), "stock").undecided(1.1)
    assert sentence == (
        "a takes 1.100 (1.000 to 1.200, 95% interval over 3 and 5 processes) of its time in the baseline beside stock; "
        "at most 1.100 is neither met nor missed: use more --rounds or --starts"
    )


def test_without_an_interval_nothing_is_decided() -> None:
    found = Slowdown("a", Ratio(1.5, None, None, (1, 5)), None)
    assert found.broken(1.1) is None
    assert "neither met nor missed" in str(found.undecided(1.1))


@pytest.mark.parametrize("middle", [math.nan, math.inf])
def test_a_ratio_that_is_no_number_breaks_every_bound(middle: float) -> None:
    for ratio in (Ratio(middle, math.nan, math.nan, (5, 5)), Ratio(middle, None, None, (1, 1))):
        assert Slowdown("a", ratio, None).broken(100) is not None
        assert Slowdown("a", ratio, None).undecided(100) is None


def test_an_artifact_of_no_time_breaks_every_bound() -> None:
    nothing = timing(samples_ms=(0.0,) * 10)
    (found,) = slowdowns(run(nothing), run(nothing))
    assert found.broken(100) is not None


@pytest.mark.parametrize(("now", "then"), [(timing(), in_one_process()), (in_one_process(), timing())])
def test_one_process_is_no_basis_for_a_comparison(now: Timing, then: Timing) -> None:
    """As in a record that does not count its samples by process."""
    with refused(TimingError, "timing.one-process", NAME, "1 process", "5 processes", "--starts 5"):
        slowdowns(run(now), run(then))


def test_milliseconds_of_another_machine_are_not_compared() -> None:
    facts = "baseline is from Another Processor", "this run from Sample EPYC", "--against"
    with refused(TimingError, "timing.other-machine", *facts):
        slowdowns(run(timing()), run(timing(), device=OTHER))


def pair(*, ours: float, yard: float, sha256: str = "aa") -> tuple[Timing, ...]:
    return timing(samples_ms=slower(ours)), timing("stock.tflite", sha256=sha256, samples_ms=slower(yard))


def test_a_yardstick_of_both_makes_machines_comparable() -> None:
    now = run(*pair(ours=3, yard=9), against=("stock.tflite",))
    then = run(*pair(ours=1, yard=3), against=("stock.tflite",), device=OTHER)
    (found,) = slowdowns(now, then)
    assert found.ratio.middle == pytest.approx(1)
    assert found.ratio.processes == (5, 5)
    assert found.baseline == "stock.tflite"
    (slow,) = slowdowns(run(*pair(ours=3.6, yard=9), against=("stock.tflite",)), then)
    assert "takes 1.200" in str(slow.broken(1.1))
    assert "beside stock.tflite" in str(slow.broken(1.1))


def test_a_yardstick_that_is_another_file_is_none() -> None:
    now = run(*pair(ours=3, yard=9), against=("stock.tflite",))
    then = run(*pair(ours=1, yard=3, sha256="bb"), against=("stock.tflite",), device=OTHER)
    with refused(TimingError, "timing.other-machine", "the same --against ARTIFACT"):
        slowdowns(now, then)


@pytest.mark.parametrize("known", [(), (timing("stock.tflite", samples_ms=(), not_run="no Mac"),)])
def test_a_yardstick_that_the_baseline_lacks_leaves_milliseconds(known: tuple[Timing, ...]) -> None:
    now = run(*pair(ours=1.5, yard=3), against=("stock.tflite",))
    (found,) = slowdowns(now, run(timing(), *known))
    assert (found.baseline, found.ratio.middle) == (None, pytest.approx(1.5))
    with refused(TimingError, "timing.other-machine", "the same --against ARTIFACT"):
        slowdowns(now, run(timing(), *known, device=OTHER))


def test_what_the_baseline_has_not_timed_is_named() -> None:
    with refused(TimingError, "timing.not-timed", NAME, "--out"):
        slowdowns(run(timing()), run(timing("another")))
    with refused(TimingError, "timing.not-timed", NAME):
        slowdowns(run(timing()), run(timing(samples_ms=(), not_run="no Mac")))
    with refused(TimingError, "timing.not-timed", "holds no times of one, two: "):
        slowdowns(run(timing("one"), timing(), timing("two")), run(timing()))


def test_what_the_baseline_has_timed_and_this_run_has_not_is_named() -> None:
    then = run(timing(), timing("gone"), timing("idle"), timing("stock"), against=("stock",))
    now = run(timing(), timing("idle", samples_ms=(), not_run="no Mac"), timing("new"))
    assert now.lacks(then) == ("gone", "idle")
    assert then.lacks(then) == then.lacks(now.model_copy(update={"timings": ()})) == ()
    assert now.lacks(run(timing("never", samples_ms=(), not_run="no Mac"))) == ()


def test_what_was_not_run_now_is_no_slowdown() -> None:
    assert slowdowns(run(timing(samples_ms=(), not_run="no Mac")), run(timing())) == ()


def test_other_threads_are_not_compared() -> None:
    with refused(TimingError, "timing.other-set-up", NAME, "4 threads, expected", "1 thread as in the baseline"):
        slowdowns(run(timing(threads=4)), run(timing()))


def test_runs_of_other_lengths_are_compared() -> None:
    longer = timing(samples_ms=STEADY * 3, process_samples=(10,) * 3)
    (found,) = slowdowns(run(longer), run(timing()))
    assert found.ratio.middle == pytest.approx(1, abs=0.01)
    assert found.ratio.processes == (3, 5)


@pytest.mark.parametrize("facts", [{"model": "arm64"}, {"cores": 3}])
def test_every_fact_of_the_machine_counts(facts: dict[str, Any]) -> None:
    with refused(TimingError, "timing.other-machine", *facts.values()):
        slowdowns(run(timing()), run(timing(), device=HOST.model_copy(update=facts)))
    assert slowdowns(run(timing()), run(timing(), device=HOST.model_copy(update={"os_build": "7.0"})))


def test_other_cores_of_a_phone_are_not_compared() -> None:
    def on(*cores: int) -> TimingRun:
        return run(timing(), timing("stock"), device=PIXEL, cores=cores, against=("stock",))

    with refused(TimingError, "timing.other-set-up", "pinned to core 4, 5", "the baseline to no core", "--cores"):
        slowdowns(on(4, 5), on())
    assert slowdowns(on(4, 5), on(4, 5))
    assert slowdowns(run(timing(), cores=(0,)), run(timing(), cores=(1,)))  # which `bench` draws


def test_another_shape_of_the_input_is_not_compared() -> None:
    small, large = timing(input_shape=(1, 64, 64, 3)), timing(input_shape=(1, 224, 224, 3))
    with refused(TimingError, "timing.other-set-up", NAME, "[1, 224, 224, 3]", "expected [1, 64, 64, 3]"):
        slowdowns(run(large), run(small))
    assert slowdowns(run(large), run(timing()))  # an earlier record has none


def test_a_baseline_at_another_shape_relates_no_two_machines() -> None:
    def at(side: int) -> TimingRun:
        return run(timing(), timing("stock", input_shape=(1, side, side, 3)), against=("stock",))

    assert [one.baseline for one in slowdowns(at(64), at(64))] == ["stock"]
    assert [one.baseline for one in slowdowns(at(64), at(224))] == [None]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"threads": None, "compute_units": "all"}, "xnnpack with the compute units all"),
        ({"accelerator": "gpu"}, "gpu with 1 thread"),
        ({"threads": 2}, "xnnpack with 2 threads"),
    ],
)
def test_what_computes_is_a_part_of_the_set_up(facts: dict[str, Any], words: str) -> None:
    with refused(TimingError, "timing.other-set-up", f"{words}, expected xnnpack with 1 thread as"):
        slowdowns(run(timing(**facts)), run(timing()))


def test_a_baseline_of_another_set_up_is_passed_over_for_the_next() -> None:
    def with_threads(first: int) -> tuple[Timing, ...]:
        return timing(), timing("stock", threads=first), timing("second")

    now = run(*with_threads(2), against=("stock", "second"))
    (found,) = slowdowns(now, run(*with_threads(1), device=OTHER))
    assert found.baseline == "second"
    (found,) = slowdowns(now, run(*with_threads(2), device=OTHER))
    assert found.baseline == "stock"


def test_a_baseline_without_samples_now_is_none() -> None:
    idle = timing("stock", samples_ms=(), not_run="no Mac")
    (found,) = slowdowns(run(timing(), idle, against=("stock",)), run(timing(), timing("stock")))
    assert found.baseline is None


def test_times_of_emulated_cores_are_not_compared_with_those_of_real_ones() -> None:
    emulated = HOST.model_copy(update={"emulated_cores": True})
    facts = "baseline is from Sample EPYC (x86_64, 2 emulated cores)", "this run from Sample EPYC (x86_64, 2 cores)"
    with refused(TimingError, "timing.other-machine", *facts):
        slowdowns(run(timing()), run(timing(), device=emulated))


def test_clocks_do_not_make_another_machine() -> None:
    """An earlier record does not have them."""
    known = HOST.model_copy(update={"core_max_khz": (3_000_000, 3_000_000)})
    (found,) = slowdowns(run(timing(), device=known), run(timing()))
    assert found.ratio.middle == 1.0
