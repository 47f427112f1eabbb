"""`bench --on android` whole: real adb, the real payload in an emulator, real artifacts, and golden pictures proven."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Bundles, Run
from support.phone.faults import Faults
from support.phone.phones import Phone
from support.refusals import refused
from support.stored_bundles import edited

from levit_mobile.device.adb import Adb
from levit_mobile.device.bench import bench_on_device, write_payload
from levit_mobile.device.options import DeviceOptions
from levit_mobile.device.phone import STORAGE
from levit_mobile.errors import DeviceError
from levit_mobile.overview.collect import gather
from levit_mobile.system.files import digest
from levit_mobile.timing.bench import BenchOptions
from levit_mobile.timing.record import TimingRun

pytestmark = pytest.mark.slow
FEW = BenchOptions(rounds=2, warmup=1, starts=2, picture_px=(64, 48))
# The first time is in line 127, after what the phone is like and its four golden pictures.
MANY = BenchOptions(rounds=400, warmup=1, starts=1, picture_px=(64, 48))
Plug = Callable[..., Phone]


def on(phone: Phone, **options: object) -> DeviceOptions:
    return DeviceOptions(f"android:{phone.serial}", **options)  # type: ignore[arg-type]


def timed(phone: Phone, *paths: Path, options: BenchOptions = FEW, **device: object) -> TimingRun:
    return bench_on_device(paths, options=options, device=on(phone, **device))


@pytest.mark.usefixtures("users_adb")
def test_both_runtimes_are_proven_and_timed_on_the_phone(bundles: Bundles, plugged: Plug) -> None:
    phone = plugged("pixel-8")
    paths = [bundles(name).path for name in ("tflite-int8", "executorch-int8", "coreml-fp16")]
    seen: list[str] = []
    run = bench_on_device(paths, options=FEW, device=on(phone), progress=lambda what, *_: seen.append(what))
    assert run.incomplete is None
    assert (run.device.platform, run.device.model, run.device.emulated_cores) == ("android", "Pixel 8", True)
    litert, executorch, core_ml = run.timings
    for timing in (litert, executorch):
        assert (timing.parity.verdict, timing.parity.pictures, timing.not_run) == ("proven", 4, None)
        assert (len(timing.samples_ms), len(timing.end_to_end_samples_ms), timing.process_samples) == (2, 2, (1, 1))
        assert len(timing.load_ms) == len(timing.first_run_ms) == len(timing.peak_memory_bytes) == 2
    assert core_ml.not_run is not None
    titles = ["pushing the runtimes", "pushing the artifacts", "starting on the device", "timing 2 artifacts"]
    assert list(dict.fromkeys(seen)) == titles
    assert phone.files() == []


@pytest.mark.usefixtures("users_adb")
def test_the_command_prints_the_verdicts_and_writes_the_record(
    narrow_bundles: Bundles, plugged: Plug, levit_mobile: Run, tmp_path: Path
) -> None:
    phone, path = plugged("galaxy-s9"), narrow_bundles("tflite-fp32").path
    few = ["--rounds", "2", "--warmup", "1", "--starts", "1", "--picture", "64x48", "--cool-down", "0"]
    device = ["--on", f"android:{phone.serial}", "--out", str(tmp_path / "run.json"), "--cores", "1"]
    done = levit_mobile("bench", str(path), *few, *device)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "proven" in done.stdout.lower()
    assert "pushing" in done.stderr
    run = TimingRun.read(tmp_path / "run.json")
    assert (run.device.soc, run.device.os_version, run.cores) == ("exynos9810", "10", (0,))
    assert run.command.startswith("levit-mobile bench ")
    assert phone.files() == []


@pytest.mark.usefixtures("users_adb")
def test_what_is_kept_is_not_pushed_again(narrow_bundles: Bundles, plugged: Plug) -> None:
    phone, path = plugged("pixel-8"), narrow_bundles("tflite-fp32").path
    timed(phone, path, keep=True)
    kept = {name for name in phone.files() if name.startswith("levit-mobile/payload-")}
    assert any(name.endswith("/libLiteRt.so") for name in kept)
    pushed = sum(service.startswith("sync:") for service in phone.services)
    timed(phone, path, keep=True)
    again = sum(service.startswith("sync:") for service in phone.services) - pushed
    assert again <= pushed - len(kept)


@pytest.mark.usefixtures("users_adb")
def test_a_wrong_artifact_is_broken_on_the_phone_too(narrow_bundles: Bundles, plugged: Plug, tmp_path: Path) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(narrow_bundles("executorch-fp32").path, folder)
    for number, vector in enumerate(json.loads((folder / "contract.json").read_text())["golden"]):
        logits = np.fromfile(folder / vector["logits_file"], "<f4")
        (-logits).tofile(folder / vector["logits_file"])
        edited(folder / "contract.json", "golden", number, "logits_sha256", to=digest(folder / vector["logits_file"]))
    (timing,) = timed(plugged("pixel-8"), folder).timings
    assert timing.parity.verdict == "broken"
    assert timing.parity.reasons
    assert timing.samples_ms


@pytest.mark.usefixtures("users_adb")
def test_a_cable_that_is_pulled_leaves_what_was_measured(narrow_bundles: Bundles, plugged: Plug) -> None:
    phone = plugged("pixel-8")
    phone.faults = Faults(on="/run.sh'", unplugged_after_lines=150)
    run = timed(phone, narrow_bundles("tflite-fp32").path, options=MANY)
    assert run.incomplete is not None
    assert "check the cable" in run.incomplete
    (timing,) = run.timings
    assert 0 < len(timing.samples_ms) < MANY.rounds
    assert timing.parity.verdict == "proven"
    assert "rounds were timed: " in timing.notes[-1]


@pytest.mark.usefixtures("users_adb")
def test_a_cable_that_is_pulled_before_the_first_time_is_an_error(narrow_bundles: Bundles, plugged: Plug) -> None:
    phone = plugged("pixel-8")
    phone.faults = Faults(on="/run.sh'", unplugged_after_lines=3)
    with refused(DeviceError, "device.gone", "check the cable"):
        timed(phone, narrow_bundles("tflite-fp32").path)


@pytest.mark.usefixtures("users_adb")
def test_a_phone_that_refuses_programs_is_one_sentence(narrow_bundles: Bundles, plugged: Plug) -> None:
    phone = plugged("pixel-8", faults=Faults(not_executable="Permission denied"))
    with refused(DeviceError, "device.not-executable", "Permission denied"):
        timed(phone, narrow_bundles("tflite-fp32").path)
    assert phone.files() == []


@pytest.mark.usefixtures("users_adb")
def test_a_full_phone_is_one_sentence_and_keeps_nothing(narrow_bundles: Bundles, plugged: Plug) -> None:
    phone = plugged("pixel-8", faults=Faults(full_after_bytes=5_000_000))
    with refused(DeviceError, "device.full", "full"):
        timed(phone, narrow_bundles("tflite-fp32").path)
    assert phone.files() == []


@pytest.mark.usefixtures("users_adb")
def test_programs_that_die_leave_what_was_measured_and_the_end_of_the_log(
    narrow_bundles: Bundles, plugged: Plug
) -> None:
    """Every emulated program is killed: `turns` too, so that only the script is left to report it."""
    phone = plugged("pixel-8")
    phone.reply("logcat.txt", "11-27 04:00:00 F libc: Fatal signal 11 (SIGSEGV)\n")
    phone.faults = Faults(on="/run.sh'", killed_after_lines=150)
    run = timed(phone, narrow_bundles("tflite-fp32").path, options=MANY)
    assert run.incomplete is not None
    assert "ended with" in run.incomplete
    (timing,) = run.timings
    assert 0 < len(timing.samples_ms) < MANY.rounds
    assert any("the phone's log ends with: 11-27 04:00:00 F libc: Fatal signal 11" in note for note in timing.notes)
    assert phone.files() == []


@pytest.mark.usefixtures("users_adb")
def test_fixed_performance_is_switched_on_and_off_again(narrow_bundles: Bundles, plugged: Plug) -> None:
    phone = plugged("pixel-8")
    run = timed(phone, narrow_bundles("tflite-fp32").path, fixed_performance=True)
    modes = [call for call in phone.root.calls() if "fixed-performance" in call]
    assert [call.split()[-1] for call in modes] == ["true", "false"]
    assert any(moment.fixed_performance_mode for moment in run.moments)


@pytest.mark.usefixtures("users_adb")
def test_ctrl_c_leaves_nothing_on_the_phone_and_the_mode_off(narrow_bundles: Bundles, plugged: Plug) -> None:
    phone, path = plugged("pixel-8"), narrow_bundles("tflite-fp32").path
    words = ["bench", str(path), "--rounds", "5000", "--starts", "1", "--on", f"android:{phone.serial}"]
    command = [sys.executable, "-m", "levit_mobile", *words, "--fixed-performance"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("timing "):
            break
    process.send_signal(signal.SIGINT)
    rest = process.communicate()[1]
    assert process.returncode == 130, rest

    def left() -> tuple[list[str], list[str]]:
        """Files on the phone, and what the mode was set to: its own shell cleans up after the command has ended."""
        return phone.files(), [call.split()[-1] for call in phone.root.calls() if "fixed-performance" in call]

    deadline = time.monotonic() + 60
    while left() != ([], ["true", "false"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left() == ([], ["true", "false"])


@pytest.mark.usefixtures("users_adb")
def test_a_farms_folder_runs_by_itself_and_its_result_is_a_record(
    narrow_bundles: Bundles, plugged: Plug, adb: Adb, tmp_path: Path
) -> None:
    """Pushed, run by the phone's own shell, and pulled: as a hub or a farm does it."""
    paths = [narrow_bundles(name).path for name in ("tflite-fp32", "executorch-fp32")]
    written = write_payload(paths, tmp_path / "phones", options=FEW, device=DeviceOptions(cool_down_s=0))
    assert written.archive.stat().st_size < sum(file.stat().st_size for file in written.folder.rglob("*"))
    played = plugged("xiaomi-11t")
    phone = adb.device(played.serial)
    phone.push(written.folder, f"{STORAGE}/phones")
    phone.shell(f"sh {STORAGE}/phones/run.sh", timeout_s=600, check=True)
    assert {name.split("/")[1] for name in played.files()} == {"result"}
    (tmp_path / "results").mkdir()
    phone.pull(f"{STORAGE}/phones/result", tmp_path / "results" / "one")
    (found,) = gather(tmp_path / "results").runs
    assert found.run.incomplete is None
    assert found.run.device.os_version == "13"
    for timing in found.run.timings:
        assert (timing.parity.verdict, len(timing.samples_ms)) == ("proven", FEW.rounds)
