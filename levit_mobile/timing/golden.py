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
from levit_mobile.parity.logit_stats import Head
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
class Expected:
    """The trained model's logits [N,classes] for golden pictures, and whose they are.

    `size` is the height and width of the pictures in px, `digest` the SHA-256 over their names and pixels.
    """

    owner: str
    names: tuple[str, ...]
    logits: Logits
    size: Size
    digest: str

    @property
    def title(self) -> str:
        """How reports call them."""
        return f"{len(self.names)} golden vectors of {self.owner}"


@dataclass(frozen=True, slots=True)
class Golden:
    """Golden pictures [N,H,W,3] uint8, what is expected for them, and how the trained model takes them."""

    pixels: NDArray[np.uint8]
    expected: Expected
    spec: ImageSpec

    @classmethod
    def of(cls, stored: OpenBundle) -> Golden | None:
        """A bundle's own; None where it has none."""
        vectors = stored.golden()
        if not vectors:
            return None
        pixels, logits = zip(*vectors.values(), strict=True)
        pictures = ImageSet.from_arrays(dict(zip(vectors, pixels, strict=True)))
        height, width = pixels[0].shape[:2]
        made = np.stack(logits).astype(np.float32), (height, width), pictures.digest()
        return cls(np.stack(pixels), Expected(stored.path.resolve().name, tuple(vectors), *made), stored.spec)

    @property
    def owner(self) -> str:
        """Name of the bundle that they are from."""
        return self.expected.owner

    @property
    def size(self) -> Size:
        """Height and width of the pictures in px."""
        return self.expected.size


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: an artifact with the bounds and the head of its contract, `bounds` None for one without."""

    name: str
    in_bundle: bool
    bounds: Tolerance | None = None
    head: Head = "softmax"

    @classmethod
    def of(cls, one: Candidate) -> Subject:
        """A candidate."""
        if one.contract is None:
            return cls(one.name, one.stored is not None)
        return cls(one.name, True, one.contract.tolerance, one.contract.output.head)


def shared_golden(candidates: Sequence[Candidate]) -> dict[str, Golden]:
    """Candidate's name -> the golden vectors to hold it against: its bundle's, or else those of the first bundle."""
    own = {one.name: Golden.of(one.stored) for one in candidates if one.stored}
    first = next((golden for golden in own.values() if golden), None)
    found = {one.name: own.get(one.name, first) for one in candidates}
    return {name: golden for name, golden in found.items() if golden is not None}


def judged(
    subject: Subject, expected: Expected | None, answers: Mapping[str, Sequence[Answer]], source: Port | None = None
) -> Parity:
    """The verdict on its answers, by the way in which pixels were given; `source` is its input, where that is known."""
    if expected is None:
        why = "the bundle holds no golden vectors" if subject.in_bundle else "no bundle of this run has golden vectors"
        return Parity(verdict=Verdict.NOT_RUN, reasons=(why,))
    if subject.bounds is None:
        return _stranger(subject, expected, answers, source)
    ((answer,),) = answers.values()
    return _parity(expected, _report(subject, expected, expected.logits, answer.values))


def _stranger(
    subject: Subject, expected: Expected, answers: Mapping[str, Sequence[Answer]], source: Port | None
) -> Parity:
    """Of an artifact without a contract: proven for the best way, or not known to be the same model."""
    found = [_judged_reading(subject, expected, one) for one in readings(answers, expected.logits)]
    if not found:
        why = f"the artifact has no contract, and {_nothing_to_compare(expected, answers, source)}"
        return Parity(verdict=Verdict.NOT_RUN, reasons=(why,), against=expected.title)
    sqnr_db, way, best = max(found, key=lambda one: one[0])
    against = f"{expected.title}, given {way}"
    if best.verdict == Verdict.PROVEN:
        return best.model_copy(update={"against": against})
    why = f"the artifact has no contract; it is closest to {expected.owner} when given {way}"
    if sqnr_db < RELATED_DB:
        why = (
            f"the artifact has no contract, and its outputs are not those of {expected.owner} with {_listed(answers)}; "
            f"the closest are those given {way}"
        )
    return best.model_copy(update={"verdict": Verdict.NOT_RUN, "reasons": (why, *best.reasons), "against": against})


def _judged_reading(subject: Subject, expected: Expected, one: Reading) -> tuple[float, str, Parity]:
    """The lowest SQNR in dB of all that it must be close to, its way, and the verdict."""
    reports = [_report(subject, expected, *pair) for pair in ((one.reference, one.candidate), *one.checks)]
    sqnr_db = min(-math.inf if math.isnan(report.sqnr_db) else report.sqnr_db for report in reports)
    found = _parity(expected, min(reports, key=lambda report: report.sqnr_db) if len(reports) > 1 else reports[0])
    return sqnr_db, one.way, found


def _nothing_to_compare(expected: Expected, answers: Mapping[str, Sequence[Answer]], source: Port | None) -> str:
    if not answers:
        return no_picture(source or Port("input", "unknown"), expected.size)
    counts = " and ".join(dict.fromkeys(str(one.values.shape[1]) for way in answers.values() for one in way))
    classes = expected.logits.shape[1]
    return f"its outputs have {counts} values for each picture, expected the {classes} of {expected.owner}"


def _listed(ways: Iterable[str]) -> str:
    *first, last = ways
    return f"{', '.join(first)} or {last}" if first else last


def _report(subject: Subject, expected: Expected, reference: Logits, found: Logits) -> ParityReport:
    centred = reference is expected.logits  # probabilities are compared as they are
    return compare.compare_logits(
        reference,
        found,
        names=expected.names,
        images_digest=expected.digest,
        reference_name=expected.title,
        name=subject.name,
        tolerance=subject.bounds or SAME_MODEL,
        head=subject.head if subject.bounds else ("softmax" if centred else "none"),
    )


def _parity(expected: Expected, report: ParityReport) -> Parity:
    proof = judge(report)
    return Parity(
        verdict=proof.verdict,
        reasons=proof.reasons,
        against=expected.title,
        pictures=len(expected.names),
        max_abs_error=_finite(report.max_abs_error),
        sqnr_db=_finite(report.sqnr_db),
        top1_agreement=_finite(report.top1_agreement),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
