"""What `recipes` prints: the literal table of facts is about the recipes that exist, and fits a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest
from rich.console import Console

from levit_mobile.recipe import DEFAULT_PRECISION, RECIPES, Precision, Tolerance
from levit_mobile.reporting.tables.recipes import FACTS, legend, recipe_table, recipes_json
from levit_mobile.targets import TARGETS

BITS = {  # of one weight, without what is stored beside it
    Precision.FLOAT32: 32,
    Precision.FLOAT16: 16,
    Precision.INT8: 8,
    Precision.INT8_DYNAMIC: 8,
    Precision.INT8_WEIGHT: 8,
    Precision.INT4_WEIGHT: 4,
    Precision.PALETTE6: 6,
    Precision.PALETTE4: 4,
}
PARAMETERS = 7_014_758  # LeViT-128S with two heads of 10 classes


def printed(target: str, width: int) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(recipe_table(target, [one for one in RECIPES.values() if one.target == target]))
    return capture.get()


def written() -> dict[str, Any]:
    return dict(json.loads(recipes_json(list(RECIPES.values()))))


def test_facts_are_about_the_recipes_in_their_order() -> None:
    assert list(FACTS) == list(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_what_an_artifact_stores_is_what_its_name_claims(name: str) -> None:
    claims = {"fp32": "float32", "fp16": "float16", "palette6": "64 values", "palette4": "16 values"}
    precision = str(RECIPES[name].precision)
    assert FACTS[name].stores.startswith(claims.get(precision, precision.partition("-")[0]))


@pytest.mark.parametrize("name", RECIPES)
def test_integers_are_computed_where_the_recipe_says(name: str) -> None:
    assert FACTS[name].computes.startswith("int8") == RECIPES[name].computes_in_integers


@pytest.mark.parametrize("name", RECIPES)
def test_the_needed_ios_is_the_recipes(name: str) -> None:
    minimum = RECIPES[name].minimum_ios
    assert (FACTS[name].needs == f"iOS {minimum}") == (minimum is not None)


@pytest.mark.parametrize("name", RECIPES)
def test_the_input_has_the_layout_of_the_target(name: str) -> None:
    expected = "RGB image" if RECIPES[name].target == "coreml" else TARGETS[RECIPES[name].target].layout
    assert FACTS[name].input.endswith(expected)


@pytest.mark.parametrize("name", RECIPES)
def test_a_size_is_that_of_the_weights_and_a_little_more(name: str) -> None:
    """tests/conversion compares each size with that of an artifact; this sees a wrong digit at once."""
    weights = PARAMETERS * BITS[RECIPES[name].precision] / 8
    assert weights < FACTS[name].bytes < 1.5 * weights


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("target", TARGETS)
def test_the_table_fits_a_terminal_with_every_word_whole(target: str, width: int) -> None:
    shown = printed(target, width)
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    words = set(re.findall(r"\S+", shown))
    for one in RECIPES.values():
        if one.target == target:
            facts = FACTS[one.name]
            assert {*facts.stores.split(), *facts.computes.split(), f"{facts.bytes / 1e6:.2f}"} <= words
            assert {f"{one.tolerance.min_sqnr_db:g}", f"{one.tolerance.min_top1_agreement:.0%}"} <= words


@pytest.mark.parametrize("target", TARGETS)
def test_the_default_precision_is_marked(target: str) -> None:
    marked = re.findall(r"^ (\S+)\*", printed(target, 120), re.MULTILINE)
    assert marked == [DEFAULT_PRECISION[target]]


def test_what_all_rows_share_is_in_the_title() -> None:
    assert printed("tflite", 80).splitlines()[0].rstrip() == "tflite: writes .tflite, input float32 NHWC"
    assert "input" not in printed("executorch", 80).splitlines()[0]  # fp16 takes another one


def test_every_column_of_numbers_is_explained() -> None:
    assert [line.split()[0] for line in legend()] == ["*", "MB", "SQNR", "top-1"]
    assert max(map(len, legend())) <= 80


def test_the_json_has_every_field_of_every_recipe() -> None:
    found = written()
    assert found["schema_version"] == 1
    assert found["measured_on"] == {"variant": "levit_128s", "classes": 10, "input_px": 224}
    assert [row["name"] for row in found["recipes"]] == list(RECIPES)
    row = next(row for row in found["recipes"] if row["name"] == "coreml-int8")
    assert row == {
        "name": "coreml-int8",
        "target": "coreml",
        "precision": "int8",
        "default": False,
        "suffix": ".mlpackage",
        "stores": "int8",
        "computes": "int8; attention float16",
        "input": "RGB image",
        "needs": "iOS 17",
        "minimum_ios": 17,
        "bytes": FACTS["coreml-int8"].bytes,
        "tolerance": row["tolerance"],
    }
    assert (row["tolerance"]["min_sqnr_db"], row["tolerance"]["min_top1_agreement"]) == (25, 0.98)
    assert row["tolerance"].keys() == {field.name for field in fields(Tolerance)}
    assert {r["needs"] for r in found["recipes"] if r["target"] == "tflite"} == {None}
