"""Static int8 drilled: calibrated once more it is the artifact, bit for bit, with blocks in the model's units."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Bundles
from support.conversions import WithScales, once_a_quantization, shared_float_models
from support.nets import MEAN, STD, levit, pixels
from support.one_pass import validate

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import ImageError
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.tokens import TokenMajor
from levit_mobile.model.parts.intermediate_outputs import Tapped
from levit_mobile.pipeline import lowering
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.quantization.equalize import equalize
from levit_mobile.quantization.prepare import LaidOut
from levit_mobile.recipe import RECIPES
from levit_mobile.system.files import digest
from levit_mobile.validation import block_error as drill
from levit_mobile.validation import drill as tapping
from levit_mobile.validation import setup
from levit_mobile.validation import validate as validation
from levit_mobile.validation.results import Drill

WRONG = "stage1.mlp2"
Lower = Callable[..., None]


@pytest.fixture(scope="module")
def made(bundles: Bundles) -> Bundle:
    return bundles("tflite-int8")


@pytest.fixture(scope="module")
def lowered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sound tapped artifact is kept: it is lowered once."""
    return tmp_path_factory.mktemp("lowered") / "tapped.tflite"


@pytest.fixture
def one_float_model(made: Bundle, conversions: Path) -> Iterator[None]:  # noqa: ARG001
    """The slow half of a lowering is that of an earlier one whose net was the same."""
    with shared_float_models(conversions):
        yield


@pytest.fixture(scope="module")
def with_scales() -> WithScales:
    """Calibrates once, since the checkpoint and the pictures of every drill are the same."""
    return once_a_quantization(lowering.with_scales)


@pytest.fixture
def kept(lowered: Path, with_scales: WithScales, monkeypatch: pytest.MonkeyPatch) -> None:
    def lower(*arguments: Any, taps: tuple[str, ...]) -> None:
        if not lowered.exists():
            lowering.lower(*arguments, taps=taps)
            shutil.copy(arguments[-1], lowered)
        shutil.copy(lowered, arguments[-1])

    monkeypatch.setattr(drill, "lower", lower)
    monkeypatch.setattr(drill, "with_scales", with_scales)


def drilled(bundle: Path) -> Drill:
    return tapping.tapped(setup.prepare(open_bundle(bundle), count=16))


@pytest.mark.usefixtures("in_this_process", "one_float_model", "kept")
def test_it_is_the_artifact_and_every_block_is_sound(made: Bundle) -> None:
    found = drilled(made.path)
    assert (found.same_logits, found.logits_max_abs_difference, found.pictures) == (True, 0.0, 16)
    assert (found.first_over, found.min_sqnr_db) == (None, 17.0)
    figures = {block.name: block.sqnr_db for block in found.blocks}
    assert len(figures) == 24
    assert 22 < min(figures.values()) < max(figures.values()) < 45  # rounding to int8, and nothing but that
    assert figures["pooled"] > figures["stage0.mlp1"]


@pytest.mark.usefixtures("in_this_process", "one_float_model", "kept")
def test_a_damaged_artifact_has_other_logits(made: Bundle, tmp_path: Path) -> None:
    """And a digest that fits, so that only what it computes can tell."""
    bundle = Path(shutil.copytree(made.path, tmp_path / "bundle"))
    content = bytearray((bundle / "model.tflite").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    (bundle / "model.tflite").write_bytes(content)
    stated = json.loads((bundle / "contract.json").read_text())
    stated["artifact"]["sha256"] = digest(bundle / "model.tflite")
    (bundle / "contract.json").write_text(json.dumps(stated))
    found = drilled(bundle)
    assert not found.same_logits
    assert found.logits_max_abs_difference > 1e-3


@pytest.mark.usefixtures("in_this_process", "one_float_model")
def test_a_wrong_block_is_named(made: Bundle, with_scales: WithScales, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_a_wrong_block(*parts: Any) -> LaidOut:
        found = with_scales(*parts)
        found.form.get_submodule(f"body.{WRONG}.contract").bias.data.add_(2)  # its weights stay on their grids
        return found

    monkeypatch.setattr(drill, "with_scales", with_a_wrong_block)
    found = drilled(made.path)
    assert (found.first_over, found.same_logits) == (WRONG, False)
    before = [block.name for block in found.blocks].index(WRONG)
    assert all(block.within for block in found.blocks[:before])


def test_other_pictures_are_a_note_and_no_verdict(made: Bundle, tmp_path: Path) -> None:
    found = validate(made.path, count=8, drill=True, calibration=tmp_path / "absent", processes=1)
    assert (found.verdict, found.drill) == ("proven", None)
    assert any(note.startswith("drill-down NOT RUN: ") and str(tmp_path / "absent") in note for note in found.notes)


@pytest.mark.parametrize(
    ("name", "budget"), [("tflite-int8", 17.0), ("tflite-int4-weight", 10.0), ("tflite-fp16", 42.0)]
)
def test_a_block_with_integers_may_lie_below_the_logits_bound(made: Bundle, name: str, budget: float) -> None:
    case = setup.prepare(open_bundle(made.path), count=1)
    stated = case.stored.contract.model_copy(update={"recipe": name, "tolerance": RECIPES[name].tolerance})
    stored = open_bundle(made.path)
    object.__setattr__(stored, "contract", stated)
    again = setup.ValidationSetup(
        stored, case.runtime, case.reference, case.pictures, "digits", None, "", tolerance=RECIPES[name].tolerance
    )
    assert tapping.budget_db(again) == budget


# The scales that are given back


@torch.no_grad()
def test_scaled_back_an_equalised_form_gives_the_trained_blocks() -> None:
    baked, x = bake(levit(side=64), mean=MEAN, std=STD), pixels(2, 64)
    balanced, scales = equalize(baked, [x], strength=0.5)
    plain, form = (Tapped(TokenMajor(model, channels_last=False).eval()) for model in (baked, balanced))
    factors = drill.scales_of_taps(form, scales)
    assert set(factors) == set(form.names) - {"logits"}
    for name, expected, found in zip(form.names, plain(x[:1]), form(x[:1]), strict=True):
        one, other = (drill.as_tokens(value.numpy()) for value in (expected, found))
        assert np.abs(other * factors.get(name, 1) - one).max() <= 1e-4 * np.abs(one).max(), name
        assert name == "logits" or np.abs(other - one).max() > 0.01 * np.abs(one).max(), name


def test_without_equalisation_nothing_is_scaled() -> None:
    form = Tapped(TokenMajor(bake(levit(side=64), mean=MEAN, std=STD), channels_last=False))
    assert drill.scales_of_taps(form, {}) == {}


def test_a_broken_calibration_picture_is_a_note(made: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> Drill:
        raise ImageError("train/3.png is truncated", fault="unreadable")

    monkeypatch.setattr(validation, "tapped", refuse)
    found = validate(made.path, count=8, drill=True, processes=1)
    assert "drill-down NOT RUN: train/3.png is truncated" in found.notes
