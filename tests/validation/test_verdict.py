"""Every bound that can break a verdict does, alone and just beyond itself; made-up logits, nothing is loaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from support import judgements as made
from support.judgements import COUNT, HERE, LOOSE, THERE, Logits
from support.refusals import refused

from levit_mobile.errors import ArtifactError, CheckpointError, RunnerUnavailable, ToolchainMissing
from levit_mobile.images.source import ImageSource
from levit_mobile.parity import metrics
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.reporting.verdicts import bounds
from levit_mobile.validation import validate
from levit_mobile.validation.results import Validation
from levit_mobile.validation.validate import examine

pytestmark = pytest.mark.usefixtures("in_this_process")
BOUNDS = [field.name for field in fields(Tolerance)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a bundle of tflite-fp32, whose artifact is never run."""
    return tmp_path_factory.mktemp("bundles") / "one"


def spoilt() -> Logits:
    """Logits that differ in every way: one picture upside down, one with its best two swapped, and noise on all."""
    logits = made.swapped(made.reference_logits(), 1)
    logits[0] = -logits[0]
    return logits + np.random.default_rng(1).normal(scale=0.01, size=logits.shape)


def broken(found: Validation) -> list[str]:
    """The names of the bounds that do not hold; each says why in the verdict's reasons, and reports show it."""
    failed = [check for check in found.checks if not check.holds]
    assert [check.sentence for check in failed] == list(found.reasons)
    assert [bound.check for bound in bounds(found) if not bound.check.holds] == failed
    assert (found.verdict == Verdict.BROKEN) == bool(failed)
    return [check.name for check in failed]


def judged(folder: Path, monkeypatch: pytest.MonkeyPatch, candidate: Logits, tolerance: Tolerance) -> Validation:
    made.gives(monkeypatch, {HERE: candidate})
    return examine(made.made(folder, tolerance=tolerance, labels=made.truth()), processes=1)


# Bounds of a Tolerance


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_breaks_the_verdict_alone_and_just_beyond_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    loose = judged(folder, monkeypatch, spoilt(), LOOSE)
    assert broken(loose) == []
    found = {check.name: check.found for check in loose.checks}
    assert list(found) == BOUNDS
    at = replace(LOOSE, **{name: found[name]})
    assert broken(judged(folder, monkeypatch, spoilt(), at)) == []
    harder = math.nextafter(found[name], math.inf if name.startswith("min_") else -math.inf)
    assert broken(judged(folder, monkeypatch, spoilt(), replace(LOOSE, **{name: harder}))) == [name]


def test_identical_logits_hold_every_bound_at_its_hardest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hardest = Tolerance(1e300, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, (COUNT - 1) / COUNT, 0.0)
    found = judged(folder, monkeypatch, made.reference_logits(), hardest)
    assert broken(found) == []
    assert (found.verdict, found.flips, len(found.errors)) == ("proven", (), COUNT)


def test_what_was_seen_is_said_of_pictures_and_labels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(folder, monkeypatch, spoilt(), LOOSE)
    assert [flip.name for flip in found.flips] == ["p0", "p1"]
    assert found.worst[0].name == "p0"
    assert found.accuracy is not None
    right = (found.accuracy.reference, found.accuracy.candidate, found.accuracy.only_reference_right)
    assert right == ((COUNT - 1) / COUNT, (COUNT - 3) / COUNT, 2)
    assert found.report is not None
    assert found.top1_interval is not None
    assert found.top1_interval[0] < found.report.top1_agreement == (COUNT - 2) / COUNT < found.top1_interval[1]


def test_intervals_and_p_are_over_the_source_digits_that_pictures_show(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two digits in four pictures each: p0 and p1, which differ, show the same digit."""
    monkeypatch.setattr("levit_mobile.validation.verdict.held_out_source", lambda name: int(name[1:]) // 4)
    found = judged(folder, monkeypatch, spoilt(), LOOSE)
    digits = [0, 0, 0, 0, 1, 1, 1, 1]
    assert found.clusters == 2
    same = [False, False, True, True, True, True, True, True]
    assert found.top1_interval == metrics.clustered_interval(same, digits) != metrics.wilson_interval(6, 8)
    assert found.top5_interval is not None
    assert found.accuracy is not None
    right = [True] * 7 + [False]
    assert found.accuracy.reference_interval == metrics.clustered_interval(right, digits)
    right[:2] = [False, False]
    assert found.accuracy.candidate_interval == metrics.clustered_interval(right, digits)
    assert found.accuracy.mcnemar_p == metrics.clustered_mcnemar_p([1, 1, 0, 0, 0, 0, 0, 0], digits) == 1


def test_pictures_of_a_folder_are_independent_whatever_they_are_called(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("levit_mobile.validation.verdict.held_out_source", lambda _: 0)
    made.gives(monkeypatch, {HERE: spoilt()})
    case = replace(made.made(folder, tolerance=LOOSE, labels=made.truth()), pictures_from=ImageSource.at("val"))
    found = examine(case, processes=1)
    assert found.clusters is None
    assert found.top1_interval == metrics.wilson_interval(6, 8)


@pytest.mark.parametrize("name", ["min_top1_accuracy", "max_accuracy_drop"])
def test_a_bound_on_accuracy_without_labels_is_broken(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    made.gives(monkeypatch, {HERE: made.reference_logits()})
    easiest = 0.0 if name.startswith("min_") else 1.0
    asked = replace(made.LOOSE_WITHOUT_LABELS, **{name: easiest})
    found = examine(made.made(folder, tolerance=asked), processes=1)
    assert broken(found) == [name]
    assert found.reasons == ("accuracy is unknown: no labels were given",)


# On a core


def on_core(
    folder: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, logits: Sequence[Logits]
) -> tuple[Validation, dict[str, float]]:
    """`logits` are the reference's, this machine's and the core's."""
    reference, host, core = logits
    made.gives(monkeypatch, {HERE: host, THERE: core})
    found = examine(made.made(folder / recipe, recipe=recipe, reference=reference, emulated=True), processes=1)
    assert found.emulation is not None
    return found, {check.name: check.found for check in found.emulation.checks()}


@pytest.mark.parametrize(("factor", "names"), [(1 + 0.9e-5, []), (1 + 1.1e-5, ["max_relative_error"])])
def test_a_core_that_sums_floats_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float, names: list[str]
) -> None:
    reference = made.reference_logits()
    found, figures = on_core(tmp_path, monkeypatch, "tflite-fp32", (reference, reference, reference * factor))
    assert broken(found) == names
    assert figures["max_relative_error"] == pytest.approx(factor - 1, rel=1e-6)


@pytest.mark.parametrize(("decibels", "names"), [(-0.9, []), (0.9, []), (-1.1, ["max_difference_db"])])
def test_a_core_that_rounds_integers_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decibels: float, names: list[str]
) -> None:
    reference = made.reference_logits()
    noise = 0.01 * np.random.default_rng(2).normal(size=reference.shape)
    core = reference + noise * 10 ** (-decibels / 20)
    found, figures = on_core(tmp_path, monkeypatch, "executorch-int8", (reference, reference + noise, core))
    assert broken(found) == names
    assert figures["max_difference_db"] == pytest.approx(abs(decibels), abs=1e-6)


@pytest.mark.parametrize(("error", "names"), [(6e-5, []), (4e-5, ["max_margin"])])
def test_a_flip_on_a_core_at_a_margin_that_rounding_does_not_explain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: float, names: list[str]
) -> None:
    """The margin is 1e-4, and twice this machine's own error is what a flip may have."""
    host = made.reference_logits()
    host[1, 2] = host[1, 1] - 1e-4
    reference = host.copy()
    reference[5, 0] += error
    found, figures = on_core(tmp_path, monkeypatch, "tflite-fp32", (reference, host, made.swapped(host, 1)))
    assert broken(found) == names
    assert figures["max_margin"] == pytest.approx(1e-4)
    assert found.emulation is not None
    assert [flip.name for flip in found.emulation.flips] == ["p1"]


# Nothing to compare


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_not_finite_are_broken(folder: Path, monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    candidate = made.reference_logits()
    candidate[3, 4] = value
    found = judged(folder, monkeypatch, candidate, LOOSE)
    assert found.verdict == "broken"
    assert found.reasons[0] == f"the artifact gave NaN or infinite logits on 1 of {COUNT} images"
    assert (found.accuracy, found.top1_interval) == (None, None)
    assert not any(check.holds for check in found.checks)


def test_logits_of_another_shape_are_broken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(folder, monkeypatch, made.reference_logits()[:, :7], LOOSE)
    assert found.verdict == "broken"
    assert found.reasons[0] == f"the artifact gave logits of shape [{COUNT}, 7], expected [{COUNT}, {made.CLASSES}]"


@pytest.mark.parametrize(
    ("error", "verdict"), [(ArtifactError("it does not load"), "broken"), (RunnerUnavailable("no Mac"), "not run")]
)
def test_what_does_not_load_is_broken_and_what_cannot_be_had_is_not_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, verdict: str
) -> None:
    made.gives(monkeypatch, {HERE: error})
    found = examine(made.made(folder), processes=1)
    assert (found.verdict, found.reasons, found.report, found.checks) == (verdict, (str(error),), None, ())


def test_a_reference_that_is_not_finite_judges_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.gives(monkeypatch, {HERE: made.reference_logits()})
    with refused(CheckpointError, "checkpoint.not-finite", "the reference"):
        examine(made.made(folder, reference=made.reference_logits() * math.nan), processes=1)


# The drill


@pytest.mark.parametrize("error", [ToolchainMissing("litert-torch", "tflite"), RunnerUnavailable("no Mac")])
def test_a_drill_that_cannot_be_had_is_a_note_and_no_verdict(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def tapped(_: object) -> None:
        raise error

    made.gives(monkeypatch, {HERE: made.reference_logits()})
    monkeypatch.setattr(validate, "tapped", tapped)
    monkeypatch.setattr(validate, "require_own", lambda _: None)
    found = examine(made.made(folder), drill=True, processes=1)
    assert (found.verdict, found.drill) == ("proven", None)
    assert f"drill-down NOT RUN: {error}" in found.notes


def test_nothing_is_drilled_where_nothing_was_compared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    made.gives(monkeypatch, {HERE: ArtifactError("it does not load")})
    monkeypatch.setattr(validate, "tapped", asked.append)
    monkeypatch.setattr(validate, "require_own", lambda _: None)
    assert examine(made.made(folder), drill=True, processes=1).verdict == "broken"
    assert asked == []
