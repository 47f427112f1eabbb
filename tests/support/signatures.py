"""Does a function fit a Protocol's `__call__`: can it be called so, with those types?"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter
from typing import Any, get_type_hints

BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
BY_NAME = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def misfits(function: Callable[..., Any], protocol: type, names: Mapping[str, Any]) -> list[str]:
    """A sentence for everything that keeps it from fitting; `names` are of types that the Protocol imports lazily."""
    call = protocol.__call__
    wanted = list(inspect.signature(call).parameters.values())[1:]
    had = dict(inspect.signature(function).parameters)
    hints, found = get_type_hints(call, localns=dict(names)), get_type_hints(function)
    said = []
    for asked in wanted:
        given = _counterpart(asked, had)
        if given is None:
            said.append(f"it has no {asked.name} that is given as the Protocol gives it")
            continue
        del had[given.name]
        said.extend(_differences(asked, given, hints[asked.name], found.get(given.name)))
    said.extend(f"it needs {extra.name} besides" for extra in had.values() if extra.default is Parameter.empty)
    if not _returns(found.get("return"), hints["return"]):
        said.append(f"it gives {found.get('return')}, expected {hints['return']}")
    return said


def _counterpart(asked: Parameter, had: Mapping[str, Parameter]) -> Parameter | None:
    """The function's parameter that gets what the Protocol's does."""
    if asked.kind is Parameter.KEYWORD_ONLY:
        given = had.get(asked.name)
        return given if given is not None and given.kind in BY_NAME else None
    places = [parameter for parameter in had.values() if parameter.kind in BY_PLACE]
    given = places[0] if places else None
    if given is None or asked.kind is Parameter.POSITIONAL_ONLY:
        return given
    return given if (given.name, given.kind) == (asked.name, Parameter.POSITIONAL_OR_KEYWORD) else None


def _differences(asked: Parameter, given: Parameter, wanted: object, found: object) -> Iterator[str]:
    if asked.default is not Parameter.empty and given.default is Parameter.empty:
        yield f"{asked.name} has no default"
    if asked.default not in (Parameter.empty, ..., given.default):
        yield f"{asked.name} is {given.default!r} by default, expected {asked.default!r}"
    if found != wanted:
        yield f"{asked.name} is {found}, expected {wanted}"


def _returns(found: object, wanted: object) -> bool:
    """Is what it gives what is wanted, or more special?"""
    return found == wanted or (found is not None and wanted is object)
