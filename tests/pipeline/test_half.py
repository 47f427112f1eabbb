"""The proof on emulated cores, by runners that stand in for them: nothing is emulated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, RunnerUnavailable
from levit_mobile.interfaces.runner import Runner
from levit_mobile.parity.report import not_run
from levit_mobile.pipeline import half, writing
from levit_mobile.pipeline.half import HalfProof
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import RECIPES, Recipe, recipe

INT8 = "tflite-int8"
Prove = Callable[..., HalfProof | None]


@pytest.fixture
def answering(small: SourceModel) -> Callable[..., Runner]:
    """A runner that gives the trained model's logits with noise of so many dB, the same whenever it is made."""

    def runner(sqnr_db: float, seed: int = 0, *, scale: float = 1.0) -> Runner:
        logits, drawn = small.reference.logits, np.random.default_rng(seed)
        noise = drawn.standard_normal(logits.shape) * np.sqrt(np.square(logits).mean()) * 10 ** (-sqnr_db / 20)
        few = iter((scale * logits + noise)[:: len(logits) // half.PICTURES].astype(np.float32))

        def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.stack([next(few) for _ in images])

        return run

    return runner


@pytest.fixture
def prove(small: SourceModel, monkeypatch: pytest.MonkeyPatch) -> Prove:
    """Of a recipe, with what runs here and on each core."""

    def prove(asked: str | Recipe, host: Runner, cores: Callable[[str], Runner]) -> HalfProof | None:
        made = RECIPES[asked] if isinstance(asked, str) else asked

        def load(_: Path, *, source: Input, result: Output, cpu: str) -> Runner:
            assert (source, result) == (ends["source"], ends["result"])
            return cores(cpu)

        monkeypatch.setattr(half.folder, "native", lambda: False)
        monkeypatch.setattr(half.folder, "found", lambda: None)
        monkeypatch.setattr(half.arm64, "load", load)
        monkeypatch.setattr(half, "runner_loader", lambda _: lambda _, **__: host)
        ends = writing.ends_of(small, made)
        return half.prove(Path("model.tflite"), small, made, **ends)

    return prove


def test_cores_that_agree_prove_it(prove: Prove, answering: Callable[..., Runner]) -> None:
    found = prove(INT8, answering(34), lambda _: answering(34))
    assert found is not None
    assert [(core.cpu, core.images) for core in found.cores] == [("cortex-a53", 8), ("cortex-a76", 8)]
    assert all(core.sqnr_db == core.host_sqnr_db and abs(core.sqnr_db - 34) < 2 for core in found.cores)
    assert (found.reasons, found.not_run) == ((), "")


def test_a_core_with_float16_may_round_elsewhere_and_one_without_may_not(
    prove: Prove, answering: Callable[..., Runner]
) -> None:
    found = prove(INT8, answering(40), lambda _: answering(36, scale=0.999))
    assert found is not None
    (old, new) = found.cores
    assert len(old.reasons) == 1
    assert "SQNR differs by" in old.reasons[0]
    assert len(new.reasons) == 1
    assert "of which chance explains" in new.reasons[0]
    assert [reason.partition(", ")[0] for reason in found.reasons] == [
        "on an emulated cortex-a53",
        "on an emulated cortex-a76",
    ]


def test_float16_is_held_to_its_own_bound_where_a_core_sums_in_it(
    prove: Prove, answering: Callable[..., Runner]
) -> None:
    def cores(sqnr_db: float) -> Callable[[str], Runner]:
        return lambda cpu: answering(sqnr_db if cpu == "cortex-a76" else 68)

    enough, less = (prove("tflite-fp16", answering(68), cores(sqnr_db)) for sqnr_db in (46, 32))
    assert enough is not None
    assert less is not None
    assert enough.reasons == ()
    assert len(less.reasons) == 1
    assert "expected at least" in less.reasons[0]  # 42 dB, or what this net's own rounding leaves
    assert less.reasons[0].startswith("on an emulated cortex-a76, SQNR is")


def test_a_runtime_that_fails_on_a_core_is_a_reason(prove: Prove, answering: Callable[..., Runner]) -> None:
    def cores(cpu: str) -> Runner:
        if cpu == "cortex-a76":
            raise ArtifactError("the runtime ended with signal 4", fault="refused")
        return answering(34)

    found = prove(INT8, answering(34), cores)
    assert found is not None
    assert found.reasons == ("on an emulated cortex-a76, the runtime ended with signal 4",)
    assert (found.cores[1].sqnr_db, found.cores[1].host_sqnr_db) == (None, None)


def test_logits_that_are_no_numbers_are_a_reason(prove: Prove, answering: Callable[..., Runner]) -> None:
    found = prove(INT8, answering(34), lambda _: answering(34, scale=np.nan))
    assert found is not None
    said = "the artifact gave NaN or infinite logits on 8 of 8 images"
    assert found.reasons == tuple(f"on an emulated {cpu}, {said}" for cpu in ("cortex-a53", "cortex-a76"))


def test_without_emulated_cores_it_is_not_run(prove: Prove, answering: Callable[..., Runner]) -> None:
    def missing(_: str) -> Runner:
        raise RunnerUnavailable("qemu-aarch64 is not on PATH", fault="not-installed")

    found = prove(INT8, answering(34), missing)
    assert found == HalfProof(not_run="qemu-aarch64 is not on PATH")
    assert found.reasons == ()


def test_an_arm64_machine_has_proven_it_by_its_own_core(small: SourceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half.folder, "native", lambda: True)
    ends = writing.ends_of(small, RECIPES[INT8])
    assert half.prove(Path("model.tflite"), small, RECIPES[INT8], **ends) is None


def test_a_core_that_refutes_a_proof_breaks_it() -> None:
    proof = not_run("no runtime")
    assert proof.with_failures(()) is proof
    refuted = proof.with_failures(("on an emulated cortex-a76, it differs",))
    assert (refuted.verdict, refuted.reasons) == ("broken", ("no runtime", "on an emulated cortex-a76, it differs"))


def test_executorch_leaves_a_core_no_choice(prove: Prove, answering: Callable[..., Runner]) -> None:
    asked = recipe("executorch", "int8", arithmetic="fp16")
    found = prove(asked, answering(34), lambda _: answering(34))
    assert found is not None
    assert [core.cpu for core in found.cores] == ["cortex-a76"]
