"""What convert says of integers: groups that are float, what bias tables cost, and the time beside float32."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from support.nets import MEAN, STD, levit, pixels
from torch import Tensor, nn

from levit_mobile.errors import ConversionError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.tokens import TokenMajor
from levit_mobile.model.families.levit.trained import LeViT
from levit_mobile.pipeline import convert
from levit_mobile.pipeline import quantization_summary as integers
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.cost_model import groups_of
from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS, resolve
from levit_mobile.timing import samples
from levit_mobile.timing.beside import beside
from levit_mobile.timing.ratios import PROCESSES

INTEGERS = [name for name, recipe in RECIPES.items() if recipe.has_integers]
CLOUDS = ImageSet.from_arrays(
    {str(i): picture for i, picture in enumerate((pixels(20, 64) * 255).byte().permute(0, 2, 3, 1).numpy())}
)


# What is float by plan


def test_a_group_is_named_whole_and_an_edge_alone() -> None:
    form = TokenMajor(bake(levit(side=64), mean=MEAN, std=STD), channels_last=False)
    groups = groups_of(form)
    whole, part = groups["head"], groups["body.stage0.attn0.scores"][:1]
    assert integers.float_groups(form, ()) == ()
    assert integers.float_groups(form, (*whole, *part)) == ("head", *part)


# Tables


@pytest.mark.parametrize("name", INTEGERS)
def test_every_recipe_stores_a_table_nearly_as_it_was(name: str) -> None:
    table = torch.randn(4, 49, 49, generator=torch.Generator().manual_seed(0))
    how, stored = resolve(TARGETS[RECIPES[name].target].tables)(table, RECIPES[name])
    assert stored.shape == table.shape
    assert stored.dtype is torch.float32
    bits = 6 if "palette" in how else 8
    assert how.startswith(("int8 a ", "palette6 a "))
    assert 0 < float((stored - table).abs().max()) < 2 * float(table.abs().max()) / 2 ** (bits - 1)


@pytest.mark.parametrize("target", TARGETS)
def test_a_small_table_stays_float(target: str) -> None:
    table = torch.randn(2, 4, 4)
    how, stored = resolve(TARGETS[target].tables)(table, RECIPES[f"{target}-int8"])
    assert how in ("float32", "float16")
    assert torch.allclose(stored, table, atol=2e-3)


def of_tables(name: str = "tflite-int8") -> integers.Tables:
    return integers.tables_of(bake(levit(side=64), mean=MEAN, std=STD), RECIPES[name], CLOUDS)


def test_tables_alone_cost_what_their_rounding_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of_tables()
    assert (found.stored, found.pictures) == ("float32, int8 a head", 8)
    assert 30 < found.sqnr_db < 90

    def coarse(table: Tensor, _: object) -> tuple[str, Tensor]:
        return "int2", table.round()

    monkeypatch.setattr("levit_mobile.conversion.tflite_weights.table_as_stored", coarse)
    assert of_tables().sqnr_db < found.sqnr_db - 10
    monkeypatch.setattr("levit_mobile.conversion.tflite_weights.table_as_stored", lambda table, _: ("float32", table))
    assert (of_tables().stored, of_tables().sqnr_db) == ("float32", math.inf)


# Speed


def test_a_speed_has_its_samples_by_process_and_the_ratio_over_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def beside(artifacts: dict[str, Path], target: str) -> dict[str, tuple[samples.Samples, ...]]:
        asked.append((list(artifacts.values()), target))
        return {"ours": ((3.0, 3.0), (3.0,)), "float32": ((8.0, 8.0), (8.0,))}

    monkeypatch.setattr(integers, "beside", beside)
    found = integers.speed(Path("int8"), Path("fp32"), "tflite")
    assert asked == [([Path("int8"), Path("fp32")], "tflite")]
    assert (found.median_ms, found.float_median_ms, found.noisy, found.warmup) == (3, 8, False, samples.WARMUP)
    assert (found.samples_ms, found.float_samples_ms, found.process_samples) == ((3,) * 3, (8,) * 3, (2, 1))
    assert (found.ratio.middle, found.ratio.processes) == (pytest.approx(0.375), (2,))


@pytest.mark.parametrize(
    ("ours", "in_float", "noisy"),
    [
        ((1.0,) * 5, (2.0,) * 5, False),
        ((1.0, 1.0, 1.0, 1.2, 1.2), (2.0,) * 5, True),
        ((1.0,) * 5, (2.0, 2.0, 2.0, 2.4, 2.4), True),
        ((10.0, 10.0, 10.0, 11.0, 11.0), (2.0,) * 5, False),
    ],
)
def test_noise_of_either_artifact_is_noise(ours: samples.Samples, in_float: samples.Samples, noisy: bool) -> None:
    assert integers.Speed(ours, in_float, 5, (5,)).noisy is noisy


def test_a_runtime_is_asked_for_by_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(integers, "runtime_probe", lambda row: lambda: asked.append(row.name))
    integers.require_runtime("executorch")
    assert asked == ["executorch"]


class Means(nn.Module):
    """A model without a table: the mean of each colour."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


@pytest.mark.parametrize(
    ("count", "chosen"), [(20, range(0, 16, 2)), (15, range(8)), (3, range(3)), (24, range(0, 24, 3))]
)
def test_tables_are_judged_on_eight_pictures_evenly_spread(count: int, chosen: range) -> None:
    read: list[str] = []
    picture = CLOUDS.read("0")
    pictures = ImageSet(tuple(map(str, range(count))), lambda name: read.append(name) or picture)
    found = integers.tables_of(cast(LeViT, Means()), RECIPES["tflite-int8"], pictures)
    assert (found.pictures, found.stored, found.sqnr_db) == (len(chosen), integers.NO_TABLES, math.inf)
    assert read == [str(index) for index in chosen]


Found = Callable[[], integers.QuantizationSummary]


@pytest.fixture
def untimed() -> integers.QuantizationSummary:
    return integers.QuantizationSummary((), integers.Tables("int8 a head", 60.0, 8))


@pytest.mark.skipif(sys.platform == "darwin", reason="Core ML runs there")
def test_core_ml_is_not_timed_off_a_mac(
    untimed: integers.QuantizationSummary, small: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is lowered for it."""
    monkeypatch.setattr(convert.lowering, "lower", lambda *_: pytest.fail("lowered in vain"))
    found = convert.timed(untimed, tmp_path / "model.mlpackage", small, RECIPES["coreml-int8"])
    assert found.speed is None
    assert found.not_timed.startswith("NOT RUN: Core ML runs on macOS only")


def test_a_float_lowering_that_fails_costs_no_bundle(
    untimed: integers.QuantizationSummary, small: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ConversionError("no kernel", fault="toolchain")

    monkeypatch.setattr(convert.lowering, "lower", refuse)
    found = convert.timed(untimed, tmp_path / "model.tflite", small, RECIPES["tflite-int8"])
    assert (found.speed, found.not_timed) == (None, "NOT RUN: no kernel")


@pytest.mark.slow
@pytest.mark.usefixtures("converted_once")
@pytest.mark.parametrize(("name", "processes"), [("tflite-int8-dynamic", PROCESSES), ("executorch-int8-dynamic", 2)])
def test_a_real_artifact_is_timed_beside_float32(
    shallow: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, processes: int
) -> None:
    """ExecuTorch in fewer processes than by default: each of its own imports torch, which takes seconds."""
    rounds = samples.ROUNDS * processes // PROCESSES
    if processes < PROCESSES:
        monkeypatch.setattr(integers, "beside", partial(beside, rounds=rounds, processes=processes))
    heard: list[str] = []
    made = convert.build(
        shallow, RECIPES[name], out=tmp_path, timing=True, progress=lambda what, _done, _of: heard.append(what)
    )
    found = made.integers
    assert found is not None
    assert found.speed is not None
    assert (found.float_by_plan, found.not_timed) == (None, "")
    assert len(found.speed.samples_ms) == len(found.speed.float_samples_ms) == rounds
    assert found.speed.process_samples == (30,) * processes
    assert min(found.speed.samples_ms + found.speed.float_samples_ms) > 0.01
    assert heard[-2:] == [f"{name}: time", f"{name}: write"]
    assert sorted(item.name for item in tmp_path.iterdir()) == [made.path.name]
