"""Whether a timed artifact computes the right logits: its outputs for golden pictures against the trained model's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.runner import Logits
from levit_mobile.parity import compare
from levit_mobile.parity.compare import ParityReport
from levit_mobile.recipe import RECIPES, Tolerance, Verdict
from levit_mobile.timing.candidates import Candidate
from levit_mobile.timing.record import Parity

# Of an artifact without a contract only this is asked: is it the same model at all? The loosest of all recipes' bounds.
SAME_MODEL = Tolerance(min(recipe.tolerance.min_sqnr_db for recipe in RECIPES.values()), 0.0)


@dataclass(frozen=True, slots=True)
class Golden:
    """Pictures [N,H,W,3] uint8 with the trained model's logits [N,classes], whose they are, and how it takes them."""

    owner: str
    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    logits: Logits
    spec: ImageSpec

    @classmethod
    def of(cls, stored: OpenBundle) -> Golden | None:
        """A bundle's own; None where it has none."""
        vectors = stored.golden()
        if not vectors:
            return None
        pixels, logits = zip(*vectors.values(), strict=True)
        made = np.stack(pixels), np.stack(logits).astype(np.float32)
        return cls(stored.path.resolve().name, tuple(vectors), *made, stored.spec)

    @property
    def title(self) -> str:
        """How reports call them."""
        return f"{len(self.names)} golden vectors of {self.owner}"


def shared_golden(candidates: Sequence[Candidate]) -> dict[str, Golden]:
    """Candidate's name -> the golden vectors to hold it against: its bundle's, or else those of the first bundle."""
    own = {one.name: Golden.of(one.stored) for one in candidates if one.stored}
    first = next((golden for golden in own.values() if golden), None)
    found = {one.name: own.get(one.name, first) for one in candidates}
    return {name: golden for name, golden in found.items() if golden is not None}


def judged(candidate: Candidate, golden: Golden | None, answers: Mapping[str, Logits]) -> Parity:
    """The verdict on its answers, by the way in which pixels were given."""
    if golden is None:
        why = "the bundle holds no golden vectors" if candidate.stored else "no bundle of this run has golden vectors"
        return Parity(verdict=Verdict.NOT_RUN, reasons=(why,))
    reports = {way: _report(candidate, golden, logits) for way, logits in answers.items()}
    if candidate.contract is not None:
        return _parity(golden, *reports.values())
    return _stranger(golden, reports)


def _stranger(golden: Golden, reports: Mapping[str, ParityReport]) -> Parity:
    """Of an artifact without a contract: proven for the best way, or not known to be the same model."""
    if not reports:
        why = f"the artifact has no contract, and its input is not a float image of {golden.pixels.shape[1]} px"
        return Parity(verdict=Verdict.NOT_RUN, reasons=(why,), against=golden.title)
    way, best = max(reports.items(), key=lambda item: -math.inf if math.isnan(item[1].sqnr_db) else item[1].sqnr_db)
    found = _parity(golden, best)
    if found.verdict == Verdict.PROVEN:
        return found.model_copy(update={"against": f"{golden.title}, given {way}"})
    tried = " and with ".join(reports)
    why = f"the artifact has no contract, and its logits are not those of {golden.owner} with {tried}"
    return found.model_copy(update={"verdict": Verdict.NOT_RUN, "reasons": (why, *found.reasons)})


def _report(candidate: Candidate, golden: Golden, logits: Logits) -> ParityReport:
    pictures = ImageSet.from_arrays(dict(zip(golden.names, golden.pixels, strict=True)))
    reference = compare.Reference(golden.title, pictures, pictures.digest(), golden.logits, math.nan)
    tolerance = candidate.contract.tolerance if candidate.contract else SAME_MODEL
    head = candidate.contract.output.head if candidate.contract else "softmax"
    return compare.compare(reference, logits, name=candidate.name, tolerance=tolerance, head=head)


def _parity(golden: Golden, report: ParityReport) -> Parity:
    proof = compare.judge(report)
    return Parity(
        verdict=proof.verdict,
        reasons=proof.reasons,
        against=golden.title,
        pictures=len(golden.names),
        max_abs_error=_finite(report.max_abs_error),
        sqnr_db=_finite(report.sqnr_db),
        top1_agreement=_finite(report.top1_agreement),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
