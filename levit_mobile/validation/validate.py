"""One pass over a bundle: both models over all images, and the verdict."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from levit_mobile.cluster.connect import Cluster
from levit_mobile.errors import (
    ArtifactError,
    ConversionError,
    ImageError,
    LevitMobileError,
    RecipeError,
    RunnerUnavailable,
    ToolchainMissing,
)
from levit_mobile.images.labels import placeholder_note
from levit_mobile.images.source import ImageOrigin
from levit_mobile.recipe import Verdict
from levit_mobile.runtimes import registry
from levit_mobile.system import limits
from levit_mobile.system.files import as_text, clutter_note, composed
from levit_mobile.system.progress import Progress, silent
from levit_mobile.validation.drill import require_own, tapped
from levit_mobile.validation.journal import Journal
from levit_mobile.validation.results import Drill, Validation
from levit_mobile.validation.run_pair import batch
from levit_mobile.validation.setup import ValidationSetup
from levit_mobile.validation.spread_pair import Resources, compared
from levit_mobile.validation.verdict import Judgement, judged

FEW = 32  # pictures; below that a share says little


def examine(
    case: ValidationSetup,
    *,
    drill: bool = False,
    processes: int | None = None,
    cluster: Cluster | None = None,
    journal: Journal | None = None,
    progress: Progress = silent,
    drill_progress: Progress = silent,
) -> Validation:
    """Run both models over the pictures and judge; a drill that cannot be had is said to be NOT RUN in the notes."""
    if drill:
        require_own(case)
    started = time.monotonic()
    used = min(processes or _cores(cluster), -(-len(case.pictures) // batch(case)))
    found = _judged(case, Resources(used, cluster, journal), progress)
    drilled = None
    if drill and found.report is not None:
        drill_progress("", 0, 1)
        drilled = _drilled(case)
    return _validation(case, found, drilled, seconds=time.monotonic() - started, processes=used)


def _cores(cluster: Cluster | None) -> int:
    return limits.cores() if cluster is None else cluster.threads


def _judged(case: ValidationSetup, on: Resources, progress: Progress) -> Judgement:
    try:
        registry.require(case.runtime)
        return judged(case, compared(case, on, progress))
    except RunnerUnavailable as error:
        return Judgement(Verdict.NOT_RUN, (str(error),), error_code=error.code)
    except ArtifactError as error:
        return Judgement(Verdict.BROKEN, (str(error),), error_code=error.code)


def _drilled(case: ValidationSetup) -> Drill | str:
    """The drill, or why there is none."""
    try:
        return tapped(case)
    except (RunnerUnavailable, ToolchainMissing, ConversionError, ArtifactError, ImageError, RecipeError) as error:
        return f"drill-down NOT RUN: {error}"


def refusal(bundle: str | Path, error: LevitMobileError, verdict: Verdict) -> Validation:
    """The verdict on a bundle that is damaged, or has nothing to be held against, for reports that list several."""
    return Validation(
        bundle=composed(as_text(Path(bundle).resolve().name)),
        variant="unknown",
        recipe="unknown",
        artifact_sha256="",
        reference="none",
        pictures_from=ImageOrigin.NONE.value,
        runtime=None,
        verdict=verdict,
        reasons=(str(error),),
        error_code=error.code,
        versions=_versions(),
    )


def _validation(
    case: ValidationSetup, found: Judgement, drilled: Drill | str | None, *, seconds: float, processes: int
) -> Validation:
    contract = case.stored.contract
    not_drilled = (drilled,) if isinstance(drilled, str) else ()
    return Validation(
        bundle=composed(as_text(case.stored.path.resolve().name)),
        variant=contract.model.variant,
        recipe=contract.recipe,
        artifact_sha256=contract.artifact.sha256,
        reference=case.reference.name,
        pictures_from=case.pictures_from.title,
        labels_source=contract.output.labels_source,
        skipped=tuple(f"{picture.name}: {picture.reason}" for picture in case.pictures.skipped),
        runtime=registry.described(case.runtime),
        verdict=found.verdict,
        reasons=found.reasons,
        error_code=found.error_code,
        notes=(*_notes(case), *_amplified(found), *not_drilled),
        report=found.report,
        top1_interval=found.top1_interval,
        top5_interval=found.top5_interval,
        clusters=found.clusters,
        errors=found.errors,
        flips=found.flips,
        worst=found.worst,
        accuracy=found.accuracy,
        drill=drilled if isinstance(drilled, Drill) else None,
        emulation=found.emulation,
        seconds=seconds,
        processes=processes,
        versions=_versions(),
    )


def _amplified(found: Judgement) -> Iterator[str]:
    if found.report is not None and found.report.amplifies:
        yield found.report.amplifies


def _notes(case: ValidationSetup) -> Iterator[str]:
    """Warnings that do not change the verdict."""
    checkpoint, wanted = case.reference.checkpoint, case.stored.contract.model
    if checkpoint is not None and not case.reference.own:
        yield (
            f"the reference is not the checkpoint that the bundle was made from: its sha256 begins with "
            f"{checkpoint.sha256[:12]}, that of the bundle's checkpoint with {wanted.checkpoint_sha256[:12]}"
        )
    if case.reference.found:
        yield case.reference.found
    if left_out := case.stored.clutter:
        yield clutter_note(left_out)
    if note := placeholder_note(case.stored.contract.output.labels_source, wanted.classes):
        yield note
    if len(case.pictures) < FEW:
        yield f"only {len(case.pictures)} images: a single flip changes the verdict; use at least {FEW}"
    if not registry.described(case.runtime).real:
        yield "the MIL reference executes the package as written; only Core ML on a Mac shows how a device executes it"


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("levit-mobile", "torch", "numpy", "pillow")}
    return {**packages, "python": platform.python_version(), "platform": platform.platform()}
