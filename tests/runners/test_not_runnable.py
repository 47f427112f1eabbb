"""Sound artifacts of others that this machine cannot run: the sentence is true, and the fault is not the artifact's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from conftest import Once
from support import foreign, unrunnable
from support.refusals import refused

from levit_mobile.errors import ArtifactError, TimingError
from levit_mobile.interfaces import litert
from levit_mobile.interfaces.runner import Placement
from levit_mobile.recipe import Verdict
from levit_mobile.runners import executorch, tflite
from levit_mobile.timing.bench import BenchOptions, bench

pytestmark = pytest.mark.slow

FEW = BenchOptions(rounds=2, warmup=1, starts=1, picture_px=(64, 48))


@pytest.fixture(scope="module")
def made(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each artifact, made when a test first asks for it."""
    folder = tmp_path_factory.mktemp("others")

    @cache
    def make(name: str) -> Path:
        path = folder / name
        edits[name](path) if name in edits else once(vendors[name], path)
        return path

    def renamed(source: str, old: str, new: str) -> Callable[[Path], None]:
        return lambda path: unrunnable.renamed(path, make(source), old, new)

    vendors: dict[str, Callable[[Path], object]] = {
        "net.pte": partial(foreign.pte, delegated=True),
        "bare.pte": partial(foreign.pte, delegated=False),
        "methods.pte": partial(unrunnable.of_methods, names=("encode", "decode")),
        "two.pte": unrunnable.of_two_inputs,
        "outside.pte": unrunnable.with_data_file,
        "net.tflite": foreign.tflite,
        "rank7.tflite": foreign.deep_tflite,
    }
    edits: dict[str, Callable[[Path], object]] = {
        "coreml.pte": renamed("net.pte", "XnnpackBackend", "CoreMLBackend"),
        "vulkan.pte": renamed("net.pte", "XnnpackBackend", "VulkanBackend"),
        "custom.pte": renamed("bare.pte", "aten::slice_copy", "mine::slice_copy"),
        "custom.tflite": lambda path: foreign.edited_tflite(path, make("net.tflite"), foreign.with_custom_op),
        "deep.tflite": lambda path: foreign.edited_tflite(path, make("rank7.tflite"), foreign.with_deep_concatenation),
    }
    return make


SOUND = {
    "coreml.pte": ("unsupported-model", "CoreMLBackend", "XnnpackBackend"),
    "vulkan.pte": ("unsupported-model", "VulkanBackend", "XnnpackBackend"),
    "custom.pte": ("unsupported-op", "mine::slice_copy"),
    "methods.pte": ("unsupported-model", "no method forward", "decode, encode", "--method"),
    "two.pte": ("not-one-image", "2 inputs"),
    "outside.pte": ("unsupported-model", "--data"),
    "custom.tflite": ("unsupported-op", "FlexErf"),
    "deep.tflite": ("unsupported-model", "CONCATENATION"),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_artifact_is_refused_for_what_the_runtime_lacks(made: Callable[[str], Path], name: str) -> None:
    fault, *facts = SOUND[name]
    load = executorch.load_for_timing if name.endswith(".pte") else tflite.load_for_timing
    with refused(ArtifactError, f"artifact.{fault}", made(name), *facts):
        load(made(name))
    assert fault in ArtifactError.NOT_RUNNABLE


def test_damage_is_still_refused_as_damage(made: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "short.pte").write_bytes(made("net.pte").read_bytes()[:3000])
    (tmp_path / "short.tflite").write_bytes(made("net.tflite").read_bytes()[:3000])
    for name, load in (("short.pte", executorch.load_for_timing), ("short.tflite", tflite.load_for_timing)):
        with refused(ArtifactError, "artifact.refused", tmp_path / name):
            load(tmp_path / name)


def test_bench_calls_sound_artifacts_not_run_and_damaged_ones_broken(
    made: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "short.pte").write_bytes(made("net.pte").read_bytes()[:3000])
    names = ("coreml.pte", "methods.pte", "custom.tflite")
    run = bench([*map(made, names), tmp_path / "short.pte"], options=FEW)
    assert {one.name: one.parity.verdict for one in run.timings} == {
        **dict.fromkeys(names, Verdict.NOT_RUN),
        "short.pte": Verdict.BROKEN,
    }
    assert [one.samples_ms for one in run.timings] == [()] * 4


@pytest.mark.parametrize("name", ["encode", "decode"])
def test_the_chosen_method_runs(made: Callable[[str], Path], name: str) -> None:
    loaded = executorch.load_for_timing(made("methods.pte"), Placement(threads=1, method=name))
    image = np.random.default_rng(0).random(loaded.shape, np.float32)
    np.testing.assert_array_equal(loaded.run(image)[0], executorch.load_for_timing(made("net.pte")).run(image)[0])


def test_constants_come_from_the_data_file(made: Callable[[str], Path]) -> None:
    path = made("outside.pte")
    (data,) = path.parent.glob("*.ptd")
    loaded = executorch.load_for_timing(path, Placement(threads=1, data=data))
    image = np.random.default_rng(0).random(loaded.shape, np.float32)
    expected = executorch.load_for_timing(made("bare.pte")).run(image)[0]
    np.testing.assert_allclose(loaded.run(image)[0], expected, atol=1e-6)


def test_bench_records_the_method_and_the_data_file(made: Callable[[str], Path]) -> None:
    path = made("outside.pte")
    (data,) = path.parent.glob("*.ptd")
    run = bench([path], options=BenchOptions(2, 1, 1, picture_px=(64, 48), data=data))
    assert len(run.timings[0].samples_ms) == 2
    assert data.name in run.timings[0].notes[0]
    run = bench([made("methods.pte")], options=BenchOptions(2, 1, 1, picture_px=(64, 48), method="decode"))
    assert len(run.timings[0].samples_ms) == 2
    assert "decode" in run.timings[0].notes[0]


def test_a_method_and_a_data_file_need_a_program(made: Callable[[str], Path], tmp_path: Path) -> None:
    with refused(TimingError, "timing.option", tmp_path / "none.ptd"):
        BenchOptions(data=tmp_path / "none.ptd")
    with refused(TimingError, "timing.option", ".pte"):
        bench([made("net.tflite")], options=BenchOptions(method="decode"))


@pytest.mark.parametrize(
    ("why", "works", "fault"),
    [
        ("Encountered unresolved custom op: x", True, "unsupported-op"),
        ("failed to delegate TRANSPOSE node #3", True, "unsupported-model"),
        ("failed to delegate TRANSPOSE node #3", False, "refused"),
        ("XNNPack delegate failed to reshape runtime", True, "unsupported-model"),
        ("The model is not a valid Flatbuffer buffer", True, "refused"),
    ],
)
def test_a_complaint_is_about_the_model_or_about_the_runtime(why: str, works: bool, fault: str) -> None:
    def plain() -> None:
        if not works:
            raise RuntimeError(why)

    assert litert.fault_of(why, plain) == fault
