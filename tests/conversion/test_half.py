"""The metadata by which a core may compute a `.tflite` in float16: how it is written, and who heeds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Bundles
from levit_mobile.conversion import tflite_model

from levit_mobile.inspection import tflite as inspection
from levit_mobile.runners import tflite as litert

pytestmark = pytest.mark.slow
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
