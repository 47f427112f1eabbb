"""Artifacts on emulated ARM64 cores: what they compute, what is counted, and how a run ends."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Bundles, Run
from support.arm64s import RUNS_HERE, ready
from support.one_pass import validate
from support.refusals import refused
from support.stored_bundles import written

from levit_mobile.arm64 import cost
from levit_mobile.arm64 import folder as places
from levit_mobile.arm64 import runner as arm64
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.arm64.emulator import Emulated, require_magic
from levit_mobile.errors import ArtifactError, RunnerUnavailable
from levit_mobile.interfaces.runner import Images
from levit_mobile.pipeline import half, writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.recipe import RECIPES
from levit_mobile.runtimes import registry

pytestmark = RUNS_HERE
FILES = {"executorch": "model.pte", "tflite": "model.tflite"}
Made = Callable[[str], Bundle]


@pytest.fixture(scope="module")
def made(shallow_bundles: Bundles) -> Made:
    """levit_128s at 64 px and with one block a stage for both runtimes, in float32."""
    return lambda target: shallow_bundles(f"{target}-fp32")


@pytest.fixture(scope="module")
def images() -> Images:
    return np.random.default_rng(3).random((2, 3, 64, 64), np.float32)


def children() -> set[int]:
    return {int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


def loaded(bundle: Bundle, cpu: str = "cortex-a76") -> arm64.Arm64Runner:
    ready()
    contract = bundle.contract
    return arm64.load(bundle.path / contract.artifact.file, source=contract.input, result=contract.output, cpu=cpu)


# What it computes


@pytest.mark.parametrize("target", FILES)
def test_it_computes_what_this_machine_computes(made: Made, images: Images, target: str) -> None:
    ready()
    bundle = made(target)
    expected = registry.load(registry.defaults(target)[0], bundle.path / FILES[target], bundle.contract)(images)
    runner = registry.load(registry.on("cortex-a76", target), bundle.path / FILES[target], bundle.contract)
    found = runner(images)
    assert found.shape == expected.shape == (2, 5)
    assert np.linalg.norm(found - expected) <= 1e-5 * np.linalg.norm(expected)
    assert isinstance(runner, arm64.Arm64Runner)
    executed = runner.executed()
    assert executed["fmla"] > 0.3 * sum(executed.values()) > 0
    assert sum(runner.executed().values()) == 0  # it was asked just now


def test_a_count_repeats_and_cores_differ(made: Made, images: Images) -> None:
    totals: dict[str, list[int]] = {}
    for cpu in ("cortex-a53", "cortex-a76"):
        runner = loaded(made("executorch"), cpu)
        for _ in range(3):
            runner(images[:1])
            totals.setdefault(cpu, []).append(sum(runner.executed().values()))
    for _, second, third in totals.values():
        assert second == third
    assert totals["cortex-a53"][1] > 1.2 * totals["cortex-a76"][1]  # kernels of a core that runs in order


@pytest.mark.parametrize("target", FILES)
def test_a_cost_is_by_class_and_by_function(made: Made, target: str) -> None:
    found = cost.measure(made(target).path, CPUS["cortex-a76"], ready())
    assert found.instructions == sum(found.classes.values()) > 1e6
    assert found.functions[0].name.startswith("xnn_f32_"), found.functions[:3]
    assert sum(function.instructions for function in found.functions) <= found.instructions
    assert 0 <= found.outside_share < 0.1
    assert found.outside_by == {"executorch": "delegate calls", "tflite": "names"}[target]


@pytest.mark.usefixtures("in_this_process", "one_block")
def test_validate_has_a_verdict_on_the_core(made: Made, shallow_checkpoint: Path, folder: Path) -> None:
    ready()
    found = validate(made("executorch").path, reference=shallow_checkpoint, images=folder, cpu="cortex-a76")
    assert found.verdict == "proven", found.reasons
    assert found.runtime is not None
    assert (found.runtime.name, found.runtime.title) == ("executorch@cortex-a76", "ExecuTorch on cortex-a76, emulated")
    assert found.emulation is not None
    assert found.emulation.relative_error <= 1e-5
    assert found.emulation.flips == ()
    assert found.emulation.instructions["fmla"] > 1e6


# What cannot be run


def test_core_ml_is_not_run(small: SourceModel, random_checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    bundle = written(small, "coreml-fp16", tmp_path)
    found = validate(bundle, reference=random_checkpoint, images=folder, cpu="cortex-a53")
    assert found.verdict == "not run"
    (reason,) = found.reasons
    assert "Core ML" in reason
    assert "cortex-a53" in reason


@pytest.mark.parametrize(("target", "left"), [("executorch", 64), ("executorch", 500_000), ("tflite", 200_000)])
def test_a_truncated_artifact_is_one_sentence(made: Made, tmp_path: Path, target: str, left: int) -> None:
    path = tmp_path / FILES[target]
    path.write_bytes((made(target).path / FILES[target]).read_bytes()[:left])
    before, here = children(), sorted(Path.cwd().iterdir())
    with pytest.raises(ArtifactError, match=rf"^{path} .*cortex-a76") as caught:
        cost.measure(path, CPUS["cortex-a76"], ready())
    assert caught.value.fault in ("refused", "failed", "crashed")
    assert len(str(caught.value).splitlines()) == 1
    assert children() == before
    assert sorted(Path.cwd().iterdir()) == here  # no core of the guest


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("model.pte", b"hello world", "like a .pte file"),
        ("model.tflite", b"", "like a .tflite file"),
        ("model.onnx", b"12345678", "expected a .tflite or .pte file"),
    ],
)
def test_a_foreign_file_is_refused_before_anything_starts(
    tmp_path: Path, name: str, content: bytes, wanted: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with refused(ArtifactError, "artifact.unknown-format", tmp_path / name, wanted):
        require_magic(tmp_path / name)
    with refused(ArtifactError, "artifact.unreadable", tmp_path / "none.pte", "No such file"):
        require_magic(tmp_path / "none.pte")


def test_without_an_emulator_there_is_a_sentence(made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made_ready = ready()
    monkeypatch.setenv("PATH", str(tmp_path))
    with refused(RunnerUnavailable, "runner.not-installed", "qemu-aarch64", "PATH", "levit-mobile setup arm64"):
        Emulated(made("executorch").path / "model.pte", CPUS["cortex-a53"], made_ready)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_run_is_named(made: Made, images: Images, number: signal.Signals) -> None:
    before = children()
    runner = loaded(made("executorch"))
    (process,) = children() - before
    os.kill(process, signal.SIGSTOP)

    def kill() -> None:
        os.kill(process, number)
        os.kill(process, signal.SIGCONT)

    threading.Timer(0.2, kill).start()
    with refused(ArtifactError, "artifact.crashed", number.name):
        runner(images)
    with refused(ArtifactError, "artifact.crashed", number.name):  # and it stays dead
        runner.executed()


def test_a_silent_run_is_cut_short(made: Made) -> None:
    made_ready, before = ready(), children()
    with refused(ArtifactError, "artifact.timeout", "0.01 s"):
        Emulated(made("executorch").path / "model.pte", CPUS["cortex-a53"], made_ready, limit_s=0.01)
    assert children() == before


def test_it_ends_with_the_runner(made: Made) -> None:
    before, open_files = children(), len(list(Path("/proc/self/fd").iterdir()))
    runner = loaded(made("executorch"))
    assert len(children()) == len(before) + 1
    del runner
    assert children() == before
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


# This machine is one


def test_on_arm64_itself_the_runtime_is_the_machines_own(
    made: Made, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "native", lambda: True)
    name = registry.on("cortex-a76", "executorch")
    registry.require(name)
    assert registry.described(name).title == "ExecuTorch on this machine's own ARM64 CPU"
    bundle, before = made("executorch"), children()
    assert registry.load(name, bundle.path / "model.pte", bundle.contract)(images).shape == (2, 5)
    assert children() == before
    with refused(RunnerUnavailable, "runner.platform", "emulator", "x86_64"):
        places.found()


# The command line


def test_cost_writes_a_baseline_and_holds_against_it(made: Made, levit_mobile: Run, tmp_path: Path) -> None:
    ready()
    bundle, baseline = made("executorch").path, tmp_path / "baseline.json"
    done = levit_mobile(
        "cost", bundle, "--cpu", "cortex-a76", "--write-baseline", baseline, "--against", bundle / "model.pte"
    )
    assert done.returncode == 0, done.stderr
    assert "They are not milliseconds" in done.stdout.splitlines()[0]
    assert "1.000" in done.stdout
    content = json.loads(baseline.read_text())
    content["instructions"][bundle.name]["cortex-a76"] = int(content["instructions"][bundle.name]["cortex-a76"] * 0.9)
    baseline.write_text(json.dumps(content))
    done = levit_mobile("cost", bundle, "--cpu", "cortex-a76", "--baseline", baseline, "--max-growth", "1%", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    (sentence,) = found["broken"]
    assert done.stderr.splitlines()[-1] == f"error: {sentence}"
    assert "11.11% more than the" in sentence
    assert found["costs"][0]["instructions"] > 1e6


def test_cost_before_the_set_up_says_what_to_do(made: Made, levit_mobile: Run, tmp_path: Path) -> None:
    done = levit_mobile("cost", made("executorch").path, env={"LEVIT_MOBILE_CACHE": str(tmp_path)})
    assert done.returncode == 1
    assert re.fullmatch("error: ARM64 .*: run `levit-mobile setup arm64`\n", done.stderr.lstrip("\n"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["cost", "validate"])
def test_an_unknown_cpu_is_a_usage_error(levit_mobile: Run, tmp_path: Path, command: str) -> None:
    done = levit_mobile(command, tmp_path, "--cpu", "cortex-a76,m1")
    assert done.returncode == 2
    assert "unknown CPU 'm1'" in done.stderr


@pytest.mark.usefixtures("one_block")
def test_a_conversion_sees_what_float16_costs_on_the_core_that_has_it(
    shallow: SourceModel, shallow_bundles: Bundles
) -> None:
    ready()
    recipe, bundle = RECIPES["tflite-fp16"], shallow_bundles("tflite-fp16")
    found = half.prove(bundle.path / "model.tflite", shallow, recipe, **writing.ends_of(shallow, recipe))
    assert found is not None
    assert found.not_run == ""
    old, new = found.cores
    assert old.sqnr_db == pytest.approx(old.host_sqnr_db, abs=0.1)
    assert old.reasons == ()
    assert new.sqnr_db is not None
    assert new.host_sqnr_db is not None
    assert 20 < new.sqnr_db < new.host_sqnr_db - 5
