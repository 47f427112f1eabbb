"""Python examples compile, import what exists, and run where they need neither a checkpoint nor a toolchain."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.markdown import blocks, pages

import levit_mobile

EXAMPLES = [
    pytest.param(content, id=f"{page}-{number}")
    for page in pages()
    for number, (language, content) in enumerate(blocks(page))
    if language in ("python", "py")
]


def parsed(example: str) -> ast.Module:
    """The example's syntax tree. A line of dots stands for what an excerpt leaves out."""
    return ast.parse(re.sub(r"^\s*\.\.\.$", "", example, flags=re.M))


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_python_example_names_public_names_that_exist(example: str) -> None:
    used = {
        node.attr for node in ast.walk(parsed(example)) if isinstance(node, ast.Attribute) and is_package(node.value)
    }
    assert used <= set(levit_mobile.__all__)


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_python_example_imports_what_exists(example: str) -> None:
    for node in ast.walk(parsed(example)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "levit_mobile":
            module = importlib.import_module(node.module or "")
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_python_example_passes_arguments_that_exist(example: str) -> None:
    for node in ast.walk(parsed(example)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_package(node.func.value):
            function = getattr(levit_mobile, node.func.attr)
            accepted = parameters(function)
            assert {keyword.arg for keyword in node.keywords} <= accepted, node.func.attr


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


def test_the_small_example_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = [content for _, content in blocks("docs/api.md")]
    example = next(index for index, block in enumerate(content) if "missing.tflite" in block)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(content[example], "docs/api.md", "exec"), {})
    assert printed.getvalue() == content[example + 1]


def is_package(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "levit_mobile"


def parameters(function: Callable[..., Any]) -> set[str | None]:
    """The names of a function's parameters, or of the arguments that make a class."""
    return set(inspect.signature(function).parameters)
