"""Does an artifact compute what the trained model computes? Two runners, the same pictures, one report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from levit_mobile.contract import PARITY_FILE
from levit_mobile.errors import CheckpointError
from levit_mobile.images.image_set import ImageSet
from levit_mobile.interfaces.runner import Runner
from levit_mobile.parity import metrics
from levit_mobile.parity.checks import Check, broken
from levit_mobile.parity.logit_stats import Head, ImageStats, LogitStats
from levit_mobile.parity.metrics import SignalNoise
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.system.files import model_json
from levit_mobile.system.progress import Progress, silent

BATCH = 8  # pictures held in memory at once
Array = NDArray[np.floating]


# Bound in Tolerance -> the field of ParityReport that it bounds, and the sentence of both.
BOUNDS: dict[str, tuple[str, str]] = {
    "min_sqnr_db": ("judged_sqnr_db", "SQNR is {0.judged_sqnr_db:.1f} dB, {at} {bound:g} dB"),
    "min_top1_agreement": (
        "top1_agreement",
        "top-1 agrees on {0.top1_agreement:.2%} of {0.images} images, {at} {bound:.2%}",
    ),
    "min_top5_agreement": (
        "top5_agreement",
        "the reference's top class is among the artifact's top 5 on {0.top5_agreement:.2%} of {0.images} images, "
        "{at} {bound:.2%}",
    ),
    "min_cosine": ("cosine", "cosine is {0.cosine:.6f}, {at} {bound:g}"),
    "max_abs_error": ("max_abs_error", "max abs error is {0.max_abs_error:.2e} logits, {at} {bound:g}"),
    "max_mean_abs_error": ("mean_abs_error", "mean abs error is {0.mean_abs_error:.2e} logits, {at} {bound:g}"),
    "max_kl": ("kl", "KL is {0.kl:.2e} nats, {at} {bound:g}"),
}


class ParityReport(BaseModel):
    """How far the candidate's logits are from the reference's, over all pictures.

    The formulas are in ``parity.metrics``. A figure that could not be computed is NaN, which breaks its bound.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    reference: str
    """Name of the trained model, or of the other model to compare with."""
    candidate: str
    """Name of the artifact."""
    images: int
    """Number of pictures."""
    images_digest: str
    """SHA-256 over the names and pixels of all pictures."""
    max_abs_error: float
    """Largest difference of two logits."""
    mean_abs_error: float
    """Mean difference of two logits."""
    sqnr_db: float
    """Signal-to-quantization-noise ratio of all logits together, in dB."""
    centred_sqnr_db: float | None = None
    """SQNR in dB of centred logits, for which the bound holds where softmax makes the probabilities; else None."""
    floor_sqnr_db: float
    """SQNR in dB of the reference in float32 against itself in float64: the effect of rounding alone."""
    cosine: float
    """Mean cosine similarity of each picture's logits, -1 to 1."""
    kl: float
    """Mean Kullback-Leibler divergence of the probabilities, in nats."""
    top1_agreement: float
    """Share of pictures with the same top class, 0 to 1."""
    top5_agreement: float
    """Share of pictures whose top class in the reference is among the candidate's top five, 0 to 1."""
    tolerance: Tolerance
    """The bounds on these figures."""
    rounding_db: float | None = None
    """How far below ``floor_sqnr_db`` the artifact's arithmetic may be, in dB; None asks for the bound alone."""
    defect: str | None = None
    """Why the logits could not be compared; None if they could."""

    @property
    def judged_sqnr_db(self) -> float:
        """The SQNR for which the bound holds."""
        return self.sqnr_db if self.centred_sqnr_db is None else self.centred_sqnr_db

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for each broken bound; empty if all hold."""
        return (self.defect, *broken(self.checks)) if self.defect else broken(self.checks)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every bound that is set and needs no labels, in the order of ``Tolerance``."""
        asked = {name: getattr(self.tolerance, name) for name in BOUNDS}
        return tuple(self._check(name, limit) for name, limit in asked.items() if limit is not None)

    @property
    def least_sqnr_db(self) -> float:
        """The bound on SQNR: that of the tolerance, or what rounding leaves of a network that amplifies it."""
        asked = self.tolerance.min_sqnr_db
        if self.rounding_db is None or math.isnan(self.floor_sqnr_db):
            return asked
        return max(0.0, min(asked, round(self.floor_sqnr_db - self.rounding_db, 1)))

    @property
    def amplifies(self) -> str:
        """A sentence where the network's own rounding sets the bound; else empty."""
        if self.least_sqnr_db >= self.tolerance.min_sqnr_db:
            return ""
        return (
            f"this network amplifies rounding: float32 itself has {self.floor_sqnr_db:.1f} dB against float64, so at "
            f"least {self.least_sqnr_db:g} dB are expected instead of {self.tolerance.min_sqnr_db:g} dB"
        )

    def _check(self, name: str, limit: float) -> Check:
        field, words = BOUNDS[name]
        limit = self.least_sqnr_db if name == "min_sqnr_db" else limit
        at = f"expected at {'least' if name.startswith('min_') else 'most'}"
        return Check(name, getattr(self, field), limit, words.format(self, bound=limit, at=at))


class Proof(BaseModel):
    """The verdict on a bundle's artifact and the figures behind it; the bundle's ``parity.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    schema_version: Literal[1] = 1
    """Version of this format."""
    verdict: Verdict
    """Whether the artifact computes what the trained model computes."""
    reasons: tuple[str, ...]
    """Why the verdict is not proven, one sentence each."""
    report: ParityReport | None
    """The figures behind the verdict; None if nothing could be run."""

    def write(self, folder: Path) -> None:
        """Write ``parity.json`` into a bundle's folder."""
        (folder / PARITY_FILE).write_text(model_json(self) + "\n", encoding="utf-8")


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
    names = reference.pictures.names
    tally, defect = LogitStats(head), _defect(reference.logits, candidate)
    if defect is None:
        tally.add(names[: len(candidate)], reference.logits, candidate)
    return report_of(
        tally,
        reference=reference.name,
        candidate=name,
        images=len(reference.logits),
        images_digest=reference.pictures_digest,
        floor_sqnr_db=reference.floor_sqnr_db,
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
    return ParityReport(
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


def judge(report: ParityReport, *, by_reference: str = "") -> Proof:
    """The verdict on a report; `by_reference` says what executed the artifact where no device's runtime did."""
    if failures := report.failures:
        return Proof(verdict=Verdict.BROKEN, reasons=failures, report=report)
    verdict = Verdict.BY_REFERENCE if by_reference else Verdict.PROVEN
    return Proof(verdict=verdict, reasons=(by_reference,) if by_reference else (), report=report)


def not_run(reason: str) -> Proof:
    """The verdict where nothing could be run, which is not a pass."""
    return Proof(verdict=Verdict.NOT_RUN, reasons=(reason,), report=None)


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
