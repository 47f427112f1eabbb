"""Every pass that a bundle's verdict wants, and what is said of one that cannot be judged."""

from __future__ import annotations

import sys

import pytest
from conftest import Bundles
from support.refusals import refused

import levit_mobile
from levit_mobile.bundle.reader import open_bundle
from levit_mobile.errors import BundleError, RecipeError
from levit_mobile.recipe import Verdict
from levit_mobile.validation import setup
from levit_mobile.validation.passes import ValidationRun

pytestmark = pytest.mark.usefixtures("in_this_process")


def test_a_bundle_that_cannot_be_opened_still_has_a_verdict() -> None:
    error = BundleError("x is no bundle")
    run = ValidationRun.not_judged("build/x", error, Verdict.BROKEN)
    (one,) = run.validations
    assert (run.verdict, run.reasons, run.refused) == ("broken", ("x is no bundle",), error)
    assert run.thumbnails() == {}
    assert one.error_code == "bundle"
    assert (one.bundle, one.verdict, one.reasons, one.report) == ("x", "broken", ("x is no bundle",), None)


@pytest.mark.parametrize("cpus", [["cortex-a99"], ["cortex-a76", "x"], [""]])
def test_an_unknown_core_is_refused_before_the_bundle_is_read(cpus: list[str]) -> None:
    with refused(RecipeError, "recipe.unknown-cpu", "cortex-a53, cortex-a76, i8mm"):
        levit_mobile.validate("nowhere", cpus=cpus)


def test_on_a_mac_core_ml_is_proven_by_three_passes(bundles: Bundles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Core ML is not here: the passes are asked for as on a Mac, and two are NOT RUN."""
    path, told = bundles("coreml-fp32").path, []
    monkeypatch.setattr(sys, "platform", "darwin")
    wanted = setup.passes(open_bundle(path), None, None)
    monkeypatch.undo()
    assert wanted == (("coreml", None), ("mil", None), ("coreml", path))
    monkeypatch.setattr(setup, "passes", lambda *_: wanted)
    run = levit_mobile.validate(path, count=8, progress=lambda *heard: told.append(heard))
    assert [found.runtime.name for found in run.validations if found.runtime] == ["coreml", "mil", "coreml"]
    assert [found.verdict for found in run.validations] == ["not run", "proven by reference", "not run"]
    assert [case.reference.own for case in run.setups] == [True, True, False]
    assert run.verdict == "not run"
    assert (f"{path.name} by mil", 8, 8) in told
    assert set(run.thumbnails()) == {picture.name for picture in run.validations[1].worst}


def test_one_runtime_is_one_pass_and_a_bundle_that_is_open_is_not_opened_again(bundles: Bundles) -> None:
    run = levit_mobile.validate(open_bundle(bundles("tflite-fp32").path), runtime="litert", count=8)
    assert [found.report.images for found in run.validations if found.report] == [8]
    assert (run.verdict, run.reasons, run.refused) == ("proven", (), None)
    (only,) = run.validations
    assert (run.report, run.accuracy, run.flips) == (only.report, only.accuracy, only.flips)
    assert run.report is not None
