"""How far an artifact's logits are from the trained model's, the bounds on that, and the verdict."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from levit_mobile.contract import PARITY_FILE
from levit_mobile.parity.checks import Check, broken
from levit_mobile.recipe import Tolerance, Verdict
from levit_mobile.system.files import model_json

# Bound in Tolerance -> the field of ParityReport that it bounds, and the sentence of both.
BOUNDS: dict[str, tuple[str, str]] = {
    "min_sqnr_db": ("judged_sqnr_db", "SQNR is {0.judged_sqnr_db:.1f} dB, {at} {bound:g} dB"),
    "min_top1_agreement": (
        "judged_top1_agreement",
        "top-1 agrees on {0.judged_top1_agreement:.2%} of {0.images} images, {at} {bound:.2%}",
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
    decided_top1_agreement: float | None = None
    """The same share of the pictures whose top class leads by more than the rounding that is allowed, for which the
    bound holds where the network amplifies rounding; None elsewhere."""
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
    def judged_top1_agreement(self) -> float:
        """The share of equal top classes for which the bound holds."""
        return self.top1_agreement if self.decided_top1_agreement is None else self.decided_top1_agreement

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

    def with_failures(self, reasons: tuple[str, ...]) -> Proof:
        """Return the proof with further sentences on bounds that do not hold, which make it broken."""
        if not reasons:
            return self
        return self.model_copy(update={"verdict": Verdict.BROKEN, "reasons": (*self.reasons, *reasons)})

    def write(self, folder: Path) -> None:
        """Write ``parity.json`` into a bundle's folder."""
        (folder / PARITY_FILE).write_text(model_json(self) + "\n", encoding="utf-8")


def judge(report: ParityReport, *, by_reference: str = "") -> Proof:
    """The verdict on a report; `by_reference` says what executed the artifact where no device's runtime did."""
    if failures := report.failures:
        return Proof(verdict=Verdict.BROKEN, reasons=failures, report=report)
    verdict = Verdict.BY_REFERENCE if by_reference else Verdict.PROVEN
    return Proof(verdict=verdict, reasons=(by_reference,) if by_reference else (), report=report)


def not_run(reason: str) -> Proof:
    """The verdict where nothing could be run, which is not a pass."""
    return Proof(verdict=Verdict.NOT_RUN, reasons=(reason,), report=None)
