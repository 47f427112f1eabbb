"""Parity: what is proven, what is broken, and that bad logits break a report instead of the program."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.refusals import refused

from levit_mobile.errors import CheckpointError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.parity import metrics
from levit_mobile.parity import report as parity
from levit_mobile.parity.compare import BATCH, Reference, compare, reference, run
from levit_mobile.parity.logit_stats import Head
from levit_mobile.parity.report import BOUNDS as BOUNDS_OF_A_REPORT
from levit_mobile.parity.report import ParityReport, Proof, judge, not_run
from levit_mobile.recipe import RECIPES, Tolerance

Array = NDArray[np.floating]

COUNT, CLASSES = 19, 12
BOUNDS = Tolerance(min_sqnr_db=50.0, min_top1_agreement=1.0)


class FakeRunner:
    """Logits that are sums over each picture; `spoil` may change them. Remembers the pictures of each call."""

    def __init__(self, dtype: type = np.float32, spoil: Callable[[Array], Array] = lambda logits: logits) -> None:
        self.weights = np.random.default_rng(2).normal(size=(3 * 8 * 8, CLASSES)).astype(dtype)
        self.spoil = spoil
        self.calls: list[int] = []

    def __call__(self, images: Array) -> Array:
        self.calls.append(len(images))
        return self.spoil(images.reshape(len(images), -1).astype(self.weights.dtype) @ self.weights)


@pytest.fixture(scope="module")
def pictures() -> ImageSet:
    random = np.random.default_rng(1)
    return ImageSet.from_arrays({f"p{i}": random.integers(0, 256, (8, 8, 3)).astype(np.uint8) for i in range(COUNT)})


@pytest.fixture(scope="module")
def trained(pictures: ImageSet) -> Reference:
    return reference("levit.pth", FakeRunner(), FakeRunner(np.float64), pictures)


def report_on(trained: Reference, logits: Array, tolerance: Tolerance = BOUNDS) -> ParityReport:
    return compare(trained, logits, name="tflite-fp32", tolerance=tolerance)


def noisy(logits: Array, db: float) -> Array:
    noise = np.random.default_rng(4).normal(size=logits.shape)
    return logits + noise * np.linalg.norm(logits) / np.linalg.norm(noise) * 10 ** (-db / 20)


# Running


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1, COUNT])
def test_a_few_pictures_are_held_at_once(pictures: ImageSet, count: int) -> None:
    runner, heard = FakeRunner(), []
    some = ImageSet(pictures.names[:count], pictures.read)
    logits = run(runner, some, progress=lambda _what, done, of: heard.append((done, of)))
    assert max(runner.calls) <= BATCH
    assert sum(runner.calls) == count
    assert heard == [(done, count) for done in itertools.accumulate(runner.calls)]
    one_at_a_time = np.concatenate([FakeRunner()(images) for images in some.batches(1)])
    assert np.allclose(logits, one_at_a_time, atol=1e-4)


def test_the_floor_is_float32_against_float64(pictures: ImageSet, trained: Reference) -> None:
    images = np.concatenate(list(pictures.batches(COUNT)))
    exact = FakeRunner(np.float64)(images)
    assert trained.floor_sqnr_db == pytest.approx(metrics.sqnr_db(exact, trained.logits))
    assert 110 < trained.floor_sqnr_db < 170
    assert trained.pictures_digest == pictures.digest()
    assert trained.logits.dtype == np.float32


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_trained_model_without_finite_logits_is_no_reference(pictures: ImageSet, value: float) -> None:
    def spoil(logits: Array) -> Array:
        return np.where(np.arange(len(logits))[:, None] == 2, value, logits)

    with refused(CheckpointError, "checkpoint.not-finite", "levit.pth", "3 of 19 images"):
        reference("levit.pth", FakeRunner(spoil=spoil), FakeRunner(np.float64), pictures)


# Verdicts


def test_identical_logits_are_proven(trained: Reference) -> None:
    proof = judge(report_on(trained, trained.logits.copy()))
    assert (proof.verdict, proof.reasons) == ("proven", ())
    report = proof.report
    assert report is not None
    assert (report.sqnr_db, report.max_abs_error, report.mean_abs_error) == (math.inf, 0, 0)
    assert (report.cosine, report.kl, report.top1_agreement, report.top5_agreement) == (1, 0, 1, 1)


def test_a_report_says_what_was_compared(trained: Reference) -> None:
    candidate = noisy(trained.logits, 60)
    report = report_on(trained, candidate)
    assert (report.reference, report.candidate, report.images) == ("levit.pth", "tflite-fp32", COUNT)
    assert (report.images_digest, report.floor_sqnr_db) == (trained.pictures_digest, trained.floor_sqnr_db)
    pair = trained.logits, candidate
    assert report.max_abs_error == metrics.max_abs_error(*pair)
    assert report.mean_abs_error == pytest.approx(metrics.mean_abs_error(*pair))
    assert report.sqnr_db == pytest.approx(metrics.sqnr_db(*pair)) == pytest.approx(60, abs=0.01)
    assert (report.cosine, report.kl) == pytest.approx((metrics.cosine(*pair), metrics.kl(*pair)))
    assert report.top1_agreement == metrics.top_k_agreement(*pair, k=1)
    assert report.top5_agreement == metrics.top_k_agreement(*pair, k=5)


def test_noise_breaks_the_sqnr_alone(trained: Reference) -> None:
    proof = judge(report_on(trained, trained.logits * np.float32(0.99)))  # 40 dB, and the same order
    assert proof.verdict == "broken"
    assert proof.reasons == ("SQNR is 40.0 dB, expected at least 50 dB",)


def test_another_top_class_breaks_the_agreement_alone(trained: Reference) -> None:
    twins = trained.logits.astype(np.float64)
    twins[:, 1] = twins.max(axis=1) + 1  # classes 0 and 1 lie close together on every picture
    twins[:, 0] = twins[:, 1] - 1e-6
    swapped = twins.copy()
    swapped[3, [0, 1]] = twins[3, [1, 0]]
    proof = judge(report_on(replace(trained, logits=twins), swapped))
    assert proof.reasons == (f"top-1 agrees on {18 / 19:.2%} of 19 images, expected at least 100.00%",)
    assert proof.verdict == "broken"


def test_every_broken_bound_has_its_sentence(trained: Reference) -> None:
    reasons = judge(report_on(trained, -trained.logits)).reasons
    assert [reason.split()[0] for reason in reasons] == ["SQNR", "top-1"]


# Bounds


def test_a_network_that_amplifies_rounding_sets_its_own_bound(trained: Reference) -> None:
    tolerance = Tolerance(min_sqnr_db=100, min_top1_agreement=0.0)

    def judged(db: float, floor: float, rounding_db: float | None = 10.0) -> Proof:
        shaky = replace(trained, floor_sqnr_db=floor)
        logits = noisy(trained.logits.astype(np.float64), db)
        return judge(compare(shaky, logits, name="a", tolerance=tolerance, rounding_db=rounding_db))

    assert judged(68, 75.9).verdict == "proven"
    assert "float32 itself has 75.9 dB" in judged(68, 75.9).report.amplifies  # type: ignore[union-attr]
    assert judged(60, 75.9).reasons[0].endswith("expected at least 65.9 dB")
    assert judged(68, 134.0).reasons[0].endswith("expected at least 100 dB")
    assert judged(68, math.nan).reasons[0].endswith("expected at least 100 dB")
    assert judged(68, 75.9, None).reasons[0].endswith("expected at least 100 dB")
    assert judged(104, 134.0).report.amplifies == ""  # type: ignore[union-attr]


def test_a_lead_below_the_rounding_of_such_a_network_decides_nothing(trained: Reference) -> None:
    logits = 100 * np.eye(COUNT, CLASSES)
    logits[0, :2], logits[1, :2] = (0.0, 1e-3), (0.0, 90.0)  # the second leads by a little, and by much
    flipped, swapped = logits.copy(), logits.copy()
    flipped[0, :2] = 1e-3, 0.0
    swapped[1, :2] = 90.0, 0.0
    tolerance = Tolerance(min_sqnr_db=100, min_top1_agreement=1.0)
    shaky = replace(trained, logits=logits, floor_sqnr_db=76.0)
    near = compare(shaky, flipped, name="a", tolerance=tolerance, rounding_db=10.0)
    assert (near.top1_agreement, near.decided_top1_agreement) == (18 / 19, 1.0)
    assert judge(near).verdict == "proven"
    sure = compare(replace(shaky, floor_sqnr_db=20.0), swapped, name="a", tolerance=tolerance, rounding_db=10.0)
    assert sure.decided_top1_agreement is not None
    assert 0.85 < sure.decided_top1_agreement < 1
    assert judge(sure).verdict == "broken"
    firm = compare(replace(shaky, floor_sqnr_db=134.0), flipped, name="a", tolerance=tolerance, rounding_db=10.0)
    assert firm.decided_top1_agreement is None
    assert [reason.split()[0] for reason in judge(firm).reasons][-1:] == ["top-1"]


def test_half_precision_rounds_with_13_bits_less() -> None:
    found = {name: recipe.rounding_db for name, recipe in RECIPES.items()}
    assert found["tflite-fp16"] == found["coreml-int8-weight"] == pytest.approx(78.27, abs=0.01)
    assert found["tflite-fp32"] == found["coreml-fp32"] == found["tflite-int8"] == 10
    assert [RECIPES["tflite-fp32"].rounding_at(bound) for bound in (90, 100, 100.1)] == [10, 10, None]


def one_picture(logits: list[float], trained: Reference) -> Reference:
    return replace(trained, logits=np.array([logits]))


def test_sqnr_at_the_bound_passes_and_just_below_fails(trained: Reference) -> None:
    known = one_picture([10.0, -10.0, 0.0], trained)  # signal 200, noise 2: 20 dB, exactly
    candidate = np.array([[9.0, -9.0, 0.0]])
    assert (report_on(known, candidate).sqnr_db, report_on(known, candidate).centred_sqnr_db) == (20, 20)
    for bound, verdict in ((20, "proven"), (math.nextafter(20, math.inf), "broken"), (19.9, "proven")):
        tolerance = Tolerance(min_sqnr_db=bound, min_top1_agreement=1.0)
        assert judge(report_on(known, candidate, tolerance)).verdict == verdict


def test_agreement_at_the_bound_passes_and_just_below_fails(trained: Reference) -> None:
    known = replace(trained, logits=np.array([[90.0, 1], [90, 1], [90, 1], [1, 9]]))
    candidate = np.array([[90.0, 1], [90, 1], [90, 1], [9, 1]])  # three of four
    for bound, verdict in ((0.75, "proven"), (math.nextafter(0.75, 1), "broken")):
        tolerance = Tolerance(min_sqnr_db=0.1, min_top1_agreement=bound)
        assert judge(report_on(known, candidate, tolerance)).verdict == verdict


@pytest.mark.parametrize("bounds", [(math.nan, 1.0), (50.0, math.nan), (math.inf, 1.0), (50.0, math.inf)])
def test_bounds_that_are_no_numbers_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Tolerance(*bounds)


def test_a_constant_added_to_all_logits_is_no_noise(trained: Reference) -> None:
    moved = report_on(trained, trained.logits.astype(np.float64) + 50)
    assert moved.sqnr_db < 40
    assert moved.centred_sqnr_db > 200
    assert judge(moved).verdict == "proven"


@pytest.mark.parametrize("head", ["sigmoid", "none"])
def test_a_constant_counts_where_there_is_no_softmax(trained: Reference, head: Head) -> None:
    logits = trained.logits.astype(np.float64) + 50
    moved = compare(trained, logits, name="tflite-fp32", tolerance=BOUNDS, head=head)
    assert moved.centred_sqnr_db is None
    assert [reason.split()[0] for reason in judge(moved).reasons] == ["SQNR"]


def test_a_shared_offset_hides_no_noise(trained: Reference) -> None:
    """Raw logits far from zero have a large signal; only what differs between classes is one."""
    far = replace(trained, logits=trained.logits.astype(np.float64) + 1e4)
    found = report_on(far, noisy(trained.logits.astype(np.float64), 30) + 1e4)
    assert found.sqnr_db > 60
    assert found.centred_sqnr_db == pytest.approx(30, abs=2)
    assert judge(found).verdict == "broken"


def test_one_class_has_nothing_to_be_centred_on(trained: Reference) -> None:
    found = report_on(one_picture([8.0], trained), np.array([[8.5]]))
    assert found.centred_sqnr_db == found.sqnr_db == pytest.approx(24.08, abs=0.01)


@pytest.mark.parametrize("field", ["centred_sqnr_db", "top1_agreement"])
def test_nan_is_below_every_bound(trained: Reference, field: str) -> None:
    spoiled = report_on(trained, trained.logits).model_copy(update={field: math.nan})
    assert len(spoiled.failures) == 1
    assert "nan" in spoiled.failures[0]


WORDS = {
    "min_sqnr_db": "SQNR is 40.0 dB, expected at least 41 dB",
    "min_top1_agreement": "top-1 agrees on 50.00% of 19 images, expected at least 51.00%",
    "min_top5_agreement": "the reference's top class is among the artifact's top 5 on 60.00% of 19 images, "
    "expected at least 61.00%",
    "min_cosine": "cosine is 0.500000, expected at least 0.6",
    "max_abs_error": "max abs error is 2.00e-02 logits, expected at most 0.01",
    "max_mean_abs_error": "mean abs error is 1.00e-03 logits, expected at most 0.0005",
    "max_kl": "KL is 3.00e-02 nats, expected at most 0.02",
}
FOUND = {
    "min_sqnr_db": ("centred_sqnr_db", 40.0, 41.0),
    "min_top1_agreement": ("top1_agreement", 0.5, 0.51),
    "min_top5_agreement": ("top5_agreement", 0.6, 0.61),
    "min_cosine": ("cosine", 0.5, 0.6),
    "max_abs_error": ("max_abs_error", 0.02, 0.01),
    "max_mean_abs_error": ("mean_abs_error", 0.001, 0.0005),
    "max_kl": ("kl", 0.03, 0.02),
}


@pytest.mark.parametrize("bound", BOUNDS_OF_A_REPORT)
def test_each_bound_is_held_by_equality_and_broken_beyond(trained: Reference, bound: str) -> None:
    field, found, asked = FOUND[bound]
    loose = {"min_sqnr_db": 1e-9, "min_top1_agreement": 0.0}
    perfect = report_on(trained, trained.logits)

    def failures(value: float, limit: float) -> tuple[str, ...]:
        tolerance = Tolerance(**{**loose, bound: limit})
        return perfect.model_copy(update={field: value, "tolerance": tolerance}).failures

    assert failures(found, asked) == (WORDS[bound],)
    assert failures(found, found) == ()
    assert len(failures(math.nan, found)) == 1


# Bad logits


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_break_the_report(trained: Reference, value: float) -> None:
    candidate = trained.logits.copy()
    candidate[4, 1] = candidate[7, 0] = candidate[7, 5] = value
    proof = judge(report_on(trained, candidate))
    assert proof.verdict == "broken"
    assert proof.reasons[0] == "the artifact gave NaN or infinite logits on 2 of 19 images"
    assert proof.report is not None
    assert math.isnan(proof.report.sqnr_db)


@pytest.mark.parametrize(
    "shape", [(COUNT - 1, CLASSES), (0, CLASSES), (COUNT, CLASSES + 1), (COUNT, 1), (COUNT,), (COUNT, CLASSES, 1), ()]
)
def test_logits_of_another_shape_break_the_report(trained: Reference, shape: tuple[int, ...]) -> None:
    proof = judge(report_on(trained, np.zeros(shape)))
    assert proof.verdict == "broken"
    assert proof.reasons[0] == f"the artifact gave logits of shape {list(shape)}, expected [{COUNT}, {CLASSES}]"


@pytest.mark.parametrize(
    "spoil", [lambda logits: logits[:-1], lambda logits: logits[:, :3]], ids=["picture", "classes"]
)
def test_what_a_runner_leaves_out_breaks_the_report(
    trained: Reference, pictures: ImageSet, spoil: Callable[[Array], Array]
) -> None:
    proof = judge(report_on(trained, run(FakeRunner(spoil=spoil), pictures)))
    assert proof.verdict == "broken"
    assert proof.reasons[0].startswith("the artifact gave logits of shape ")


# The file


@pytest.mark.parametrize("case", ["identical", "noisy", "broken", "not run"])
def test_a_proof_comes_back_from_its_file(trained: Reference, tmp_path: Path, case: str) -> None:
    proofs = {
        "identical": lambda: judge(report_on(trained, trained.logits)),
        "noisy": lambda: judge(report_on(trained, noisy(trained.logits, 60))),
        "broken": lambda: judge(report_on(trained, trained.logits[:3])),
        "not run": lambda: not_run("Core ML runs on macOS only"),
    }
    written = proofs[case]()
    written.write(tmp_path)
    text = (tmp_path / parity.PARITY_FILE).read_text(encoding="utf-8")
    read = Proof.model_validate_json(text)
    assert repr(read) == repr(written)  # equal but for NaN, which equals nothing
    assert ("NaN" in text) == (case == "broken")


def test_not_run_is_no_pass() -> None:
    proof = not_run("Core ML runs on macOS only")
    assert (proof.verdict, proof.reasons, proof.report) == ("not run", ("Core ML runs on macOS only",), None)
