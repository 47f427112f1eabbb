"""A bundle proven again: real artifacts, real runtimes, real pictures; and every way in which it is not proven."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Bundles
from safetensors.torch import load_file, save_file

from levit_mobile import cases, digits, metrics, runtimes, validation, workers
from levit_mobile.bundle import Bundle
from levit_mobile.contract import Contract, digest
from levit_mobile.errors import BundleError, CheckpointError, ImageError, RecipeError
from levit_mobile.findings import Validation
from levit_mobile.images import ImageSpec, png, to_planar
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.download import BUNDLED
from levit_mobile.runners import eager
from levit_mobile.stored import open_bundle
from levit_mobile.trained import Trained, held_out_digits
from levit_mobile.validation import validate

COUNT = 40
LEGS = {"coreml-fp16": "mil", "executorch-fp32": "executorch", "tflite-fp32": "litert"}
linux = pytest.mark.skipif("sys.platform == 'darwin'", reason="NOT RUN: what a machine without Core ML does")


@pytest.fixture(scope="module", autouse=True)
def here() -> Iterator[None]:
    """The work is done in this process, which spares each test a start; tests/test_workers.py has real ones."""

    def spread(load: Callable[[], Any], items: Iterable[Any], **_: object) -> Iterator[Any]:
        return map(load(), items)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "spread", spread)
        yield


@pytest.fixture(scope="module")
def found(bundles: Bundles) -> dict[str, Validation]:
    return {name: validate(bundles(name).path, runtime=runtime, count=COUNT) for name, runtime in LEGS.items()}


@pytest.fixture
def copy(bundles: Bundles, tmp_path: Path) -> Callable[[str], Path]:
    """A bundle of the recipe that may be spoiled."""
    return lambda name: shutil.copytree(bundles(name).path, tmp_path / name)


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled checkpoint with noise on its weights: ten classes, another model."""
    torch.manual_seed(3)
    weights = {name: w.float() for name, w in load_file(BUNDLED).items()}
    noisy = {name: w + 1.5 * w.std() * torch.randn_like(w) if w.ndim == 2 else w for name, w in weights.items()}
    path = tmp_path_factory.mktemp("shaken") / "shaken.safetensors"
    save_file(noisy, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve held-out digits as PNG files, a folder a class."""
    root = tmp_path_factory.mktemp("pictures")
    for index in range(12):
        pixels, label = digits.picture(digits.Split.HELD_OUT, index)
        (root / str(label)).mkdir(exist_ok=True)
        (root / str(label) / f"{index}.png").write_bytes(png(pixels))
    return root


def resealed(path: Path, **changes: object) -> Path:
    """The bundle with a contract that fits what now lies in it."""
    contract = Contract.read(path)
    artifact = contract.artifact.model_copy(update={"sha256": digest(path / contract.artifact.file)})
    contract.model_copy(update={"artifact": artifact, **changes}).write(path)
    return path


# Proven


@pytest.mark.parametrize("name", LEGS)
def test_each_target_is_proven_by_what_runs_it(found: dict[str, Validation], bundles: Bundles, name: str) -> None:
    one, bundle = found[name], bundles(name)
    assert (one.verdict, one.reasons) == ("proven", ())
    assert (one.bundle, one.recipe, one.variant) == (bundle.path.name, name, "levit_128s")
    assert one.artifact_sha256 == bundle.contract.artifact.sha256
    assert one.runtime == runtimes.described(LEGS[name])
    assert one.reference == BUNDLED.name
    assert one.report is not None
    assert one.report.images == len(one.errors) == COUNT
    assert one.report.sqnr_db > one.report.tolerance.min_sqnr_db
    assert one.report.floor_sqnr_db > 120
    assert one.report.max_abs_error == max(one.errors) == one.worst[0].max_abs_error
    assert one.versions["python"]


def test_the_figures_are_those_of_both_models_run_by_hand(found: dict[str, Validation], bundles: Bundles) -> None:
    bundle, spec = bundles("tflite-fp32"), ImageSpec()
    pictures = held_out_digits(spec, COUNT)
    images = np.stack([to_planar(pixels) for pixels in pictures])
    reference = eager.load(load_checkpoint(BUNDLED).model, spec)(images)
    candidate = runtimes.load("litert", bundle.path / "model.tflite", bundle.contract)(images)
    report = found["tflite-fp32"].report
    assert report is not None
    assert report.images_digest == pictures.digest()
    assert report.max_abs_error == pytest.approx(metrics.max_abs_error(reference, candidate), rel=0.5)
    assert report.sqnr_db == pytest.approx(metrics.sqnr_db(reference, candidate), abs=1.5)
    labels = np.array([digits.picture(digits.Split.HELD_OUT, index)[1] for index in range(COUNT)])
    accuracy = found["tflite-fp32"].accuracy
    assert accuracy is not None
    assert accuracy.reference == pytest.approx((reference.argmax(1) == labels).mean())
    assert accuracy.candidate == pytest.approx((candidate.argmax(1) == labels).mean())
    assert (accuracy.pictures, accuracy.mcnemar_p) == (COUNT, 1.0)


def test_intervals_say_how_little_forty_pictures_show(found: dict[str, Validation]) -> None:
    one = found["tflite-fp32"]
    assert one.top1_interval == metrics.wilson_interval(COUNT, COUNT)
    assert one.top1_interval is not None
    assert 0.9 < one.top1_interval[0] < 0.95


def test_the_mil_reference_is_never_called_core_ml(found: dict[str, Validation]) -> None:
    one = found["coreml-fp16"]
    assert one.runtime is not None
    assert one.runtime.title.startswith("MIL reference")
    assert not one.runtime.real
    assert any("MIL reference computes what the file says" in note for note in one.notes)
    assert found["tflite-fp32"].notes == ()


@pytest.mark.parametrize("mode", ["mil", "mil-float32"])
def test_both_modes_of_the_mil_reference(bundles: Bundles, mode: str) -> None:
    one = validate(bundles("coreml-fp16").path, runtime=mode, count=8)
    assert one.verdict == "proven"
    assert one.report is not None
    assert one.report.sqnr_db > 55


# References


def test_a_bundle_against_a_bundle(bundles: Bundles) -> None:
    one = validate(bundles("tflite-fp32").path, reference=bundles("coreml-fp32").path, count=8)
    assert one.report is not None
    assert one.report.tolerance == bundles("tflite-fp32").contract.tolerance
    assert one.verdict == "proven"
    assert one.reference == "levit_128s-coreml-fp32 by MIL reference, rounded as declared"
    assert one.report is not None
    assert 100 < one.report.sqnr_db < 140
    assert np.isnan(one.report.floor_sqnr_db)


def test_two_bundles_are_held_to_the_looser_recipe(bundles: Bundles) -> None:
    one = validate(bundles("tflite-fp32").path, reference=bundles("coreml-fp16").path, count=8)
    assert one.verdict == "proven"
    assert one.report is not None
    assert one.report.tolerance == bundles("coreml-fp16").contract.tolerance
    assert 50 < one.report.sqnr_db < 100


def test_golden_vectors_need_no_checkpoint(bundles: Bundles) -> None:
    one = validate(bundles("executorch-fp32").path, reference="golden")
    assert one.verdict == "proven"
    assert (one.reference, one.pictures_from) == ("4 golden vectors", "golden vectors")
    assert one.report is not None
    assert (one.report.images, one.report.sqnr_db > 100) == (4, True)
    assert any(note.startswith("4 pictures only") for note in one.notes)


def test_another_checkpoint_is_said_to_be_another(bundles: Bundles, shaken: Path) -> None:
    one = validate(bundles("tflite-fp32").path, reference=shaken, count=COUNT)
    assert one.verdict == "broken"
    assert one.reasons[0].startswith("SQNR is ")
    assert any("the reference is not what the bundle was made from" in note for note in one.notes)
    assert one.report is not None
    flips = {flip.name: flip for flip in one.flips}
    assert len(flips) == round((1 - one.report.top1_agreement) * COUNT) > 0
    for flip in flips.values():
        assert flip.reference[0].label != flip.candidate[0].label
        assert flip.reference_margin >= 0
        assert flip.truth == str(int(flip.name.removeprefix("digit-")) % 10)
    assert one.accuracy is not None
    assert one.accuracy.only_candidate_right > one.accuracy.only_reference_right
    assert one.accuracy.mcnemar_p < 1


def test_a_checkpoint_that_is_not_here_is_asked_for(small_bundle: Bundle) -> None:
    with pytest.raises(BundleError) as caught:
        validate(small_bundle.path)
    assert "was made from random.pth, which is not here: name it with --reference PATH" in str(caught.value)
    assert "its 4 golden vectors with --reference golden" in str(caught.value)


def test_its_own_checkpoint_by_path(small_bundle: Bundle, random_checkpoint: Path) -> None:
    one = validate(small_bundle.path, reference=random_checkpoint, count=8)
    assert (one.verdict, one.reference) == ("proven", "random.pth")
    assert one.accuracy is None  # class_0 to class_4 are no digits


def test_a_file_of_the_right_name_and_other_weights_is_refused(
    small_bundle: Bundle, shaken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(shaken, tmp_path / "random.pth")
    (tmp_path / "random.pth").rename(tmp_path / "random.safetensors")
    contract = Contract.read(small_bundle.path)
    copied = shutil.copytree(small_bundle.path, tmp_path / "bundle")
    contract.model_copy(update={"model": contract.model.model_copy(update={"source": "random.safetensors"})}).write(
        copied
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match=r"was made from random.safetensors of sha256 .*, and the one here has"):
        validate("bundle")


@pytest.fixture(scope="module")
def small_bundle(small: Trained, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    from levit_mobile import pipeline
    from levit_mobile.recipe import RECIPES

    return pipeline.build(small, RECIPES["executorch-fp32"], out=tmp_path_factory.mktemp("small"))


def test_references_that_do_not_fit(bundles: Bundles, small_bundle: Bundle, random_checkpoint: Path) -> None:
    for reference in (random_checkpoint, small_bundle.path):
        with pytest.raises(CheckpointError, match=r"has 5 classes at 64 px, and .* 10 classes at 224 px"):
            validate(bundles("tflite-fp32").path, reference=reference)
    with pytest.raises(CheckpointError, match="'nowhere' does not exist"):
        validate(bundles("tflite-fp32").path, reference="nowhere")


# Pictures and labels


def test_a_folder_of_classes(bundles: Bundles, folder: Path) -> None:
    one = validate(bundles("tflite-fp32").path, images=folder, truth="folders")
    assert (one.verdict, one.pictures_from) == ("proven", folder.name)
    assert one.report is not None
    assert one.report.images == 12
    assert one.accuracy is not None
    assert (one.accuracy.pictures, one.accuracy.labels_from) == (12, "folders")
    assert one.accuracy.reference >= 10 / 12
    assert {picture.truth for picture in one.worst} <= set(digits.LABELS)


def test_a_table_of_labels_decides_the_accuracy(bundles: Bundles, folder: Path, tmp_path: Path) -> None:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    with (tmp_path / "truth.csv").open("w", newline="") as stream:
        rows = [(name, (int(name[0]) + 1) % 10) for name in names]  # all wrong
        csv.writer(stream).writerows([("file", "label"), *rows])
    options = {"images": folder, "truth": tmp_path / "truth.csv", "bounds": {"min_top1_accuracy": 0.5}}
    one = validate(bundles("tflite-fp32").path, **options)  # type: ignore[arg-type]
    assert one.verdict == "broken"
    assert one.accuracy is not None
    assert one.reasons == (f"top-1 accuracy is {one.accuracy.candidate:.2%}, expected at least 50.00%",)
    assert one.accuracy.candidate <= 2 / 12


def test_options_that_do_not_go_together(bundles: Bundles, folder: Path) -> None:
    path = bundles("tflite-fp32").path
    with pytest.raises(RecipeError, match="name the folder with --images"):
        validate(path, truth="folders")
    with pytest.raises(RecipeError, match="needs labels: say with --truth"):
        validate(path, images=folder, bounds={"max_accuracy_drop": 0.1})
    with pytest.raises(ImageError, match="omit --images"):
        validate(path, images=folder, reference="golden")
    with pytest.raises(RecipeError, match="'mil' does not run tflite artifacts, expected one of litert, tflite-ru"):
        validate(path, runtime="mil")


def test_a_broken_picture_is_named_or_skipped(bundles: Bundles, folder: Path, tmp_path: Path) -> None:
    pictures = shutil.copytree(folder, tmp_path / "pictures")
    (pictures / "0" / "bad.png").write_bytes((pictures / "0" / "0.png").read_bytes()[:900])
    with pytest.raises(ImageError, match=r"0/bad\.png"):
        validate(bundles("tflite-fp32").path, images=pictures)
    one = validate(bundles("tflite-fp32").path, images=pictures, skip_broken=True)
    assert one.verdict == "proven"
    assert len(one.skipped) == 1
    assert "0/bad.png" in one.skipped[0]


# Broken and not run


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        ({"min_sqnr_db": 190.0}, "SQNR is"),
        ({"max_abs_error": 0.0}, "max abs error is"),
        ({"max_kl": 0.0}, "KL is"),
    ],
)
def test_bounds_replace_the_recipes(bundles: Bundles, bound: dict[str, float], words: str) -> None:
    one = validate(bundles("tflite-fp32").path, count=8, bounds=bound)
    assert one.verdict == "broken"
    assert len(one.reasons) == 1
    assert one.reasons[0].startswith(words)


def test_an_accuracy_that_fell_too_far(bundles: Bundles, shaken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worse = eager.load(load_checkpoint(shaken).model, ImageSpec())
    monkeypatch.setattr(runtimes, "load", lambda *_: worse)
    loose = {"min_sqnr_db": 1e-9, "min_top1_agreement": 0.0}
    path = bundles("tflite-fp32").path
    one = validate(path, count=COUNT, bounds={**loose, "max_accuracy_drop": 0.0})
    found = one.accuracy
    assert found is not None
    assert found.reference - found.candidate > 0.1
    fall = f"top-1 accuracy falls from {found.reference:.2%} to {found.candidate:.2%}, expected a drop of at most 0.00%"
    assert fall in one.reasons
    lenient = validate(path, count=COUNT, bounds={**loose, "max_accuracy_drop": found.reference - found.candidate})
    assert not any("accuracy falls" in reason for reason in lenient.reasons)


def test_an_artifact_of_other_weights_is_broken(copy: Callable[[str], Path]) -> None:
    path = copy("executorch-fp32")
    data = bytearray((path / "model.pte").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400_000] = bytes(400_000)
    (path / "model.pte").write_bytes(data)
    one = validate(resealed(path), count=8)
    assert one.verdict == "broken"
    assert one.reasons[0].startswith("SQNR is ")


def test_an_artifact_that_does_not_load_is_a_verdict(copy: Callable[[str], Path]) -> None:
    path = copy("tflite-fp32")
    (path / "model.tflite").write_bytes(b"not a model")
    one = validate(resealed(path), count=8)
    assert (one.verdict, one.report) == ("broken", None)
    assert "is not a TFLite model that LiteRT can load" in one.reasons[0]


def test_an_artifact_of_other_classes_is_broken(bundles: Bundles) -> None:
    case = cases.prepare(open_bundle(bundles("tflite-fp32").path), count=8)
    fewer = replace(case.reference, load=lambda: lambda images: np.zeros((len(images), 7), np.float32), exact=None)
    one = validation.examine(replace(case, reference=fewer))
    assert one.verdict == "broken"
    assert one.reasons[0] == "the artifact gave logits of shape [8, 10], expected [8, 7]"


def test_a_reference_that_is_not_finite_judges_nothing(bundles: Bundles) -> None:
    case = cases.prepare(open_bundle(bundles("tflite-fp32").path), count=8)
    mad = replace(case.reference, load=lambda: lambda images: np.full((len(images), 10), np.nan, np.float32))
    with pytest.raises(CheckpointError, match="the reference gives NaN or infinite logits"):
        validation.examine(replace(case, reference=mad))


@linux
def test_core_ml_itself_is_not_run_here(bundles: Bundles) -> None:
    one = validate(bundles("coreml-fp16").path, runtime="coreml", count=8)
    assert (one.verdict, one.report) == ("not run", None)
    assert one.reasons == (f"Core ML runs on macOS only, and this is {sys.platform}",)


def test_on_a_mac_both_are_run_and_compared(bundles: Bundles, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = open_bundle(bundles("coreml-fp16").path)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cases.passes(stored, None, "a.pth") == (("coreml", "a.pth"), ("mil", "a.pth"), ("coreml", stored.path))
    assert cases.passes(stored, "mil", None) == (("mil", None),)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cases.passes(stored, None, None) == (("mil", None),)


def test_a_bundle_that_cannot_be_opened_still_has_a_verdict() -> None:
    one = validation.refused("build/x", "x is no bundle", "broken")
    assert (one.bundle, one.verdict, one.reasons, one.report) == ("x", "broken", ("x is no bundle",), None)


def test_a_validation_comes_back_from_json(found: dict[str, Validation]) -> None:
    for one in found.values():
        assert Validation.model_validate_json(one.model_dump_json()) == one
