"""Integer weights without calibration, for TFLite and ExecuTorch: what is stored, and what is computed with it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Bundles, Run
from levit_mobile.conversion import executorch_weights as pte
from levit_mobile.conversion import int4, tflite_model
from levit_mobile.conversion import tflite_weights as tfl
from support.conversions import shared_conversions
from support.refusals import refused
from torch import Tensor, nn

from levit_mobile.errors import ConversionError, RecipeError
from levit_mobile.model.fake_quant import SCALE, fake_quantize_weight_, int8_weight
from levit_mobile.model.families.levit.architecture import VARIANTS
from levit_mobile.model.families.levit.trained import AttentionBias, LeViT
from levit_mobile.pipeline import convert, lowering, writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.recipe import RECIPES, Recipe, recipe
from levit_mobile.reporting.tables.recipes import FACTS
from levit_mobile.targets import TARGETS, resolve

pytestmark = pytest.mark.slow

Built = Callable[[str], Bundle]

# Recipe -> types and least shares of all weight bytes, and the least SQNR in dB: an untrained net amplifies rounding.
STORED: dict[str, tuple[dict[str, float], float]] = {
    "tflite-int8-dynamic": ({"int8": 0.97}, 20),
    "tflite-int8-weight": ({"int8": 0.97}, 20),
    "tflite-int4-weight": ({"int4": 0.6, "float16": 0.05}, 4),
    "executorch-int8-dynamic": ({"qcint8": 0.9, "qint8": 0.0002}, 20),
    "executorch-int4-weight": ({"qbint4": 0.8, "qcint8": 0.01, "qint8": 0.0004}, 4),
}
ALL = pytest.mark.parametrize("name", list(STORED))
TFLITE = pytest.mark.parametrize("name", [name for name in STORED if name.startswith("tflite")])


@pytest.fixture(scope="module")
def built(small: SourceModel, conversions: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """`small` by each recipe; a test pays only for those it asks for."""
    out = tmp_path_factory.mktemp("integers")

    def build(name: str) -> Bundle:
        with shared_conversions(conversions):
            return convert.build(small, RECIPES[name], out=out)

    return cache(build)


@ALL
def test_is_one_piece_of_the_types_that_its_name_claims(built: Built, name: str) -> None:
    found = built(name).inspection
    assert (found.partitions, found.fallbacks) == (1, ())
    assert found.max_rank <= 4
    total = sum(found.weight_bytes.values())
    shares = {kind: found.weight_bytes.get(kind, 0) / total for kind in STORED[name][0]}
    assert {kind: share for kind, share in shares.items() if share < STORED[name][0][kind]} == {}
    assert (built(name).path / "contract.json").exists()


@ALL
def test_the_file_is_as_small_as_its_weights(built: Built, name: str) -> None:
    """Scales, names and zero points beside them are little, and nothing is stored twice."""
    stored = sum(built(name).inspection.weight_bytes.values())
    assert stored < built(name).contract.artifact.bytes < 1.2 * stored


def table_values(model: SourceModel) -> int:
    """Elements of all attention biases, as an artifact stores them: a head, a query and a key each."""
    return sum(
        m.table.shape[0] * m.index.numel() for m in model.checkpoint.model.modules() if isinstance(m, AttentionBias)
    )


@ALL
def test_the_listed_size_is_this_one_with_the_larger_attention_biases(
    built: Built, small: SourceModel, trained: SourceModel, name: str
) -> None:
    """`small` differs from the bundled checkpoint in its side and its classes: in int8 biases, and in nothing large."""
    larger = built(name).contract.artifact.bytes + table_values(trained) - table_values(small)
    assert larger == pytest.approx(FACTS[name].bytes, rel=0.02)


@ALL
def test_computes_nearly_what_the_trained_model_computes(built: Built, name: str) -> None:
    report = built(name).proof.report
    assert report is not None
    assert STORED[name][1] <= report.sqnr_db < 60  # and it is not the float model
    assert report.cosine > 0.8


@pytest.mark.parametrize("name", ["executorch-int4-weight", "tflite-int4-weight"])  # with int8 in them too
def test_another_process_makes_the_same_bytes(
    levit_mobile: Run, shallow_checkpoint: Path, shallow_bundles: Bundles, tmp_path: Path, name: str
) -> None:
    """The shared artifact is of this process or of an earlier one; the command's own process converts by itself."""
    target, _, precision = name.partition("-")
    words = ("convert", "-t", target, "-p", precision, "-c", shallow_checkpoint, "--no-timing", "--no-emulation")
    done = levit_mobile(*words, "-o", tmp_path / "there", shallow=True)
    assert f"{name}: BROKEN: SQNR is " in done.stderr  # it is not trained, and is written all the same
    made = shallow_bundles(name)
    there = tmp_path / "there" / made.path.name / made.contract.artifact.file
    assert there.read_bytes() == (made.path / there.name).read_bytes()


@TFLITE
def test_tflite_products_have_the_kernels_of_the_name(built: Built, name: str) -> None:
    """Weight-only passes DEQUANTIZE into a float product; else the product reads the integers itself."""
    model = tflite_model.opened((built(name).path / "model.tflite").read_bytes())
    weights = list(tfl._large_weights(model))
    linear = "INT4" if "int4" in name else "INT8"
    assert {kind for operation, kind in weights if operation == "FULLY_CONNECTED"} == {linear}
    assert {kind for operation, kind in weights if operation == "CONV_2D"} == {"INT8"}
    products = sum(built(name).inspection.ops[op] for op in ("CONV_2D", "FULLY_CONNECTED"))
    assert (built(name).inspection.ops["DEQUANTIZE"] >= products) == (name == "tflite-int8-weight")


@pytest.mark.parametrize("name", ["executorch-int8-dynamic", "executorch-int4-weight"])
def test_executorch_quantizes_each_input_once(built: Built, name: str) -> None:
    """Query, key and value read one quantized tensor, but for thinned queries; XNNPACK widens tables inside."""
    ops, depths = built(name).inspection.ops, VARIANTS["levit_128s"].depths
    attentions, shrinks = sum(depths), len(depths) - 1
    assert ops["FullyConnected"] == 6 * (attentions + shrinks) + 1
    inputs = 4 * attentions + 5 * shrinks + 1 + 3  # the head, and the stem's convolutions but the first
    assert inputs < ops["Convert"] <= inputs + attentions + shrinks


@pytest.mark.parametrize(
    ("target", "precision"), [("executorch", "int8-weight"), ("tflite", "palette4"), ("executorch", "palette6")]
)
def test_a_precision_that_a_target_lacks(target: str, precision: str) -> None:
    had = ", ".join(found.precision for found in RECIPES.values() if found.target == target)
    for asked in (lambda: recipe(target, precision), lambda: Recipe.from_name(f"{target}-{precision}")):
        with refused(RecipeError, "recipe.not-available", f"{target} ", f" {precision}, ", had):
            asked()


class Tiny(nn.Module):
    """Pixels of 64 px, in either layout, through one linear of `inputs` -> logits [1,5]."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear, self.inputs = nn.Linear(inputs, 5), inputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x.reshape(1, -1)[:, : self.inputs])
        return y


def lowered(module: nn.Module, name: str, small: SourceModel, folder: Path) -> int:
    """How many integer products its converter claims."""
    target = TARGETS[RECIPES[name].target]
    return lowering.lower(
        module, RECIPES[name], writing.card_of(small, RECIPES[name]), folder / f"model{target.suffix}"
    )


def test_a_linear_that_the_groups_do_not_divide_is_refused(small: SourceModel, tmp_path: Path) -> None:
    for target in ("executorch", "tflite"):
        with refused(ConversionError, "conversion.weights", "1000 inputs", "multiple of 32", "8 bits"):
            lowered(Tiny(1000), f"{target}-int4-weight", small, tmp_path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_groups_of_32_divide_every_linear(variant: str) -> None:
    model = LeViT(variant, classes=10, side=64, distillation=True)
    widths = {part.in_features for part in model.modules() if isinstance(part, nn.Linear)}
    assert len(widths) > 2
    assert {width % int4.GROUP for width in widths} == {0}


def test_the_callers_module_is_not_changed(small: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Tiny(1024)
    before, seen = copy.deepcopy(module.state_dict()), []

    def export(prepared: nn.Module, *_: object, **__: object) -> None:
        seen.extend(prepared.state_dict())
        raise ConversionError("far enough", fault="toolchain")

    monkeypatch.setattr("torch.export.export", export)
    with refused(ConversionError, "conversion.toolchain", "far enough"):
        lowered(module, "executorch-int8-dynamic", small, tmp_path)
    assert list(module.state_dict()) == list(before) != seen
    assert all(torch.equal(module.state_dict()[key], before[key]) for key in before)


@pytest.mark.parametrize("name", ["tflite-int8-dynamic", "tflite-int8-weight"])
def test_a_weight_that_stayed_float_is_an_error(
    small: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(tfl, "_quantized", lambda content, _: tfl.opened(content))
    with refused(ConversionError, "conversion.weights", ": 1 x FULLY_CONNECTED FLOAT32") as caught:
        lowered(Tiny(1024), name, small, tmp_path)
    assert str(caught.value).endswith(" FLOAT32")  # and nothing else


def test_executorch_claims_the_integers_that_reach_xnnpack(
    small: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspect = resolve(TARGETS["executorch"].inspector)
    assert lowered(Tiny(1024), "executorch-int8-dynamic", small, tmp_path) == 1
    assert inspect(tmp_path / "model.pte").integer_products == 1
    monkeypatch.setattr("levit_mobile.conversion.executorch._prepared", lambda module, _: (module, 1))
    assert lowered(Tiny(1024), "executorch-int8-dynamic", small, tmp_path) == 1
    assert inspect(tmp_path / "model.pte").integer_products == 0  # which `pipeline.inspect` refuses


def test_scales_of_least_squares_are_never_worse_than_largest_values() -> None:
    groups = torch.randn(50, 3, 32, generator=torch.Generator().manual_seed(0))

    def error(scales: Tensor) -> Tensor:
        return (int4.int4(groups, scales) * scales[..., None] - groups).square().sum(-1)

    scales, largest = int4.least_squares_scales(groups), (groups.abs().amax(-1) / 7).bfloat16().float()
    assert (error(scales) <= error(largest) * 1.01).all()
    assert error(scales).sum() < 0.95 * error(largest).sum()
    assert torch.equal(scales, scales.bfloat16().float())


def test_a_weight_of_zeros_has_scales() -> None:
    codes, scales = tfl._groups(np.zeros((2, 64), np.float32))
    assert codes.shape == (64,)
    assert not codes.any()
    assert (scales.view(np.float16) >= tfl.LEAST_SCALE).all()
    layer = nn.Linear(64, 2)
    layer.weight.data.zero_()
    fake_quantize_weight_(layer)
    assert not int8_weight(layer).any()
    assert (layer.get_buffer(SCALE) > 0).all()


def test_int4_codes_are_packed_low_half_first() -> None:
    weight = np.zeros((1, 32), np.float32)
    weight[0, :4] = (7, -8, 1, -1)
    codes, scales = tfl._groups(weight)
    assert scales.view(np.float16).tolist() == [1.0]
    assert codes[:2].tolist() == [0x87, 0xF1]


@pytest.mark.parametrize("values", [torch.linspace(-1, 9, 2000), torch.linspace(2, 3, 2000), torch.zeros(2000)])
def test_a_table_comes_back_within_half_a_step(values: Tensor) -> None:
    table = pte.Table(values)
    (codes,) = table.right_inverse(values)
    assert codes.dtype is torch.int8
    assert (table(codes) - values).abs().max() <= 0.51 * max(table.scale, 1e-30)


def test_the_runtime_agrees_with_the_arithmetic_on_the_stored_integers(built: Built, small: SourceModel) -> None:
    """Weight-only is exact arithmetic on rounded weights: the same rounding in PyTorch gives the artifact's logits."""
    found, chosen = built("tflite-int8-weight"), RECIPES["tflite-int8-weight"]
    form = lowering.with_scales(small.checkpoint.model, small.spec, TARGETS["tflite"]).form
    for part in form.modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            fake_quantize_weight_(part)
        for values in part.buffers(recurse=False):
            if values.numel() >= tfl.MIN_CONSTANT:
                _, codes, scales = tfl._int8(values.numpy())
                assert scales is not None
                values.copy_(torch.from_numpy(codes * scales.reshape(-1, *[1] * (codes.ndim - 1))))
    pictures = np.concatenate(list(small.reference.pictures.batches(8)))[:8]
    load = resolve(TARGETS["tflite"].runner)
    source, result = writing.input_of(small, chosen), writing.output_of(small, chosen)
    logits = load(found.path / "model.tflite", source=source, result=result)(pictures)
    with torch.inference_mode():
        expected = np.concatenate([form(torch.from_numpy(p.transpose(1, 2, 0)[None].copy())) for p in pictures])
    assert np.abs(logits - expected).max() < 1e-3 * np.abs(expected).max()
