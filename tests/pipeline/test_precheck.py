"""What needs no model is refused before any is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.photographs import noise
from support.refusals import refused

import levit_mobile
from levit_mobile.errors import BundleError, CheckpointError, ImageError, LabelsError, RecipeError
from levit_mobile.pipeline import precheck, source_model
from levit_mobile.quantization.plan import Plan


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is imported and run."""

    def loaded(*_: object, **__: object) -> None:
        pytest.fail("a checkpoint was loaded")

    monkeypatch.setattr(source_model, "load_checkpoint", loaded)


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        noise(8, 8).save(folder / f"{number}.png")
    return folder


def both(kind: type[Exception], code: str, *facts: object, recipe: str = "tflite-fp32", **options: Any) -> None:
    """`check` and `convert` refuse it alike."""
    with refused(kind, code, *facts):
        levit_mobile.check([recipe], **options)
    with refused(kind, code, *facts):
        levit_mobile.convert(recipe=recipe, **options)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"observer": "mse"}, "--observer"),
        ({"count": 16}, "--calibration-count"),
        ({"calibration": "synthetic"}, "--calibration"),
        ({"plan": "plan.json"}, "--plan"),
    ],
)
def test_options_of_int8_on_another_recipe(options: dict[str, Any], option: str, tmp_path: Path) -> None:
    both(RecipeError, "recipe.int8-only", option, "tflite-fp32", out=tmp_path, **options)


def test_an_unknown_observer(tmp_path: Path) -> None:
    both(RecipeError, "recipe.unknown-observer", "'mean'", recipe="tflite-int8", observer="mean", out=tmp_path)


def test_folders_that_are_not_there_or_hold_too_little(tmp_path: Path) -> None:
    nowhere, few = tmp_path / "nowhere", pictures(tmp_path / "few", 15)
    both(ImageError, "image.not-found", nowhere, recipe="tflite-int8", calibration=nowhere, out=tmp_path)
    both(ImageError, "image.too-few", few, 15, 16, recipe="tflite-int8", calibration=few, out=tmp_path)
    both(ImageError, "image.not-found", nowhere, images=nowhere, out=tmp_path)
    both(ImageError, "image.too-few", few, 15, 32, images=few, out=tmp_path)
    levit_mobile.check(["tflite-int8"], calibration=pictures(tmp_path / "enough", 16), out=tmp_path)


def test_labels_of_another_count(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    both(LabelsError, "labels.count", "2 labels", "10 classes", labels=tmp_path / "labels.txt", out=tmp_path)


def test_a_plan_that_is_none_or_of_another_target(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("{")
    both(RecipeError, "recipe.schema", path, recipe="tflite-int8", plan=path, out=tmp_path)
    Plan(variant="levit_128s", target="executorch").write(path)
    both(RecipeError, "recipe.other-plan", "executorch", "tflite", recipe="tflite-int8", plan=path, out=tmp_path)
    levit_mobile.check(["tflite-int8", "executorch-int8"], plan=path, out=tmp_path)


def test_a_bundle_that_exists(tmp_path: Path) -> None:
    taken = tmp_path / "levit_128s-tflite-fp32"
    taken.mkdir()
    both(BundleError, "bundle.exists", taken, "--force", out=tmp_path)
    levit_mobile.check(["tflite-fp32"], out=tmp_path, force=True)
    levit_mobile.check(["tflite-fp16"], out=tmp_path)


def test_weights_that_are_not_here_or_not_readable_are_left_to_the_import(tmp_path: Path) -> None:
    (tmp_path / "levit_128s-tflite-fp32").mkdir()
    (tmp_path / "broken.pth").write_bytes(b"?")
    for source in ("facebook/levit-128S", "LeViT-128S", tmp_path / "broken.pth"):
        levit_mobile.check(["tflite-fp32"], source, out=tmp_path)
        assert precheck._identity(source) is None


def test_a_name_that_stands_for_no_weights_is_refused_at_once(tmp_path: Path) -> None:
    with refused(CheckpointError, "checkpoint.not-found", tmp_path / "nowhere.pth"):
        levit_mobile.check(["tflite-fp32"], tmp_path / "nowhere.pth", out=tmp_path)
