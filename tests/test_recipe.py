"""Recipes: names, defaults, and what is refused with which words."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace

import pytest
from support.refusals import refused

from levit_mobile.errors import RecipeError
from levit_mobile.recipe import DEFAULT_PRECISION, RECIPES, Precision, Recipe, Tolerance, Verdict, recipe
from levit_mobile.targets import TARGETS

FP32 = Tolerance(100, 1.0)


COREML_WEIGHTS = {"coreml-int8-weight", "coreml-int4-weight", "coreml-palette6", "coreml-palette4"}
XNNPACK_WEIGHTS = {
    "tflite-int8-dynamic",
    "tflite-int8-weight",
    "tflite-int4-weight",
    "executorch-int8-dynamic",
    "executorch-int4-weight",
}


def test_floats_on_every_target_and_compressed_weights() -> None:
    assert {f"{target}-{precision}" for target in TARGETS for precision in ("fp32", "fp16")} < set(RECIPES)
    assert set(RECIPES) > COREML_WEIGHTS | XNNPACK_WEIGHTS
    assert set(DEFAULT_PRECISION) == set(TARGETS)


@pytest.mark.parametrize("name", RECIPES)
def test_a_name_is_a_claim(name: str) -> None:
    found = Recipe.from_name(name)
    assert found.name == name
    assert found == recipe(*name.split("-", maxsplit=1))
    assert (found.minimum_ios is None) == (found.target != "coreml")


@pytest.mark.parametrize("target", TARGETS)
def test_floats_are_held_to_what_rounding_costs(target: str) -> None:
    assert recipe(target, "fp32").tolerance == Tolerance(100, 1.0)
    least_db = 50 if target == "coreml" else 42  # XNNPACK sums in float16 where the core can
    assert recipe(target, "fp16").tolerance == Tolerance(least_db, 1.0)


def test_fewer_bits_are_held_to_less() -> None:
    names = ("fp32", "fp16", "int8-weight", "palette6", "palette4")
    bounds = [recipe("coreml", name).tolerance.min_sqnr_db for name in names]
    assert bounds == sorted(set(bounds), reverse=True)


@pytest.mark.parametrize(("target", "name"), [("coreml", "coreml-fp16"), ("tflite", "tflite-fp32")])
def test_default_precision(target: str, name: str) -> None:
    assert recipe(target).name == name
    assert recipe("executorch").precision is Precision.FLOAT32


def test_precision_as_a_word_or_a_value() -> None:
    assert recipe("tflite", "fp16") == recipe("tflite", Precision.FLOAT16)
    assert recipe("tflite", "fp16").precision is Precision.FLOAT16


@pytest.mark.parametrize("version", [16, 17, 18])
def test_minimum_ios_is_coremls(version: int) -> None:
    assert recipe("coreml", minimum_ios=version).minimum_ios == version
    assert recipe("coreml", "fp32", minimum_ios=version).name == "coreml-fp32"


def test_a_coreml_recipe_asks_for_the_oldest_ios_that_it_can() -> None:
    asked = {name: found.minimum_ios for name, found in RECIPES.items() if found.target == "coreml"}
    assert {name for name, ios in asked.items() if ios == 16} >= COREML_WEIGHTS - {"coreml-int4-weight"}
    assert asked["coreml-int4-weight"] == 18


@pytest.mark.parametrize("version", [16, 17])
def test_4_bit_weights_need_ios_18(version: int) -> None:
    with refused(RecipeError, "recipe.minimum-ios", "coreml-int4-weight", "expected 18", f"minimum_ios is {version}"):
        recipe("coreml", "int4-weight", minimum_ios=version)
    assert recipe("coreml", "int4-weight", minimum_ios=18) == RECIPES["coreml-int4-weight"]


@pytest.mark.parametrize("version", [15, 19, 0])
def test_unsupported_ios_lists_the_supported(version: int) -> None:
    with refused(RecipeError, "recipe.minimum-ios", f"minimum_ios is {version}", "16, 17, 18"):
        recipe("coreml", minimum_ios=version)


@pytest.mark.parametrize("target", ["tflite", "executorch"])
def test_minimum_ios_elsewhere_is_an_error(target: str) -> None:
    with refused(RecipeError, "recipe.minimum-ios", "minimum_ios is 16", target, "coreml"):
        recipe(target, minimum_ios=16)


def test_a_coreml_recipe_needs_its_ios() -> None:
    with refused(RecipeError, "recipe.minimum-ios", "minimum_ios is None", "16, 17, 18"):
        Recipe("coreml", Precision.FLOAT16, FP32)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("tflight",), "tflite"),
        (("onnx",), None),
        (("tflite", "fp61"), "fp16"),
        (("tflite", ""), None),
        (("tflite", "FP32"), None),
    ],
)
def test_unknown_words_are_answered(words: tuple[str, ...], hint: str | None) -> None:
    """With the nearest word, if one is near, and with all that there are."""
    code, known = ("recipe.unknown-precision", Precision) if words[1:] else ("recipe.unknown-target", TARGETS)
    with refused(RecipeError, code, repr(words[-1]), ", ".join(known)) as caught:
        recipe(*words)
    assert (f" {hint}?)" in str(caught.value)) if hint else ("?" not in str(caught.value))


@pytest.mark.parametrize("name", ["tflite-fp8", "tflite", "tflite-fp32-", "fp32", ""])
def test_unknown_names_list_the_recipes(name: str) -> None:
    with refused(RecipeError, "recipe.unknown-recipe", repr(name), ", ".join(RECIPES)):
        Recipe.from_name(name)
    with refused(RecipeError, "recipe.unknown-recipe", "'tflite_fp32'", " tflite-fp32?"):
        Recipe.from_name("tflite_fp32")


def test_a_recipe_of_unknown_parts_cannot_be_made() -> None:
    with refused(RecipeError, "recipe.unknown-target", "'onnx'"):
        Recipe("onnx", Precision.FLOAT32, FP32)
    with refused(RecipeError, "recipe.unknown-precision", "'int3'"):
        Recipe("tflite", "int3", FP32)  # type: ignore[arg-type]


@pytest.mark.parametrize("bounds", [(0, 1), (-5, 1), (float("nan"), 1), (50, 1.01), (50, -0.1), (50, float("nan"))])
def test_tolerance_bounds(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Tolerance(*bounds)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("min_top5_agreement", (0, 1), (-0.01, 1.01, math.nan)),
        ("min_top1_accuracy", (0, 1), (-0.01, 1.01, math.nan)),
        ("max_accuracy_drop", (0, 1), (-0.01, 1.01, math.nan)),
        ("min_cosine", (-1, 1), (-1.01, 1.01, math.nan)),
        ("max_abs_error", (0, 1e9), (-1e-9, math.inf, math.nan)),
        ("max_mean_abs_error", (0, 1e9), (-1e-9, math.inf, math.nan)),
        ("max_kl", (0, 1e9), (-1e-9, math.inf, math.nan)),
    ],
)
def test_bounds_that_are_not_asked_for_by_recipes(name: str, good: tuple[float, ...], bad: tuple[float, ...]) -> None:
    assert getattr(FP32, name) is None
    for value in good:
        assert getattr(replace(FP32, **{name: value}), name) == value
    for value in bad:
        with pytest.raises(ValueError, match=f"{name} is .*, expected"):
            replace(FP32, **{name: value})


def test_the_easier_of_two_tolerances() -> None:
    one = Tolerance(100, 0.9, max_abs_error=0.1, max_kl=0.2, min_cosine=0.5)
    other = Tolerance(50, 1.0, max_abs_error=0.3, max_kl=0.1)
    assert one.loosened(other) == other.loosened(one) == Tolerance(50, 0.9, max_abs_error=0.3, max_kl=0.2)


def test_recipes_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        RECIPES["tflite-fp32"].target = "coreml"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ((), "not run"),
        (("proven",), "proven"),
        (("proven", "proven"), "proven"),
        (("not run",), "not run"),
        (("proven", "not run"), "not run"),
        (("not run", "broken"), "broken"),
        (("broken", "proven", "proven"), "broken"),
    ],
)
def test_the_worst_of_verdicts(verdicts: tuple[str, ...], worst: str) -> None:
    assert Verdict.worst(map(Verdict, verdicts)) == worst
    assert Verdict.worst(map(Verdict, reversed(verdicts))) == worst


FLOATS = {name for name in RECIPES if name.endswith(("-fp32", "-fp16"))}
MULTIPLY_INTEGERS = {
    "coreml-int8",
    "executorch-int8",
    "executorch-int8-dynamic",
    "executorch-int4-weight",
    "tflite-int8",
    "tflite-int8-dynamic",
    "tflite-int4-weight",
}


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_stored_and_what_is_multiplied(name: str) -> None:
    assert RECIPES[name].has_integers == (name not in FLOATS)
    assert RECIPES[name].computes_in_integers == (name in MULTIPLY_INTEGERS)


BOUNDS = {
    "fp32": (100, 1.0),
    "fp16": (50, 1.0),
    "int8": (25, 0.98),
    "int8-dynamic": (25, 0.95),
    "int8-weight": (35, 0.98),
    "palette6": (30, 0.98),
    "palette4": (18, 0.95),
    "int4-weight": (18, 0.95),
}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipes_bounds_are_the_ones_that_its_table_promises(name: str) -> None:
    expected = Tolerance(*BOUNDS[name.partition("-")[2]])
    assert RECIPES[name].tolerance == (replace(expected, min_sqnr_db=42) if name in SUMS_IN_HALF else expected)


SUMS_IN_HALF = {"executorch-fp16", "tflite-fp16"}  # on a phone's core
HALF = {"tflite-fp16", "tflite-int8", "tflite-int8-dynamic", "tflite-int4-weight"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_core_may_compute_in_float16_where_nothing_is_lost(name: str) -> None:
    assert RECIPES[name].allows_half == (name in HALF)


@pytest.mark.parametrize("name", [name for name in RECIPES if name.startswith("tflite-")])
def test_arithmetic_in_float32_is_every_tflite_recipes(name: str) -> None:
    exact = recipe(*name.split("-", 1), arithmetic="fp32")
    expected = replace(RECIPES[name].tolerance, min_sqnr_db=50) if name == "tflite-fp16" else RECIPES[name].tolerance
    assert exact == replace(RECIPES[name], allows_half=False, tolerance=expected)
    assert exact.rounding_at(expected.min_sqnr_db) == exact.rounding_db
    assert exact.rounding_at(expected.min_sqnr_db + 1) is None


def test_arithmetic_in_float16_can_be_asked_of_stored_integers_but_not_of_float32() -> None:
    assert recipe("tflite", "int8-weight", arithmetic="fp16").allows_half
    with refused(RecipeError, "recipe.not-available", "tflite-fp32", "use tflite-fp16"):
        recipe("tflite", "fp32", arithmetic="fp16")
    with refused(RecipeError, "recipe.unknown-arithmetic", "'bf16'", "fp32, fp16"):
        recipe("tflite", "int8", arithmetic="bf16")


@pytest.mark.parametrize("target", ["coreml", "executorch"])
@pytest.mark.parametrize("arithmetic", ["fp32", "fp16"])
def test_arithmetic_elsewhere_is_an_error(target: str, arithmetic: str) -> None:
    with refused(RecipeError, "recipe.not-available", f"arithmetic is {arithmetic}", target, "only tflite"):
        recipe(target, "fp16", arithmetic=arithmetic)
    with refused(RecipeError, "recipe.not-available", f"{target}-fp16", "use tflite-fp16"):
        replace(RECIPES[f"{target}-fp16"], allows_half=True)


@pytest.mark.parametrize("name", RECIPES)
def test_pixels_as_int8_are_for_static_int8_beside_core_ml(name: str) -> None:
    target, precision = name.split("-", 1)
    if name in ("tflite-int8", "executorch-int8"):
        assert recipe(target, precision, io="int8") == replace(RECIPES[name], io="int8")
    else:
        with refused(RecipeError, "recipe.not-available", name, "tflite-int8", "executorch-int8"):
            recipe(target, precision, io="int8")
    with refused(RecipeError, "recipe.unknown-io", "'uint8'", "float, int8"):
        recipe(target, precision, io="uint8")


@pytest.mark.parametrize(("version", "good"), [(16, False), (17, True), (18, True)])
def test_static_int8_of_core_ml_needs_ios_17(version: int, good: bool) -> None:
    if good:
        assert recipe("coreml", "int8", minimum_ios=version).minimum_ios == version
    else:
        with refused(RecipeError, "recipe.minimum-ios", "coreml-int8", "minimum_ios", "17", "16"):
            recipe("coreml", "int8", minimum_ios=version)


def test_a_precision_that_another_target_has_lists_this_ones_own() -> None:
    with refused(RecipeError, "recipe.not-available", "tflite", "palette6", "fp32, fp16, int8"):
        Recipe.from_name("tflite-palette6")
    with refused(RecipeError, "recipe.not-available", "executorch", "int8-weight"):
        recipe("executorch", "int8-weight")


LOW = Tolerance(10, 0.1, 0.2, -0.5, 1.0, 2.0, 3.0, 0.3, 0.1)
HIGH = Tolerance(20, 0.2, 0.3, 0.5, 2.0, 3.0, 4.0, 0.4, 0.2)


def test_the_easier_bound_is_the_lower_least_and_the_higher_most() -> None:
    assert LOW.loosened(HIGH) == HIGH.loosened(LOW) == Tolerance(10, 0.1, 0.2, -0.5, 2.0, 3.0, 4.0, 0.3, 0.2)
    assert LOW.loosened(Tolerance(1, 0)) == Tolerance(1, 0) == Tolerance(1, 0).loosened(LOW)


@pytest.mark.parametrize("bounds", [(math.inf, 1), (-math.inf, 1), (0.0, 1)])
def test_an_sqnr_of_no_finite_positive_number_is_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"min_sqnr_db is .*, expected a finite number above 0"):
        Tolerance(*bounds)
    assert Tolerance(5e-324, 0).min_top1_agreement == 0
    assert Tolerance(1e308, 1).min_top1_agreement == 1
