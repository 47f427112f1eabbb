"""Every function that a target or a runtime names fits its Protocol, and one that does not would be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from support.signatures import misfits
from torch import nn

from levit_mobile.contract import Input, Output
from levit_mobile.interfaces import toolchain
from levit_mobile.interfaces.card import Card
from levit_mobile.interfaces.inspection import Inspection
from levit_mobile.interfaces.runner import Runner
from levit_mobile.interfaces.toolchain import ROLES, Converter, Inspector, RunnerLoader
from levit_mobile.recipe import Recipe
from levit_mobile.runtimes.registry import RUNTIMES
from levit_mobile.targets import TARGETS, Target, resolve

LAZY = {"nn": nn, "Tensor": torch.Tensor}  # what only type checkers import in `toolchain`
NAMED = [(name, role) for name, target in TARGETS.items() for role in ROLES if getattr(target, role, None) is not None]
ACCESSORS: dict[str, Callable[[Target], object]] = {
    "converter": toolchain.converter,
    "inspector": toolchain.inspector,
    "surveyor": toolchain.surveyor,
    "runner": toolchain.runner_loader,
    "load_for_timing": toolchain.timing_loader,
    "runtime": toolchain.runtime_probe,
    "tables": toolchain.table_rounding,
    "block_splitter": toolchain.block_splitter,
}


@pytest.mark.parametrize(("name", "role"), NAMED)
def test_what_a_target_names_fits_its_protocol(name: str, role: str) -> None:
    function = resolve(getattr(TARGETS[name], role))
    assert misfits(function, ROLES[role], LAZY) == []
    assert ACCESSORS[role](TARGETS[name]) is function


@pytest.mark.parametrize("name", RUNTIMES)
def test_what_a_runtime_names_loads_runners(name: str) -> None:
    assert misfits(resolve(RUNTIMES[name].loader), RunnerLoader, LAZY) == []


def test_every_function_that_a_target_names_has_a_protocol() -> None:
    functions = {
        field.name for target in TARGETS.values() for field in fields(target) if ":" in str(getattr(target, field.name))
    }
    assert functions == set(ROLES) == set(ACCESSORS)
    assert len(NAMED) == len(TARGETS) * len(ROLES) - 2  # two targets have no block splitter
    assert toolchain.block_splitter(TARGETS["coreml"]) is None


def swapped(recipe: Recipe, module: nn.Module, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> int:
    raise NotImplementedError


def without_taps(module: nn.Module, recipe: Recipe, *, card: Card, path: Path) -> int:
    raise NotImplementedError


def taps_without_default(module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...]) -> int:
    raise NotImplementedError


def other_default(
    module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...] = ("stem",)
) -> int:
    raise NotImplementedError


def other_type(module: nn.Module, recipe: Recipe, *, card: Card, path: str, taps: tuple[str, ...] = ()) -> int:
    raise NotImplementedError


def other_result(module: nn.Module, recipe: Recipe, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> None:
    raise NotImplementedError


def one_more(module: nn.Module, recipe: Recipe, *, card: Card, path: Path, ios: int, taps: tuple[str, ...] = ()) -> int:
    raise NotImplementedError


def not_annotated(module, recipe, *, card, path, taps=()):  # type: ignore[no-untyped-def]
    raise NotImplementedError


def by_place_only(path: Path, /) -> Inspection:
    raise NotImplementedError


def renamed(file: Path) -> Inspection:
    raise NotImplementedError


def one_thread(path: Path, *, source: Input, result: Output) -> Runner:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("function", "protocol", "words"),
    [
        (swapped, Converter, "it has no module"),
        (without_taps, Converter, "it has no taps"),
        (taps_without_default, Converter, "taps has no default"),
        (other_default, Converter, "taps is ('stem',) by default, expected ()"),
        (other_type, Converter, "path is <class 'str'>, expected <class 'pathlib"),
        (other_result, Converter, "it gives <class 'NoneType'>, expected <class 'int'>"),
        (one_more, Converter, "it needs ios besides"),
        (not_annotated, Converter, "module is None, expected"),
        (by_place_only, Inspector, "it has no path"),
        (renamed, Inspector, "it has no path"),
        (one_thread, RunnerLoader, "it has no threads"),
    ],
)
def test_a_function_that_does_not_fit_is_told(function: Callable[..., Any], protocol: type, words: str) -> None:
    said = misfits(function, protocol, LAZY)
    assert said
    assert said[0].startswith(words)


def test_a_function_may_take_more_than_it_must() -> None:
    def generous(path: Path, verbose: bool = False) -> Inspection:
        raise NotImplementedError

    assert misfits(generous, Inspector, LAZY) == []
