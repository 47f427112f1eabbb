"""--weights, from the command line to the import, and the line that names the weights that were taken."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import State, saved
from support.refusals import refused
from typer.testing import CliRunner

import levit_mobile
from levit_mobile import cli
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import ConversionError, ImageError, RecipeError
from levit_mobile.pipeline import plan as planning
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.validation import references


@pytest.fixture
def both(tmp_path: Path, timm: State) -> Path:
    """Raw and averaged weights; each head bias of the average is one more."""
    average = {key: tensor + 1 if key.endswith("linear.bias") else tensor for key, tensor in timm.items()}
    return saved({"state_dict": timm, "state_dict_ema": average}, tmp_path / "both.pth.tar")


def called(*words: object) -> Any:
    return CliRunner().invoke(cli.app, list(map(str, words)))


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[SourceModel]:
    """The models that a conversion would get; none is converted."""
    seen: list[SourceModel] = []

    def convert(source: SourceModel, *_: object, **__: object) -> None:
        seen.append(source)
        raise ConversionError("stopped for a test", fault="toolchain")

    monkeypatch.setattr(levit_mobile, "convert", convert, raising=False)
    return seen


@pytest.mark.parametrize(
    ("words", "taken", "line"),
    [
        ((), "state_dict_ema", "took the averaged weights (state_dict_ema); --weights raw takes the others"),
        (("--weights", "ema"), "state_dict_ema", "took the averaged weights (state_dict_ema)"),
        (("--weights", "raw"), "state_dict", "took the raw weights (state_dict); --weights ema takes the others"),
    ],
)
def test_convert_takes_and_names_the_weights(
    words: tuple[str, ...], taken: str, line: str, both: Path, timm: State, sources: list[SourceModel]
) -> None:
    done = called("convert", "--target", "tflite", "--checkpoint", both, *words)
    assert [source.checkpoint.weights for source in sources] == [taken]
    bias = sources[0].checkpoint.model.state_dict()["head.linear.bias"]
    assert torch.equal(bias, timm["head.linear.bias"] + (taken == "state_dict_ema"))
    assert [one for one in done.stderr.splitlines() if one.startswith(f"NOTE: {line}")]
    assert done.exit_code == 1


def test_a_file_without_a_choice_is_not_commented_on(tmp_path: Path, timm: State, sources: list[SourceModel]) -> None:
    done = called("convert", "--target", "tflite", "--checkpoint", saved({"model": timm}, tmp_path / "w.pth"))
    assert len(sources) == 1
    assert "took the" not in done.stderr


@pytest.mark.parametrize("command", [("convert", "--target", "tflite"), ("plan", "--target", "tflite")])
def test_weights_that_are_not_there_end_the_command(
    command: tuple[str, ...], tmp_path: Path, timm: State, sources: list[SourceModel]
) -> None:
    file = saved({"model": timm}, tmp_path / "w.pth")
    done = called(*command, "--checkpoint", file, "--weights", "ema", "--json")
    assert (done.exit_code, '"checkpoint.weights"' in done.stdout, sources) == (1, True, [])
    assert called(*command, "--checkpoint", file, "--weights", "best").exit_code == 2


def test_a_plan_is_searched_for_the_weights_that_are_asked_for(
    both: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []
    load = planning.load_checkpoint

    def loaded(*given: Any, **options: Any) -> Any:
        seen.append(load(*given, **options))
        return seen[-1]

    monkeypatch.setattr(planning, "load_checkpoint", loaded)
    monkeypatch.setattr(planning.calibrations, "MIN_PICTURES", 1)  # of what is asked before the import
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "broken.png").write_bytes(b"no image")
    with pytest.raises(ImageError):
        planning.plan(both, weights="raw", calibration=tmp_path / "images", out=tmp_path / "plan.json")
    assert [found.weights for found in seen] == ["state_dict"]


def test_a_bundle_is_compared_with_the_weights_that_are_asked_for(both: Path, bundle: Path) -> None:
    stored = open_bundle(bundle)
    for weights, taken in ((None, "state_dict_ema"), ("raw", "state_dict"), ("ema", "state_dict_ema")):
        found = references.find(both, stored, weights).checkpoint
        assert found is not None
        assert found.weights == taken
    raw = stored.contract.model.model_copy(update={"weights": "raw"})
    made_raw = replace(stored, contract=stored.contract.model_copy(update={"model": raw}))
    for weights, taken in ((None, "state_dict"), ("ema", "state_dict_ema")):
        found = references.find(both, made_raw, weights).checkpoint
        assert found is not None
        assert found.weights == taken
    for other in ("golden", bundle.parent / "copy"):
        shutil.copytree(bundle, bundle.parent / "copy", dirs_exist_ok=True)
        with refused(RecipeError, "recipe.options", "weights", other):
            references.find(other, stored, "raw")
