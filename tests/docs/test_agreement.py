"""The page "Python, Kotlin and Swift agree" names modules, classes and tests that exist, in every language."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.markdown import ROOT, prose, text

PAGE = "docs/agreement.md"
FOLDERS = {
    "Kotlin": ("android_demo/core/src/main", "android_demo/levit/src/main"),
    "Swift": ("ios_demo/LevitMobileKit/Sources", "ios_demo/LevitRuntimes/Sources"),
}
TEST_FOLDERS = {
    "Kotlin": ("android_demo/core/src/test", "android_demo/levit/src/test", "android_demo/levit/src/testTwins"),
    "Swift": ("ios_demo/LevitMobileKit/Tests", "ios_demo/LevitRuntimes/Tests"),
}
SUFFIXES = {"Kotlin": "*.kt", "Swift": "*.swift"}
TYPE = r"\b(?:class|object|interface|struct|enum|actor|protocol) {}\b"
Row = tuple[str, str, str, str]


def tables() -> Iterator[tuple[Row, list[Row]]]:
    """Header and rows of each table of four columns."""
    for block in re.findall(r"(?:^\|.*\n)+", text(PAGE), re.M):
        header, _, *lines = (tuple(cell.strip() for cell in line.strip("|").split("|")) for line in block.splitlines())
        if len(header) == 4:
            yield header, list(lines)  # type: ignore[misc]


def named(first: str) -> list[Row]:
    """The rows of all tables whose first column has this header."""
    return [row for header, rows in tables() if header[0] == first for row in rows]


def name(cell: str) -> str:
    """The only code span of a cell; empty if it has none."""
    found = re.findall(r"`([^`]+)`", cell)
    return found[0] if len(found) == 1 else ""


@cache
def code(language: str, folders: tuple[str, ...]) -> dict[Path, str]:
    """Every source file of a language, with its text."""
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob(SUFFIXES[language]))]
    return {path: path.read_text(encoding="utf-8") for path in files}


def test_the_page_has_every_part() -> None:
    parts, tests = named("part"), named("shared file")
    assert (len(parts) >= 20, len(tests) >= 10) == (True, True)
    for header, _ in tables():
        assert header[1:] == ("Python", "Kotlin", "Swift")


@pytest.mark.parametrize("row", named("part"), ids=lambda row: row[0])
def test_the_python_of_a_part_exists(row: Row) -> None:
    path = name(row[1])
    if row[1] == "-" or row[1].startswith("Pillow's "):
        return
    module, _, last = path.rpartition(".")
    assert callable(getattr(importlib.import_module(f"levit_mobile.{module}"), last))


@pytest.mark.parametrize("language", FOLDERS)
@pytest.mark.parametrize("row", named("part"), ids=lambda row: row[0])
def test_the_type_of_a_part_exists(row: Row, language: str) -> None:
    cell = row[2 if language == "Kotlin" else 3]
    if cell == "-":
        return
    defined = re.compile(TYPE.format(name(cell)))
    assert any(defined.search(found) for found in code(language, FOLDERS[language]).values()), name(cell)


def test_the_names_differ_in_case_only() -> None:
    """Apart from two that the page names."""
    pairs = [(name(row[2]), name(row[3])) for row in named("part") if "-" not in (row[2], row[3])]
    different = {pair for pair in pairs if pair[0].lower() != pair[1].lower()}
    assert different == {("Bundle", "LevitBundle"), ("Runner", "ArtifactRunner")}


@pytest.mark.parametrize("row", named("shared file"), ids=lambda row: row[0])
def test_each_language_reads_the_shared_file(row: Row) -> None:
    file, python, kotlin, swift = map(name, row)
    assert (ROOT / "testdata" / file).is_file()
    tree = ast.parse((ROOT / "tests" / "test_testdata.py").read_text(encoding="utf-8"))
    assert python in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for language, suite in (("Kotlin", kotlin), ("Swift", swift)):
        defined = re.compile(TYPE.format(suite))
        (found,) = [one for one in code(language, TEST_FOLDERS[language]).values() if defined.search(one)]
        assert re.search(rf'"{Path(file).stem}(\.json)?"', found)


@pytest.mark.parametrize(("language", "suite"), [("Kotlin", "RecipesTest"), ("Swift", "RecipesTests")])
def test_the_runners_are_tested_with_every_recipe(language: str, suite: str) -> None:
    assert f"`{suite}` in {language}" in text(PAGE)
    defined = re.compile(TYPE.format(suite))
    assert any(defined.search(found) for found in code(language, TEST_FOLDERS[language]).values())


def test_every_shared_file_is_on_the_page() -> None:
    assert {name(row[0]) for row in named("shared file")} == {path.name for path in (ROOT / "testdata").glob("*.json")}


def test_every_path_on_the_page_exists() -> None:
    paths: list[str] = re.findall(r"`([\w.-]+(?:/[\w.-]*)+)`", text(PAGE))
    assert len(paths) >= 5
    assert [one for one in paths if not (ROOT / one).exists()] == []


def test_every_command_of_make_on_the_page_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"`make ([\w-]+)`", text(PAGE))
    assert len(commands) == 3
    assert [one for one in commands if not re.search(rf"^{one}:", makefile, re.M)] == []


def test_the_reference_leads_to_the_page() -> None:
    assert "agreement.md" in text("docs/inside.md")
    assert "\nagreement\n" in text("docs/inside.md")
    assert "Python" in prose(PAGE)
