"""A net for rectangles is converted, proven and validated as one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.checkpoints import randomise, saved
from support.one_pass import validate

import levit_mobile
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.recipe import Verdict

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_this_process", "converted_once")]
SIZE = (64, 256)
RUNTIMES = {"tflite-fp32": "litert", "executorch-fp32": "executorch", "coreml-fp16": "mil"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """timm's own net; without a word about its size a square of 128 px fits its tables too."""
    import timm

    torch.manual_seed(2)
    model = timm.create_model("levit_128s", pretrained=False, num_classes=5, img_size=SIZE)
    randomise(model, torch.randn(48, 3, *SIZE))  # enough for statistics that float32 holds well
    return saved(model.eval().state_dict(), tmp_path_factory.mktemp("timm") / "wide.pth")


@pytest.mark.parametrize("recipe", RUNTIMES)
def test_a_rectangle_is_proven_and_validated(recipe: str, checkpoint: Path, tmp_path: Path) -> None:
    made = levit_mobile.convert(checkpoint, recipe, out=tmp_path, side=SIZE)
    stored = open_bundle(made.path)
    assert {64, 256} <= set(stored.contract.input.shape)
    assert (stored.spec.crop_height, stored.spec.crop_width) == SIZE
    assert all(pixels.shape == (*SIZE, 3) for pixels, _ in stored.golden().values())
    found = validate(made.path, reference=checkpoint, runtime=RUNTIMES[recipe], count=32)
    if recipe == "coreml-fp16":  # its bound is that of trained nets: half precision loses more of a random one
        assert found.report.sqnr_db > 45
        assert found.report.top1_agreement == 1.0
    else:
        assert found.verdict is Verdict.PROVEN
