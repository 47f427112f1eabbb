"""Starts of the iOS app that hang, die, refuse the plan or are cancelled."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.phone.iphone import CORE, NEURAL, PlayedIphone, plan
from support.refusals import refused

from levit_mobile.demo import watching
from levit_mobile.demo.ios import starts as ios_starts
from levit_mobile.demo.ios.run import bench_in_ios_app
from levit_mobile.demo.ios.starts import NOT_FINISHED
from levit_mobile.errors import DeviceError
from levit_mobile.recipe import Verdict


def test_a_deaf_app_ends_the_wait(phone: PlayedIphone, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "STARTING_S", 0.0)
    phone.behave(deaf=True)
    with refused(DeviceError, "device.no-app", "did not take the plan", "unlocked"):
        bench_in_ios_app(paths, plan=plan(CORE))
    assert phone.left() == []


def end_by(how: str, starts: list[int], phone: PlayedIphone, patch: pytest.MonkeyPatch, *, old: bool = False) -> None:
    """These starts hang, die or refuse; a silence ends the wait at the first look where one hangs."""
    phone.behave(**{how: starts}, old=old)
    patch.setattr(ios_starts, "SETTLING_S", 0.1 if old else 30.0)
    if how == "hangs":
        patch.setattr(watching, "SILENCE_S", -300.1)  # the plan lets the phone cool for 300 s
        patch.setattr(ios_starts, "LOADING_S", -0.1)


@pytest.mark.parametrize(
    ("how", "fact"), [("hangs", "wrote nothing for"), ("dies", "the process died while loading the artifact")]
)
@pytest.mark.parametrize("start", [0, 1])
def test_a_step_whose_process_ends_is_not_run_and_the_others_go_on(
    phone: PlayedIphone, paths: list[Path], monkeypatch: pytest.MonkeyPatch, how: str, fact: str, start: int
) -> None:
    end_by(how, [start], phone, monkeypatch)
    run = bench_in_ios_app(paths, plan=plan(CORE, NEURAL))
    assert run.incomplete is None
    (lost,) = [timing for timing in run.timings if timing.not_run]
    (timed,) = [timing for timing in run.timings if timing.samples_ms]
    assert fact in (lost.not_run or "")
    assert (lost.parity.verdict, timed.process_samples) == (Verdict.NOT_RUN, (3, 2))
    assert len([words for words in phone.calls() if "--levit-plan" in words]) == 3  # the lost one once
    assert phone.left() == []


@pytest.mark.parametrize(
    ("how", "fact"),
    [("hangs", "wrote nothing"), ("dies", "died while loading the artifact"), ("refuses", "the bundle is missing")],
)
@pytest.mark.parametrize("start", [0, 1])
def test_what_was_measured_is_kept_where_an_old_app_states_nothing(
    phone: PlayedIphone, paths: list[Path], monkeypatch: pytest.MonkeyPatch, how: str, fact: str, start: int
) -> None:
    end_by(how, [start], phone, monkeypatch, old=True)
    run = bench_in_ios_app(paths, plan=plan(CORE, NEURAL))
    assert [timing.process_samples for timing in run.timings] == [(3, 2)]
    assert fact in (run.incomplete or "")


def test_where_no_step_could_be_had_the_first_reason_is_the_error(
    phone: PlayedIphone, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    end_by("dies", [0, 1], phone, monkeypatch, old=True)
    with refused(DeviceError, "device.crashed", "died while loading"):
        bench_in_ios_app(paths, plan=plan(CORE, NEURAL))
    assert phone.left() == []


def test_a_process_that_dies_after_its_times_loses_none(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(dies_late=[0])
    run = bench_in_ios_app(paths, plan=plan(CORE))
    assert run.timings[0].process_samples == (3, 2)
    assert run.incomplete == NOT_FINISHED


def test_a_user_who_cancels_ends_the_run(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(cancels=[1])
    run = bench_in_ios_app(paths, plan=plan(CORE, NEURAL))
    assert len(run.timings) == 1
    assert "it was cancelled on the phone" in (run.incomplete or "")
    assert len([words for words in phone.calls() if "--levit-plan" in words]) == 2


def test_a_process_without_a_number_is_believed_to_run(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(numbers=False)
    assert bench_in_ios_app(paths, plan=plan(CORE)).timings[0].samples_ms
