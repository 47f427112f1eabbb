"""From a device's lines to the record: times as they came, verdicts by the bounds of the contract, no fault lost."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pytest
from support.device_lines import event, moment, process, read, small_run, whole

from levit_mobile.arm64 import build
from levit_mobile.device.planned import PlannedRun
from levit_mobile.device.planning import Given
from levit_mobile.device.reading import EMULATED, OF_THE_DEVICE, timing_run
from levit_mobile.timing.record import TimingRun

GUEST = Path(build.__file__).parent / "guest" / "bench"
NAMES = ("tflite-fp32", "executorch-fp32")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> PlannedRun:
    return small_run(tmp_path_factory.mktemp("bundles"), *NAMES, given=Given("10")).planned


def test_a_whole_run_is_recorded_as_it_was_printed(planned: PlannedRun) -> None:
    run = timing_run(planned, read(whole(planned)))
    assert run.incomplete is None
    assert run.cores == (4,)
    assert [timing.name for timing in run.timings] == list(NAMES)
    for timing in run.timings:
        assert timing.samples_ms == (2.0, 3.0, 2.0, 3.0)
        assert timing.end_to_end_samples_ms == (4.0, 5.0, 4.0, 5.0)
        assert timing.process_samples == (2, 2)
        assert timing.load_ms == (10.5, 10.5)
        assert timing.first_run_ms == (5.25, 5.25)
        assert (timing.memory_before_bytes, timing.peak_memory_bytes) == ((1_000_000,) * 2, (9_000_000,) * 2)
        assert (timing.parity.verdict, timing.parity.pictures, timing.not_run) == ("proven", 1, None)
        assert (timing.warmup_runs, timing.threads, timing.picture_px) == (1, 1, (64, 48))
    assert len(run.during) == 2
    assert TimingRun.model_validate_json(run.written()) == run


def test_wrong_logits_are_broken_and_timed(planned: PlannedRun) -> None:
    (first, _) = timing_run(planned, read(whole(planned, error=0.5))).timings
    assert first.parity.verdict == "broken"
    assert first.parity.reasons
    assert first.samples_ms


def test_what_was_measured_before_the_cable_was_pulled_is_kept(planned: PlannedRun) -> None:
    lines = list(whole(planned))
    cut = next(place for place, line in enumerate(lines) if '"process": 1' in line and '"inference"' in line)
    run = timing_run(planned, read(iter(lines[:cut])), ended="the phone went away")
    assert run.incomplete == "the phone went away"
    for timing in run.timings:
        assert timing.samples_ms == (2.0, 3.0)
        assert timing.process_samples == (2,)
        assert timing.parity.verdict == "proven"
        assert timing.notes[-1] == "2 of 4 rounds were timed: the phone went away"


def test_lines_that_stop_without_a_reason_are_an_incomplete_run(planned: PlannedRun) -> None:
    lines = takewhile(lambda line: line != "@conditions after", whole(planned))
    assert timing_run(planned, read(lines)).incomplete == "the device's lines stop before the end of the run"


@pytest.mark.parametrize(
    ("line", "verdict", "words"),
    [
        (event("failed", "a0", 0, error="it is refused with error 0x10"), "broken", "it is refused with error 0x10"),
        (event("ended", "a0", 0, signal=11), "broken", "crashed (signal 11)"),
        (event("ended", "a0", 0, code=134), "broken", "exit code 134"),
        (event("ended", "a0", 0, signal=9), "not run", "probably for memory (signal 9)"),
    ],
)
def test_an_artifact_whose_process_dies_is_not_timed_and_the_others_are(
    planned: PlannedRun, line: str, verdict: str, words: str
) -> None:
    others = (one for one in whole(planned) if '"a0"' not in one)
    first, second = timing_run(planned, read(iter([line, *others]))).timings
    assert first.parity.verdict == verdict
    assert first.not_run is not None
    assert words in first.not_run
    assert second.parity.verdict == "proven"
    assert len(second.samples_ms) == 4


def test_a_crash_after_right_answers_is_broken_with_the_times_so_far(planned: PlannedRun) -> None:
    lines = [*moment("before"), *process(planned, 0), event("ended", "a0", 1, signal=6), *moment("after")]
    first, second = timing_run(planned, read(iter(lines))).timings
    assert first.parity.verdict == "broken"
    assert "crashed (signal 6)" in first.parity.reasons[0]
    assert first.samples_ms == (2.0, 3.0)
    assert "2 of 4 rounds were timed: the process that ran it crashed" in first.notes[-1]
    assert second.parity.verdict == "proven"


def test_a_missing_answer_proves_nothing(planned: PlannedRun) -> None:
    lines = (line for line in whole(planned) if '"answer"' not in line)
    (first, _) = timing_run(planned, read(lines)).timings
    assert first.parity.verdict == "not run"
    assert first.parity.reasons == ("the device did not answer all golden pictures",)
    assert first.samples_ms


def test_an_answer_of_another_size_proves_nothing(planned: PlannedRun) -> None:
    short = event("answer", "a0", 0, picture=0, output=0, values="AAAAAA==")
    lines = (short if '"answer"' in line and '"a0"' in line else line for line in whole(planned))
    first, second = timing_run(planned, read(lines)).timings
    assert (first.parity.verdict, second.parity.verdict) == ("not run", "proven")


def test_emulated_cores_are_marked_on_the_device(planned: PlannedRun) -> None:
    lines = (line.replace('"emulated": false', '"emulated": true') for line in whole(planned))
    assert timing_run(planned, read(lines)).device.emulated_cores
    assert not timing_run(planned, read(whole(planned))).device.emulated_cores


def test_an_emulator_on_this_machine_proves_and_has_no_milliseconds(planned: PlannedRun) -> None:
    here = planned.model_copy(update={"local": True})
    lines = (line.replace('"emulated": false', '"emulated": true') for line in whole(planned))
    for timing in timing_run(here, read(lines)).timings:
        assert (timing.parity.verdict, timing.not_run) == ("proven", EMULATED)
        assert (timing.samples_ms, timing.end_to_end_samples_ms, timing.load_ms, timing.first_run_ms) == ((),) * 4


def test_programs_on_different_cores_were_not_pinned_to_one_set(planned: PlannedRun) -> None:
    lines = (line.replace('"cores": [4]', '"cores": [5]') if '"a1"' in line else line for line in whole(planned))
    assert timing_run(planned, read(lines)).cores == ()


def test_cores_that_were_not_asked_for_are_not_recorded(tmp_path: Path) -> None:
    planned = small_run(tmp_path, "tflite-fp32").planned
    assert timing_run(planned, read(whole(planned))).cores == ()


def test_what_the_device_could_not_do_is_a_note_on_each_row(planned: PlannedRun) -> None:
    remark = '{"event":"remark","sentence":"the device has no fixed performance mode"}'
    for timing in timing_run(planned, read(iter([remark, *whole(planned)]))).timings:
        assert timing.notes == ("the device has no fixed performance mode",)


def test_a_device_that_refuses_programs_says_so(planned: PlannedRun) -> None:
    run = timing_run(planned, read(iter(['{"event":"refused","error":"programs do not run"}'])))
    assert run.incomplete == "programs do not run"
    assert [timing.not_run for timing in run.timings] == ["programs do not run"] * 2
    assert [timing.parity.verdict for timing in run.timings] == ["not run"] * 2


@pytest.mark.parametrize(
    "sentence",
    [
        "no core of the mask ff00 is available to this process",
        "not every core of the mask f0 is available to this process",
        "this processor has no float16 arithmetic",
    ],
)
def test_what_the_device_lacks_is_no_fault_of_the_artifact(planned: PlannedRun, sentence: str) -> None:
    lines = [event("failed", "a0", 0, error=sentence), *(line for line in whole(planned) if '"a0"' not in line)]
    (first, _) = timing_run(planned, read(iter(lines))).timings
    assert first.parity.verdict == "not run"
    assert first.not_run == f"the device could not run it as asked: {sentence}"


def test_the_programs_have_these_sentences() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in GUEST.glob("*.c"))
    assert [part for part in OF_THE_DEVICE if part not in sources] == []


def test_processes_are_in_their_order_whatever_was_printed_first(planned: PlannedRun) -> None:
    slower = (
        line.replace('"load_ms": 10.5', '"load_ms": 20.5').replace('"ms": 2.0', '"ms": 9.0')
        for line in process(planned, 1)
    )
    lines = [*moment("before"), *slower, *process(planned, 0), *moment("after")]
    (timing, _) = timing_run(planned, read(iter(lines))).timings
    assert timing.load_ms == (10.5, 20.5)
    assert timing.samples_ms == (2.0, 3.0, 9.0, 3.0)


def test_an_artifacts_own_reason_comes_before_that_of_the_run(planned: PlannedRun) -> None:
    lines = [*process(planned, 0), event("ended", "a0", 1, signal=6)]
    first, second = timing_run(planned, read(iter(lines)), ended="unplugged").timings
    assert first.notes[-1] == "2 of 4 rounds were timed: the process that ran it crashed (signal 6)"
    assert second.notes[-1] == "2 of 4 rounds were timed: unplugged"
    untimed = [event("failed", "a0", 0, error="LiteRT refuses the model")]
    first, second = timing_run(planned, read(iter(untimed)), ended="unplugged").timings
    assert first.not_run == "the runtime could not run the artifact: LiteRT refuses the model"
    assert second.not_run == "unplugged"


def test_a_whole_run_that_is_cut_at_its_very_end_has_no_note_on_its_rounds(planned: PlannedRun) -> None:
    run = timing_run(planned, read(iter(list(whole(planned))[:-2])))
    assert run.incomplete is not None
    assert [timing.notes for timing in run.timings] == [(), ()]


def test_a_phone_without_readable_conditions_is_a_phone_and_this_machine_is_none(planned: PlannedRun) -> None:
    assert timing_run(planned, read(whole(planned))).device.platform == "android"
    here = planned.model_copy(update={"local": True})
    assert timing_run(here, read(whole(here))).device.platform == "host"


def test_a_memory_of_nothing_is_a_size(planned: PlannedRun) -> None:
    lines = (line.replace('"memory_before_bytes": 1000000', '"memory_before_bytes": 0') for line in whole(planned))
    assert timing_run(planned, read(lines)).timings[0].memory_before_bytes == (0, 0)
