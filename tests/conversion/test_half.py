"""The metadata by which a core may compute a `.tflite` in float16: how it is written, and who heeds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Bundles
from levit_mobile.conversion import tflite_blocks, tflite_model

from levit_mobile.inspection import tflite as inspection
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import RECIPES, recipe
from levit_mobile.runners import tflite as litert

pytestmark = pytest.mark.slow
HALF = "fp16 where the core has it"
NAME, VALUE = "reduced_precision_support", "fp16accfp16"  # as TensorFlow's reduced_precision_metadata.h spells them


def _with_the_entry(artifact: Path, out: Path, times: int = 1) -> Path:
    model = tflite_model.opened(artifact.read_bytes())
    for _ in range(times):
        tflite_model.allow_half(model)
    tflite_model.write(model, out)
    return out


def test_this_machine_computes_the_same_bits_with_the_entry(shallow_bundles: Bundles, tmp_path: Path) -> None:
    bundle = shallow_bundles("tflite-fp32")
    plain = bundle.path / bundle.contract.artifact.file
    runs = [litert.load_for_timing(path) for path in (plain, _with_the_entry(plain, tmp_path / "half.tflite"))]
    image = np.random.default_rng(0).random(runs[0].shape, np.float32)
    ((expected,), (found,)) = (run.run(image) for run in runs)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("times", [1, 2])
def test_the_entry_is_written_once_beside_the_others(shallow_bundles: Bundles, tmp_path: Path, times: int) -> None:
    bundle = shallow_bundles("tflite-fp32")
    plain = bundle.path / bundle.contract.artifact.file
    before, after = (
        inspection.inspect(path) for path in (plain, _with_the_entry(plain, tmp_path / "half.tflite", times))
    )
    assert after.metadata == {**before.metadata, NAME: VALUE}
    assert (after.minimum, after.ops, after.partitions) == (before.minimum, before.ops, before.partitions)
    held = tflite_model.opened((tmp_path / "half.tflite").read_bytes())
    (entry,) = [entry for entry in held.metadata if entry.name.decode() == NAME]
    assert bytes(held.buffers[entry.buffer].data) == VALUE.encode()  # the delegate refuses a byte more


@pytest.mark.parametrize(("name", "arithmetic"), [("tflite-fp32", "fp32"), ("tflite-fp16", HALF)])
def test_the_artifact_and_its_contract_state_what_the_recipe_allows(
    shallow_bundles: Bundles, name: str, arithmetic: str
) -> None:
    bundle = shallow_bundles(name)
    assert (bundle.inspection.arithmetic, bundle.contract.artifact.arithmetic) == (arithmetic, arithmetic)
    assert bundle.contract.made_by == RECIPES[name]


@pytest.mark.usefixtures("one_block", "converted_once")
def test_arithmetic_in_float32_leaves_the_entry_out_and_holds_float16_to_more(
    shallow: SourceModel, tmp_path: Path
) -> None:
    exact = recipe("tflite", "fp16", arithmetic="fp32")
    bundle = convert.build(shallow, exact, out=tmp_path)
    assert NAME not in bundle.inspection.metadata
    assert (bundle.contract.artifact.arithmetic, bundle.contract.tolerance.min_sqnr_db) == ("fp32", 50)
    assert bundle.contract.made_by == exact


def test_a_block_of_a_model_keeps_its_entry(shallow_bundles: Bundles, tmp_path: Path) -> None:
    bundle = shallow_bundles("tflite-fp16")
    whole = bundle.path / bundle.contract.artifact.file
    found = list(tflite_blocks.blocks(whole, tmp_path, lambda _: "body"))
    assert found
    assert {inspection.inspect(path).arithmetic for _, path, _ in found} == {HALF}
