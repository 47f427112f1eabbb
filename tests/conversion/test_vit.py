"""Small ViTs through every target: proven against their trained selves, one partition, and what must stay in float."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from levit_mobile.conversion.executorch_gelu import TanhGelu, draw_gelus, needs_drawing
from support.vits import saved
from torch import nn

import levit_mobile
from levit_mobile.model.parts.norms import LinearRms
from levit_mobile.parity.report import ParityReport
from levit_mobile.pipeline.lowering import baked_for, form_of
from levit_mobile.pipeline.source_model import SourceModel, load_source
from levit_mobile.targets import TARGETS

ONCE = pytest.mark.usefixtures("converted_once")
ON_XNNPACK = ("tflite", "executorch")
INTEGERS = ("tflite-int8", "tflite-int8-dynamic", "tflite-int8-weight", "executorch-int8", "executorch-int8-dynamic")


def source(folder: Path, **options: Any) -> SourceModel:
    saved("deit with teacher", folder, **options)
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": 64, "crop_size": 64}))
    return load_source(folder)


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> SourceModel:
    return source(tmp_path_factory.mktemp("exact"))


@pytest.fixture(scope="module")
def by_tanh(tmp_path_factory: pytest.TempPathFactory) -> SourceModel:
    return source(tmp_path_factory.mktemp("tanh"), hidden_act="gelu_new")


def converted(of: SourceModel, recipe: str, out: Path) -> levit_mobile.Bundle:
    count = 64 if recipe.endswith("-int8") else None
    return levit_mobile.convert(of, recipe, out=out, timing=False, emulation=False, count=count)


def report(bundle: levit_mobile.Bundle) -> ParityReport:
    assert bundle.proof.report is not None
    return bundle.proof.report


@pytest.mark.slow
@ONCE
@pytest.mark.parametrize("target", ON_XNNPACK)
def test_both_gelus_are_computed_as_they_are_meant_in_one_partition(
    target: str, exact: SourceModel, by_tanh: SourceModel, tmp_path: Path
) -> None:
    """Another GELU than the trained model's has below 90 dB."""
    for name, of in (("exact", exact), ("tanh", by_tanh)):
        bundle = converted(of, f"{target}-fp32", tmp_path / name)
        assert report(bundle).sqnr_db >= 110, name
        assert bundle.contract.artifact.partitions == 1


@pytest.mark.slow
@ONCE
def test_float16_throughout_is_one_partition_in_executorch(exact: SourceModel, tmp_path: Path) -> None:
    bundle = converted(exact, "executorch-fp16", tmp_path)
    assert bundle.proof.verdict.value == "proven"
    assert bundle.contract.artifact.partitions == 1


@pytest.mark.slow
@ONCE
@pytest.mark.parametrize("recipe", INTEGERS)
def test_integers_are_proven_and_leave_the_positions_and_the_norms_in_float(
    recipe: str, exact: SourceModel, tmp_path: Path
) -> None:
    bundle = converted(exact, recipe, tmp_path)
    assert bundle.proof.verdict.value == "proven"
    assert bundle.contract.artifact.partitions == 1
    assert sum(n for kind, n in bundle.inspection.weight_bytes.items() if "int8" in kind) > 100_000
    target = TARGETS[recipe.partition("-")[0]]
    form = form_of(baked_for(exact.checkpoint.model, exact.spec, target), target)
    content = (bundle.path / bundle.contract.artifact.file).read_bytes()
    kept = [form.get_buffer("stem.position"), *(each.mean.weight for each in means_of(form))]
    assert all(values.detach().numpy().tobytes() in content for values in kept)


def means_of(form: nn.Module) -> list[LinearRms]:
    return [each for each in form.modules() if isinstance(each, LinearRms)]


@pytest.mark.slow
@ONCE
def test_core_ml_survives_a_large_channel_of_the_stream(tmp_path: Path) -> None:
    """Trained nets grow channels to hundreds, of which the square does not fit float16."""
    model = source(tmp_path).checkpoint.model
    with torch.no_grad():
        model.get_parameter("stem.position")[:, :, 5] = 600.0
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    bundle = converted(load_source(tmp_path), "coreml-fp16", tmp_path)
    assert report(bundle).sqnr_db >= 50


class TestTanhGelu:
    def test_it_is_torchs_in_float32(self) -> None:
        x = torch.linspace(-12, 12, 4001)
        assert (TanhGelu()(x) - nn.functional.gelu(x, approximate="tanh")).abs().max() <= 1e-6

    def test_no_value_of_float16_overflows(self) -> None:
        x = torch.tensor([-65504.0, -300.0, -40.0, 0.0, 40.0, 300.0, 65504.0], dtype=torch.float16)
        assert torch.equal(TanhGelu().half()(x), x.clamp_min(0))

    def test_only_what_the_delegate_gets_wrong_is_drawn(self) -> None:
        module = nn.Sequential(nn.GELU(), nn.GELU(approximate="tanh"), nn.ReLU())
        assert needs_drawing(module, in_half=False)
        drawn = draw_gelus(module, in_half=False)
        assert [type(layer).__name__ for layer in drawn.children()] == ["GELU", "TanhGelu", "ReLU"]
        assert not needs_drawing(drawn, in_half=False)
        assert needs_drawing(drawn, in_half=True)
        assert type(next(draw_gelus(drawn, in_half=True).children())).__name__ == "TanhGelu"
