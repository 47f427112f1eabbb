"""Does an artifact compute what the trained model computes? Two runners, the same pictures, one report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levit_mobile.errors import CheckpointError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.interfaces.runner import Runner
from levit_mobile.parity import metrics
from levit_mobile.parity.logit_stats import Head, ImageStats, LogitStats
from levit_mobile.parity.metrics import SignalNoise
from levit_mobile.parity.report import ParityReport
from levit_mobile.recipe import Tolerance
from levit_mobile.system.progress import Progress, silent

LEAD = 6.0  # times the standard deviation of one logit's noise
BATCH = 8  # pictures held in memory at once
Array = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Reference:
    """The trained model's logits [N,classes] in float32 on `pictures`, and how far float32 itself is from float64."""

    name: str
    pictures: ImageSet
    pictures_digest: str
    logits: Array
    floor_sqnr_db: float


def reference(name: str, model: Runner, exact: Runner, pictures: ImageSet) -> Reference:
    """Run the trained model over the pictures, in float32 and in float64.

    Args:
        name: Name of the model in reports.
        model: The model in float32.
        exact: The same model in float64.
        pictures: The pictures to run it on.

    Returns:
        The float32 logits, and their SQNR against float64.

    Raises:
        CheckpointError: A logit is not finite (``checkpoint.not-finite``), so nothing could be compared with it.
    """
    logits = run(model, pictures)
    if bad := _not_finite(logits):
        raise CheckpointError(
            f"{name} gives NaN or infinite logits on {bad} of {len(logits)} images", fault="not-finite"
        )
    floor = metrics.sqnr_db(run(exact, pictures), logits)
    return Reference(name, pictures, pictures.digest(), logits, floor)


def run(runner: Runner, pictures: ImageSet, *, progress: Progress = silent) -> Array:
    """Run all pictures through a runner, 8 at a time.

    Args:
        runner: What gives the logits.
        pictures: The pictures, prepared for the model.
        progress: Called after every batch.

    Returns:
        Logits [N,classes] in the order of the pictures.
    """
    parts, done = [], 0
    for images in pictures.batches(BATCH):
        parts.append(runner(images))
        done += len(images)
        progress("images", done, len(pictures))
    return np.concatenate(parts)


def compare(
    reference: Reference,
    candidate: Array,
    *,
    name: str,
    tolerance: Tolerance,
    head: Head = "softmax",
    rounding_db: float | None = None,
) -> ParityReport:
    """Compare a candidate's logits with the reference's.

    It never raises because of bad logits: a wrong shape, NaN or infinity makes the report fail.

    Args:
        reference: The reference with its logits [N,classes].
        candidate: The candidate's logits [N,classes] on the same pictures.
        name: Name of the candidate in reports.
        tolerance: The bounds on the difference.
        head: What makes probabilities of the logits.
        rounding_db: How far below the reference's own rounding the candidate may be, in dB; None asks for the bound.

    Returns:
        The figures over all pictures.
    """
    return compare_logits(
        reference.logits,
        candidate,
        names=reference.pictures.names,
        images_digest=reference.pictures_digest,
        reference_name=reference.name,
        name=name,
        tolerance=tolerance,
        floor_sqnr_db=reference.floor_sqnr_db,
        head=head,
        rounding_db=rounding_db,
    )


def compare_logits(
    reference: Array,
    candidate: Array,
    *,
    names: Sequence[str],
    images_digest: str,
    reference_name: str,
    name: str,
    tolerance: Tolerance,
    floor_sqnr_db: float = math.nan,
    head: Head = "softmax",
    rounding_db: float | None = None,
) -> ParityReport:
    """Compare logits [N,classes] where the pictures themselves are elsewhere.

    Args:
        reference: The reference's logits.
        candidate: The candidate's logits on the same pictures.
        names: Names of the pictures.
        images_digest: SHA-256 over the names and pixels of all pictures.
        reference_name: Name of the reference in reports.
        name: Name of the candidate in reports.
        tolerance: The bounds on the difference.
        floor_sqnr_db: SQNR in dB of the reference in float32 against itself in float64; NaN where it is unknown.
        head: What makes probabilities of the logits.
        rounding_db: How far below the reference's own rounding the candidate may be, in dB; None asks for the bound.

    Returns:
        The figures over all pictures, as ``compare`` gives them.
    """
    tally, defect = LogitStats(head), _defect(reference, candidate)
    if defect is None:
        tally.add(names[: len(candidate)], reference, candidate)
    return report_of(
        tally,
        reference=reference_name,
        candidate=name,
        images=len(reference),
        images_digest=images_digest,
        floor_sqnr_db=floor_sqnr_db,
        tolerance=tolerance,
        rounding_db=rounding_db,
        defect=defect,
    )


def report_of(
    tally: LogitStats,
    *,
    reference: str,
    candidate: str,
    images: int,
    images_digest: str,
    floor_sqnr_db: float,
    tolerance: Tolerance,
    rounding_db: float | None = None,
    defect: str | None = None,
) -> ParityReport:
    """Make the report from statistics that were collected picture by picture.

    Args:
        tally: Statistics of the pictures seen.
        reference: Name of the reference.
        candidate: Name of the candidate.
        images: Number of pictures expected; a picture that the tally lacks breaks every bound.
        images_digest: SHA-256 over the names and pixels of all pictures.
        floor_sqnr_db: SQNR in dB of the reference in float32 against itself in float64.
        tolerance: The bounds on the difference.
        rounding_db: How far below that the candidate may be, in dB; None asks for the bound alone.
        defect: Why the logits could not be compared, which breaks every bound; None if they could.

    Returns:
        The figures; all NaN if there is a defect.
    """
    if tally.not_finite:
        defect = f"the artifact gave NaN or infinite logits on {tally.not_finite} of {images} images"
    elif defect is None and tally.pictures != images:
        defect = f"the artifact gave logits of {tally.pictures} images, expected {images}"
    found = Figures() if defect else Figures.of(tally.rows)
    report = ParityReport(
        reference=reference,
        candidate=candidate,
        images=images,
        images_digest=images_digest,
        floor_sqnr_db=floor_sqnr_db,
        tolerance=tolerance,
        rounding_db=rounding_db,
        defect=defect,
        max_abs_error=found.max_abs_error,
        mean_abs_error=found.mean_abs_error,
        sqnr_db=found.sqnr_db,
        centred_sqnr_db=found.judged_sqnr_db if tally.head == "softmax" else None,
        cosine=found.cosine,
        kl=found.kl,
        top1_agreement=found.top1_agreement,
        top5_agreement=found.top5_agreement,
    )
    if defect or not report.amplifies:
        return report
    return report.model_copy(update={"decided_top1_agreement": _decided(tally.rows, report.least_sqnr_db)})


def _decided(rows: Sequence[ImageStats], sqnr_db: float) -> float:
    """The share of equal top classes among pictures whose margin is beyond the noise of this SQNR; 1 without any.

    Two logits that each have noise of a standard deviation s differ by more than LEAD * s once in 50,000 cases.
    """
    signal = SignalNoise.total(row.judged for row in rows).signal
    noise = math.sqrt(signal / sum(row.classes for row in rows)) * 10 ** (-sqnr_db / 20)
    decided = [row.same_top1 for row in rows if row.reference.margin > LEAD * noise]
    return sum(decided) / len(decided) if decided else 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a ParityReport, in its units; NaN is what could not be had."""

    max_abs_error: float = math.nan
    mean_abs_error: float = math.nan
    sqnr_db: float = math.nan
    judged_sqnr_db: float = math.nan
    cosine: float = math.nan
    kl: float = math.nan
    top1_agreement: float = math.nan
    top5_agreement: float = math.nan

    @classmethod
    def of(cls, rows: Sequence[ImageStats]) -> Figures:
        """Pooled over the pictures, at least one, which all have the same number of classes."""
        each = [(row.mean_abs_error, row.cosine, row.kl, row.same_top1, row.in_top5) for row in rows]
        mean_abs_error, cosine, kl, top1_agreement, top5_agreement = np.mean(each, axis=0).tolist()
        return cls(
            max_abs_error=max(row.max_abs_error for row in rows),
            mean_abs_error=mean_abs_error,
            sqnr_db=SignalNoise.total(row.squares for row in rows).sqnr_db,
            judged_sqnr_db=SignalNoise.total(row.judged for row in rows).sqnr_db,
            cosine=cosine,
            kl=kl,
            top1_agreement=top1_agreement,
            top5_agreement=top5_agreement,
        )


def _defect(reference: Array, candidate: Array) -> str | None:
    """What keeps the two from being compared at all."""
    if candidate.shape != reference.shape:
        return f"the artifact gave logits of shape {list(candidate.shape)}, expected {list(reference.shape)}"
    if bad := _not_finite(candidate):
        return f"the artifact gave NaN or infinite logits on {bad} of {len(candidate)} images"
    return None


def _not_finite(logits: Array) -> int:
    """Pictures whose logits [N,classes] hold a NaN or an infinity."""
    return int((~np.isfinite(logits).all(axis=1)).sum())
