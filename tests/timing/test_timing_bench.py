"""A whole run over real artifacts and real runtimes: what is recorded, and never a time taken for granted."""

from __future__ import annotations

import inspect
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Bundles, Run
from support.refusals import refused
from support.stored_bundles import edited
from support.warm import COMMAND

from levit_mobile.cli.bench import bench as command_line
from levit_mobile.errors import TimingError
from levit_mobile.system.files import digest
from levit_mobile.timing import machine
from levit_mobile.timing.bench import BenchOptions, bench
from levit_mobile.timing.record import Timing, TimingRun

# A picture so large that preparing it takes several times as long as an inference, whatever else this machine does.
FEW = BenchOptions(rounds=4, warmup=1, starts=2, picture_px=(6000, 4000))


@pytest.fixture(scope="module")
def wrong(bundles: Bundles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose artifact does not compute what its golden logits say."""
    folder = tmp_path_factory.mktemp("wrong") / "wrong"
    shutil.copytree(bundles("tflite-fp32").path, folder)
    for number, vector in enumerate(json.loads((folder / "contract.json").read_text())["golden"]):
        logits = np.fromfile(folder / vector["logits_file"], "<f4")
        (-logits).tofile(folder / vector["logits_file"])
        edited(folder / "contract.json", "golden", number, "logits_sha256", to=digest(folder / vector["logits_file"]))
    return folder


@pytest.fixture(scope="module")
def run(bundles: Bundles, wrong: Path, tmp_path_factory: pytest.TempPathFactory) -> TimingRun:
    """Two runtimes, a package that cannot run here, a wrong artifact, a bare one and one that does not load."""
    strangers = tmp_path_factory.mktemp("strangers")
    tflite = bundles("tflite-fp32").path / "model.tflite"
    shutil.copy(tflite, strangers / "vendor.tflite")
    (strangers / "short.tflite").write_bytes(tflite.read_bytes()[:100_000])
    paths = [bundles(name).path for name in ("tflite-fp32", "executorch-fp32", "coreml-fp16")]
    return bench(
        [*paths, wrong, strangers / "short.tflite"], against=[strangers / "vendor.tflite"], options=FEW, command="x"
    )


def of(run: TimingRun, name: str) -> Timing:
    return next(timing for timing in run.timings if timing.name == name)


@pytest.mark.parametrize("name", ["levit_128s-tflite-fp32", "levit_128s-executorch-fp32"])
def test_what_runs_here_has_all_its_times_and_a_proof(run: TimingRun, name: str, bundles: Bundles) -> None:
    found = of(run, name)
    assert len(found.samples_ms) == len(found.end_to_end_samples_ms) == 4
    assert len(found.load_ms) == len(found.first_run_ms) == 2
    assert found.process_samples == (2, 2)
    assert min(found.samples_ms) > 0.1  # no inference of this model is faster
    assert min(found.end_to_end_samples_ms) > min(found.samples_ms)
    assert (found.parity.verdict, found.parity.pictures, found.parity.top1_agreement) == ("proven", 4, 1.0)
    assert found.parity.sqnr_db is not None
    assert found.parity.sqnr_db > 100
    folder = bundles(name.removeprefix("levit_128s-")).path
    assert found.sha256 == digest(folder / found.file)
    assert found.contract_sha256 == digest(folder / "contract.json")
    assert (found.threads, found.accelerator, found.warmup_runs) == (1, "xnnpack", 1)


def test_memory_is_what_loading_and_running_took(run: TimingRun) -> None:
    found = of(run, "levit_128s-tflite-fp32")
    grown = [peak - before for peak, before in zip(found.peak_memory_bytes, found.memory_before_bytes, strict=True)]
    assert len(grown) == 2
    assert all(29_000_000 < size < 200_000_000 for size in grown)  # its weights are packed, 29 MB of them


def test_a_wrong_artifact_is_timed_and_called_broken(run: TimingRun) -> None:
    found = of(run, "wrong")
    assert len(found.samples_ms) == 4
    assert found.parity.verdict == "broken"
    assert "SQNR is -6.0 dB" in " ".join(found.parity.reasons)


def test_what_cannot_run_here_is_not_run_with_the_reason(run: TimingRun) -> None:
    found = of(run, "levit_128s-coreml-fp16")
    assert (found.samples_ms, found.parity.verdict) == ((), "not run")
    assert "macOS only" in str(found.not_run)


def test_what_does_not_load_is_broken_and_stops_nobody(run: TimingRun) -> None:
    found = of(run, "short.tflite")
    assert (found.samples_ms, found.parity.verdict) == ((), "broken")
    assert "short.tflite" in str(found.not_run)
    assert "LiteRT" in str(found.not_run)


def test_a_bare_artifact_is_proven_by_lent_vectors_and_is_the_yardstick(run: TimingRun) -> None:
    found = of(run, "vendor.tflite")
    assert run.against == ("vendor.tflite",)
    assert found.parity.verdict == "proven"
    assert found.parity.against == "4 golden vectors of levit_128s-tflite-fp32, given pixels in [0,1] as NHWC"
    assert (len(found.samples_ms), found.end_to_end_samples_ms, found.contract_sha256) == (4, (), None)


def test_the_run_says_where_it_ran(run: TimingRun) -> None:
    assert (run.app.name, run.command, run.interleaved) == ("levit-mobile", "x", True)
    assert run.device.platform == "host"
    assert run.device.cores >= 1
    assert run.device.soc
    assert len(run.cores) == 1
    assert TimingRun.model_validate_json(run.written()) == run


@pytest.mark.parametrize(
    ("name", "value", "least"), [("rounds", 1, 2), ("warmup", 0, 1), ("starts", 0, 1), ("threads", 0, 1)]
)
def test_numbers_that_cannot_be_are_refused(name: str, value: int, least: int) -> None:
    with refused(TimingError, "timing.option", f"{name} is {value}", f"{least} or more"):
        BenchOptions(**{name: value})  # type: ignore[arg-type]


def test_pinning_ends_with_its_block() -> None:
    before = machine.cores()
    with machine.pinned(1) as cores:
        assert machine.cores() == len(cores) == 1
    assert machine.cores() == before
    with machine.pinned(10_000) as cores:
        assert cores == ()


# The command line


def test_the_commands_defaults_are_the_functions() -> None:
    said, options = inspect.signature(command_line).parameters, BenchOptions()
    for name in ("rounds", "warmup", "starts", "threads", "compute_units", "profile"):
        assert said[name].default == getattr(options, name), name
    assert said["picture"].default == "{}x{}".format(*options.picture_px)


def quick(*more: Any) -> list[Any]:
    return ["bench", "--rounds", "2", "--warmup", "1", "--starts", "2", *more]


def test_json_on_stdout_is_the_record_and_out_is_the_same(
    levit_mobile: Run, bundles: Bundles, wrong: Path, tmp_path: Path
) -> None:
    done = levit_mobile(*quick(bundles("tflite-fp32").path, wrong, "--json", "--out", tmp_path / "sub" / "times.json"))
    assert done.returncode == 1
    assert "wrong: BROKEN, but timed: SQNR is -6.0 dB" in done.stderr
    found = TimingRun.model_validate_json(done.stdout)
    assert found == TimingRun.read(tmp_path / "sub" / "times.json")
    assert [timing.parity.verdict for timing in found.timings] == ["proven", "broken"]
    assert found.command.startswith("levit-mobile bench --rounds 2")


def test_a_table_and_a_gate(levit_mobile: Run, bundles: Bundles, tmp_path: Path) -> None:
    folder = bundles("tflite-fp32").path
    calls = quick(folder, "--against", folder / "model.tflite")
    first = levit_mobile(*calls, "--out", tmp_path / "times.json")
    assert first.returncode == 0, first.stderr
    assert "PROVEN" in first.stdout
    assert "end to end, median" in first.stdout
    assert levit_mobile(*calls, "--baseline", tmp_path / "times.json", "--max-slowdown", "100").returncode == 0
    slow = levit_mobile(*calls, "--baseline", tmp_path / "times.json", "--max-slowdown", "0")
    assert slow.returncode == 1
    assert "error: levit_128s-tflite-fp32 takes " in slow.stderr
    assert "expected at most 0.000" in slow.stderr


def children(pid: int) -> list[str]:
    """Processes that any of its threads has started."""
    return " ".join(task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")).split()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="NOT RUN: reads /proc")
def test_an_interrupted_run_writes_nothing_and_leaves_no_process(bundles: Bundles, tmp_path: Path) -> None:
    calls = ["bench", str(bundles("tflite-fp32").path), "--rounds", "1000000", "--out", str(tmp_path / "times.json")]
    process = subprocess.Popen([*COMMAND, *calls], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (started := children(process.pid)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing was ever timed"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert "interrupted; no partial output was left behind" in stderr
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []
    assert not [child for child in started if Path(f"/proc/{child}").exists()]


@pytest.mark.parametrize(
    ("arguments", "code", "facts"),
    [
        (["nowhere"], 2, ("nowhere does not exist",)),
        ([__file__], 1, (f"error: {__file__} ", "is not an artifact", ".tflite", ".pte", ".mlpackage")),
        ([__file__, "--baseline", "nothing.json"], 1, ("error: nothing.json ", "No such file or directory")),
        (["x", "--picture", "640"], 2, ("width x height", "640x480")),
        (["x", "--rounds", "1"], 2, ("--rounds",)),
        (["x", "--baseline", "b.json", "--starts", "1"], 2, ("--baseline needs --starts 2 or more",)),
        (["x", "--strict"], 2, ("--strict has no effect without --baseline",)),
        (["x", "--compute-units", "npu"], 2, ("--compute-units",)),
    ],
)
def test_bad_input_is_one_sentence(levit_mobile: Run, arguments: list[str], code: int, facts: tuple[str, ...]) -> None:
    done = levit_mobile("bench", *arguments)
    assert done.returncode == code
    said = " ".join(done.stderr.replace("│", " ").split())
    assert [fact for fact in facts if fact not in said] == []
    assert "Traceback" not in done.stderr
    assert not done.stdout
