"""Docstrings: Google's sections, true to the signatures everywhere, and complete for the public names."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import doctest
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from enum import EnumMeta
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from types import FunctionType
from typing import Any

import pytest
from pydantic import BaseModel

import levit_mobile
from levit_mobile import errors

PACKAGE = Path(levit_mobile.__file__).parent
SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example")
HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):$", re.M)
ENTRY = re.compile(r"^    (\w+): \S", re.M)  # `name: text`, one level in
CODE = re.compile(r"``([a-z]+)\.([a-z-]+)``")
KINDS: dict[str, Any] = {
    kind.KIND: kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, errors.LevitMobileError)
}
PUBLIC = {name: getattr(levit_mobile, name) for name in levit_mobile.__all__}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
TYPES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}


def own_methods(kind: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that the class defines itself, as functions, by name."""
    for name, value in vars(kind).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        written = isinstance(function, FunctionType) and not hasattr(function, "__dataclass_fields__")
        if written and (not name.startswith("_") or name == "__call__"):
            yield f"{kind.__name__}.{name}", function


METHODS = dict(pair for kind in TYPES.values() for pair in own_methods(kind))
CALLABLES = {**FUNCTIONS, **METHODS}
DOCUMENTED = {**TYPES, **CALLABLES}


def text_of(value: object) -> str:
    """A docstring without its indent; a class that has none of its own does not get its base's."""
    return inspect.cleandoc(value.__doc__ or "")


def sections(text: str) -> dict[str, str]:
    """Section -> its lines, dedented once they are read; the summary and what follows it are "Summary"."""
    head, *rest = HEADING.split(text)
    return {"Summary": head, **dict(zip(rest[::2], rest[1::2], strict=True))}


def entries(text: str, section: str) -> list[str]:
    """The names that a section explains, in order."""
    return ENTRY.findall(sections(text).get(section, ""))


def parameters(function: Any) -> list[str]:
    """What a caller gives."""
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def wrong_arguments(function: Any) -> str | None:
    """What is wrong with the Args of a function; one parameter may do without."""
    expected, found = parameters(function), entries(text_of(function), "Args")
    if found == expected or (not found and len(expected) < 2):
        return None
    return f"Args are {found}, expected {expected}"


def unknown_errors(text: str) -> set[str]:
    """Names in Raises that are neither this package's errors nor Python's, and codes that no error has."""
    raised = set(entries(text, "Raises"))
    known = {name for name in raised if hasattr(errors, name) or hasattr(builtins, name)}
    codes = CODE.findall(sections(text).get("Raises", ""))
    return (raised - known) | {
        f"{kind}.{fault}" for kind, fault in codes if kind not in KINDS or fault not in KINDS[kind].FAULTS
    }


@cache
def constants(module: str) -> Mapping[str, str]:
    """`NAME` and `Class.field` -> the literal under their assignment, which is their documentation."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    bodies = [("", tree.body)] + [(f"{node.name}.", node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        prefix + ast.unparse(target): ast.literal_eval(after.value)
        for prefix, body in bodies
        for statement, after in pairwise(body)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        for target in assigned(statement)
    }


def assigned(statement: ast.stmt) -> list[ast.expr]:
    """The names that a statement gives values to."""
    return [statement.target] if isinstance(statement, ast.AnnAssign) else getattr(statement, "targets", [])


def fields_of(kind: type) -> list[str]:
    """The fields of a dataclass or a model, and the members of an enum."""
    if isinstance(kind, EnumMeta):
        return [member.name for member in kind]  # type: ignore[var-annotated]
    if issubclass(kind, BaseModel):
        return list(kind.model_fields)
    return [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


def undocumented(kind: type) -> list[str]:
    """Fields without an entry under Attributes and without a literal under them."""
    literals = constants(kind.__module__)
    listed = entries(text_of(kind), "Attributes")
    return [name for name in fields_of(kind) if name not in listed and f"{kind.__name__}.{name}" not in literals]


def examples(text: str) -> list[doctest.Example]:
    """The lines of a section that a reader could type."""
    return doctest.DocTestParser().get_examples(dedent(sections(text).get("Example", "")))


def calls(source: str) -> Iterator[ast.Call]:
    """Calls of `levit_mobile.<name>(...)` in a line of an example."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("levit_mobile."):
            yield node


def bound(call: ast.Call) -> bool:
    """Does the function that a call names take these arguments?"""
    function = eval(ast.unparse(call.func), {"levit_mobile": levit_mobile})
    named = {str(keyword.arg): keyword.value for keyword in call.keywords}
    return bool(inspect.signature(function).bind(*call.args, **named))


# The public names


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_public_name_has_a_summary_of_one_line(name: str) -> None:
    first, _, rest = text_of(DOCUMENTED[name]).partition("\n")
    assert first.endswith(".")
    assert not rest or rest.startswith("\n")


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - set(FUNCTIONS) - set(TYPES)))
def test_a_public_constant_is_documented_under_its_assignment(name: str) -> None:
    assert constants(levit_mobile._HOMES[name])[name].endswith(".")


@pytest.mark.parametrize("name", CALLABLES)
def test_arguments_are_those_of_the_signature(name: str) -> None:
    assert wrong_arguments(CALLABLES[name]) is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_returns(name: str) -> None:
    returns = inspect.signature(FUNCTIONS[name]).return_annotation not in (None, "None")
    assert ("Returns" in sections(text_of(FUNCTIONS[name]))) == returns


@pytest.mark.parametrize("name", DOCUMENTED)
def test_errors_and_their_codes_exist(name: str) -> None:
    assert unknown_errors(text_of(DOCUMENTED[name])) == set()


@pytest.mark.parametrize("name", TYPES)
def test_every_field_is_documented(name: str) -> None:
    assert undocumented(TYPES[name]) == []


@pytest.mark.parametrize("name", TYPES)
def test_no_attribute_is_documented_that_does_not_exist(name: str) -> None:
    kind = TYPES[name]
    known = {*fields_of(kind), *dir(kind), *vars(errors.LevitMobileError(""))}
    assert set(entries(text_of(kind), "Attributes")) <= known


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_calls_the_function_with_arguments_that_it_takes(name: str) -> None:
    called = [call for example in examples(text_of(FUNCTIONS[name])) for call in calls(example.source)]
    assert f"levit_mobile.{name}" in [ast.unparse(call.func) for call in called]
    assert all(map(bound, called))


def test_the_packages_own_example_calls_what_exists() -> None:
    shown = doctest.DocTestParser().get_examples(levit_mobile.__doc__ or "")
    called = [call for example in shown for call in calls(example.source)]
    assert [ast.unparse(call.func) for call in called] == ["levit_mobile.convert", "levit_mobile.validate"]
    assert all(map(bound, called))


# Every other docstring that has sections


def written_functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Functions and methods that have an Args section."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and "Args" in sections(ast.get_docstring(node) or ""):
            yield node


def declared(function: ast.FunctionDef) -> list[str]:
    """Parameters as they are written, without self and cls."""
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


@pytest.mark.parametrize("room", sorted({path.parent.name for path in PACKAGE.rglob("*.py")}))
def test_wherever_arguments_are_listed_they_are_those_of_the_function(room: str) -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py") if path.parent.name == room]
    functions = [function for tree in trees for function in written_functions(tree)]
    assert {
        function.name: entries(ast.get_docstring(function) or "", "Args")
        for function in functions
        if entries(ast.get_docstring(function) or "", "Args") != declared(function)
    } == {}
    assert set().union(*(unknown_errors(ast.get_docstring(function) or "") for function in functions)) == set()


# The checks see what is wrong


def test_a_missing_a_surplus_and_a_moved_argument_are_seen() -> None:
    def moved(one: int, two: int) -> None:
        """Moved.

        Args:
            two: Second.
            one: First.
        """

    def bare(one: int, two: int) -> None:
        """None at all."""

    def surplus(one: int) -> None:
        """More.

        Args:
            one: The one,
                which has a second line: not a name.
            two: Surplus.
        """

    assert wrong_arguments(moved) == "Args are ['two', 'one'], expected ['one', 'two']"
    assert wrong_arguments(bare) == "Args are [], expected ['one', 'two']"
    assert wrong_arguments(surplus) == "Args are ['one', 'two'], expected ['one']"


def test_an_unknown_error_and_an_unknown_code_are_seen() -> None:
    text = "Load.\n\nRaises:\n    LoadError: Always (``image.noise``).\n    OSError: Never (``image.nosie``).\n"
    assert unknown_errors(text) == {"LoadError", "image.nosie"}


def test_a_field_without_a_description_is_seen() -> None:
    @dataclasses.dataclass
    class Pair:
        """Two.

        Attributes:
            one: First.
        """

        one: int
        two: int

    assert undocumented(Pair) == ["two"]
