"""What the options of `validate` choose, without running anything: pictures, truth, bounds and runtimes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.refusals import refused
from support.stored_bundles import Made

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.errors import ImageError, LabelsError, RecipeError
from levit_mobile.images import digits
from levit_mobile.images.source import ImageOrigin
from levit_mobile.recipe import Tolerance
from levit_mobile.validation import references
from levit_mobile.validation.references import ReferenceModel
from levit_mobile.validation.setup import prepare

REFERENCE = ReferenceModel("made up", lambda: lambda images: images)
ACCURACY = ("min_top1_accuracy", "max_accuracy_drop")


@pytest.fixture
def stored(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> OpenBundle:
    """A TFLite bundle, compared with something that is never run."""
    monkeypatch.setattr(references, "find", lambda *_: REFERENCE)
    return open_bundle(bundle)


def test_256_held_out_digits_are_the_default(stored: OpenBundle) -> None:
    found = prepare(stored)
    assert found.pictures.names == tuple(f"digit-{index:04}" for index in range(256))
    assert (found.pictures_from.origin, found.truth) == (ImageOrigin.HELD_OUT, None)
    assert (str(found.runtime), found.host, found.tolerance) == ("litert", None, stored.contract.tolerance)
    assert len(prepare(stored, count=3).pictures) == 3


def test_digits_are_labelled_for_a_model_of_digits(stored: OpenBundle) -> None:
    found = prepare(replace(stored, labels=digits.LABELS), count=12)
    assert found.truth == {f"digit-{index:04}": index % 10 for index in range(12)}
    assert found.truth_from == "the digits that were drawn"
    bounds = {"min_top1_accuracy": 0.9}
    assert prepare(replace(stored, labels=digits.LABELS), bounds=bounds).tolerance.min_top1_accuracy == 0.9


@pytest.mark.parametrize("bound", ACCURACY)
def test_a_bound_on_accuracy_needs_labels(stored: OpenBundle, bound: str) -> None:
    with refused(RecipeError, "recipe.options", "accuracy", "--truth"):
        prepare(stored, bounds={bound: 0.1})


def test_bounds_replace_the_contracts_own_and_leave_the_others(stored: OpenBundle) -> None:
    found = prepare(stored, bounds={"min_sqnr_db": 12.5}).tolerance
    assert found == replace(stored.contract.tolerance, min_sqnr_db=12.5)


def test_a_reference_with_bounds_of_its_own_loosens_them(stored: OpenBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    loose = replace(REFERENCE, tolerance=Tolerance(20.0, 0.5))
    monkeypatch.setattr(references, "find", lambda *_: loose)
    found = prepare(stored).tolerance
    assert found == stored.contract.tolerance.loosened(Tolerance(20.0, 0.5))
    assert (found.min_sqnr_db, found.min_top1_agreement) == (20.0, 0.5)


def test_an_emulated_core_sees_8_pictures_and_is_compared_with_this_machine(stored: OpenBundle) -> None:
    found = prepare(stored, cpu="cortex-a76")
    assert (len(found.pictures), found.runtime.cpu, str(found.host)) == (8, "cortex-a76", "litert")
    assert found.tolerance == replace(stored.contract.tolerance, min_top1_agreement=0.0)
    found = prepare(stored, cpu="cortex-a76", count=2, bounds={"min_top1_agreement": 0.75})
    assert (len(found.pictures), found.tolerance.min_top1_agreement) == (2, 0.75)


def test_float16_kernels_have_a_bound_of_their_own_on_a_core(stored: OpenBundle) -> None:
    half = replace(stored, contract=stored.contract.model_copy(update={"recipe": "executorch-fp16"}))
    assert prepare(half, cpu="cortex-a76").tolerance.min_sqnr_db == 42.0
    assert prepare(half, cpu="cortex-a76", bounds={"min_sqnr_db": 50.0}).tolerance.min_sqnr_db == 50.0
    assert prepare(half).tolerance == stored.contract.tolerance


def test_golden_vectors_bring_their_own_pictures(stored: OpenBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = prepare(stored, reference="golden")
    assert sorted(found.pictures.names) == sorted(stored.golden())
    assert found.pictures_from.origin is ImageOrigin.GOLDEN
    with refused(ImageError, "image.golden", "--images"):
        prepare(stored, reference="golden", images="anywhere")


def test_a_folder_gives_its_pictures_and_their_classes(stored: OpenBundle, folder: Path) -> None:
    labelled = replace(stored, labels=("b", "a", "x", "y", "z"))
    found = prepare(labelled, images=folder, truth="folders")
    assert found.truth == {"a/1.png": 1, "a/3.webp": 1, "b/2.jpg": 0}
    assert (found.truth_from, found.pictures_from.title) == ("folders", folder.name)
    assert prepare(stored, images=folder).truth is None
    assert len(prepare(stored, images=folder, count=2).pictures) == 2
    with refused(RecipeError, "recipe.options", "--truth", "--images"):
        prepare(stored, truth="folders")


def test_a_table_may_label_pictures_that_a_count_leaves_out_and_no_others(stored: OpenBundle, folder: Path) -> None:
    table = folder / "truth.csv"
    rows = "file,label\na/1.png,0\na/3.webp,1\nb/2.jpg,2\n"
    table.write_text(rows)
    options: dict[str, Any] = {"images": folder, "truth": table, "count": 1}
    found = prepare(stored, **options)
    assert (found.truth, found.truth_from) == ({"a/1.png": 0}, "truth.csv")
    table.write_text(f"{rows}a/4.png,3\n")
    with refused(LabelsError, "labels.no-picture", "a/4.png"):
        prepare(stored, **options)


def test_what_was_calibrated_on_travels_along(stored: OpenBundle) -> None:
    assert prepare(stored, calibration="pictures").calibration == "pictures"


@pytest.mark.usefixtures("stored")
def test_a_core_ml_bundle_is_run_by_the_mil_reference_off_a_mac(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert str(prepare(open_bundle(made("coreml-fp16"))).runtime) == "mil"
