"""predict(): the pictures that are taken, their order, the scores of each head, and what is refused."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Bundles
from PIL import Image
from support import predictions
from support.refusals import refused

import levit_mobile
from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.contract import Contract
from levit_mobile.errors import ArtifactError, BundleError, ImageError, RecipeError, RunnerUnavailable
from levit_mobile.images import digits
from levit_mobile.images.digits import Split
from levit_mobile.interfaces.runner import Images, Logits
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.prediction.predict import PredictionRun
from levit_mobile.runtimes import registry
from levit_mobile.runtimes.registry import RuntimeId

LOGITS = np.array([[1.0, 3.0, -2.0, 3.0, 0.0, -1.0, -1.0, 2.0, -9.0, 0.5]], np.float32)
Answer = Callable[[Images], Logits]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[Images]]:
    """Every artifact gives what a function gives; the images that it was asked for are kept."""

    def install(answer: Answer) -> list[Images]:
        asked: list[Images] = []

        def load(_: RuntimeId, __: Path, ___: Contract) -> Answer:
            return lambda images: (asked.append(images), answer(images))[1]

        monkeypatch.setattr(registry, "load", load)
        return asked

    return install


def fixed(_: Images) -> Logits:
    return LOGITS


def predicted(bundle: OpenBundle, *pictures: Path, **options: object) -> PredictionRun:
    return levit_mobile.predict(bundle, pictures, **options)  # type: ignore[arg-type]


# Scores


@pytest.mark.usefixtures("in_this_process")
class TestScores:
    """What becomes of one picture's logits."""

    def test_classes_come_best_first_and_equal_ones_by_index(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]]
    ) -> None:
        answering(fixed)
        run = predicted(predictions.opened(tmp_path / "bundle"), folder / "b/2.jpg", top=4)
        (picture,) = run.pictures
        assert [(score.index, score.label, score.logit) for score in picture.classes] == [
            (1, "1", 3.0),
            (3, "3", 3.0),
            (7, "7", 2.0),
            (0, "0", 1.0),
        ]

    @pytest.mark.parametrize("head", ["softmax", "sigmoid", "none"])
    def test_probabilities_are_those_of_the_head(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]], head: str
    ) -> None:
        answering(fixed)
        run = predicted(predictions.opened(tmp_path / "bundle", head=head), folder / "b/2.jpg", top=10)
        values = LOGITS[0].astype(float).tolist()
        total = sum(map(math.exp, values))
        expected = {
            "softmax": lambda x: math.exp(x) / total,
            "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
            "none": lambda _: None,
        }[head]
        assert run.head == head
        for score in run.pictures[0].classes:
            wanted = expected(values[score.index])
            assert score.probability == (wanted if wanted is None else pytest.approx(wanted, rel=1e-12))
        assert ("no probabilities" in " ".join(run.notes)) == (head == "none")

    @pytest.mark.parametrize("head", ["softmax", "sigmoid"])
    def test_logits_of_any_size_have_probabilities(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]], head: str
    ) -> None:
        answering(lambda _: LOGITS * np.float32(1e30))
        run = predicted(predictions.opened(tmp_path / "bundle", head=head), folder / "b/2.jpg", top=10)
        found = [score.probability for score in run.pictures[0].classes]
        assert all(value is not None and 0 <= value <= 1 for value in found)
        assert found[-1] == 0

    def test_more_classes_than_there_are_mean_all(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]]
    ) -> None:
        answering(fixed)
        run = predicted(predictions.opened(tmp_path / "bundle"), folder / "b/2.jpg", top=99)
        assert sorted(score.index for score in run.pictures[0].classes) == list(range(10))
        with pytest.raises(ValueError, match="top is 0, expected 1 or more"):
            predicted(run.bundle, folder / "b/2.jpg", top=0)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_logits_that_are_not_finite_are_refused(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]], value: float
    ) -> None:
        answering(lambda _: np.where(np.arange(10) == 4, np.float32(value), LOGITS))
        with refused(ArtifactError, "artifact.not-finite", "model.tflite", "2.jpg"):
            predicted(predictions.opened(tmp_path / "bundle"), folder / "b/2.jpg")

    def test_logits_of_another_shape_are_refused(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]]
    ) -> None:
        answering(lambda _: LOGITS[:, :7])
        with refused(ArtifactError, "artifact.mismatch", "[1, 7]", "[1, 10]"):
            predicted(predictions.opened(tmp_path / "bundle"), folder / "b/2.jpg")


# Pictures


@pytest.mark.usefixtures("in_this_process")
class TestPictures:
    """Files and folders, broken ones too."""

    def test_files_and_folders_are_taken_in_the_order_given(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]]
    ) -> None:
        asked, heard = answering(fixed), []
        bundle = predictions.opened(tmp_path / "bundle")
        run = levit_mobile.predict(
            bundle, [folder / "b/2.jpg", folder / "a"], progress=lambda *told: heard.append(told)
        )
        expected = [str(folder / name) for name in ("b/2.jpg", "a/1.png", "a/3.webp")]
        assert [picture.name for picture in run.pictures] == expected
        assert [images.shape for images in asked] == [(1, 3, 16, 16)] * 3
        assert [told[1:] for told in heard] == [(0, 3), (1, 3), (2, 3), (3, 3)]

    def test_one_path_needs_no_list(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]]
    ) -> None:
        answering(fixed)
        bundle = predictions.opened(tmp_path / "bundle")
        assert len(levit_mobile.predict(bundle, str(folder / "a")).pictures) == 2
        assert len(levit_mobile.predict(bundle.path, folder / "b/2.jpg").pictures) == 1

    def test_scores_stay_with_their_picture_when_one_is_skipped(
        self, tmp_path: Path, folder: Path, answering: Callable[[Answer], list[Images]]
    ) -> None:
        (folder / "a/2.jpg").write_bytes(b"broken")
        answering(lambda images: np.full((1, 10), images.mean(), np.float32))
        bundle = predictions.opened(tmp_path / "bundle")
        with refused(ImageError, "image.unreadable", folder / "a/2.jpg"):
            predicted(bundle, folder)
        alone = {name: predicted(bundle, folder / name).pictures[0].classes for name in ("a/1.png", "a/3.webp")}
        run = predicted(bundle, folder / "a", skip_broken=True)
        assert {picture.name: picture.classes for picture in run.pictures} == {
            str(folder / name): classes for name, classes in alone.items()
        }
        (skipped,) = run.skipped
        assert skipped.name == str(folder / "a/2.jpg")
        assert str(folder / "a/2.jpg") in skipped.reason

    def test_nothing_that_can_be_read_is_an_error(
        self, tmp_path: Path, answering: Callable[[Answer], list[Images]]
    ) -> None:
        answering(fixed)
        (tmp_path / "a.jpg").write_bytes(b"broken")
        bundle = predictions.opened(tmp_path / "bundle")
        with refused(ImageError, "image.no-pictures", tmp_path / "a.jpg"):
            predicted(bundle, tmp_path / "a.jpg", skip_broken=True)
        with refused(ImageError, "image.no-pictures", "none was given"):
            predicted(bundle)
        with refused(ImageError, "image.not-found", tmp_path / "absent.jpg"):
            predicted(bundle, tmp_path / "absent.jpg", skip_broken=True)


# What runs the artifact


def test_a_runtime_of_another_target_is_refused(tmp_path: Path, folder: Path) -> None:
    bundle = predictions.opened(tmp_path / "bundle")
    with refused(RecipeError, "recipe.runtime", "'mil'", "litert, tflite-runtime"):
        predicted(bundle, folder, runtime="mil")
    with refused(RecipeError, "recipe.unknown-cpu", "cortex-a76"):
        predicted(bundle, folder, runtime="litert@z80")


def test_what_is_no_bundle_is_refused(tmp_path: Path, folder: Path) -> None:
    with refused(BundleError, "bundle.missing", tmp_path / "absent"):
        levit_mobile.predict(tmp_path / "absent", folder)


@pytest.mark.skipif("sys.platform == 'darwin'", reason="NOT RUN: what a machine without Core ML does")
@pytest.mark.slow
def test_core_ml_itself_is_for_macs(tmp_path: Path, folder: Path) -> None:
    with refused(RunnerUnavailable, "runner.platform", "macOS"):
        predicted(predictions.opened(tmp_path / "bundle", recipe="coreml-fp16"), folder, runtime="coreml")


@pytest.mark.usefixtures("in_this_process")
def test_a_bundle_that_failed_its_proof_is_noted(
    bundle: Path, folder: Path, answering: Callable[[Answer], list[Images]]
) -> None:
    answering(lambda _: LOGITS[:, :5])
    opened = levit_mobile.open_bundle(bundle)
    assert not any("proof" in note for note in predicted(opened, folder).notes)
    broken = OpenBundle(bundle, opened.contract.model_copy(update={"verdict": "broken"}), opened.labels, opened.proof)
    notes = predicted(broken, folder).notes
    assert any("failed its proof" in note and "validate" in note for note in notes)
    assert any("class_0 to class_4" in note for note in notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "runtime"), [("tflite-fp32", "LiteRT"), ("executorch-fp32", "ExecuTorch"), ("coreml-fp16", "MIL")]
)
def test_an_artifact_gives_the_trained_models_classes(
    bundles: Bundles, trained: SourceModel, tmp_path: Path, recipe: str, runtime: str
) -> None:
    """On held-out digits that are saved as files, with the logits that the proof has of the same digits."""
    for index in range(4):
        pixels, _ = digits.picture(Split.HELD_OUT, index)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    run = levit_mobile.predict(bundles(recipe).path, tmp_path, top=10)
    for number, picture in enumerate(run.pictures):
        found = {score.index: score.logit for score in picture.classes}
        expected = trained.reference.logits[number]
        np.testing.assert_allclose([found[index] for index in range(10)], expected, atol=0.05)
        assert picture.classes[0].index == int(np.argmax(expected))
        assert sum(score.probability or 0 for score in picture.classes) == pytest.approx(1)
    if os.uname().sysname != "Darwin":
        assert runtime in run.runtime.title
        assert run.runtime.real == (runtime != "MIL")
        assert any("no device ran" in note for note in run.notes) == (runtime == "MIL")
