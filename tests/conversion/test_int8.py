"""Static int8 artifacts of TFLite and ExecuTorch: what they hold, and that they compute what the form on grids does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Bundles
from numpy.typing import NDArray
from support.refusals import refused
from torch import nn

from levit_mobile.contract import Quantization as Stored
from levit_mobile.errors import ConversionError, RecipeError
from levit_mobile.model.fake_quant import FakeQuant, QParams, fake_quantized_layers, int8_weight, logits_qparams
from levit_mobile.parity import metrics
from levit_mobile.pipeline import convert, lowering, writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.calibration import find
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.prepare import Quantization
from levit_mobile.quantization.statistics import layers_of
from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS, resolve

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("converted_once")]

TWO = pytest.mark.parametrize("target", ["tflite", "executorch"])
FLOAT_EDGES = ("body.stage0.mlp0.hidden", "body.stage1.attn0.query", "scores")
Lowered = Callable[..., tuple[nn.Module, Path]]


@pytest.fixture(scope="module")
def lowered(shallow: SourceModel, tmp_path_factory: pytest.TempPathFactory) -> Lowered:
    """(target, float edges) -> the form on its grids, and the artifact made of it."""

    @cache
    def make(target: str, floating: tuple[str, ...] = ()) -> tuple[nn.Module, Path]:
        plan = Plan(variant="levit_128s", target=target, float_edges=floating)
        form = convert.to_deploy_form(shallow, TARGETS[target], Quantization(find(None, shallow.spec, count=8), plan))
        recipe = RECIPES[f"{target}-int8"]
        path = tmp_path_factory.mktemp(target) / f"model{TARGETS[target].suffix}"
        lowering.lower(form, recipe, writing.card_of(shallow, recipe), path)
        return form, path

    return make


def both(
    trained: SourceModel, target: str, form: nn.Module, path: Path
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits of the form on its grids and of the artifact, on the proof's first eight pictures."""
    recipe = RECIPES[f"{target}-int8"]
    source, result = writing.input_of(trained, recipe), writing.output_of(trained, recipe)
    runner = resolve(TARGETS[target].runner)(path, source=source, result=result)
    images = next(trained.reference.pictures.batches(8))
    with torch.no_grad():
        pictures = torch.from_numpy(images.transpose(0, 2, 3, 1) if source.layout == "NHWC" else images)
        simulated = torch.cat([form(picture[None].contiguous()) for picture in pictures]).numpy()
    return simulated, runner(images)


@TWO
def test_the_artifact_computes_what_the_form_on_its_grids_does(
    target: str, shallow: SourceModel, lowered: Lowered
) -> None:
    simulated, found = both(shallow, target, *lowered(target))
    float_form = convert.to_deploy_form(shallow, TARGETS[target])
    images = torch.from_numpy(next(shallow.reference.pictures.batches(8)))
    with torch.no_grad():
        pictures = images.permute(0, 2, 3, 1) if target == "tflite" else images
        exact = torch.cat([float_form(picture[None].contiguous()) for picture in pictures]).numpy()
    assert metrics.sqnr_db(simulated, found) > metrics.sqnr_db(
        exact, simulated
    )  # nearer to its form than that is to float
    assert metrics.sqnr_db(exact, found) > 10


@TWO
def test_the_bundled_model_is_proven(target: str, bundles: Bundles) -> None:
    made = bundles(f"{target}-int8")
    assert (made.proof.verdict, made.proof.reasons) == ("proven", ())
    assert made.inspection.integer_products == made.inspection.products == 71
    stated = made.contract.calibration
    assert stated is not None
    assert (stated.source, stated.pictures, stated.for_release) == ("bundled training digits", 64, True)
    (concern,) = stated.concerns
    assert "64 calibration images" in concern
    assert "128" in concern


@TWO
def test_nothing_falls_out_of_the_delegate_and_everything_large_is_int8(target: str, lowered: Lowered) -> None:
    form, path = lowered(target)
    found = convert.inspect(path, TARGETS[target])
    assert found.partitions == 1
    assert not found.fallbacks
    weights = sum(layer.weight.numel() for layer in layers_of(form).values())
    integers = sum(size for name, size in found.weight_bytes.items() if name in ("int8", "qcint8", "qint8"))
    floats = sum(size for name, size in found.weight_bytes.items() if name in ("float32", "fp32", "float16", "fp16"))
    assert integers > 0.99 * weights > 2_000_000
    assert floats < 30_000


@TWO
def test_float_edges_leave_float_islands_in_the_one_partition(
    target: str, shallow: SourceModel, lowered: Lowered
) -> None:
    form, path = lowered(target, FLOAT_EDGES)
    found = convert.inspect(path, TARGETS[target])
    assert found.partitions == 1
    assert found.integer_products == found.products - 3 == len(fake_quantized_layers(form))
    simulated, logits = both(shallow, target, form, path)
    assert metrics.sqnr_db(simulated, logits) > 10


@TWO
def test_int8_pixels_and_logits_are_the_same_logits(
    target: str, shallow: SourceModel, lowered: Lowered, tmp_path: Path
) -> None:
    form, floating = lowered(target)
    recipe = replace(RECIPES[f"{target}-int8"], io="int8")
    path = tmp_path / f"model{TARGETS[target].suffix}"
    lowering.lower(form, recipe, writing.card_of(shallow, recipe), path)
    found = convert.inspect(path, TARGETS[target], integers=len(fake_quantized_layers(form)))
    assert found.partitions == 1
    grid = logits_qparams(form)
    assert grid is not None
    stated, result = writing.input_of(shallow, recipe), writing.output_of(shallow, recipe, grid)
    assert (stated.dtype, stated.quantization) == ("int8", writing.PIXELS)
    assert (result.dtype, result.quantization) == ("int8", Stored(scale=grid.scale, zero_point=grid.zero_point))
    images = next(shallow.reference.pictures.batches(4))
    logits = resolve(TARGETS[target].runner)(path, source=stated, result=result)(images)
    plain = RECIPES[f"{target}-int8"]
    source, real = writing.input_of(shallow, plain), writing.output_of(shallow, plain, grid)
    assert (real.dtype, real.quantization) == ("float32", None)
    expected = resolve(TARGETS[target].runner)(floating, source=source, result=real)(images)
    np.testing.assert_array_equal(np.rint(logits / grid.scale), np.rint(expected / grid.scale))
    np.testing.assert_array_max_ulp(logits, expected, 2)  # a product, rounded there or here


@pytest.mark.parametrize("name", ["coreml-int8", "tflite-fp32", "executorch-int8-dynamic"])
def test_others_take_no_int8_pixels(name: str) -> None:
    with refused(RecipeError, "recipe.not-available", f"{name} ", "int8 inputs", "tflite-int8 or executorch-int8"):
        replace(RECIPES[name], io="int8")


def test_fewer_integer_products_than_layers_on_grids_is_an_error(lowered: Lowered) -> None:
    form, path = lowered("tflite")
    count = len(fake_quantized_layers(form))
    with refused(ConversionError, "conversion.in-float", f"{count} of {count} conv", "tflite", f" {count + 1}"):
        convert.inspect(path, TARGETS["tflite"], integers=count + 1)


def test_tflite_stores_the_very_integers_of_the_form(lowered: Lowered) -> None:
    from ai_edge_litert.tools import flatbuffer_utils

    form, path = lowered("tflite")
    model = flatbuffer_utils.read_model(str(path))
    stored = {bytes(b.data) for b in model.buffers if b.data is not None}
    for name, layer in layers_of(form).items():
        weight = int8_weight(layer)
        ohwi = weight.permute(0, 2, 3, 1) if weight.ndim == 4 else weight
        assert ohwi.contiguous().numpy().tobytes() in stored, name


def test_an_edge_that_the_tflite_graph_does_not_hold_is_an_error(shallow: SourceModel, tmp_path: Path) -> None:
    class Alien(nn.Module):
        """An edge whose values no op makes: what a converter folds away would look like this."""

        def __init__(self) -> None:
            super().__init__()
            self.edge, self.linear = FakeQuant(), nn.Linear(3, 5)
            self.edge.grid = QParams(0.1, 0)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if not torch.compiler.is_exporting():
                self.edge(x * 7 + 1)
            y: torch.Tensor = self.linear(x.mean((1, 2)))
            return y

    recipe = RECIPES["tflite-int8"]
    with refused(ConversionError, "conversion.lost-edges", "module.edge"):
        lowering.lower(Alien(), recipe, writing.card_of(shallow, recipe), tmp_path / "model.tflite")
