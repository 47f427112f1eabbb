"""A bundle proven again: real artifacts, real runtimes, real pictures; and every way in which it is not proven."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Bundles
from safetensors.torch import load_file, save_file
from support.checkpoints import saved_safely, timm_state, transformers_model
from support.one_pass import validate
from support.refusals import refused

from levit_mobile.bundle.reader import open_bundle
from levit_mobile.contract import Contract
from levit_mobile.errors import BundleError, CheckpointError
from levit_mobile.images import digits
from levit_mobile.images.preprocessing import to_planar
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model.checkpoint import load_checkpoint
from levit_mobile.model.download import BUNDLED
from levit_mobile.parity import metrics
from levit_mobile.pipeline.source_model import held_out_digits
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.runners import eager
from levit_mobile.runtimes import registry as runtimes
from levit_mobile.runtimes.registry import RuntimeId
from levit_mobile.system.files import digest
from levit_mobile.validation import setup
from levit_mobile.validation import validate as validation
from levit_mobile.validation.results import Validation

pytestmark = pytest.mark.usefixtures("in_this_process")
COUNT = 40
LEGS = {"coreml-fp16": "mil", "executorch-fp32": "executorch", "tflite-fp32": "litert"}
linux = pytest.mark.skipif("sys.platform == 'darwin'", reason="NOT RUN: what a machine without Core ML does")


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
    proven = "proven by reference" if LEGS[name] == "mil" else "proven"
    assert (one.verdict, one.reasons) == (proven, ())
    assert (one.bundle, one.recipe, one.variant) == (bundle.path.name, name, "levit_128s")
    assert one.artifact_sha256 == bundle.contract.artifact.sha256
    assert one.runtime == runtimes.described(RuntimeId(LEGS[name]))
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
    candidate = runtimes.load(RuntimeId("litert"), bundle.path / "model.tflite", bundle.contract)(images)
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
    assert any("MIL reference" in note and "only Core ML on a Mac" in note for note in one.notes)
    assert found["tflite-fp32"].notes == ()


@pytest.mark.parametrize("mode", ["mil", "mil-float32"])
def test_both_modes_of_the_mil_reference(bundles: Bundles, mode: str) -> None:
    one = validate(bundles("coreml-fp16").path, runtime=mode, count=8)
    assert one.verdict == "proven by reference"
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
    assert any(note.startswith("only 4 images") for note in one.notes)


def test_another_checkpoint_is_said_to_be_another(bundles: Bundles, shaken: Path) -> None:
    one = validate(bundles("tflite-fp32").path, reference=shaken, count=COUNT)
    assert one.verdict == "broken"
    assert one.reasons[0].startswith("SQNR is ")
    assert any("the reference is not the checkpoint that the bundle was made from" in note for note in one.notes)
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


@pytest.fixture
def nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where other tests imported the checkpoint from."""
    monkeypatch.setenv("LEVIT_MOBILE_STATE", str(tmp_path / "state"))


@pytest.mark.usefixtures("nothing_remembered")
def test_a_checkpoint_that_is_not_here_is_asked_for(shallow_bundle: Bundle, tmp_path: Path) -> None:
    alone = shutil.copytree(shallow_bundle.path, tmp_path / "alone" / "bundle")
    ways = "--reference PATH", "4 golden vectors", "--reference golden"
    with refused(BundleError, "bundle.reference", alone, "random.pth", *ways):
        validate(alone)


@pytest.mark.usefixtures("one_block", "nothing_remembered")
def test_its_own_checkpoint_beside_it_is_found_and_named(
    shallow_bundle: Bundle, shallow_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = shutil.copytree(shallow_bundle.path, tmp_path / "build" / "bundle")
    beside = shutil.copy(shallow_checkpoint, tmp_path / "build" / "official.pth")
    monkeypatch.chdir(tmp_path)
    one = validate(bundle, count=8)
    assert (one.verdict, one.reference) == ("proven", "random.pth")
    assert any(f"the reference is {beside}, beside the bundle" in note for note in one.notes)


@pytest.mark.usefixtures("one_block")
def test_its_own_checkpoint_by_path(shallow_bundle: Bundle, shallow_checkpoint: Path) -> None:
    one = validate(shallow_bundle.path, reference=shallow_checkpoint, count=8)
    assert (one.verdict, one.reference) == ("proven", "random.pth")
    assert one.accuracy is None  # class_0 to class_4 are no digits
    assert one.labels_source == "placeholder"
    assert any("class_0 to class_4" in note and "--labels FILE" in note for note in one.notes)


@pytest.mark.usefixtures("one_block")
@pytest.mark.parametrize("kind", ["transformers", "timm"])
def test_the_same_weights_in_another_layout(shallow_bundle: Bundle, tmp_path: Path, kind: str) -> None:
    model = transformers_model("levit_128s")
    if kind == "transformers":
        model.save_pretrained(tmp_path / "weights")
    else:
        (tmp_path / "weights").mkdir()
        saved_safely(timm_state(model, "levit_128s"), tmp_path / "weights" / "model.safetensors")
    one = validate(shallow_bundle.path, reference=tmp_path / "weights", count=8)
    assert one.verdict == "proven"
    assert one.report is not None
    assert one.report.sqnr_db > 100
    assert any("the reference is not the checkpoint that the bundle was made from" in note for note in one.notes)


@pytest.mark.usefixtures("nothing_remembered")
def test_a_file_of_the_right_name_and_other_weights_is_refused(
    shallow_bundle: Bundle, shaken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(shaken, tmp_path / "random.pth")
    (tmp_path / "random.pth").rename(tmp_path / "random.safetensors")
    contract = Contract.read(shallow_bundle.path)
    copied = shutil.copytree(shallow_bundle.path, tmp_path / "bundle")
    contract.model_copy(update={"model": contract.model.model_copy(update={"source": "random.safetensors"})}).write(
        copied
    )
    monkeypatch.chdir(tmp_path)
    digests = [sha256[:12] for sha256 in (contract.model.checkpoint_sha256, digest(tmp_path / "random.safetensors"))]
    with refused(BundleError, "bundle.reference", "random.safetensors", "sha256", *digests, "--reference PATH"):
        validate("bundle")


def test_references_that_do_not_fit(bundles: Bundles, shallow_bundle: Bundle, random_checkpoint: Path) -> None:
    for reference in (random_checkpoint, shallow_bundle.path):
        with refused(
            CheckpointError, "checkpoint.variant", reference, "5 classes at 64 x 64 px", "10 classes at 224 x 224 px"
        ):
            validate(bundles("tflite-fp32").path, reference=reference)
    with refused(CheckpointError, "checkpoint.not-found", "'nowhere'"):
        validate(bundles("tflite-fp32").path, reference="nowhere")


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
    facts = (f"top-1 accuracy is {found.candidate:.2%}", "at most 0.00% below", f"{found.reference:.2%}")
    assert [all(fact in reason for fact in facts) for reason in one.reasons] == [True]
    lenient = validate(path, count=COUNT, bounds={**loose, "max_accuracy_drop": found.reference - found.candidate})
    assert not any("accuracy" in reason for reason in lenient.reasons)


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
    assert str(path / "model.tflite") in one.reasons[0]
    assert "LiteRT" in one.reasons[0]


def test_an_artifact_of_other_classes_is_broken(bundles: Bundles) -> None:
    case = setup.prepare(open_bundle(bundles("tflite-fp32").path), count=8)
    fewer = replace(case.reference, load=lambda: lambda images: np.zeros((len(images), 7), np.float32), exact=None)
    one = validation.examine(replace(case, reference=fewer))
    assert one.verdict == "broken"
    assert "[8, 10]" in one.reasons[0]
    assert "[8, 7]" in one.reasons[0]


def test_a_reference_that_is_not_finite_judges_nothing(bundles: Bundles) -> None:
    case = setup.prepare(open_bundle(bundles("tflite-fp32").path), count=8)
    mad = replace(case.reference, load=lambda: lambda images: np.full((len(images), 10), np.nan, np.float32))
    with refused(CheckpointError, "checkpoint.not-finite", "the reference"):
        validation.examine(replace(case, reference=mad))


@linux
def test_core_ml_itself_is_not_run_here(bundles: Bundles) -> None:
    one = validate(bundles("coreml-fp16").path, runtime="coreml", count=8)
    assert (one.verdict, one.report) == ("not run", None)
    (reason,) = one.reasons
    assert "macOS only" in reason
    assert sys.platform in reason


def test_a_validation_comes_back_from_json(found: dict[str, Validation]) -> None:
    for one in found.values():
        assert Validation.model_validate_json(one.model_dump_json()) == one
