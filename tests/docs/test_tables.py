"""The tables of recipes, runtimes and kinds of bytes are those of the code."""

from __future__ import annotations

import re

from support.markdown import rows, text

from levit_mobile.recipe import DEFAULT_PRECISION, RECIPES
from levit_mobile.reporting.tables.recipes import FACTS
from levit_mobile.runtimes.registry import RUNTIMES
from levit_mobile.targets import TARGETS


def recipe_rows() -> dict[str, list[str]]:
    """The page's recipe table: name -> cells of its row."""
    return {found[1]: row for row in rows("docs/recipes.md") if (found := re.match(r"`(\w+-[\w-]+)`", row[0]))}


def test_the_recipe_table_is_the_recipes() -> None:
    assert list(recipe_rows()) == list(RECIPES)
    for name, recipe in RECIPES.items():
        row = recipe_rows()[name]
        assert row[-2:] == [f"{recipe.tolerance.min_sqnr_db:g} dB", f"{recipe.tolerance.min_top1_agreement:.0%}"]
        assert (f"(default for {recipe.target})" in row[0]) == (DEFAULT_PRECISION[recipe.target] is recipe.precision)
        assert row[1] == f"`{TARGETS[recipe.target].suffix}`"


def test_the_recipe_table_has_the_facts_that_the_command_prints() -> None:
    for name, facts in FACTS.items():
        expected = [facts.stores, facts.computes, facts.input, facts.needs or "-", f"{facts.bytes / 1e6:.2f}"]
        assert recipe_rows()[name][2:7] == expected


def test_the_readme_counts_the_recipes() -> None:
    assert f"the {len(RECIPES)} combinations of target and precision" in text("README.md")


def test_every_runtime_is_on_the_page_of_validate() -> None:
    named = re.findall(r"^\| `([\w-]+)` \| (\w+) \|", text("docs/commands/validate.md"), re.M)
    assert dict(named) == {name: row.target for name, row in RUNTIMES.items()}
