"""A LeViT as it is constructed: its residual branches add nothing and its bias tables are zeros."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.checkpoints import saved
from support.one_pass import validate
from torch import nn

import levit_mobile
from levit_mobile.model.families.levit.architecture import as_in_paper
from levit_mobile.model.families.levit.trained import LeViT

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_this_process", "converted_once")]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough for bias tables that Core ML's recipes store in integers."""
    torch.manual_seed(0)
    model = LeViT(as_in_paper((32, 64), 16, (2, 4), (1, 1)), classes=5, side=128).eval()
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.normal_(layer.weight, std=layer.weight[0].numel() ** -0.5)
    state = model.state_dict()
    assert not state["body.stage0.attn0.proj.norm.weight"].any()
    assert not state["body.stage0.attn0.bias.table"].any()
    return saved(state, tmp_path_factory.mktemp("constructed") / "w.pth")


@pytest.mark.parametrize("recipe", ["tflite-int8", "executorch-int8", "executorch-int8-dynamic", "tflite-int8-weight"])
def test_branches_that_add_nothing_are_quantized(recipe: str, checkpoint: Path, tmp_path: Path) -> None:
    report = levit_mobile.convert(checkpoint, recipe, out=tmp_path, timing=False, emulation=False).proof.report
    assert report is not None
    assert report.sqnr_db > 30


@pytest.mark.parametrize("recipe", ["coreml-int8", "coreml-int8-weight", "coreml-palette6"])
def test_tables_of_zeros_are_zeros_in_core_ml(recipe: str, checkpoint: Path, tmp_path: Path) -> None:
    made = levit_mobile.convert(checkpoint, recipe, out=tmp_path, timing=False, emulation=False)
    assert validate(made.path, reference=checkpoint, runtime="mil", count=32).report.sqnr_db > 25
