"""From what was seen of all pictures to figures, flips, accuracy and a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from levit_mobile.images.digits import held_out_source
from levit_mobile.images.image_set import digest_of
from levit_mobile.images.source import ImageOrigin
from levit_mobile.parity import compare, metrics
from levit_mobile.parity.checks import broken
from levit_mobile.parity.logit_stats import ImageStats, TopClasses
from levit_mobile.parity.report import ParityReport
from levit_mobile.recipe import Verdict
from levit_mobile.runtimes import registry
from levit_mobile.validation.emulation import emulation
from levit_mobile.validation.results import Accuracy, Emulation, Interval, Picture, Prediction, accuracy_checks
from levit_mobile.validation.run_pair import PairStats
from levit_mobile.validation.setup import ValidationSetup

SHOWN, TOP = 6, 3  # worst pictures kept, and classes of each


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the fields of a Validation that it rests on; no report where nothing could be compared."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    report: ParityReport | None = None
    top1_interval: Interval | None = None
    top5_interval: Interval | None = None
    clusters: int | None = None
    errors: tuple[float, ...] = ()
    flips: tuple[Picture, ...] = ()
    worst: tuple[Picture, ...] = ()
    accuracy: Accuracy | None = None
    emulation: Emulation | None = None
    error_code: str | None = None


def judged(case: ValidationSetup, seen: PairStats) -> Judgement:
    """Broken by any bound that does not hold, and by any picture without finite logits; else proven."""
    rows, report = seen.tally.rows, _report(case, seen)
    whole, show = not report.defect, partial(_picture, case)
    clusters = _clusters(case, rows)
    accuracy = _accuracy(case, rows, clusters) if whole else None
    there = emulation(case, seen, show)
    of_labels = accuracy_checks(accuracy, case.tolerance) if whole else ()
    reasons = (*report.failures, *broken(of_labels), *broken(there.checks() if there else ()))
    proven = Verdict.PROVEN if registry.described(case.runtime).real else Verdict.BY_REFERENCE
    return Judgement(
        verdict=Verdict.BROKEN if reasons else proven,
        reasons=reasons,
        report=report,
        top1_interval=_interval([row.same_top1 for row in rows], clusters) if whole else None,
        top5_interval=_interval([row.in_top5 for row in rows], clusters) if whole else None,
        clusters=len(set(clusters)) if whole and clusters else None,
        errors=tuple(row.max_abs_error for row in rows),
        flips=tuple(show(row) for row in rows if not row.same_top1),
        worst=tuple(show(row) for row in sorted(rows, key=lambda row: -row.max_abs_error)[:SHOWN]),
        accuracy=accuracy,
        emulation=there,
    )


def _report(case: ValidationSetup, seen: PairStats) -> ParityReport:
    return compare.report_of(
        seen.tally,
        reference=case.reference.name,
        candidate=case.stored.contract.recipe,
        images=len(case.pictures),
        images_digest=digest_of(seen.digests),
        floor_sqnr_db=seen.floor_sqnr_db,
        tolerance=case.tolerance,
        rounding_db=case.stored.contract.made_by.rounding_at(case.tolerance.min_sqnr_db),
        defect=seen.defect,
    )


def _clusters(case: ValidationSetup, rows: Sequence[ImageStats]) -> list[int] | None:
    """Each picture's source digit, which the bundled ones show several times; None for any other pictures."""
    if case.pictures_from.origin is not ImageOrigin.HELD_OUT:
        return None
    found = [source for row in rows if (source := held_out_source(row.name)) is not None]
    return found if len(found) == len(rows) else None


def _interval(hits: Sequence[bool], clusters: list[int] | None) -> Interval:
    """Of a share of pictures, at least one."""
    if clusters is None:
        return metrics.wilson_interval(sum(hits), len(hits))
    return metrics.clustered_interval(hits, clusters)


def _mcnemar_p(hits: Sequence[tuple[bool, bool]], clusters: list[int] | None) -> float:
    """Of pictures that the reference and the candidate get right."""
    differences = [int(reference) - int(candidate) for reference, candidate in hits]
    if clusters is None:
        return metrics.mcnemar_p(differences.count(1), differences.count(-1))
    return metrics.clustered_mcnemar_p(differences, clusters)


def _accuracy(case: ValidationSetup, rows: list[ImageStats], clusters: list[int] | None) -> Accuracy | None:
    if case.truth is None:
        return None
    hits = [(row.reference.classes[0] == right, row.candidate.classes[0] == right) for row, right in _with(case, rows)]
    reference, candidate = zip(*hits, strict=True)
    only = sum(a and not b for a, b in hits), sum(b and not a for a, b in hits)
    return Accuracy(
        pictures=len(hits),
        labels_from=case.truth_from,
        reference=sum(reference) / len(hits),
        reference_interval=_interval(reference, clusters),
        candidate=sum(candidate) / len(hits),
        candidate_interval=_interval(candidate, clusters),
        only_reference_right=only[0],
        only_candidate_right=only[1],
        mcnemar_p=_mcnemar_p(hits, clusters),
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
