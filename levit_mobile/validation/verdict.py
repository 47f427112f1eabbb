"""From what was seen of all pictures to figures, flips, accuracy and a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from levit_mobile.images.image_set import digest_of
from levit_mobile.parity import compare, metrics
from levit_mobile.parity.logit_stats import ImageStats, TopClasses
from levit_mobile.recipe import Verdict
from levit_mobile.validation.emulation import emulation
from levit_mobile.validation.results import Accuracy, Interval, Picture, Prediction
from levit_mobile.validation.run_pair import PairStats
from levit_mobile.validation.setup import ValidationSetup

SHOWN, TOP = 6, 3  # worst pictures kept, and classes of each


def judged(case: ValidationSetup, seen: PairStats) -> dict[str, Any]:
    """The fields of a Validation that rest on the pictures, by name."""
    rows, count = seen.tally.rows, len(case.pictures)
    report = compare.report_of(
        seen.tally,
        reference=case.reference.name,
        candidate=case.stored.contract.recipe,
        images=count,
        images_digest=digest_of(seen.digests),
        floor_sqnr_db=seen.floor_sqnr_db,
        tolerance=case.tolerance,
        defect=seen.defect,
    )
    accuracy = _accuracy(case, rows) if rows and not report.defect else None
    checks = accuracy.checks(case.tolerance) if accuracy else {}
    show = partial(_picture, case)
    found_there = emulation(case, seen, show)
    apart = found_there.checks() if found_there else {}
    reasons = (
        *report.failures,
        *(sentence for _, holds, sentence in checks.values() if not holds),
        *(sentence for *_, holds, sentence in apart.values() if not holds),
    )
    found = {
        "report": report,
        "errors": tuple(row.max_abs_error for row in rows),
        "flips": tuple(show(row) for row in rows if not row.same_top1),
        "worst": tuple(show(row) for row in sorted(rows, key=lambda row: -row.max_abs_error)[:SHOWN]),
        "accuracy": accuracy,
        "emulation": found_there,
        "verdict": Verdict.BROKEN if reasons else Verdict.PROVEN,
        "reasons": reasons,
    }
    return found if report.defect else found | _intervals(rows)


def _intervals(rows: list[ImageStats]) -> dict[str, Interval]:
    same, near = sum(row.same_top1 for row in rows), sum(row.in_top5 for row in rows)
    return {
        "top1_interval": metrics.wilson_interval(same, len(rows)),
        "top5_interval": metrics.wilson_interval(near, len(rows)),
    }


def _accuracy(case: ValidationSetup, rows: list[ImageStats]) -> Accuracy | None:
    if case.truth is None:
        return None
    hits = [(row.reference.classes[0] == right, row.candidate.classes[0] == right) for row, right in _with(case, rows)]
    reference, candidate = (sum(each) for each in zip(*hits, strict=True))
    only = sum(a and not b for a, b in hits), sum(b and not a for a, b in hits)
    return Accuracy(
        pictures=len(hits),
        labels_from=case.truth_from,
        reference=reference / len(hits),
        reference_interval=metrics.wilson_interval(reference, len(hits)),
        candidate=candidate / len(hits),
        candidate_interval=metrics.wilson_interval(candidate, len(hits)),
        only_reference_right=only[0],
        only_candidate_right=only[1],
        mcnemar_p=metrics.mcnemar_p(*only),
    )


def _with(case: ValidationSetup, rows: list[ImageStats]) -> Iterator[tuple[ImageStats, int]]:
    return ((row, (case.truth or {})[row.name]) for row in rows)


def _picture(case: ValidationSetup, row: ImageStats) -> Picture:
    labels = case.stored.labels
    return Picture(
        name=row.name,
        truth=labels[case.truth[row.name]] if case.truth else None,
        max_abs_error=row.max_abs_error,
        reference=_guesses(row.reference, labels),
        candidate=_guesses(row.candidate, labels),
        reference_margin=row.reference.margin,
        candidate_margin=row.candidate.margin,
    )


def _guesses(best: TopClasses, labels: tuple[str, ...]) -> tuple[Prediction, ...]:
    pairs = zip(best.classes[:TOP], best.probabilities[:TOP], strict=True)
    return tuple(Prediction(label=labels[index], probability=share) for index, share in pairs)
