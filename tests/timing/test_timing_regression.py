"""Slower than it was: in milliseconds on one machine, by a baseline on two."""

from __future__ import annotations

import pytest
from support.refusals import refused
from support.timings import HOST, STEADY, run, slower, timing

from levit_mobile.errors import TimingError
from levit_mobile.timing.regression import slowdowns

NAME = "levit_128s-tflite-int8"
OTHER = HOST.model_copy(update={"soc": "Another Processor"})


def test_the_same_times_pass() -> None:
    (found,) = slowdowns(run(), run())
    assert (found.name, found.ratio.middle, found.baseline) == (NAME, 1.0, None)
    assert found.broken(1.0) is None


def test_what_takes_longer_is_a_sentence_with_its_interval() -> None:
    (found,) = slowdowns(run(timing(samples_ms=slower(1.2))), run())
    assert found.broken(1.21) is None
    sentence = found.broken(1.1)
    assert sentence is not None
    assert sentence.startswith(f"{NAME} takes 1.200 (1.")
    assert sentence.endswith(") times its time in the baseline, expected at most 1.100")
    assert found.ratio.low <= 1.2 <= found.ratio.high


def test_an_artifact_of_no_time_breaks_every_bound() -> None:
    (found,) = slowdowns(run(timing(samples_ms=(0.0, 0.0))), run(timing(samples_ms=(0.0, 0.0))))
    assert found.broken(100) is not None


def test_milliseconds_of_another_machine_are_not_compared() -> None:
    facts = "baseline is from Another Processor", "this run from Sample EPYC", "--against"
    with refused(TimingError, "timing.other-machine", *facts):
        slowdowns(run(), run(device=OTHER))


def pair(*, ours: float, yard: float, sha256: str = "aa") -> tuple[object, ...]:
    return timing(samples_ms=slower(ours)), timing("stock.tflite", sha256=sha256, samples_ms=slower(yard))


def test_a_yardstick_of_both_makes_machines_comparable() -> None:
    now = run(*pair(ours=3, yard=9), against=("stock.tflite",))
    then = run(*pair(ours=1, yard=3), against=("stock.tflite",), device=OTHER)
    (found,) = slowdowns(now, then)
    assert found.ratio.middle == pytest.approx(1)
    assert found.baseline == "stock.tflite"
    (slow,) = slowdowns(run(*pair(ours=3.6, yard=9), against=("stock.tflite",)), then)
    assert "takes 1.200" in str(slow.broken(1.1))
    assert "relative to stock.tflite" in str(slow.broken(1.1))


def test_a_yardstick_that_is_another_file_is_none() -> None:
    now = run(*pair(ours=3, yard=9), against=("stock.tflite",))
    then = run(*pair(ours=1, yard=3, sha256="bb"), against=("stock.tflite",), device=OTHER)
    with refused(TimingError, "timing.other-machine", "the same --against ARTIFACT"):
        slowdowns(now, then)


def test_what_the_baseline_has_not_timed_is_named() -> None:
    with refused(TimingError, "timing.not-timed", NAME, "--out"):
        slowdowns(run(), run(timing("another")))
    with refused(TimingError, "timing.not-timed", NAME):
        slowdowns(run(), run(timing(samples_ms=(), not_run="no Mac")))


def test_what_was_not_run_now_is_no_slowdown() -> None:
    assert slowdowns(run(timing(samples_ms=(), not_run="no Mac")), run()) == ()


def test_other_threads_are_not_compared() -> None:
    with refused(TimingError, "timing.other-set-up", NAME, "4 threads, expected", "1 thread as in the baseline"):
        slowdowns(run(timing(threads=4)), run())


def test_runs_of_other_lengths_are_compared() -> None:
    (found,) = slowdowns(run(timing(samples_ms=STEADY * 3)), run())
    assert found.ratio.middle == pytest.approx(1)
