"""A run that did not come to its end is marked wherever it is read, and one in which each program failed is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import pytest
from rich.console import Console
from support.command import ask
from support.device_lines import event, moment, read, small_run, whole
from support.refusals import refused

import levit_mobile
from levit_mobile.device import bench as device_bench
from levit_mobile.device.options import DeviceOptions
from levit_mobile.device.planning import Prepared
from levit_mobile.device.reading import timing_run
from levit_mobile.errors import DeviceError
from levit_mobile.reporting.tables.bench import reason_lines, timing_table
from levit_mobile.system.progress import silent
from levit_mobile.timing.record import TimingRun

CRASHED = DeviceError("the command on a phone ended with exit code 1", fault="crashed", log=("a line of the log",))


@pytest.fixture
def ready(tmp_path: Path) -> Prepared:
    return small_run(tmp_path / "bundles", "tflite-fp32", "executorch-fp32")


class Played:
    """A phone that prints these lines, and ends with an error."""

    name = "a phone"

    def __init__(self, lines: list[str], error: DeviceError | None) -> None:
        self.lines, self.error = lines, error

    @contextmanager
    def stream(self, command: str, *, silence_s: float) -> Iterator[Iterator[bytes]]:
        assert command == "sh /place/run.sh"
        assert silence_s > device_bench.SILENCE_S
        yield self._lines()

    def _lines(self) -> Iterator[bytes]:
        yield from (line.encode() for line in self.lines)
        if self.error:
            raise self.error


def streamed(ready: Prepared, lines: list[str], error: DeviceError | None = CRASHED) -> TimingRun:
    played = Played(lines, error)
    return device_bench._streamed(played, "/place", ready, DeviceOptions(), silent)  # type: ignore[arg-type]


def failing(*names: str) -> list[str]:
    """A run in which these artifacts do not load, as the programs and the script print it."""
    lines = [event("failed", name, 0, error="LiteRT refuses the model") for name in names]
    return [*moment("before"), *lines, '{"event":"ended","name":"turns","process":0,"code":1}', *moment("after")]


def interrupted(ready: Prepared) -> list[str]:
    """The lines of a whole run up to the second process."""
    return list(takewhile(lambda line: line != "@conditions process 2", whole(ready.planned)))


def test_where_each_artifact_fails_each_row_has_its_reason(ready: Prepared) -> None:
    run = streamed(ready, failing("a0", "a1"))
    assert run.incomplete is None
    assert [timing.parity.verdict for timing in run.timings] == ["broken"] * 2
    assert all("LiteRT refuses the model" in str(timing.not_run) for timing in run.timings)
    assert all(timing.notes == ("the phone's log ends with: a line of the log",) for timing in run.timings)


def test_where_one_alone_has_failed_the_end_of_the_run_is_early(ready: Prepared) -> None:
    run = timing_run(ready.planned, read(iter(failing("a0"))))
    assert run.incomplete == "the program that starts the others in turns ended with exit code 1"
    with refused(DeviceError, "device.crashed", "exit code 1"):
        streamed(ready, failing("a0"))


def test_what_was_timed_before_an_error_is_kept_with_the_end_of_the_log(ready: Prepared) -> None:
    run = streamed(ready, interrupted(ready))
    assert run.incomplete == str(CRASHED)
    for timing in run.timings:
        assert len(timing.samples_ms) == 4
        assert "the phone's log ends with: a line of the log" in timing.notes


def test_an_error_after_the_last_line_changes_nothing(ready: Prepared) -> None:
    run = streamed(ready, list(whole(ready.planned)), DeviceError("the cable was pulled", fault="gone"))
    assert run.incomplete is None
    assert run == streamed(ready, list(whole(ready.planned)), error=None)


def test_a_refusal_of_the_script_is_better_than_its_exit_code(ready: Prepared) -> None:
    with refused(DeviceError, "device.not-executable", "a phone does not run the programs: no such loader"):
        streamed(ready, ['{"event":"refused","error":"no such loader"}'])


def test_a_run_of_nothing_is_complete(tmp_path: Path) -> None:
    made = small_run(tmp_path, "coreml-fp16")
    assert timing_run(made.planned, read(iter(()))).incomplete is None


def test_an_incomplete_run_is_marked_in_the_table_its_lines_and_the_report(ready: Prepared, tmp_path: Path) -> None:
    run = timing_run(ready.planned, read(iter(interrupted(ready))))
    console = Console(record=True, width=120)
    console.print(timing_table(run, run.timings))
    assert "INCOMPLETE" in console.export_text()
    sentence = "INCOMPLETE: the run ended early: the device's lines stop before the end of the run"
    assert sentence in reason_lines(run)
    assert not any("INCOMPLETE" in line for line in reason_lines(timing_run(ready.planned, read(whole(ready.planned)))))
    run.write(tmp_path / "records" / "run.json")
    assert ask("report", str(tmp_path / "records")).exit_code == 0
    assert "INCOMPLETE" in (tmp_path / "records" / "report.html").read_text()


def test_an_incomplete_run_is_not_compared_with_a_baseline(
    ready: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its one process would otherwise be an error that hides what was measured."""
    then = timing_run(ready.planned, read(whole(ready.planned)))
    then.write(tmp_path / "then.json")
    lines = takewhile(lambda line: line != "@conditions process 1", whole(ready.planned))
    now = timing_run(ready.planned, read(lines))
    monkeypatch.setattr(levit_mobile, "bench_on_device", lambda *_, **__: now)
    words = ["bench", str(tmp_path / "bundles"), "--on", "android", "--baseline", str(tmp_path / "then.json")]
    done = ask(*words, "--out", str(tmp_path / "now.json"), "--json")
    assert done.exit_code == 1
    assert TimingRun.model_validate_json(done.stdout) == TimingRun.read(tmp_path / "now.json") == now
    assert "UNDECIDED: the run ended early, so it was not compared with the baseline" in done.stderr
    assert "INCOMPLETE: the run ended early" in done.stderr
