"""What a device gets: files, the words of each program, and all that is needed to judge its answers later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.device_lines import FEW, draw_golden, small_run
from support.small_bundles import bundle
from support.stored_bundles import edited

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.device import planning
from levit_mobile.device.planned import PlannedRun
from levit_mobile.device.planning import Given, prepared
from levit_mobile.images.preprocessing import to_planar
from levit_mobile.interfaces.runner import InputForm
from levit_mobile.runners.adapters import adapted
from levit_mobile.system.files import digest


def test_every_artifact_has_its_program_and_its_words(tmp_path: Path) -> None:
    made = small_run(tmp_path, "tflite-fp32", "executorch-fp32", given=Given("f0", "fp32"))
    litert, executorch = made.steps
    assert (litert.program, executorch.program) == ("litert", "executorch")
    told = dict(zip(litert.words[::2], litert.words[1::2], strict=True))
    assert told["--name"] == "a0"
    assert told["--model"] == "@/a0.tflite"
    assert (told["--threads"], told["--cores"], told["--arithmetic"]) == ("1", "f0", "fp32")
    assert (told["--picture"], told["--picture-px"]) == ("@/picture.rgb", "64x48")
    assert told["--prepare"].startswith("resize=shortest:16x16 crop=16x16")
    assert "--cores" not in small_run(tmp_path / "all", "tflite-fp32").steps[0].words


def test_files_are_the_artifacts_the_golden_inputs_and_the_picture(tmp_path: Path) -> None:
    made = small_run(tmp_path, "tflite-fp32", "executorch-fp32")
    assert set(made.files) == {"a0.tflite", "a1.pte", "a0-0.bin", "a1-0.bin", "picture.rgb"}
    assert made.files["a0.tflite"] == tmp_path / "tflite-fp32" / "model.tflite"
    assert len(bytes(made.files["picture.rgb"])) == 64 * 48 * 3  # type: ignore[arg-type]
    stored = open_bundle(tmp_path / "executorch-fp32")
    ((pixels, _),) = stored.golden().values()
    assert made.files["a1-0.bin"] == adapted(to_planar(pixels), stored.contract.input).tobytes()


def test_the_plan_survives_a_file_with_the_expected_logits(tmp_path: Path) -> None:
    made = small_run(tmp_path, "tflite-fp32", "executorch-fp32")
    again = PlannedRun.model_validate_json(made.planned.model_dump_json())
    assert again == made.planned
    for one in again.artifacts:
        assert one.expectation is not None
        kept = again.expectations[one.expectation].expected()
        ((_, logits),) = open_bundle(tmp_path / kept.owner).golden().values()
        assert np.array_equal(kept.logits[0], logits)
        assert one.timing.name == kept.owner
        assert one.tolerance == open_bundle(tmp_path / kept.owner).contract.tolerance


def test_core_ml_has_no_step_and_the_reason(tmp_path: Path) -> None:
    made = small_run(tmp_path, "tflite-fp32", "coreml-fp16")
    (step,) = made.steps
    assert step.program == "litert"
    core_ml = made.planned.artifacts[1]
    assert core_ml.key == ""
    assert core_ml.timing.not_run == "an ARM64 device runs .tflite and .pte artifacts, and no .mlpackage"
    assert core_ml.timing.parity.verdict == "not run"


def test_where_nothing_runs_nothing_is_sent(tmp_path: Path) -> None:
    made = small_run(tmp_path, "coreml-fp16")
    assert (made.steps, made.files) == ([], {})


def test_a_file_that_cannot_be_read_does_not_run_beside_others(tmp_path: Path) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    (tmp_path / "other.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(64))
    made = prepared([tmp_path / "a", tmp_path / "other.tflite"], [], FEW, Given(), command="", local=False)
    assert made.planned.artifacts[1].timing.not_run == "what its input is cannot be read from the file"


@pytest.mark.parametrize("baseline", [True, False])
def test_baselines_are_named(tmp_path: Path, baseline: bool) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    bundle(tmp_path / "b", "tflite-int8")
    rest = [tmp_path / "b"]
    paths = [tmp_path / "a", *([] if baseline else rest)]
    made = prepared(paths, rest if baseline else [], FEW, Given(), command="", local=False)
    assert made.planned.against == (("b",) if baseline else ())


def test_float16_is_recorded_as_what_computes_and_refused_for_a_pte(tmp_path: Path) -> None:
    made = small_run(tmp_path, "tflite-fp32", "executorch-fp32", given=Given(arithmetic="fp16"))
    (step,) = made.steps
    assert step.words[step.words.index("--arithmetic") + 1] == "fp16"
    litert, executorch = made.planned.artifacts
    assert (litert.timing.accelerator, executorch.timing.accelerator) == ("xnnpack fp16", "xnnpack fp16")
    assert executorch.timing.not_run is not None
    assert "the arithmetic of a .pte is fixed when it is converted" in executorch.timing.not_run
    assert "a1.pte" not in made.files
    plain = small_run(tmp_path / "plain", "tflite-fp32", "executorch-fp32", given=Given(arithmetic="fp32"))
    assert len(plain.steps) == 2
    assert {one.timing.accelerator for one in plain.planned.artifacts} == {"xnnpack"}


def test_threads_and_the_order_in_memory_are_those_that_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, asked = draw_golden(monkeypatch), []

    def stated(path: Path, target: str) -> InputForm:
        asked.append((path.name, target))
        return InputForm(dim_order=(0, 2, 3, 1))

    monkeypatch.setattr(planning, "stated_form", stated)
    made = small_run(tmp_path, "tflite-fp32", "executorch-fp32", options=replace(FEW, threads=3))
    assert asked == [("model.pte", "executorch")]
    for step in made.steps:
        assert step.words[step.words.index("--threads") + 1] == "3"
    stored = open_bundle(tmp_path / "executorch-fp32")
    values = adapted(to_planar(pixels), stored.contract.input)
    assert made.files["a1-0.bin"] == values.transpose(0, 2, 3, 1).tobytes() != values.tobytes()


def test_the_head_of_a_contract_is_judged(tmp_path: Path) -> None:
    bundle(tmp_path / "a", "tflite-fp32")
    edited(tmp_path / "a" / "contract.json", "output", "head", to="none")
    made = prepared([tmp_path / "a"], [], FEW, Given(), command="", local=False)
    assert made.planned.artifacts[0].head == made.planned.artifacts[0].subject.head == "none"


def test_bundles_of_one_name_keep_their_own_golden_logits(tmp_path: Path) -> None:
    """An old and a new build of one bundle, of different checkpoints, side by side."""
    folders = [tmp_path / place / "levit" for place in ("old", "new")]
    for folder, value in zip(folders, (1.0, 2.0), strict=True):
        contract = bundle(folder, "tflite-fp32")
        (vector,) = contract.golden
        np.full(vector.logits_shape, value, "<f4").tofile(folder / vector.logits_file)
        edited(folder / "contract.json", "golden", 0, "logits_sha256", to=digest(folder / vector.logits_file))
    made = prepared(folders, [], FEW, Given(), command="", local=False)
    kept = [made.planned.expectations[one.expectation or 0].expected().logits for one in made.planned.artifacts]
    assert [logits.ravel()[0] for logits in kept] == [1.0, 2.0]
