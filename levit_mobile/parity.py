"""Does an artifact compute what the trained model computes? Two runners, the same pictures, one report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from levit_mobile import metrics
from levit_mobile.contract import PARITY_FILE, Verdict
from levit_mobile.errors import CheckpointError
from levit_mobile.images import PictureSet
from levit_mobile.recipe import Tolerance
from levit_mobile.runners import Runner

BATCH = 8  # pictures held in memory at once
Array = NDArray[np.floating]


class ParityReport(BaseModel):
    """What the candidate's logits differ by, over all pictures; `metrics` has the formulas.

    `floor_sqnr_db` is the reference in float32 against itself in float64: what rounding alone costs. Agreements are
    shares of pictures, 0 to 1. NaN stands where a number could not be had; it breaks its bound.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    reference: str
    candidate: str
    images: int
    images_digest: str
    max_abs_error: float
    mean_abs_error: float
    sqnr_db: float
    floor_sqnr_db: float
    cosine: float
    kl: float
    top1_agreement: float
    top5_agreement: float
    tolerance: Tolerance
    defect: str | None = None

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence a broken bound; empty is a pass."""
        found = [self.defect] if self.defect else []
        if not (self.sqnr_db >= self.tolerance.min_sqnr_db):
            found.append(f"SQNR is {self.sqnr_db:.1f} dB, expected at least {self.tolerance.min_sqnr_db:g} dB")
        if not (self.top1_agreement >= self.tolerance.min_top1_agreement):
            found.append(
                f"top-1 agrees on {self.top1_agreement:.2%} of {self.images} pictures, "
                f"expected at least {self.tolerance.min_top1_agreement:.2%}"
            )
        return tuple(found)


class Proof(BaseModel):
    """`parity.json`: the verdict, why it is one, and the numbers behind it (none when nothing could be run)."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    schema_version: Literal[1] = 1
    verdict: Verdict
    reasons: tuple[str, ...]
    report: ParityReport | None

    def write(self, folder: Path) -> None:
        """Write `parity.json` into a bundle's folder."""
        (folder / PARITY_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Reference:
    """The trained model's logits [N,classes] in float32 on `pictures`, and how far float32 itself is from float64."""

    name: str
    pictures: PictureSet
    pictures_digest: str
    logits: Array
    floor_sqnr_db: float


def reference(name: str, model: Runner, exact: Runner, pictures: PictureSet) -> Reference:
    """Run the trained model over `pictures`: `model` in float32, `exact` in float64.

    Raises CheckpointError when its logits are not finite: nothing could be compared with them.
    """
    logits = run(model, pictures)
    if bad := _not_finite(logits):
        raise CheckpointError(f"{name} gives NaN or infinite logits on {bad} of {len(logits)} pictures")
    floor = metrics.sqnr_db(run(exact, pictures), logits)
    return Reference(name, pictures, pictures.digest(), logits, floor)


def run(runner: Runner, pictures: PictureSet, *, advance: Callable[[int], None] | None = None) -> Array:
    """All pictures through a runner, a few at a time: logits [N,classes]. `advance` hears how many are done more."""
    parts = []
    for images in pictures.batches(BATCH):
        parts.append(runner(images))
        if advance is not None:
            advance(len(images))
    return np.concatenate(parts)


def compare(reference: Reference, candidate: Array, *, name: str, tolerance: Tolerance) -> ParityReport:
    """The candidate's logits [N,classes] against the reference's. Never raises for bad logits: they fail the report."""
    defect = _defect(reference.logits, candidate)
    nan = float("nan")
    pair = None if defect else (np.asarray(reference.logits, np.float64), np.asarray(candidate, np.float64))
    return ParityReport(
        reference=reference.name,
        candidate=name,
        images=len(reference.logits),
        images_digest=reference.pictures_digest,
        max_abs_error=metrics.max_abs_error(*pair) if pair else nan,
        mean_abs_error=metrics.mean_abs_error(*pair) if pair else nan,
        sqnr_db=metrics.sqnr_db(*pair) if pair else nan,
        floor_sqnr_db=reference.floor_sqnr_db,
        cosine=metrics.cosine(*pair) if pair else nan,
        kl=metrics.kl(*pair) if pair else nan,
        top1_agreement=metrics.top_k_agreement(*pair, k=1) if pair else nan,
        top5_agreement=metrics.top_k_agreement(*pair, k=5) if pair else nan,
        tolerance=tolerance,
        defect=defect,
    )


def judge(report: ParityReport) -> Proof:
    """The verdict on a report."""
    failures = report.failures
    return Proof(verdict="broken" if failures else "proven", reasons=failures, report=report)


def not_run(reason: str) -> Proof:
    """The verdict where nothing could be run, which is not a pass."""
    return Proof(verdict="not run", reasons=(reason,), report=None)


def _defect(reference: Array, candidate: Array) -> str | None:
    """What keeps the two from being compared at all."""
    if candidate.shape != reference.shape:
        return f"the artifact gave logits of shape {list(candidate.shape)}, expected {list(reference.shape)}"
    if bad := _not_finite(candidate):
        return f"the artifact gave NaN or infinite logits on {bad} of {len(candidate)} pictures"
    return None


def _not_finite(logits: Array) -> int:
    """Pictures whose logits [N,classes] hold a NaN or an infinity."""
    return int((~np.isfinite(logits).all(axis=1)).sum())
