"""`device ios`: a played xcrun with a played app, whose records are joined."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support.command import ask
from support.phone.iphone import CORE, NEURAL, PlayedIphone, plan
from support.refusals import refused

from levit_mobile.demo.ios import devicectl
from levit_mobile.demo.ios.run import bench_in_ios_app
from levit_mobile.errors import DeviceError, RunnerUnavailable
from levit_mobile.recipe import Verdict


def test_each_step_is_started_anew_and_the_records_are_joined(phone: PlayedIphone, paths: list[Path]) -> None:
    run = bench_in_ios_app(paths, plan=plan(CORE, NEURAL), command="again")
    assert [timing.name for timing in run.timings] == ["coreml-fp16-cpu1", "coreml-fp16-neural-engine"]
    # Five rounds are three and two; the played app answers with the number of the start.
    assert [timing.process_samples for timing in run.timings] == [(3, 2), (3, 2)]
    assert all(len(timing.samples_ms) == len(timing.end_to_end_samples_ms) == 5 for timing in run.timings)
    assert sorted(one for timing in run.timings for one in timing.load_ms) == [0, 1, 2, 3]
    assert sorted(timing.load_ms[0] for timing in run.timings) == [0, 1]
    assert (run.command, run.incomplete, run.interleaved, len(run.during)) == ("again", None, False, 3)
    assert run.cooling_s == 4 * 0.5
    assert sorted(run.versions) == ["start-0", "start-1", "start-2", "start-3"]
    assert phone.left() == []


def test_the_app_is_started_once_per_job_and_cleans_up_at_the_end(phone: PlayedIphone, paths: list[Path]) -> None:
    bench_in_ios_app(paths, plan=plan(CORE, starts=3))
    launches = [words for words in phone.calls() if "launch" in words]
    assert ["--levit-plan" in words for words in launches] == [True, True, True, False]
    assert "--levit-clean" in launches[-1]
    assert all("--terminate-existing" in words and "dev.levitmobile.demo" in words for words in launches)
    asked = [json.loads(words[words.index("--levit-plan") + 1]) for words in launches[:-1]]
    assert [one["rounds"] for one in asked] == [2, 2, 1]
    assert {one["starts"] for one in asked} == {1}


def test_every_answer_is_asked_for_in_json_before_an_apps_own_words(phone: PlayedIphone, paths: list[Path]) -> None:
    bench_in_ios_app(paths, plan=plan(CORE))
    for words in phone.calls():
        place = words.index("--json-output")
        assert all(not word.startswith("-") for word in words[:place]), words


def test_a_later_start_that_was_not_timed_leaves_the_samples_of_earlier_ones(
    phone: PlayedIphone, paths: list[Path]
) -> None:
    phone.behave(untimed=[1])
    (timing,) = bench_in_ios_app(paths, plan=plan(CORE, starts=3, rounds=6)).timings
    assert (timing.process_samples, timing.not_run) == ((2,), None)
    assert timing.notes[-1] == "a later start was not timed: no such unit"


def test_what_cannot_run_is_started_once_and_a_broken_one_is_broken(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(untimed=[0])
    (timing,) = bench_in_ios_app(paths, plan=plan(CORE)).timings
    assert (timing.samples_ms, timing.not_run) == ((), "no such unit")
    assert len([words for words in phone.calls() if "--levit-plan" in words]) == 1
    phone.behave(untimed=[1], verdict="broken")
    (timing,) = bench_in_ios_app(paths, plan=plan(CORE)).timings
    assert (timing.samples_ms, timing.parity.verdict) == ((), Verdict.BROKEN)


def test_a_record_of_a_different_artifact_is_refused(phone: PlayedIphone, paths: list[Path]) -> None:
    phone.behave(sha256="0" * 64)
    with refused(DeviceError, "device.damaged", "0" * 64):
        bench_in_ios_app(paths, plan=plan(CORE))


def test_off_a_mac_one_sentence(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicectl, "is_mac", lambda: False)
    with refused(RunnerUnavailable, "runner.platform", "macOS only", sys.platform):
        bench_in_ios_app(paths)
    done = ask("device", "ios", str(paths[0]))
    assert done.exit_code == 1
    assert "macOS only" in done.stderr


def test_a_mac_without_xcode(paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicectl, "is_mac", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with refused(RunnerUnavailable, "runner.not-installed", "Xcode 15"):
        bench_in_ios_app(paths)
