"""Whether a timed artifact computes the right logits: its outputs for golden pictures against the trained model's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.images.image_set import ImageSet
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.inspection import Port
from levit_mobile.interfaces.runner import Logits
from levit_mobile.parity import compare
from levit_mobile.parity.report import ParityReport, judge
from levit_mobile.recipe import RECIPES, Tolerance, Verdict
from levit_mobile.timing.candidates import Candidate
from levit_mobile.timing.feeding import Answer, Size, no_picture
from levit_mobile.timing.readings import Reading, readings
from levit_mobile.timing.record import Parity

# Of an artifact without a contract only this is asked: is it the same model at all? The loosest of all recipes' bounds.
SAME_MODEL = Tolerance(min(recipe.tolerance.min_sqnr_db for recipe in RECIPES.values()), 0.0)
RELATED_DB = 6.0  # below it, the error is more than half as large as the signal: that is no rounding of the same model


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
    def size(self) -> Size:
        """Height and width of the pictures in px."""
        height, width = self.pixels.shape[1:3]
        return height, width

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


def judged(
    candidate: Candidate, golden: Golden | None, answers: Mapping[str, Sequence[Answer]], source: Port | None = None
) -> Parity:
    """The verdict on its answers, by the way in which pixels were given; `source` is its input, where that is known."""
    if golden is None:
        why = "the bundle holds no golden vectors" if candidate.stored else "no bundle of this run has golden vectors"
        return Parity(verdict=Verdict.NOT_RUN, reasons=(why,))
    if candidate.contract is None:
        return _stranger(candidate, golden, answers, source)
    ((answer,),) = answers.values()
    return _parity(golden, _report(candidate, golden, golden.logits, answer.values))


def _stranger(
    candidate: Candidate, golden: Golden, answers: Mapping[str, Sequence[Answer]], source: Port | None
) -> Parity:
    """Of an artifact without a contract: proven for the best way, or not known to be the same model."""
    found = [_judged_reading(candidate, golden, one) for one in readings(answers, golden.logits)]
    if not found:
        why = f"the artifact has no contract, and {_nothing_to_compare(golden, answers, source)}"
        return Parity(verdict=Verdict.NOT_RUN, reasons=(why,), against=golden.title)
    sqnr_db, way, best = max(found, key=lambda one: one[0])
    against = f"{golden.title}, given {way}"
    if best.verdict == Verdict.PROVEN:
        return best.model_copy(update={"against": against})
    why = f"the artifact has no contract; it is closest to {golden.owner} when given {way}"
    if sqnr_db < RELATED_DB:
        why = (
            f"the artifact has no contract, and its outputs are not those of {golden.owner} with {_listed(answers)}; "
            f"the closest are those given {way}"
        )
    return best.model_copy(update={"verdict": Verdict.NOT_RUN, "reasons": (why, *best.reasons), "against": against})


def _judged_reading(candidate: Candidate, golden: Golden, one: Reading) -> tuple[float, str, Parity]:
    """The lowest SQNR in dB of all that it must be close to, its way, and the verdict."""
    reports = [_report(candidate, golden, *pair) for pair in ((one.reference, one.candidate), *one.checks)]
    sqnr_db = min(-math.inf if math.isnan(report.sqnr_db) else report.sqnr_db for report in reports)
    found = _parity(golden, min(reports, key=lambda report: report.sqnr_db) if len(reports) > 1 else reports[0])
    return sqnr_db, one.way, found


def _nothing_to_compare(golden: Golden, answers: Mapping[str, Sequence[Answer]], source: Port | None) -> str:
    if not answers:
        return no_picture(source or Port("input", "unknown"), golden.size)
    counts = " and ".join(dict.fromkeys(str(one.values.shape[1]) for way in answers.values() for one in way))
    return f"its outputs have {counts} values for each picture, expected the {golden.logits.shape[1]} of {golden.owner}"


def _listed(ways: Iterable[str]) -> str:
    *first, last = ways
    return f"{', '.join(first)} or {last}" if first else last


def _report(candidate: Candidate, golden: Golden, expected: Logits, found: Logits) -> ParityReport:
    pictures = ImageSet.from_arrays(dict(zip(golden.names, golden.pixels, strict=True)))
    reference = compare.Reference(golden.title, pictures, pictures.digest(), expected, math.nan)
    tolerance = candidate.contract.tolerance if candidate.contract else SAME_MODEL
    centred = expected is golden.logits  # probabilities are compared as they are
    head = candidate.contract.output.head if candidate.contract else ("softmax" if centred else "none")
    return compare.compare(reference, found, name=candidate.name, tolerance=tolerance, head=head)


def _parity(golden: Golden, report: ParityReport) -> Parity:
    proof = judge(report)
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
