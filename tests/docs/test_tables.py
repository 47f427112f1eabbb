"""The tables of recipes, runtimes and kinds of bytes are those of the code."""

from __future__ import annotations

import ast
import re

import pytest
from support.markdown import ROOT, blocks, rows, text

from levit_mobile.arm64.counting import TITLES
from levit_mobile.recipe import DEFAULT_PRECISION, RECIPES
from levit_mobile.reporting.tables.convert import INTEGER_ROWS
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


@pytest.mark.parametrize("name", FACTS)
def test_measured_sizes_are_those_that_the_command_prints(name: str) -> None:
    sizes = [row[1].partition(" / ")[0] for row in rows("docs/measured.md") if row[0] == f"`levit_128s-{name}`"]
    assert set(sizes) <= {f"{FACTS[name].bytes / 1e6:.2f}"}


def headings(block: str) -> set[str]:
    """The first cells of the rows of a printed table without a heading row."""
    cells = {line.split("│")[1].strip() for line in block.splitlines() if line.startswith("│")}
    return {cell for cell in cells if cell} if "┏" not in block else set()


# Command -> the row headings of its table that are computed, as patterns.
COMPUTED = {
    "inspect": r"(input|output|ops|weights|metadata) .*|head|projections|convolutions|bias tables|other",
    "bench": r"vs|levit_128s-.*|32",
    "cost": f"vs .*|{'|'.join(map(re.escape, TITLES.values()))}",
}


@pytest.mark.parametrize("command", ["convert", "validate", "inspect", "bench", "cost"])
def test_a_quoted_table_has_the_rows_that_the_command_prints(command: str) -> None:
    quoted = [content for _, content in blocks("docs/tutorial.md") if content.startswith(f"$ levit-mobile {command} ")]
    found = set().union(*(headings(re.split("^┏", content, flags=re.M)[0]) for content in quoted))
    source = (ROOT / "levit_mobile" / "reporting" / "tables" / f"{command}.py").read_text(encoding="utf-8")
    nodes = ast.walk(ast.parse(source))
    literal = {node.value.strip() for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert len(found) > 8
    assert {heading for heading in found - literal if not re.fullmatch(COMPUTED.get(command, ""), heading)} == set()


def test_the_page_of_quantization_explains_the_rows_for_integers() -> None:
    explained = {name for row in rows("docs/quantization.md") for name in re.findall(r"`([^`]+)`", row[0])}
    assert set(INTEGER_ROWS) <= explained
