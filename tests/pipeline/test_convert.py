"""convert(): what it writes is true, what it proves is proven, and what fails leaves nothing behind."""

from __future__ import annotations

import copy
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Bundles
from support.conversions import shared_conversions
from support.photographs import china
from support.refusals import refused
from torch import nn

import levit_mobile
from levit_mobile.errors import (
    ArtifactError,
    BundleError,
    CheckpointError,
    ConversionError,
    ImageError,
    LabelsError,
    RecipeError,
    ToolchainMissing,
)
from levit_mobile.interfaces.inspection import Fallback, Inspection
from levit_mobile.model.families.levit.bake import bake
from levit_mobile.model.families.levit.tokens import TokenMajor
from levit_mobile.model.parts.constants import FrozenBias
from levit_mobile.pipeline import convert as pipeline
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.quantization.prepare import Quantization
from levit_mobile.recipe import RECIPES
from levit_mobile.targets import TARGETS, resolve

TFLITE = RECIPES["tflite-fp32"]
Convert = Callable[..., None]


def contents(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too; a folder that does not exist is as good as empty."""
    return sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*")) if folder.exists() else []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, bundles: Bundles) -> None:
    """TFLite's converter replaced by a copy of its real artifact."""
    artifact = bundles("tflite-fp32").path / "model.tflite"

    def convert(*_: object, path: Path, **__: object) -> int:
        shutil.copy(artifact, path)
        return 0

    monkeypatch.setattr("levit_mobile.conversion.tflite.convert", convert)


# What a proof catches


def one_bias_zeroed(trained: SourceModel) -> nn.Module:
    baked = bake(trained.checkpoint.model, mean=trained.spec.mean, std=trained.spec.std)
    first = next(module for module in baked.modules() if isinstance(module, FrozenBias))
    first.value = torch.zeros_like(first.value)
    return TokenMajor(baked, channels_last=False).eval()


def class_head_alone(trained: SourceModel) -> nn.Module:
    """What two well-known exporters ship."""
    model = copy.deepcopy(trained.checkpoint.model)
    model.head_dist = None  # type: ignore[assignment]
    baked = bake(model, mean=trained.spec.mean, std=trained.spec.std)
    return TokenMajor(baked, channels_last=True).eval()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "wrong"),
    [("executorch-fp32", one_bias_zeroed), ("tflite-fp32", class_head_alone)],
    ids=["one attention bias zeroed", "the class head alone"],
)
def test_a_wrong_artifact_is_called_broken(
    shallow: SourceModel,
    conversions: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    wrong: Callable[[SourceModel], nn.Module],
) -> None:
    monkeypatch.setattr(pipeline, "to_deploy_form", lambda trained, *_, **__: wrong(trained))
    with shared_conversions(conversions):
        bundle = pipeline.build(shallow, RECIPES[name], out=tmp_path)
    assert bundle.proof.verdict == bundle.contract.verdict == "broken"
    assert "at least 100 dB" in bundle.proof.reasons[0]
    on_disk = levit_mobile.Proof.model_validate_json((bundle.path / "parity.json").read_bytes())
    assert (on_disk.verdict, on_disk.reasons) == ("broken", bundle.proof.reasons)
    assert levit_mobile.Contract.read(bundle.path).verdict == "broken"


@pytest.mark.parametrize("target", ["tflite", "executorch"])
def test_fp16_is_held_to_its_own_bounds_only(bundles: Bundles, trained: SourceModel, target: str) -> None:
    artifact = bundles(f"{target}-fp16").path / f"model{TARGETS[target].suffix}"
    half = RECIPES[f"{target}-fp16"]
    strict = replace(half, tolerance=RECIPES[f"{target}-fp32"].tolerance)
    assert pipeline.prove(artifact, trained, half).verdict == "proven"
    held = pipeline.prove(artifact, trained, strict)
    assert held.verdict == "broken"
    assert held.reasons[0].startswith("SQNR is ")


def test_another_models_artifact_is_one_sentence(small: SourceModel, bundles: Bundles) -> None:
    """10 classes at 224 px against 5 at 64 px: the runtime itself refuses the picture."""
    artifact = bundles("tflite-fp32").path / "model.tflite"
    with refused(ArtifactError, "artifact.failed", "Error: "):
        pipeline.prove(artifact, small, TFLITE)


# What is refused, and leaves nothing


@pytest.mark.parametrize(
    "failure", [ValueError("no kernel\nfor x"), KeyError("q"), AssertionError(), RuntimeError("a")]
)
def test_whatever_a_vendor_raises_is_one_sentence(
    trained: SourceModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failure: Exception
) -> None:
    def convert(*_: object, path: Path, **__: object) -> None:
        path.write_bytes(b"half an artifact")
        raise failure

    monkeypatch.setattr("levit_mobile.conversion.tflite.convert", convert)
    with refused(ConversionError, "conversion.toolchain", "tflite", f"{type(failure).__name__}: ") as raised:
        pipeline.build(trained, TFLITE, out=tmp_path)
    assert raised.value.__cause__ is failure
    assert contents(tmp_path) == []


def test_a_missing_toolchain_says_the_pip_line(
    trained: SourceModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    with refused(ToolchainMissing, "toolchain", "litert-torch", "pip install 'levit-mobile[tflite]'"):
        pipeline.build(trained, TFLITE, out=tmp_path)
    assert contents(tmp_path) == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("change", "code", "facts"),
    [
        ({"fallbacks": (Fallback("SOFTMAX", 2, "float only"),)}, "fallback", ["XNNPACK", "2 x SOFTMAX (float only)"]),
        ({"partitions": 3}, "partitions", ["3 XNNPACK partitions", "one"]),
        ({"partitions": 0}, "partitions", ["0 XNNPACK partitions", "one"]),
        ({"max_rank": 5}, "rank", ["rank 5", "at most 4"]),
    ],
)
def test_an_artifact_in_pieces_is_refused(
    trained: SourceModel,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: dict[str, Any],
    code: str,
    facts: list[str],
) -> None:
    whole = Inspection(
        ops={"ADD": 1}, partitions=1, fallbacks=(), max_rank=4, weight_bytes={}, products=71, integer_products=0
    )
    monkeypatch.setattr("levit_mobile.inspection.tflite.inspect", lambda _: replace(whole, **change))
    with refused(ConversionError, f"conversion.{code}", "tflite", *facts):
        pipeline.build(trained, TFLITE, out=tmp_path)
    assert contents(tmp_path) == []


@pytest.mark.usefixtures("quick")
def test_an_artifact_with_fewer_integers_than_its_converter_claims_is_refused(
    trained: SourceModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quick = resolve(TARGETS["tflite"].converter)
    monkeypatch.setattr("levit_mobile.conversion.tflite.convert", lambda *args, **options: quick(*args, **options) + 3)
    with refused(ConversionError, "conversion.in-float", "0 of 71 convolutions and linears", "tflite", " 3"):
        pipeline.build(trained, TFLITE, out=tmp_path)
    assert contents(tmp_path) == []


@pytest.mark.usefixtures("quick")
def test_an_existing_bundle_stays_unless_forced(trained: SourceModel, tmp_path: Path) -> None:
    first = pipeline.build(trained, TFLITE, out=tmp_path)
    (first.path / "note.txt").write_text("mine")
    with refused(BundleError, "bundle.exists", first.path, "--force", "--out"):
        pipeline.build(trained, TFLITE, out=tmp_path)
    assert (first.path / "note.txt").exists()
    again = pipeline.build(trained, TFLITE, out=tmp_path, force=True)
    assert not (first.path / "note.txt").exists()
    assert again.contract == first.contract
    assert [item.name for item in tmp_path.iterdir()] == [first.path.name]


@pytest.mark.usefixtures("quick")
def test_a_forced_run_that_fails_keeps_the_old_bundle(
    trained: SourceModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = pipeline.build(trained, TFLITE, out=tmp_path)
    before = contents(tmp_path)
    monkeypatch.setattr("levit_mobile.conversion.tflite.convert", lambda *_, **__: 1 / 0)
    with refused(ConversionError, "conversion.toolchain", "tflite", "ZeroDivisionError"):
        pipeline.build(trained, TFLITE, out=tmp_path, force=True)
    assert contents(tmp_path) == before
    assert levit_mobile.Contract.read(first.path) == first.contract


@pytest.mark.usefixtures("quick")
def test_a_place_that_cannot_be_written_is_one_sentence(trained: SourceModel, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should go")
    with refused(BundleError, "bundle.unwritable", tmp_path / "out"):
        pipeline.build(trained, TFLITE, out=tmp_path / "out")


@pytest.mark.usefixtures("quick")
def test_steps_are_announced_in_order(trained: SourceModel, tmp_path: Path) -> None:
    heard: list[tuple[str, float, float]] = []
    pipeline.build(trained, TFLITE, out=tmp_path, progress=lambda *told: heard.append(told))
    steps = [step for step in pipeline.STEPS if step not in ("calibrate", "emulate", "time")]  # not for float32
    assert heard == [(f"tflite-fp32: {step}", pipeline.STEPS.index(step), len(pipeline.STEPS)) for step in steps]


def test_labels_that_do_not_fit_write_nothing(random_checkpoint: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n")
    with refused(LabelsError, "labels.count", labels, "2 labels", "5 classes"):
        levit_mobile.convert(random_checkpoint, "tflite-fp32", labels=labels, out=tmp_path / "out")
    assert contents(tmp_path / "out") == []


def test_a_wrong_variant_recipe_or_checkpoint_writes_nothing(random_checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with refused(CheckpointError, "checkpoint.variant", "levit_128s", "levit_256"):
        levit_mobile.convert(random_checkpoint, "tflite-fp32", variant="levit_256", out=out)
    with refused(RecipeError, "recipe.unknown-recipe", "tflite-fp8", ", ".join(RECIPES)):
        levit_mobile.convert(random_checkpoint, "tflite-fp8", out=out)
    with refused(CheckpointError, "checkpoint.not-found", "absent.pth"):
        levit_mobile.convert(tmp_path / "absent.pth", "tflite-fp32", out=out)
    assert contents(out) == []


def test_too_few_pictures_write_nothing(random_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with refused(ImageError, "image.no-pictures", tmp_path / "none"):
        levit_mobile.convert(random_checkpoint, "tflite-fp32", images=tmp_path / "none", out=tmp_path / "out")
    assert contents(tmp_path / "out") == []


@pytest.mark.parametrize(
    "option", [{"variant": "levit_128s"}, {"labels": "l.txt"}, {"images": "i"}, {"skip_broken": True}]
)
def test_an_option_that_comes_too_late_is_refused(trained: SourceModel, tmp_path: Path, option: dict[str, Any]) -> None:
    with refused(RecipeError, "recipe.options", *option, "load_source"):
        levit_mobile.convert(trained, "tflite-fp32", out=tmp_path / "out", **option)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("skip_broken", [True, False])
def test_broken_calibration_images_are_skipped_for_a_loaded_checkpoint_too(
    trained: SourceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skip_broken: bool
) -> None:
    taken: list[Quantization | None] = []
    monkeypatch.setattr(pipeline, "build", lambda *_, quantization, **__: taken.append(quantization))
    for number in range(17):
        china().crop((number, 0, number + 200, 200)).save(tmp_path / f"{number:02d}.png")
    (tmp_path / "03.png").write_bytes(b"broken")
    options = {"calibration": tmp_path, "skip_broken": skip_broken}
    if skip_broken:
        levit_mobile.convert(trained, "tflite-int8", out=tmp_path / "out", **options)
        (found,) = taken
        assert found is not None
        assert (len(found.calibration.pictures), found.calibration.pictures.skipped[0].name) == (16, "03.png")
    else:
        with refused(ImageError, "image.unreadable", tmp_path / "03.png"):
            levit_mobile.convert(trained, "tflite-int8", out=tmp_path / "out", **options)
