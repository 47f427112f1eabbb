"""What was asked of an artifact and what was found, bound by bound, and the verdict over all validations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from levit_mobile.arm64.counting import TITLES as CLASSES
from levit_mobile.parity.checks import Check
from levit_mobile.parity.report import ParityReport
from levit_mobile.recipe import Verdict
from levit_mobile.reporting.text import MISSING, cosine, db, error, interval, share
from levit_mobile.validation.results import Emulation, Picture, Validation

FAMILIES = tuple(title for name, title in CLASSES.items() if name not in ("load", "store", "branch", "integer", "simd"))
LEAST_SHOWN = 0.05  # M instructions
# Bound in Tolerance -> what it bounds, and how that is written.
TITLES: dict[str, tuple[str, Callable[[float], str]]] = {
    "min_sqnr_db": ("SQNR", db),
    "min_top1_agreement": ("top-1 agreement", share),
    "min_top5_agreement": ("top-5 agreement", share),
    "min_cosine": ("cosine", cosine),
    "max_abs_error": ("max abs error, logits", error),
    "max_mean_abs_error": ("mean abs error, logits", error),
    "max_kl": ("KL, nats", error),
    "min_top1_accuracy": ("top-1 accuracy", share),
    "max_accuracy_drop": ("drop of top-1 accuracy", share),
}
# The same of an Emulation's bounds.
ON_CORES: dict[str, tuple[str, Callable[[float], str]]] = {
    "max_relative_error": ("relative error vs this machine", error),
    "max_difference_db": ("SQNR difference to this machine", db),
    "max_loss_db": ("SQNR lost to float16, beyond chance", db),
    "max_margin": ("margin of flips vs this machine", error),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A check as reports write it: what is bounded, what was found and what was expected."""

    check: Check
    title: str
    found: str
    expected: str


def bounds(validation: Validation) -> tuple[Bound, ...]:
    """Every bound that was asked, in the Tolerance's order; none where nothing was run."""
    return tuple(map(_bound, validation.checks))


def overall(validations: Sequence[Validation]) -> Verdict:
    """Broken if any is, else not run if any is not, else proven. Nothing at all is not run."""
    by_artifact: dict[str, list[Verdict]] = {}
    for validation in validations:
        by_artifact.setdefault(validation.artifact_sha256 or validation.bundle, []).append(validation.verdict)
    return Verdict.worst(map(Verdict.of_one, by_artifact.values()))


def counted(validations: Sequence[Validation]) -> str:
    """How many have which verdict: "2 of 4 proven, 1 broken, 1 not run"."""
    verdicts = [validation.verdict for validation in validations]
    others = [
        f"{verdicts.count(v)} {v}" for v in (Verdict.BY_REFERENCE, Verdict.BROKEN, Verdict.NOT_RUN) if v in verdicts
    ]
    return ", ".join([f"{verdicts.count(Verdict.PROVEN)} of {len(verdicts)} proven", *others])


def name(validation: Validation) -> str:
    """The bundle and what ran it: "levit_128s-tflite-fp32 on LiteRT"."""
    return f"{validation.bundle} on {validation.runtime.title}" if validation.runtime else validation.bundle


def figures(report: ParityReport) -> str:
    """The numbers of a report in one line."""
    return (
        f"SQNR {db(report.sqnr_db)}, max abs error {error(report.max_abs_error)}, "
        f"top-1 agreement {share(report.top1_agreement)} on {report.images} images"
    )


def flips(validation: Validation) -> list[Picture]:
    """Its flips, those the reference was surest of first: a flip with a large margin is no rounding."""
    return sorted(validation.flips, key=lambda picture: picture.reference_margin, reverse=True)


def flip_count(validation: Validation) -> str | None:
    """How many; None where logits could not be compared, which is not the same as none."""
    known = validation.report is not None and validation.report.defect is None
    return str(len(validation.flips)) if known else None


def kernels(found: Emulation) -> str:
    """What an inference executed, in millions, without what every program has: "sdot, udot 18.0, fmla 6.9"."""
    shown = {name: count / 1e6 for name, count in found.instructions.items() if name in FAMILIES}
    return "; ".join(f"{name} {count:.1f} M" for name, count in shown.items() if count >= LEAST_SHOWN) or MISSING


def top1_agreement(validation: Validation) -> str | None:
    """With its interval: "98.40% (96.88 to 99.19%)"."""
    report, both = validation.report, validation.top1_interval
    if report is None:
        return None
    return share(report.top1_agreement) + (f" ({interval(both)})" if both else "")


def _bound(check: Check) -> Bound:
    title, write = {**TITLES, **ON_CORES}[check.name]
    if write is error:
        write = partial(error, column=(check.found, check.limit))
    found, limit = write(check.found), write(check.limit)
    if not check.holds and found == limit:
        found = repr(check.found)  # rounded alike, and yet not enough
    return Bound(check, title, found, f"at {'least' if check.is_least else 'most'} {limit}")
