"""Conversions that a run shares: equal inputs share one, and whatever differs is converted by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from levit_mobile.conversion import tflite
from support.conversions import digest, shared_conversions, shared_float_models
from torch import nn

from levit_mobile.interfaces.card import Card
from levit_mobile.model.fake_quant import FakeQuant, QParams
from levit_mobile.pipeline import lowering
from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS

CARD = Card("net", "a net", ("a", "b"), 4, 4, "author", "licence", "1")
SEEN_ELSEWHERE = """
import sys
sys.path[:] = {path!r}
from test_shared_conversions import net
from support.conversions import digest
print(digest(net()))
"""


def net() -> nn.Module:
    made = nn.Sequential(nn.Linear(4, 4), FakeQuant(), nn.Linear(4, 2)).eval()
    made[1].grid = QParams(0.5, 3)
    for parameter in made.parameters():
        parameter.data = torch.arange(parameter.numel(), dtype=torch.float32).reshape(parameter.shape)
    return made


def changed(change: Callable[[nn.Module], Any]) -> nn.Module:
    made = net()
    change(made)
    return made


def test_equal_things_have_one_digest_in_every_process() -> None:
    path = [str(Path(__file__).parent), *sys.path]
    call = [sys.executable, "-c", SEEN_ELSEWHERE.format(path=path)]
    there = subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
    assert digest(net()) == there


@pytest.mark.parametrize(
    "other",
    [
        changed(lambda made: made[0].weight.data[0, 0].add_(1)),
        changed(lambda made: made[0].weight.data.copy_(made[0].weight.data.T.clone())),
        changed(lambda made: setattr(made[1], "grid", QParams(0.5, 4))),
        changed(lambda made: setattr(made[2], "bias", made[0].bias)),
        changed(lambda made: made.append(nn.Identity())),
        changed(lambda made: made.train()),
        changed(lambda made: made.half()),
    ],
    ids=["a value", "an order of values", "a grid", "a tensor used twice", "a module", "a mode", "a type"],
)
def test_what_differs_has_another_digest(other: nn.Module) -> None:
    assert digest(other) != digest(net())


@pytest.mark.parametrize("target", ["coreml", "executorch"])
def test_the_same_is_converted_once(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def convert(_: nn.Module, recipe: Any, *, card: Card, path: Path, taps: tuple[str, ...] = ()) -> int:
        calls.append(path)
        if target == "coreml":
            path.mkdir()
        ((path / "weights") if target == "coreml" else path).write_text(f"{recipe.name} {card.name} {taps}")
        return 7

    monkeypatch.setattr(lowering, "converter", lambda _: convert)
    recipe = next(recipe for recipe in RECIPES.values() if recipe.target == target)
    paths = [tmp_path / f"{number}{TARGETS[target].suffix}" for number in range(3)]
    with shared_conversions(tmp_path), shared_conversions(tmp_path):
        assert [lowering.lower(net(), recipe, CARD, path) for path in paths[:2]] == [7, 7]
        lowering.lower(net(), recipe, replace(CARD, name="other"), paths[2])
    assert calls == [paths[0], paths[2]]
    one, two, three = ((path / "weights" if path.is_dir() else path).read_text() for path in paths)
    assert one == two != three
    assert lowering.lower(net(), recipe, CARD, tmp_path / f"last{TARGETS[target].suffix}") == 7
    assert len(calls) == 3


def test_a_float_model_of_the_same_size_is_lowered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []

    def float_model(_: nn.Module, size: tuple[int, int]) -> bytes:
        calls.append(size)
        return repr(size).encode()

    monkeypatch.setattr(tflite, "float_model", float_model)
    with shared_conversions(tmp_path), shared_float_models(tmp_path):
        made = [tflite.float_model(net(), size) for size in ((4, 4), (4, 4), (4, 8))]
    assert made == [b"(4, 4)", b"(4, 4)", b"(4, 8)"]
    assert calls == [(4, 4), (4, 8)]
