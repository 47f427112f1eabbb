"""The codes of errors: listed by their class, used, carried from process to process, and all in docs/errors.md.

docs/errors.md is written anew by `python -m tests.test_errors > docs/errors.md`, from the repository's root.
"""

from __future__ import annotations

import ast
import pickle
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from levit_mobile import errors
from levit_mobile.errors import LevitMobileError, ToolchainMissing

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "errors.md"
INTRODUCTION = """# Errors

Every error that this package raises on purpose is a `levit_mobile.LevitMobileError`.

- `str(error)` is one sentence for a person. It names the fault, the expected value or the next step. Its wording may
  change between versions.
- `error.code` is for programs and stays the same between versions. It is the kind of error, a dot and the fault, such
  as `checkpoint.shape`. With `--json`, a command that fails prints it.

The tables list the codes of each class.

"""
KINDS: dict[str, type[LevitMobileError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, LevitMobileError) and kind is not LevitMobileError
}
FAULTY = [(kind, fault) for kind in KINDS.values() for fault in kind.FAULTS]


def page() -> str:
    """The text of docs/errors.md."""
    return INTRODUCTION + "\n".join(section(kind) for kind in KINDS.values())


def section(kind: type[LevitMobileError]) -> str:
    """The part about one class: its docstring and a row for each code."""
    rows = {f"{kind.KIND}.{fault}": meaning for fault, meaning in kind.FAULTS.items()} or {kind.KIND: "any cause"}
    table = "".join(f"| `{code}` | {meaning} |\n" for code, meaning in rows.items())
    return f"## {kind.__name__}\n\n{(kind.__doc__ or '').strip()}\n\n| code | meaning |\n| --- | --- |\n{table}"


# What the code says


@cache
def parsed() -> dict[str, ast.Module]:
    """Every module of the package by its path."""
    files = [file for folder in ("levit_mobile", "conversion") for file in sorted((ROOT / folder).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8")) for file in files}


@cache
def calls() -> list[tuple[str, ast.Call]]:
    """Every call, with the path of its module."""
    nodes = [(path, node) for path, tree in parsed().items() for node in ast.walk(tree)]
    return [(path, node) for path, node in nodes if isinstance(node, ast.Call)]


def makes(call: ast.Call) -> str | None:
    """The class of errors that is called."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    return name if name in KINDS else None


def fault_of(call: ast.Call) -> ast.expr | None:
    """What is passed as `fault`."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == "fault"), None)


def words(fault: ast.AST | None) -> set[str]:
    """The faults that an expression spells out."""
    nodes = ast.walk(fault) if fault else []
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def is_given(fault: ast.expr) -> bool:
    """Does it stand elsewhere: is it more than words, and a choice between them?"""
    if isinstance(fault, ast.IfExp):
        return is_given(fault.body) or is_given(fault.orelse)
    return not isinstance(fault, ast.Constant)


@cache
def given() -> set[str]:
    """The classes that get a fault which stands elsewhere, or are themselves given to what raises them."""
    made = {name for _, call in calls() if (name := makes(call)) and (fault := fault_of(call)) and is_given(fault)}
    refusals = [word for _, call in calls() if getattr(call.func, "id", "") != "isinstance" for word in call.args]
    return made | {word.id for word in refusals if isinstance(word, ast.Name) and word.id in KINDS}


@cache
def elsewhere() -> set[str]:
    """The faults in calls of anything but a class of errors, in defaults of a parameter, and in errors.py's tables."""
    found = {word for _, call in calls() if not makes(call) for word in words(fault_of(call))}
    for node in (node for tree in parsed().values() for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef):
            named = dict(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
            found |= {word for name, default in named.items() if name.arg == "fault" for word in words(default)}
    tables = [table for name, table in vars(errors).items() if name.isupper() and isinstance(table, Mapping)]
    return found | {word for table in tables for word in table.values()}


def used(name: str) -> set[str]:
    """The faults of a class that the code spells out."""
    found = {word for _, call in calls() if makes(call) == name for word in words(fault_of(call))}
    return found | (elsewhere() & KINDS[name].FAULTS.keys() if name in given() else set())


# Tests


def test_every_class_is_one_kind() -> None:
    assert len(KINDS) >= 11
    assert len({kind.KIND for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_faults_are_words_with_a_meaning(name: str) -> None:
    faults = KINDS[name].FAULTS
    assert len(faults) <= 20
    for fault, meaning in faults.items():
        assert fault.replace("-", "").isalnum()
        assert fault == fault.lower()
        assert meaning
        assert "|" not in meaning
        assert not meaning.endswith(".")
    assert len(set(faults.values())) == len(faults)


@pytest.mark.parametrize("name", KINDS)
def test_every_error_is_made_with_a_fault(name: str) -> None:
    made = [(path, call) for path, call in calls() if makes(call) == name]
    assert made
    if KINDS[name].FAULTS:
        assert [f"{path}:{call.lineno}" for path, call in made if fault_of(call) is None] == []


@pytest.mark.parametrize("name", KINDS)
def test_the_faults_in_the_code_are_those_of_the_class(name: str) -> None:
    assert used(name) == set(KINDS[name].FAULTS)


def test_a_fault_that_stands_elsewhere_is_one_of_a_class_that_is_given_it() -> None:
    assert elsewhere() <= {fault for name in given() for fault in KINDS[name].FAULTS}


def test_an_error_knows_only_the_faults_of_its_kind() -> None:
    with pytest.raises(KeyError):
        errors.ImageError("a sentence", fault="no-such-fault")


@pytest.mark.parametrize(("kind", "fault"), FAULTY)
def test_an_error_keeps_its_code(kind: type[LevitMobileError], fault: str) -> None:
    """From another process, and in other words."""
    error = kind("one sentence", fault=fault)
    sent = pickle.loads(pickle.dumps(error))
    again = pickle.loads(pickle.dumps(error.reworded("another sentence")))
    assert (type(sent), str(sent), sent.code) == (kind, "one sentence", f"{kind.KIND}.{fault}")
    assert (type(again), str(again), again.code) == (kind, "another sentence", sent.code)
    assert str(error) == "one sentence"


def test_a_missing_toolchain_keeps_its_package_and_its_words() -> None:
    error = pickle.loads(pickle.dumps(ToolchainMissing("vendor", "tflite").reworded("another sentence")))
    assert isinstance(error, ToolchainMissing)
    assert (error.code, error.package, error.extra, str(error)) == ("toolchain", "vendor", "tflite", "another sentence")


def test_the_page_lists_every_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.test_errors > docs/errors.md"


if __name__ == "__main__":
    sys.stdout.write(page())
