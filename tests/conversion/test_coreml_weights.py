"""Compressed Core ML packages: what is stored, that it stands for the model's own weights, and that it still runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Bundles, Run
from levit_mobile.conversion import coreml, coreml_weights
from numpy.typing import NDArray
from support.checkpoints import official_state, one_block_a_stage, saved, transformers_model
from support.conversions import shared_conversions
from support.installed import needs
from support.refusals import refused
from torch import nn
from torch.nn import functional as F

from levit_mobile.errors import ArtifactError, ConversionError
from levit_mobile.inspection import coreml as inspector
from levit_mobile.mil.program import read
from levit_mobile.parity import metrics
from levit_mobile.pipeline import convert
from levit_mobile.pipeline.source_model import SourceModel, load_source
from levit_mobile.pipeline.writing import Bundle, card_of, input_of, output_of
from levit_mobile.recipe import RECIPES, Recipe
from levit_mobile.runners import mil
from levit_mobile.system.files import digest
from levit_mobile.targets import TARGETS

needs("coremltools")

pytestmark = pytest.mark.slow

Array = NDArray[np.float32]
Build = Callable[[str, int], Bundle]
LARGE = 2048
SIDE_PX = 128  # the first stage has 64 tokens, and so tables that are large
PICTURES = 8

# Recipe, iOS -> the elements' types, and bytes a parameter.
CASES: dict[tuple[str, int], tuple[set[str], float]] = {
    ("coreml-int8-weight", 16): ({"float16", "int8"}, 1.013),
    ("coreml-int8-weight", 18): ({"float16", "int8"}, 1.011),
    ("coreml-palette6", 16): ({"float16", "int8", "uint8"}, 0.767),
    ("coreml-palette6", 18): ({"float16", "int8", "uint6"}, 0.767),
    ("coreml-palette4", 16): ({"float16", "int8", "uint8"}, 0.524),
    ("coreml-int4-weight", 18): ({"float16", "int8", "int4", "uint6"}, 0.599),
}
EACH = pytest.mark.parametrize(("name", "ios"), CASES)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SourceModel:
    """levit_128s with 10 classes and one block a stage, not trained: its head and its tables are compressed."""
    with one_block_a_stage("levit_128s"):
        state = official_state(transformers_model("levit_128s", side=SIDE_PX, classes=10), "levit_128s")
        return load_source(saved({"model": state}, tmp_path_factory.mktemp("weights") / "random.pth"))


@pytest.fixture(scope="module")
def build(model: SourceModel, conversions: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    out = tmp_path_factory.mktemp("compressed")

    def made(name: str, ios: int) -> Bundle:
        with shared_conversions(conversions):
            return convert.build(model, replace(RECIPES[name], minimum_ios=ios), out=out / f"{name}-{ios}")

    return cache(made)


@pytest.fixture
def package(build: Build, name: str, ios: int) -> Path:
    return build(name, ios).path / "model.mlpackage"


@dataclass(frozen=True)
class Weight:
    """A large weight of the model: its name, its use, its own float16 values and those that the package decodes to."""

    name: str
    use: str
    own: Array
    decoded: Array


def weights(model: SourceModel, package: Path) -> Iterator[Weight]:
    form = convert.to_deploy_form(model, TARGETS["coreml"])
    constants = read(package, mode="float32").constants
    for key, value in form.state_dict().items():
        if value.ndim > 1 and value.numel() > LARGE:
            (name,) = (n for n in constants if n.replace(".", "_").startswith(f"module_{key}_to_".replace(".", "_")))
            yield Weight(key, use_of(key), value.half().float().numpy(), constants[name])


def use_of(key: str) -> str:
    if key.endswith("attend.bias"):
        return "table"
    return "end" if key.startswith(("stem", "head")) else "projection"


def how(weight: Weight, name: str) -> str:
    """int8, int4, palette6 or palette4, as conversion/README.md has it."""
    if weight.use == "end" or name == "coreml-int8-weight":
        return "int8"
    if weight.use == "table":
        return "int8" if name == "coreml-palette6" else "palette6"
    return name.removeprefix("coreml-").removesuffix("-weight")


def weight_file(package: Path) -> Path:
    return package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"


def entries_of(content: bytes) -> list[int]:
    """Where the weight file says of a constant where it lies."""
    marker = bytes.fromhex("efbeadde")
    return [at for at in range(64, len(content), 64) if content[at : at + 4] == marker]


# What is stored


@EACH
def test_the_file_holds_these_types_and_no_more(build: Build, name: str, ios: int, package: Path) -> None:
    types, each = CASES[name, ios]
    bundle = build(name, ios)
    stored = bundle.inspection.weight_bytes
    assert set(stored) == types
    assert sum(stored.values()) / bundle.contract.model.parameters == pytest.approx(each, abs=0.003)
    file = weight_file(package)
    entries = len(entries_of(file.read_bytes()))
    assert 64 * entries <= file.stat().st_size - sum(stored.values()) <= 64 + 128 * entries  # headers and padding


@EACH
def test_every_large_weight_is_compressed_once(
    build: Build, model: SourceModel, name: str, ios: int, package: Path
) -> None:
    ops = build(name, ios).inspection.ops
    found = list(weights(model, package))
    assert {weight.use for weight in found} == {"projection", "end", "table"}
    assert sum(count for op, count in ops.items() if op.startswith("constexpr_")) == len(found)
    palettes = sum(how(weight, name).startswith("palette") for weight in found)
    assert ops.get("constexpr_lut_to_dense", 0) == palettes


@EACH
def test_every_weight_decodes_to_what_its_recipe_makes_of_the_models_own(
    model: SourceModel, name: str, package: Path
) -> None:
    for weight in weights(model, package):
        REQUIRED[how(weight, name)](weight)


def require_int8(weight: Weight) -> None:
    """round(w / s) s with s = max |w| / 127, a channel; a table is one channel."""
    own, found = (values.reshape(len(values), -1).astype(np.float64) for values in (weight.own, weight.decoded))
    scale = np.abs(own).max(axis=1, keepdims=True) / 127
    assert np.abs(own - found).max() > 0
    assert (np.abs(own - found) < scale * 0.57).all()  # 0.5, and what float16 makes of the scale and of w / s
    steps = found / scale
    assert np.abs(steps - np.rint(steps)).max() < 0.1


def require_int4(weight: Weight) -> None:
    """16 equal steps over the range of 32 inputs."""
    own, found = (values.reshape(len(values), -1, 32).astype(np.float64) for values in (weight.own, weight.decoded))
    low, high = (np.minimum(own.min(-1), 0), np.maximum(own.max(-1), 0))
    scale = ((high - low) / 15)[..., None]
    assert (np.abs(own - found) < scale * 1.02).all()
    steps = found / scale
    assert np.abs(steps - np.rint(steps)).max() < 0.05
    assert metrics.sqnr_db(own, found) > 18


def require_palette(bits: int, least_db: float) -> Callable[[Weight], None]:
    def require(weight: Weight) -> None:
        table = np.unique(weight.decoded)
        assert len(table) == 1 << bits
        nearest = np.abs(weight.own[..., None] - table).min(axis=-1) if weight.own.size < 1e5 else None
        if nearest is not None:
            np.testing.assert_allclose(np.abs(weight.own - weight.decoded), nearest, atol=2e-3 * np.ptp(table))
        assert metrics.sqnr_db(weight.own, weight.decoded) > least_db

    return require


REQUIRED: dict[str, Callable[[Weight], None]] = {
    "int8": require_int8,
    "int4": require_int4,
    "palette6": require_palette(6, 28),
    "palette4": require_palette(4, 17.5),
}


# What it computes


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_the_bundled_checkpoint_keeps_its_bounds(trained: SourceModel, bundles: Bundles, name: str) -> None:
    """And is not as near as float16 is."""
    pictures = next(iter(trained.reference.pictures.batches(PICTURES)))
    logits = run(bundles(name).path / "model.mlpackage", trained, RECIPES[name])(pictures)
    expected = trained.reference.logits[:PICTURES]
    assert RECIPES[name].tolerance.min_sqnr_db < metrics.sqnr_db(expected, logits) < 50
    assert logits.argmax(1).tolist() == expected.argmax(1).tolist()


@EACH
def test_is_the_trained_model_with_the_decoded_weights(
    model: SourceModel, name: str, ios: int, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form in torch with the package's weights in place of its own, and the package itself."""
    sixth = float(np.float16(1 / 6)) if ios < 17 else 1 / 6  # an option of an op, in float32 since iOS 17
    monkeypatch.setattr(F, "hardsigmoid", lambda x: (x * sixth + 0.5).clamp(0, 1))
    form = convert.to_deploy_form(model, TARGETS["coreml"])
    state = {key: value.half().float() for key, value in form.state_dict().items()}
    state |= {weight.name: torch.from_numpy(weight.decoded) for weight in weights(model, package)}
    form.load_state_dict(state)
    picture = next(iter(model.reference.pictures.batches(1)))
    with torch.inference_mode():
        expected = form(torch.from_numpy(picture * 255).round()).numpy()
    logits = run(package, model, RECIPES[name], mode="float32")(picture)
    assert metrics.sqnr_db(expected, logits) > 100


def run(package: Path, model: SourceModel, recipe: Recipe, mode: Any = "declared") -> Any:
    return mil.load(package, source=input_of(model, recipe), result=output_of(model, recipe), mode=mode)


# The same input, the same bytes


@pytest.mark.parametrize("precision", ["palette4", "int4-weight"])
def test_another_process_makes_the_same_bytes(
    levit_mobile: Run, shallow_checkpoint: Path, shallow_bundles: Bundles, tmp_path: Path, precision: str
) -> None:
    """The shared artifact is of this process or of an earlier one; the command's own process converts by itself."""
    name = f"coreml-{precision}"
    words = ("convert", "-t", "coreml", "-p", precision, "-c", shallow_checkpoint, "-o", tmp_path / "there")
    done = levit_mobile(*words, shallow=True)
    assert done.returncode == 0 or "BROKEN" in done.stdout, done.stderr  # weights that were never trained may be
    here = shallow_bundles(name).path
    assert digest(tmp_path / "there" / here.name) == digest(here)  # contract, proof, labels and golden vectors too


# What is refused


class Odd(nn.Module):
    """[1,3,32,32] -> [1,4] by way of 72 channels, which blocks of 32 do not divide."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 72, 1), nn.Conv2d(72, 40, 1), nn.Conv2d(40, 4, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layers(x).mean((2, 3))
        return y


def test_a_weight_that_stays_in_float_is_an_error(
    small: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = RECIPES["coreml-int4-weight"]
    card = replace(card_of(small, recipe), height=32, width=32, labels=("a", "b", "c", "d"))
    with refused(ConversionError, "conversion.weights", "72 inputs", "multiple of 32"):
        coreml.convert(Odd(), recipe, card=card, path=tmp_path / "x.mlpackage")
    monkeypatch.setattr(coreml.int4, "require_groups", lambda *_: None)
    with refused(ConversionError, "conversion.weights", "coreml-int4-weight", "layers", "[40, 72, 1, 1]"):
        coreml.convert(Odd(), recipe, card=card, path=tmp_path / "x.mlpackage")
    assert not (tmp_path / "x.mlpackage").exists()


@EACH
def test_damage_to_any_constant_is_found(package: Path) -> None:
    file = weight_file(package)
    whole = file.read_bytes()
    entries = entries_of(whole)
    try:
        for at in entries[:: len(entries) // 12]:
            file.write_bytes(whole[:at] + bytes(64) + whole[at + 64 :])
            with refused(ArtifactError, "artifact.damaged", package, "weight.bin"):
                inspector.inspect(package)
    finally:
        file.write_bytes(whole)
    assert inspector.inspect(package).weight_bytes


# The palettes


def least_error(values: NDArray[np.float64], count: int) -> float:
    """Of all ways to cut the sorted values into `count` runs, the least sum of squared distances to the runs' means."""
    ends = [cuts for cuts in product(range(len(values) + 1), repeat=count - 1) if list(cuts) == sorted(cuts)]
    runs = ([values[a:b] for a, b in pairwise([0, *cuts, len(values)]) if b > a] for cuts in ends)
    return min(sum(float(((run - run.mean()) ** 2).sum()) for run in parts) for parts in runs)


@pytest.mark.parametrize("seed", range(4))
def test_palettes_are_the_optimum(seed: int) -> None:
    drawn = np.random.default_rng(seed).standard_normal(9).astype(np.float16)
    values = np.sort(np.repeat(drawn, [1, 2, 1, 3, 1, 1, 1, 1, 1]))
    table, indices = coreml_weights.palettes(values, bits=2)
    error = float(((values.astype(np.float64) - table[indices]) ** 2).sum())
    assert error == pytest.approx(least_error(values.astype(np.float64), 4), rel=1e-2)


def test_few_values_are_kept_as_they_are() -> None:
    weights = np.array([[0.5, -2, 0.5], [7, 0.5, -2]], np.float16)
    table, indices = coreml_weights.palettes(weights, bits=4)
    assert (table.shape, table.dtype, indices.dtype) == ((16,), np.float16, np.uint8)
    assert table[indices].reshape(2, 3).tolist() == weights.tolist()


def test_palettes_do_not_depend_on_the_order() -> None:
    weights = np.random.default_rng(0).standard_normal(4000).astype(np.float16)
    order = np.random.default_rng(1).permutation(4000)
    table, indices = coreml_weights.palettes(weights, bits=6)
    again, moved = coreml_weights.palettes(weights[order], bits=6)
    assert table.tolist() == again.tolist()
    assert moved.tolist() == indices[order].tolist()
