"""Attention's matmuls run by the same kernels whatever the ranges: a zero point of 0 would change that in XNNPACK."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from support.arm64s import RUNS_HERE, ready

from levit_mobile.arm64 import cost
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.model.fake_quant import QParams, fake_quants_of
from levit_mobile.pipeline import lowering, writing
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.apply import grids_of
from levit_mobile.quantization.observers import Observer
from levit_mobile.quantization.prepare import quantize
from levit_mobile.quantization.statistics import collect
from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS

pytestmark = [RUNS_HERE, pytest.mark.slow]
CORE = CPUS["cortex-a53"]  # it has no float16, in which XNNPACK leaves the matmuls as they are
FLOAT, WIDENING = "xnn_f32_gemm_", "xnn_f32_qc8w_gemm_"  # what their kernels are called
EVEN = QParams(0.02, 0)


def executed(
    shallow: SourceModel, path: Path, zero_points: Mapping[str, QParams], *, by_force: bool = False
) -> tuple[int, int]:
    """Instructions in float matmuls, and in those that widen int8, where keys and values have these grids.

    `by_force` sets the grids as they are.
    """
    ready()
    recipe, target = RECIPES["tflite-int8"], TARGETS["tflite"]
    form = lowering.form_of(lowering.baked_for(shallow.checkpoint.model, shallow.spec, target), target, integers=True)
    picture = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(0))
    statistics = collect(form, lambda: [picture])
    quantize(form, {**grids_of(statistics, Observer.MIN_MAX), **zero_points}, statistics, picture, correct=False)
    for name in zero_points if by_force else ():
        fake_quants_of(form)[name].grid = zero_points[name]
    lowering.lower(form, recipe, writing.card_of(shallow, recipe), path)
    functions = cost.measure(path, CORE, ready()).functions
    in_float, widening = (
        sum(each.instructions for each in functions if each.name.startswith(name)) for name in (FLOAT, WIDENING)
    )
    return in_float, widening


def test_a_zero_point_of_0_does_not_decide_by_which_kernel_a_matmul_runs(shallow: SourceModel, tmp_path: Path) -> None:
    target = TARGETS["tflite"]
    form = lowering.form_of(lowering.baked_for(shallow.checkpoint.model, shallow.spec, target), target)
    even = {name: EVEN for name in fake_quants_of(form) if name.endswith((".key", ".value"))}
    measured = executed(shallow, tmp_path / "measured.tflite", {})
    assert measured[0] > 0
    assert measured[1] == 0
    assert executed(shallow, tmp_path / "even.tflite", even) == measured
    forced = executed(shallow, tmp_path / "forced.tflite", even, by_force=True)  # what XNNPACK would do
    assert forced[0] == 0
    assert forced[1] > 0
