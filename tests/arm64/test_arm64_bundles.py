"""The bundled model with the phone's own kernels: it computes the same, and costs no more than it did."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Bundles
from support.arm64s import RUNS_HERE, ready
from support.one_pass import validate

from levit_mobile.arm64 import cost
from levit_mobile.arm64.counting import TITLES
from levit_mobile.arm64.cpus import CPUS, DEFAULT
from levit_mobile.recipe import RECIPES as RECIPES_BY_NAME

pytestmark = RUNS_HERE
BASELINE = Path(__file__).parents[2] / "benchmarks" / "arm64_baseline.json"
RECIPES = ("tflite-fp32", "tflite-int8", "executorch-fp32", "executorch-int8")
# Precision and core -> the class of instruction by which its kernels multiply, and the millions of them at least.
KERNELS = {
    ("fp32", "cortex-a53"): ("fmla", 75),
    ("fp32", "cortex-a76"): ("fmla", 75),
    ("int8", "cortex-a53"): ("mlal", 60),
    ("int8", "cortex-a76"): ("dot", 15),
}
GROWTH = 0.01


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("cpu", DEFAULT)
@pytest.mark.parametrize("recipe", RECIPES)
def test_it_is_proven_on_the_core_by_the_kernels_of_that_core(bundles: Bundles, recipe: str, cpu: str) -> None:
    ready()
    found = validate(bundles(recipe).path, cpu=cpu, count=1)
    assert found.verdict == "proven", found.reasons
    assert found.emulation is not None
    asked = {check.name for check in found.emulation.checks()}
    in_half = RECIPES_BY_NAME[recipe].allows_half and CPUS[cpu].computes_in_half
    of_integers = "max_loss_db" if in_half else "max_difference_db"
    assert asked == {"max_margin", "max_relative_error" if "fp32" in recipe else of_integers}
    name, millions = KERNELS[recipe.partition("-")[2], cpu]
    assert found.emulation.instructions[TITLES[name]] >= millions * 1e6


# Recipe -> pictures, which take seconds each, and millions of float16 products at least. Where ranges are found at run
# time, XNNPACK computes in float16 around the products of integers alone.
IN_HALF = {"tflite-int8": (4, 3), "tflite-int8-dynamic": (4, 0), "tflite-int4-weight": (4, 0), "tflite-fp16": (1, 35)}


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("recipe", IN_HALF)
def test_what_a_core_computes_in_float16_is_proven(bundles: Bundles, recipe: str) -> None:
    ready()
    count, millions = IN_HALF[recipe]
    found = validate(bundles(recipe).path, cpu="cortex-a76", count=count)
    assert found.verdict == "proven", found.reasons
    assert found.emulation is not None
    asked = {check.name for check in found.emulation.checks()}
    assert asked == ({"max_margin"} if recipe == "tflite-fp16" else {"max_margin", "max_loss_db"})
    assert found.emulation.flips == ()
    ran = found.emulation.instructions
    assert ran.get(TITLES["fmla half"], 0) >= millions * 1e6
    assert not millions or ran.get(TITLES["fmla"], 0) < 1e5


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_executes_no_more_than_its_baseline(bundles: Bundles, recipe: str) -> None:
    found = tuple(cost.measure(bundles(recipe).path, CPUS[cpu], ready()) for cpu in DEFAULT)
    assert cost.grown(found, cost.read_baseline(BASELINE), max_growth=GROWTH) == ()
    assert all(one.outside_share < 0.02 for one in found)


def test_the_baseline_is_of_the_versions_that_are_installed() -> None:
    from levit_mobile.arm64.folder import wanted

    baseline = cost.read_baseline(BASELINE)
    assert {name: baseline.versions[name] for name in ("ai-edge-litert", "executorch")} == {
        name: version for name, version in wanted().items() if name != "numpy"
    }
    assert {name: set(rows) for name, rows in baseline.instructions.items()} == {
        f"levit_128s-{recipe}": set(DEFAULT) for recipe in RECIPES
    }
