"""The payload's programs on an emulated core: their words, what they print, and how they end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from conftest import Bundles
from support.arm64s import RUNS_HERE, ready
from support.payloads import Bare, bare, events, named, stored, values

from levit_mobile.arm64.cpus import CPUS
from levit_mobile.arm64.emulator import Emulated
from levit_mobile.arm64.payload import LOADER
from levit_mobile.pipeline.writing import Bundle

pytestmark = [RUNS_HERE, pytest.mark.slow]
PROGRAMS = {"tflite": "litert", "executorch": "executorch"}
TITLES = {"litert": "LiteRT", "executorch": "ExecuTorch"}
BRIEF = ("--warmup", 0, "--rounds", 1)


class Case(NamedTuple):
    program: str
    bundle: Bundle
    artifact: Path
    inputs: list[Path]

    def words(self, *more: object) -> tuple[object, ...]:
        return ("--name", "a", "--model", self.artifact, *more)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    return bare(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module", params=PROGRAMS)
def case(request: pytest.FixtureRequest, narrow_bundles: Bundles, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A small net for each runtime, and two inputs."""
    bundle = narrow_bundles(f"{request.param}-fp32")
    images = np.random.default_rng(7).random((2, 3, 64, 64), np.float32)
    inputs = stored(tmp_path_factory.mktemp("inputs"), bundle.contract, images)
    return Case(PROGRAMS[request.param], bundle, bundle.path / bundle.contract.artifact.file, inputs)


@pytest.fixture
def damaged(case: Case, tmp_path: Path) -> Case:
    """The first half of the artifact."""
    content = case.artifact.read_bytes()
    path = tmp_path / case.artifact.name
    path.write_bytes(content[: len(content) // 2])
    return case._replace(artifact=path)


def inputs_of(case: Case) -> tuple[object, ...]:
    return tuple(word for path in case.inputs for word in ("--input", path))


# What they print


def test_it_prints_every_step_in_order(core: Bare, case: Case) -> None:
    found = core.events(case.program, *case.words("--process", 0, *inputs_of(case), "--warmup", 2, "--rounds", 3))
    steps = ["loaded", "first_run", "answer", "answer", "sample", "sample", "sample", "done"]
    assert [event["event"] for event in found] == steps
    assert {(event["name"], event["process"]) for event in found} == {("a", 0)}
    loaded, first = found[:2]
    assert loaded["input"] == {"shape": list(case.bundle.contract.input.shape), "dtype": "float32"}
    assert loaded["outputs"] == [{"shape": [1, 5], "dtype": "float32"}]
    assert loaded["emulated"] is True
    assert loaded["runtime"].startswith(TITLES[case.program] + " ")
    assert loaded["cores"] == sorted(os.sched_getaffinity(0))
    assert loaded["load_ms"] > 0
    assert first["first_run_ms"] > 0
    assert first["peak_memory_bytes"] > loaded["memory_before_bytes"] > 1e6
    samples = named(found, "sample")
    assert {sample["what"] for sample in samples} == {"inference"}
    assert all(sample["ms"] > 0 for sample in samples)
    assert [(answer["picture"], answer["output"]) for answer in named(found, "answer")] == [(0, 0), (1, 0)]


@pytest.mark.parametrize("threads", [1, 3])
def test_answers_are_those_of_the_emulated_runtime(core: Bare, case: Case, threads: int) -> None:
    found = core.events(case.program, *case.words(*inputs_of(case), *BRIEF, "--threads", threads))
    emulated = Emulated(case.artifact, CPUS[core.cpu], ready())
    wanted = [emulated.infer(np.fromfile(path, emulated.dtype).reshape(emulated.shape)) for path in case.inputs]
    emulated.end()
    assert [values(answer).tolist() for answer in named(found, "answer")] == [one.ravel().tolist() for one in wanted]


def test_only_the_first_process_answers(core: Bare, case: Case) -> None:
    found = core.events(case.program, *case.words("--process", 1, *inputs_of(case), *BRIEF))
    assert [event["event"] for event in found] == ["loaded", "first_run", "sample", "done"]
    assert {event["process"] for event in found} == {1}


def test_it_uses_the_cores_of_the_mask(core: Bare, case: Case) -> None:
    last = max(os.sched_getaffinity(0))
    found = core.events(case.program, *case.words("--cores", f"{1 << last:x}", *BRIEF))
    assert named(found, "loaded")[0]["cores"] == [last]


def test_an_emulator_is_found_without_the_file_that_the_kernel_runs(case: Case, tmp_path: Path) -> None:
    """By the vDSO that it lacks. qemu shows what is in the folder of -L in place of the machine's own /proc."""
    core = bare(tmp_path)
    (core.root / "proc" / "thread-self").mkdir()
    (core.root / "proc" / "thread-self" / "exe").symlink_to(core.payload.path / LOADER)
    assert named(core.events(case.program, *case.words(*BRIEF)), "loaded")[0]["emulated"] is True


def test_a_name_is_printed_as_json_has_it(core: Bare, case: Case) -> None:
    found = core.events(case.program, "--name", 'a "b"\\\n\u00e9', "--model", case.artifact, *BRIEF)
    assert {event["name"] for event in found} == {'a "b"\\\n\u00e9'}


def test_float16_is_lite_rts_alone(core: Bare, case: Case) -> None:
    words = case.words(*inputs_of(case), "--arithmetic", "fp16", *BRIEF)
    if case.program == "executorch":
        done = core.run(case.program, *words)
        assert done.returncode == 1
        assert "fixed when it is converted" in named(events(done.stdout.splitlines()), "failed")[0]["error"]
        return
    half = values(named(core.events(case.program, *words), "answer")[0])
    single = values(named(core.events(case.program, *case.words(*inputs_of(case), *BRIEF)), "answer")[0])
    assert not np.array_equal(half, single)
    assert np.allclose(half, single, atol=0.2)
    assert np.array_equal(half, half.astype(np.float16))


# End to end


def preparation(case: Case, picture: Path, px: str = "80x72") -> tuple[object, ...]:
    """A picture of noise, and how it becomes an input of 64 px."""
    width, height = map(int, px.split("x"))
    picture.write_bytes(np.random.default_rng(1).integers(0, 256, 3 * width * height, np.uint8).tobytes())
    layout = "NHWC" if case.bundle.contract.input.layout == "NHWC" else "NCHW"
    how = "resize=shortest:64x64 crop=64x64 rounding=half-even interpolation=bicubic"
    words = f"{how} layout={layout} dtype=float32 range=0.0:1.0"
    return ("--picture", picture, "--picture-px", px, "--prepare", words)


def test_end_to_end_has_rounds_of_its_own(core: Bare, case: Case, tmp_path: Path) -> None:
    words = case.words(*preparation(case, tmp_path / "picture.rgb"), "--warmup", 1, "--rounds", 2)
    samples = named(core.events(case.program, *words), "sample")
    assert [sample["what"] for sample in samples] == ["inference", "inference", "end to end", "end to end"]
    assert all(sample["ms"] > 0 for sample in samples)


def test_a_picture_must_fit_its_size_and_the_input(core: Bare, case: Case, tmp_path: Path) -> None:
    words = preparation(case, tmp_path / "picture.rgb")
    (tmp_path / "picture.rgb").write_bytes(b"123")
    assert "3 bytes, expected 17280" in failure(core, case, *words, *BRIEF)
    smaller = (*words[:-1], str(words[-1]).replace("crop=64x64", "crop=32x32"))
    assert "12288 bytes" in failure(core, case, *smaller, *BRIEF)
    nonsense = (*words[:-1], "resize=some")
    assert "resize=some" in failure(core, case, *nonsense, *BRIEF)


# How they end


def failure(core: Bare, case: Case, *more: object) -> str:
    """The sentence of a run that fails."""
    done = core.run(case.program, *case.words(*more))
    assert done.returncode == 1, done
    last = events(done.stdout.splitlines())[-1]
    assert (last["event"], last["name"]) == ("failed", "a")
    assert "\n" not in last["error"]
    return str(last["error"])


def test_a_damaged_model_is_a_sentence(core: Bare, damaged: Case) -> None:
    sentence = failure(core, damaged, *BRIEF)
    assert "model" in sentence
    assert TITLES[damaged.program] in sentence or "crashed" in sentence


def test_a_model_that_is_not_there_is_a_sentence(core: Bare, case: Case, tmp_path: Path) -> None:
    assert TITLES[case.program] in failure(core, case._replace(artifact=tmp_path / "none"), *BRIEF)


def test_an_input_of_another_size_is_named_with_both_sizes(core: Bare, case: Case, tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"1234")
    sentence = failure(core, case, "--input", tmp_path / "short", *BRIEF)
    assert str(tmp_path / "short") in sentence
    assert "4 bytes" in sentence
    assert str(3 * 64 * 64 * 4) in sentence


def test_an_input_that_is_not_there_is_named(core: Bare, case: Case, tmp_path: Path) -> None:
    assert str(tmp_path / "none") in failure(core, case, "--input", tmp_path / "none", *BRIEF)


@pytest.mark.parametrize("mask", ["8000000000", "0", "xyz", ""])
def test_cores_that_are_not_there_are_refused(core: Bare, case: Case, mask: str) -> None:
    assert "mask" in failure(core, case, "--cores", mask, *BRIEF)


def test_float16_needs_a_core_that_has_it(case: Case, tmp_path: Path) -> None:
    older = bare(tmp_path, "cortex-a53")
    sentence = failure(older, case, "--arithmetic", "fp16", *BRIEF)
    assert ("no float16 arithmetic" if case.program == "litert" else "fixed when it is converted") in sentence


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("--name", "a"), "--model"),
        (("--model", "m"), "--name"),
        (("--name", "a", "--model", "m", "--rounds", "x"), "--rounds x"),
        (("--name", "a", "--model", "m", "--threads", "0"), "--threads 0"),
        (("--name", "a", "--model", "m", "--threads", "two"), "--threads two"),
        (("--name", "a", "--model", "m", "--rounds", "-1"), "--rounds -1"),
        (("--name", "a", "--model", "m", "--arithmetic", "fp8"), "fp8"),
        (("--name", "a", "--model", "m", "--picture", "p"), "--prepare"),
        (("--name", "a", "--model", "m", "--picture-px", "12"), "640x480"),
        (("--name", "a", "--model", "m", "--nonsense"), "nonsense"),
        (("--name", "a", "--model", "m", "extra"), "extra"),
        (("--name", "a", "--model", "m", "--in-turns"), "descriptors"),
        (("--name",), "argument"),
    ],
)
@pytest.mark.parametrize("program", ["litert", "executorch"])
def test_wrong_words_are_a_usage_error(core: Bare, program: str, words: tuple[str, ...], fact: str) -> None:
    done = core.run(program, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert fact in done.stderr
