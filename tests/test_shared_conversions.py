"""Conversions that a run shares: equal inputs share one, and whatever differs is converted by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from levit_mobile.conversion import tflite
from support import conversions, kept, shared
from support.conversions import digest, made_once, shared_conversions, shared_float_models, shared_measurements
from support.kept import MADE_IN_CI, MAKERS
from test_architecture import SEEN_BY_CONVERTERS
from torch import nn

from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.card import Card
from levit_mobile.model.fake_quant import FakeQuant, QParams
from levit_mobile.pipeline import lowering
from levit_mobile.quantization import calibration
from levit_mobile.quantization.plan import Plan
from levit_mobile.quantization.prepare import LaidOut, Quantization
from levit_mobile.recipe import RECIPES
from levit_mobile.system.locks import used
from levit_mobile.targets import TARGETS, Target

SPEC = ImageSpec.for_side(64)
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


def test_the_same_pictures_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def with_scales(model: nn.Module, _: object, target: Target, *__: object, **___: object) -> LaidOut:
        calls.append(target.name)
        return LaidOut(model)

    def pictures(count: int) -> Quantization:
        found = calibration.find("synthetic", SPEC, count=count)
        return Quantization(found, Plan(variant="levit_128s", target="tflite"))

    monkeypatch.setattr(lowering, "with_scales", with_scales)
    target, made = TARGETS["tflite"], net()
    with shared_measurements():
        one, two = (lowering.with_scales(made, SPEC, target, pictures(16)).form for _ in range(2))
        assert calls == ["tflite"]
        assert one is not two
        assert digest(one) == digest(two) == digest(made)
        lowering.with_scales(made, SPEC, target, pictures(17))
        lowering.with_scales(made, SPEC, TARGETS["executorch"], pictures(16))
        lowering.with_scales(changed(lambda one: one.train()), SPEC, target, pictures(16))
        assert calls == ["tflite", "tflite", "executorch", "tflite"]
        for _ in range(2):
            lowering.with_scales(made, SPEC, target, None)
    assert len(calls) == 6
    assert lowering.with_scales is with_scales


def two_files(path: Path, *, content: str) -> None:
    (path.parent / "beside").mkdir()
    (path.parent / "beside" / "data").write_text("data")
    path.write_text(content)
    CALLS.append(content)


CALLS: list[str] = []


def test_an_artifact_of_a_vendor_is_made_once_with_what_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "CALLS", [])
    kept_in, places = tmp_path / "kept", [tmp_path / name / "model" for name in ("one", "two", "three")]
    kept_in.mkdir()
    for place, content in zip(places, ("a", "a", "b"), strict=True):
        made_once(kept_in, partial(two_files, content=content), place)
        assert (place.parent / "beside" / "data").read_text() == "data"
    assert [place.read_text() for place in places] == ["a", "a", "b"]
    assert CALLS == ["a", "b"]
    monkeypatch.setattr(conversions, "_source", lambda _: "changed")
    made_once(kept_in, partial(two_files, content="a"), places[0])
    assert CALLS == ["a", "b", "a"]


class Mine(nn.Module):
    """A net that a test defines."""


def test_a_net_of_a_test_is_another_one_when_the_test_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(Mine())
    assert digest(Mine()) == before
    monkeypatch.setattr(conversions, "_source", lambda module: "changed" if module == __name__ else "")
    assert digest(Mine()) != before


@pytest.mark.parametrize("left", ["artifact", "partial"])
@pytest.mark.parametrize("target", ["coreml", "executorch"])
def test_what_an_interrupted_run_left_is_replaced(
    target: str, left: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(*_: object, path: Path, **__: object) -> int:
        if target == "coreml":
            path.mkdir()
        ((path / "weights") if target == "coreml" else path).write_text("whole")
        return 7

    monkeypatch.setattr(lowering, "converter", lambda _: convert)
    recipe = next(recipe for recipe in RECIPES.values() if recipe.target == target)
    paths = [tmp_path / f"{name}{TARGETS[target].suffix}" for name in ("one", "two", "three")]
    folder = tmp_path / "kept"
    folder.mkdir()
    for path in paths:
        with shared_conversions(folder):
            assert lowering.lower(net(), recipe, CARD, path) == 7
        assert ((path / "weights") if path.is_dir() else path).read_text() == "whole"
        assert not list(folder.glob("*.partial"))
        (done,) = folder.glob("*.pickle")
        done.unlink()
        artifact = done.with_suffix(TARGETS[target].suffix)
        if left == "partial":
            artifact.rename(artifact.with_name(f"{artifact.name}.partial"))


def test_an_interrupted_conversion_is_made_again(tmp_path: Path) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared.once(tmp_path, "a", interrupted)
    (tmp_path / "b.partial").write_bytes(b"half")
    assert [shared.once(tmp_path, name, lambda: 7) for name in "ab"] == [7, 7]
    assert [shared.once(tmp_path, name, lambda: 8) for name in "ab"] == [7, 7]


# Folders of several runs


def test_the_converters_and_all_that_they_import_are_in_the_folders_name() -> None:
    names = {f"levit_mobile/{name.replace('.', '/')}" for name in SEEN_BY_CONVERTERS} | {"conversion"}
    assert [
        name for name in sorted(names) if not any(name.startswith(maker.removesuffix(".py")) for maker in MAKERS)
    ] == []
    assert [maker for maker in MAKERS if not (kept.ROOT / maker).exists()] == []


def test_another_name_for_other_converters_and_other_versions(tmp_path: Path) -> None:
    def found(installed: str = "torch 2") -> str:
        return kept.digest(tmp_path, ["conversion", "recipe.py"], installed)

    file = tmp_path / "conversion" / "plans" / "a.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    (tmp_path / "recipe.py").write_text("a = 1")
    (tmp_path / "cli.py").write_text("")
    names = [found(), found("torch 3")]
    file.write_text("{ }")
    names.append(found())
    file.rename(file.with_name("b.json"))
    names.append(found())
    (tmp_path / "recipe.py").write_text("a = 2")
    names.append(found())
    assert len(set(names)) == 5
    (tmp_path / "cli.py").write_text("another command")
    (file.parent / "a.pyc").write_bytes(b"compiled")
    assert found() == names[-1]
    assert "torch 2." in kept.versions()


def test_few_folders_are_left_beside_the_one_in_use(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "older", "old", "used", "ancient"), 1):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    with used(tmp_path / "used"):
        os.utime(tmp_path / "used", (1.0, 1.0))
        with kept.kept(tmp_path, "own") as own:
            assert own.stat().st_mtime > 1e9
            assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"own", "new", "older", "used"}
            with kept.kept(tmp_path, "another"):
                assert own.is_dir()
    assert own.is_dir()


@pytest.mark.parametrize(("value", "wanted"), {None: True, "1": True, "0": False}.items(), ids=str)
def test_a_run_can_leave_them_alone(value: str | None, wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kept.VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(kept.VARIABLE, value)
    assert kept.wanted() is wanted


@pytest.mark.parametrize(
    ("ci", "value", "recipes"), [(None, "1", {*RECIPES}), ("true", "1", {*RECIPES} - {*MADE_IN_CI}), (None, "0", set())]
)
def test_in_ci_every_run_converts_the_bundled_checkpoint_for_each_target(
    ci: str | None, value: str, recipes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kept.VARIABLE, value)
    monkeypatch.delenv("CI", raising=False)
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    assert {name for name in RECIPES if kept.of_the_bundled_checkpoint(name)} == recipes
    assert {RECIPES[name].target for name in MADE_IN_CI} == {*TARGETS}
