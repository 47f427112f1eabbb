"""The evidence about an artifact: the proof in its bundle, validations made later, and the devices that timed it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from levit_mobile.overview.collect import FoundBundle, FoundRun, FoundValidation
from levit_mobile.parity.report import ParityReport
from levit_mobile.recipe import Verdict
from levit_mobile.timing.figures import called
from levit_mobile.timing.record import Timing
from levit_mobile.validation.results import Interval


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verdict on an artifact, and the figures behind it, None where there are none.

    `source` says what proved it. `desk` is a machine that converts, validates or times, and may lack the runtime.
    """

    source: str
    place: str
    verdict: Verdict
    reasons: tuple[str, ...]
    desk: bool = False
    pictures: int = 0
    max_abs_error: float | None = None
    sqnr_db: float | None = None
    top1_agreement: float | None = None
    top1_interval: Interval | None = None
    top1_accuracy: float | None = None


def worst(claims: Sequence[Evidence]) -> Verdict:
    """Broken if any is, else not run if a phone could not, else proven if any is; none at all is not run.

    What a desk could not run gives way to whatever could, and a proof by reference to one by a runtime.
    """
    return Verdict.of_one(claim.verdict for claim in claims if not (claim.desk and claim.verdict == Verdict.NOT_RUN))


def best_known(claims: Iterable[Evidence]) -> Evidence | None:
    """The one that rests on most pictures, of those with an SQNR or an agreement."""
    known = [one for one in claims if (one.sqnr_db, one.top1_agreement) != (None, None)]
    return max(known, key=lambda one: one.pictures, default=None)


def of_bundle(found: FoundBundle) -> Evidence:
    """What `convert` wrote into it; broken, where the folder is damaged."""
    if found.stored is None:
        return Evidence("bundle folder", found.place, Verdict.BROKEN, (found.broken,))
    proof = found.stored.proof
    claim = Evidence("convert", found.place, proof.verdict, proof.reasons, desk=True)
    return _with_figures(claim, proof.report)


def of_validation(found: FoundValidation) -> Evidence:
    """What `validate` found."""
    said, accuracy = found.validation, found.validation.accuracy
    runtime = f" on {said.runtime.title} {said.runtime.version}" if said.runtime else ""
    claim = Evidence(
        f"validate{runtime}",
        found.place,
        said.verdict,
        said.reasons,
        desk=True,
        top1_interval=said.top1_interval,
        top1_accuracy=accuracy.candidate if accuracy else None,
    )
    return _with_figures(claim, said.report)


def of_timing(found: FoundRun, timing: Timing) -> Evidence:
    """What the device found on golden pictures."""
    parity = timing.parity
    return Evidence(
        f"{timing.runtime} {timing.runtime_version} on {called(found.run.device)}",
        found.place,
        parity.verdict,
        parity.reasons,
        desk=found.run.device.platform == "host",
        pictures=parity.pictures,
        max_abs_error=parity.max_abs_error,
        sqnr_db=math.inf if parity.sqnr_db is None and parity.max_abs_error == 0 else parity.sqnr_db,
        top1_agreement=parity.top1_agreement,
    )


def _with_figures(claim: Evidence, report: ParityReport | None) -> Evidence:
    if report is None:
        return claim
    return replace(
        claim,
        pictures=report.images,
        max_abs_error=report.max_abs_error,
        sqnr_db=report.sqnr_db,
        top1_agreement=report.top1_agreement,
    )
