"""Core ML packages that compute in int8: what is stored, what runs in int8, and that it is the form on its grids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.conversions import shared_conversions
from support.installed import needs
from support.refusals import refused
from torch import Tensor, nn

from levit_mobile.errors import ConversionError, RecipeError
from levit_mobile.inspection import coreml as inspector
from levit_mobile.mil.program import Program, Step, read
from levit_mobile.model.fake_quant import (
    SCALE,
    FakeQuant,
    fake_quantize_weight_,
    fake_quants_of,
    int8_weight,
    with_half_scales,
)
from levit_mobile.parity import metrics
from levit_mobile.pipeline import convert, lowering
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.pipeline.writing import card_of, input_of, output_of
from levit_mobile.quantization import calibration
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.prepare import Quantization
from levit_mobile.quantization.statistics import layers_of
from levit_mobile.recipe import RECIPES, Recipe, recipe
from levit_mobile.reporting.tables.recipes import FACTS
from levit_mobile.runners import mil
from levit_mobile.system.files import digest, size_bytes
from levit_mobile.targets import TARGETS

needs("coremltools")

pytestmark = pytest.mark.slow

INT8 = RECIPES["coreml-int8"]
LARGE = 2048  # elements of a table; smaller ones stay float16
PICTURES = 16  # for the ranges: few, for speed
CONVOLUTIONS = 27  # of `shallow`: 4 in the stem, 3 x 2 in attention, 2 x 3 in shrinking, 5 x 2 in MLPs, the head


@dataclass(frozen=True)
class Made:
    """A trained model, its form on grids and the package that was made of it."""

    trained: SourceModel
    form: nn.Module
    package: Path


Make = Callable[[int], Made]


def quantization(model: SourceModel, **plan: Any) -> Quantization:
    found = calibration.find(None, model.spec, count=PICTURES)
    return Quantization(found, Plan(variant="levit_128s", target="coreml", **plan))


def lower(form: nn.Module, model: SourceModel, chosen: Recipe, path: Path) -> Path:
    lowering.lower(form, chosen, card_of(model, chosen), path)
    return path


@pytest.fixture(scope="module")
def small_form(shallow: SourceModel) -> nn.Module:
    return convert.to_deploy_form(shallow, TARGETS["coreml"], quantization(shallow))


@pytest.fixture(scope="module")
def make(
    shallow: SourceModel, small_form: nn.Module, conversions: Path, tmp_path_factory: pytest.TempPathFactory
) -> Make:
    """`shallow` for an iOS."""
    out = tmp_path_factory.mktemp("int8")

    def package(ios: int) -> Path:
        with shared_conversions(conversions):
            return lower(small_form, shallow, replace(INT8, minimum_ios=ios), out / f"{ios}.mlpackage")

    packages = cache(package)
    return lambda ios: Made(shallow, small_form, packages(ios))


@pytest.fixture(scope="module")
def bundled(trained: SourceModel, conversions: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    form = convert.to_deploy_form(trained, TARGETS["coreml"], quantization(trained))
    with shared_conversions(conversions):
        package = lower(form, trained, INT8, tmp_path_factory.mktemp("int8") / "bundled.mlpackage")
    return Made(trained, form, package)


@pytest.fixture(params=["small", "bundled"])
def made(request: pytest.FixtureRequest) -> Made:
    found: Made = (
        request.getfixturevalue("make")(17) if request.param == "small" else request.getfixturevalue("bundled")
    )
    return found


# What is stored


@pytest.mark.parametrize("ios", [17, 18])
def test_every_convolution_runs_in_int8(make: Make, ios: int) -> None:
    found = inspector.inspect(make(ios).package)
    assert (found.integer_products, found.products) == (CONVOLUTIONS, CONVOLUTIONS)
    assert len(layers_of(make(ios).form)) == CONVOLUTIONS


def test_weights_and_tables_are_stored_as_int8(made: Made) -> None:
    stored = inspector.inspect(made.package).weight_bytes
    state = {key: value for key, value in made.form.state_dict().items() if value.ndim > 1}
    large = sum(v.numel() for key, v in state.items() if "attend" not in key or v.numel() > LARGE)
    rows = {len(layer.weight) for layer in layers_of(made.form).values()}
    zeros = sum(count for count in rows if count >= 10)  # zero points, one of each length; short ones lie elsewhere
    assert stored["int8"] == large - 3 + zeros  # and without the mean colour
    assert set(stored) == {"int8", "float16"}
    assert stored["float16"] < 0.05 * stored["int8"]


@pytest.mark.parametrize("ios", [17, 18])
def test_stored_weights_are_those_of_the_form(make: Make, ios: int) -> None:
    program = read(make(ios).package, mode="float32")
    for step, layer in zip(convolutions(program), layers_of(with_half_scales(make(ios).form)).values(), strict=True):
        np.testing.assert_array_equal(program.constants[str(step.arguments["weight"])], layer.weight.detach().numpy())


def test_scales_are_those_of_the_forms_edges(made: Made) -> None:
    program = read(made.package, mode="float32")
    steps = [step for step in program.steps if step.op in ("quantize", "dequantize")]
    grids = {edge.grid.scale for edge in fake_quants_of(with_half_scales(made.form)).values() if edge.grid is not None}
    assert {float(program.constants[str(step.arguments["scale"])]) for step in steps} == grids


def test_attention_is_computed_in_float(made: Made) -> None:
    program = read(made.package, mode="float32")
    assert [step for step in program.steps if step.op in ("matmul", "softmax") and not from_float(step, program)] == []


def from_float(step: Step, program: Program) -> bool:
    """Nothing that the step takes comes straight from dequantize."""
    makers = {result.name: made.op for made in program.steps for result in made.results}
    return all(makers.get(str(name)) != "dequantize" for name in step.arguments.values())


def convolutions(program: Program) -> list[Step]:
    return [step for step in program.steps if step.op == "conv"]


# What it computes


@pytest.mark.parametrize("ios", [17, 18])
def test_is_the_form_on_its_grids(make: Make, ios: int, monkeypatch: pytest.MonkeyPatch) -> None:
    require_same(make(ios), monkeypatch)


def test_the_bundled_checkpoint_is_the_form_on_its_grids(bundled: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    require_same(bundled, monkeypatch)


def require_same(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package in float32 between its grids, and the form with the package's weights, biases and tables."""
    form, images = as_stored(made), next(iter(made.trained.reference.pictures.batches(3)))
    monkeypatch.setattr(torch, "fake_quantize_per_tensor_affine", by_division)
    with torch.inference_mode():
        expected = torch.cat([form(picture) for picture in torch.from_numpy(images * 255).round().split(1)])
    assert metrics.sqnr_db(expected.numpy(), run(made, mode="float32")(images)) > 100


def as_stored(made: Made) -> nn.Module:
    form, program = with_half_scales(made.form).half().float(), read(made.package, mode="float32")
    for step, layer in zip(convolutions(program), layers_of(form).values(), strict=True):
        layer.weight.data = torch.from_numpy(program.constants[str(step.arguments["weight"])])
    for key, table in form.named_buffers():
        if key.endswith("attend.bias"):
            start = f"module_{key}_to_fp16".replace(".", "_")
            (value,) = (v for n, v in program.constants.items() if n.startswith(start) and v.shape == table.shape)
            table.copy_(torch.from_numpy(value))
    return form


def by_division(x: Tensor, scale: float, zero_point: int, low: int, high: int) -> Tensor:
    """torch multiplies by the reciprocal, which now and then is the next integer, and that another few."""
    step = torch.tensor(scale, dtype=torch.float32)
    stored = (torch.round(x / step) + zero_point).clamp(low, high)
    return (stored - zero_point) * step


def run(made: Made, mode: Any = "declared") -> Any:
    source, result = input_of(made.trained, INT8), output_of(made.trained, INT8)
    return mil.load(made.package, source=source, result=result, mode=mode)


def test_the_bundled_checkpoint_keeps_its_bounds(bundled: Made) -> None:
    images, expected = next(iter(bundled.trained.reference.pictures.batches(8))), bundled.trained.reference.logits[:8]
    logits = run(bundled)(images)
    assert INT8.tolerance.min_sqnr_db < metrics.sqnr_db(expected, logits) < 50
    assert logits.argmax(1).tolist() == expected.argmax(1).tolist()


def test_the_listed_size_is_that_of_the_bundled_checkpoint(bundled: Made) -> None:
    """Within the few layers that the committed plan keeps in float, and the plan of this test does not."""
    assert size_bytes(bundled.package) == pytest.approx(FACTS["coreml-int8"].bytes, rel=0.01)


# The same input, the same bytes; float is left alone


def test_the_same_form_makes_the_same_bytes(make: Make, tmp_path: Path) -> None:
    made = make(17)
    before = {key: value.clone() for key, value in made.form.state_dict().items()}
    assert digest(lower(made.form, made.trained, INT8, tmp_path / "again.mlpackage")) == digest(made.package)
    assert all(torch.equal(value, before[key]) for key, value in made.form.state_dict().items())


def test_idle_edges_leave_no_trace(shallow: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form, chosen = convert.to_deploy_form(shallow, TARGETS["coreml"]), RECIPES["coreml-fp16"]
    package = lower(form, shallow, chosen, tmp_path / "edges.mlpackage")
    monkeypatch.setattr(FakeQuant, "__call__", lambda _edge, x: x)
    assert digest(package) == digest(lower(form, shallow, chosen, tmp_path / "none.mlpackage"))


# Mixed, and refused


def test_layers_at_a_float_edge_stay_float16(shallow: SourceModel, conversions: Path, tmp_path: Path) -> None:
    plan = quantization(shallow, equalize=None, float_edges=("scores", "body.stage0.attn0.joint"))
    form = convert.to_deploy_form(shallow, TARGETS["coreml"], plan)
    with shared_conversions(conversions):
        package = lower(form, shallow, INT8, tmp_path / "mixed.mlpackage")
    found = inspector.inspect(package)
    assert (found.integer_products, found.products) == (CONVOLUTIONS - 2, CONVOLUTIONS)
    assert found.weight_bytes["float16"] > 2 * form.get_parameter("body.stage0.attn0.qkv.weight").numel()


def test_fewer_convolutions_in_int8_than_promised_are_an_error(
    shallow: SourceModel, conversions: Path, tmp_path: Path
) -> None:
    form = convert.to_deploy_form(shallow, TARGETS["coreml"])
    with shared_conversions(conversions):
        floats = lower(form, shallow, RECIPES["coreml-fp16"], tmp_path / "x.mlpackage")
    with refused(
        ConversionError, "conversion.in-float", f"0 of {CONVOLUTIONS} convolutions", "coreml", f" {CONVOLUTIONS}"
    ):
        convert.inspect(floats, TARGETS["coreml"], integers=CONVOLUTIONS)


def test_ios_16_is_refused() -> None:
    with refused(RecipeError, "recipe.minimum-ios", "coreml-int8", "expected 17", "minimum_ios is 16"):
        recipe("coreml", "int8", minimum_ios=16)


# Scales in float16


def test_half_scales_keep_the_integers() -> None:
    net = nn.Sequential(nn.Conv2d(8, 16, 1), FakeQuant())
    fake_quantize_weight_(net[0])  # type: ignore[arg-type]
    made = with_half_scales(net)
    before, after = net[0], made[0]  # type: ignore[index]
    assert torch.equal(int8_weight(before), int8_weight(after))  # type: ignore[arg-type]
    scale = after.get_buffer(SCALE)  # type: ignore[union-attr]
    assert torch.equal(scale.half().float(), scale)
    assert not torch.equal(scale, before.get_buffer(SCALE))  # type: ignore[union-attr]


def test_a_dead_row_stays_finite() -> None:
    layer = nn.Conv2d(4, 2, 1)
    layer.weight.data[0] = 1e-12
    fake_quantize_weight_(layer)
    made = with_half_scales(nn.Sequential(layer))
    weight = made.get_parameter("0.weight")
    assert weight[0].abs().max() == 0
    torch.testing.assert_close(weight[1], layer.weight[1], rtol=1e-3, atol=0)
