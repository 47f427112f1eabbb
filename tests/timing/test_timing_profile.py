"""A `.tflite` cut into LeViT's blocks: the parts are the whole, and each is timed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Bundles
from levit_mobile.conversion.tflite_blocks import blocks
from support.refusals import refused

from levit_mobile.errors import ArtifactError
from levit_mobile.interfaces.inspection import Port
from levit_mobile.interfaces.runner import InputForm
from levit_mobile.runners import tflite
from levit_mobile.timing.feeding import Foreign
from levit_mobile.timing.jobs import Job
from levit_mobile.timing.profile import block_of, profiled

BLOCKS = ["stem"]
for _stage, _depth in enumerate((2, 3, 4)):
    BLOCKS += [f"shrink{_stage - 1}.attn", f"shrink{_stage - 1}.mlp"] if _stage else []
    BLOCKS += [f"stage{_stage}.{kind}{number}" for number in range(_depth) for kind in ("attn", "mlp")]
BLOCKS.append("head")


@pytest.mark.parametrize(
    ("tensor", "block"),
    [
        ("stem;2", "stem"),
        ("stem/conv0;2_dequant", "stem"),
        ("body/stage0/attn0", "stage0.attn0"),
        ("body/stage2/attn3/proj;2", "stage2.attn3"),
        ("body/shrink0/attn;15", "shrink0.attn"),
        ("body/shrink1/mlp/expand;2", "shrink1.mlp"),
        ("body/layers/3/norm;2", "layers.3"),
        ("serving_default_logits_output", "head"),
        ("arith.constant28_float32", None),
        ("stemless", None),
    ],
)
def test_a_tensors_name_tells_its_block(tensor: str, block: str | None) -> None:
    assert block_of(tensor) == block


def ends(path: Path) -> tuple[list[Any], list[Any], Any]:
    interpreter = tflite.runtime()(str(path))
    interpreter.allocate_tensors()
    return interpreter.get_input_details(), interpreter.get_output_details(), interpreter


def chained(paths: list[Path], image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The parts one after the other, each given what those before have made, by the tensors' names."""
    made = {ends(paths[0])[0][0]["name"]: image}
    for path in paths:
        inputs, outputs, interpreter = ends(path)
        for one in inputs:
            interpreter.set_tensor(one["index"], made[one["name"]])
        interpreter.invoke()
        made |= {one["name"]: interpreter.get_tensor(one["index"]) for one in outputs}
    (last,) = outputs
    return np.asarray(made[last["name"]])


@pytest.mark.parametrize("recipe", ["tflite-fp32", "tflite-int8"])
def test_the_blocks_in_a_row_are_the_artifact(recipe: str, bundles: Bundles, tmp_path: Path) -> None:
    artifact = bundles(recipe).path / "model.tflite"
    parts = list(blocks(artifact, tmp_path, block_of))
    assert [name for name, _, _ in parts] == BLOCKS
    image = np.random.default_rng(0).random((1, 224, 224, 3), np.float32)
    whole = tflite.load_for_timing(artifact)
    np.testing.assert_array_equal(chained([path for _, path, _ in parts], image), whole.run(image)[0])
    ops = sum((Counter(found) for _, _, found in parts), Counter())
    assert ops["FULLY_CONNECTED"] + ops["CONV_2D"] == bundles(recipe).inspection.products
    assert max(path.stat().st_size for _, path, _ in parts) < artifact.stat().st_size / 3


def test_every_block_is_timed_in_every_process(bundles: Bundles) -> None:
    job = Job("it", bundles("tflite-fp32").path / "model.tflite", "tflite")
    found = profiled(job, rounds=[2, 1], warmup=1)
    assert [block.name for block in found.blocks] == BLOCKS
    assert all(len(block.samples_ms) == 3 and min(block.samples_ms) > 0 for block in found.blocks)
    assert found.blocks[0].ops["CONV_2D"] == 4


def test_an_artifact_without_such_names_is_told_so(bundles: Bundles, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name of a block"):
        list(blocks(bundles("tflite-fp32").path / "model.tflite", tmp_path, lambda _: None))


def test_blocks_whose_ops_are_mixed_are_told_so(bundles: Bundles, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in one sequence"):
        list(blocks(bundles("tflite-fp32").path / "model.tflite", tmp_path, lambda name: "abc"[len(name) % 3]))


def test_sizes_that_are_set_at_run_time_have_no_profile() -> None:
    port = Port("x", "float32", (1, -1, -1, 3), ranges=((1, 1), (1, None), (1, None), (3, 3)))
    job = Job("x", Path("x.tflite"), "tflite", foreign=Foreign(port, (), InputForm((1, 8, 8, 3))))
    with refused(ArtifactError, "artifact.no-profile", "set at run time"):
        profiled(job, rounds=[1], warmup=1)


@pytest.mark.parametrize(("target", "why"), [("executorch", "event tracer"), ("coreml", "on a Mac only")])
def test_targets_that_cannot_tell_say_why(target: str, why: str) -> None:
    with refused(ArtifactError, "artifact.no-profile", why):
        profiled(Job("it", Path("model"), target), rounds=[1], warmup=1)
