"""What a run does with a phone, step by step: what is pushed, claimed, removed and shown. Nothing runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.command import ask
from support.device_lines import event, moment, process, small_run
from support.refusals import refused
from support.small_bundles import bundle

from levit_mobile.arm64.payload import Payload
from levit_mobile.device import bench as steps
from levit_mobile.device import local as local_machine
from levit_mobile.device.bench import bench_on_device, write_payload
from levit_mobile.device.options import DeviceOptions
from levit_mobile.device.printed import Printed
from levit_mobile.errors import DeviceError, RunnerUnavailable, TimingError
from levit_mobile.timing.bench import BenchOptions
from levit_mobile.timing.record import TimingRun

FEW = BenchOptions(rounds=4, warmup=1, starts=2, picture_px=(64, 48), threads=3)
SHARED = "/data/local/tmp/levit-mobile/payload-0123456789abcdef"


class Phone:
    """It keeps a list of what is done with it, and the script that it gets; it prints no line."""

    name = "a phone"

    def __init__(self) -> None:
        self.done: list[str] = []
        self.script = ""
        self.silence_s = 0.0

    def require_arm64(self) -> None:
        self.done.append("asked")

    @contextmanager
    def claimed(self) -> Iterator[None]:
        self.done.append("claimed")
        yield
        self.done.append("given back")

    def push(self, source: Path, target: str, progress: Callable[..., None]) -> None:
        progress("pushing", 0, 1)
        self.done.append(f"push {target}")
        if (source / "run.sh").is_file():
            self.script = (source / "run.sh").read_text()

    def remove(self, path: str) -> None:
        self.done.append(f"remove {path}")
        raise DeviceError("the phone is gone", fault="gone")

    @contextmanager
    def stream(self, command: str, *, silence_s: float) -> Iterator[Iterator[bytes]]:
        self.done.append(command)
        self.silence_s = silence_s
        yield iter(())


@pytest.fixture
def payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Payload:
    folder = tmp_path / "of the set-up"
    folder.mkdir()
    (folder / "turns").write_text("a program")
    found = Payload(folder, "0123456789abcdef" * 4, {"turns": "5f" * 32}, {}, 1 << 14)
    monkeypatch.setattr(steps.programs, "found", lambda: found)
    return found


@pytest.fixture
def phone(payload: Payload, monkeypatch: pytest.MonkeyPatch) -> Phone:
    assert payload.path.is_dir()
    made = Phone()

    class Found:
        def device(self, serial: str | None) -> Phone:
            made.done.append(f"device {serial}")
            return made

    monkeypatch.setattr(steps.Adb, "found", lambda path: made.done.append(f"adb {path}") or Found())
    return made


def timed(folder: Path, **device: Any) -> TimingRun:
    bundle(folder / "a", "tflite-fp32")
    return bench_on_device([folder / "a"], options=FEW, device=DeviceOptions("android:X1", **device))


def test_a_phone_is_claimed_before_anything_is_pushed_and_emptied_before_it_is_given_back(
    phone: Phone, tmp_path: Path
) -> None:
    timed(tmp_path, adb=Path("/sdk/adb"))
    run = phone.done[5].removeprefix("push ")
    assert run.startswith("/data/local/tmp/levit-mobile/run-")
    assert phone.done == [
        "adb /sdk/adb",
        "device X1",
        "asked",
        "claimed",
        f"push {SHARED}",
        f"push {run}",
        f"sh {run}/run.sh",
        f"remove {run}",
        f"remove {SHARED}",
        "given back",
    ]
    assert 'rm -rf "$payload"' in phone.script
    assert "--threads 3" in phone.script


def test_what_is_kept_is_removed_by_nobody(phone: Phone, tmp_path: Path) -> None:
    timed(tmp_path, keep=True)
    assert not any(step.startswith("remove") for step in phone.done)
    assert "rm -rf" not in phone.script


@pytest.mark.parametrize(("seconds", "waits"), [(0, False), (1, True), (300, True)])
def test_the_wait_for_a_cool_phone_is_no_silence(phone: Phone, tmp_path: Path, seconds: int, waits: bool) -> None:
    timed(tmp_path, cool_down_s=seconds, fixed_performance=waits)
    assert (f"  cool_down {seconds}\n" in phone.script) == waits
    assert phone.silence_s == steps.SILENCE_S + seconds
    assert ("fixed_performance_on ||" in phone.script) == waits


@pytest.mark.usefixtures("payload")
def test_the_script_of_an_archive_removes_its_own_files_alone(tmp_path: Path) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    made = write_payload([tmp_path / "a"], tmp_path / "run", options=FEW)
    assert 'rm -rf "$payload"' not in (made.folder / "run.sh").read_text()
    assert (made.folder / "payload" / "turns").read_text() == "a program"


@pytest.mark.usefixtures("payload")
def test_a_payload_without_any_artifact_that_runs_is_refused(tmp_path: Path) -> None:
    bundle(tmp_path / "a", "coreml-fp16")
    with refused(TimingError, "timing.option", "a: an ARM64 device runs"):
        write_payload([tmp_path / "a"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("here", [{"profile": True}, {"method": "other"}, {"data": Path(__file__)}])
def test_options_of_this_machine_are_refused(tmp_path: Path, here: dict[str, Any]) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    with refused(TimingError, "timing.option", "options for this machine"):
        bench_on_device([tmp_path / "a"], options=BenchOptions(**here))


@pytest.fixture
def local(payload: Payload, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """This machine, which prints these lines and keeps the script."""
    assert payload.path.is_dir()
    monkeypatch.setattr(local_machine, "require_arm64_linux", lambda: None)

    def prints(*lines: str) -> None:
        @contextmanager
        def printed(folder: Path, script: str) -> Iterator[Iterator[str]]:
            assert 'rm -rf "$payload"' not in (folder / script).read_text()
            yield iter(lines)

        monkeypatch.setattr(local_machine, "lines", printed)

    return prints


def test_this_machine_keeps_its_payload_and_its_refusal_is_an_error(local: Callable[..., None], tmp_path: Path) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    local('{"event":"refused","error":"no loader"}')
    with refused(RunnerUnavailable, "runner.platform", "this machine does not run the programs: no loader"):
        bench_on_device([tmp_path / "a"], options=FEW, device=DeviceOptions("local"))
    local(*moment("before"), *moment("after"))
    run = bench_on_device([tmp_path / "a"], options=FEW, device=DeviceOptions("local"))
    assert (run.device.platform, run.incomplete) == ("host", None)


def test_progress_counts_the_rounds_of_all_artifacts_and_names_the_wait(tmp_path: Path) -> None:
    ready = small_run(tmp_path, "tflite-fp32", "executorch-fp32", "coreml-fp16")
    runs = ready.planned.model_copy(update={"artifacts": ready.planned.artifacts[:2]})
    seen: list[tuple[str, int, int]] = []
    lines = ["@cooling 0 2", *process(runs, 0), *process(runs, 1)]
    lines.append(event("sample", "a0", 1, what="inference", ms=1.0))  # one more than were asked for
    steps._listen(lines, Printed(), ready, lambda *call: seen.append(call))
    assert seen[0] == ("waiting for the device to cool", 0, 8)
    assert seen[1] == ("starting on the device", 0, 8)
    assert seen[-1] == ("timing 2 artifacts", 8, 8)


def test_the_end_of_a_long_log_is_kept(tmp_path: Path) -> None:
    ready = small_run(tmp_path, "tflite-fp32")
    log = tuple(f"line {number}" for number in range(9))

    class Dying(Phone):
        @contextmanager
        def stream(self, command: str, *, silence_s: float) -> Iterator[Iterator[bytes]]:
            assert command == "sh /place/run.sh"
            assert silence_s > 0

            def lines() -> Iterator[bytes]:
                yield from (line.encode() for line in process(ready.planned, 0))
                raise DeviceError("it died", fault="crashed", log=log)

            yield lines()

    run = steps._streamed(Dying(), "/place", ready, DeviceOptions(), lambda *_: None)  # type: ignore[arg-type]
    assert "the phone's log ends with: line 4 | line 5 | line 6 | line 7 | line 8" in run.timings[0].notes


@pytest.mark.usefixtures("phone")
def test_json_of_an_incomplete_run_is_one_document(tmp_path: Path) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    done = ask("bench", str(tmp_path / "a"), "--on", "android", "--json")
    assert done.exit_code == 1
    run = TimingRun.model_validate_json(done.stdout)
    assert run.incomplete == "the device's lines stop before the end of the run"
