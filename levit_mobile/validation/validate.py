"""One pass over a bundle: both models over all images, and the verdict."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from levit_mobile.errors import (
    ArtifactError,
    ConversionError,
    ImageError,
    LevitMobileError,
    RecipeError,
    RunnerUnavailable,
    ToolchainMissing,
)
from levit_mobile.recipe import Verdict
from levit_mobile.runtimes import registry
from levit_mobile.system import workers
from levit_mobile.system.progress import Progress, silent
from levit_mobile.validation.drill import require_own, tapped
from levit_mobile.validation.results import Validation
from levit_mobile.validation.run_pair import batch, compared
from levit_mobile.validation.setup import ValidationSetup
from levit_mobile.validation.verdict import judged

FEW = 32  # pictures; below that a share says little


def examine(
    case: ValidationSetup, *, drill: bool = False, processes: int | None = None, progress: Progress = silent
) -> Validation:
    """Run both models over the pictures and judge; a drill that cannot be had is said to be NOT RUN in the notes."""
    if drill:
        require_own(case)
    started = time.monotonic()
    wanted = processes or workers.cores()
    facts: dict[str, Any] = {"processes": min(wanted, -(-len(case.pictures) // batch(case)))}
    try:
        registry.require(case.runtime)
        facts |= judged(case, compared(case, processes=facts["processes"], progress=progress))
        facts |= _drilled(case) if drill else {}
    except RunnerUnavailable as error:
        facts |= {"verdict": Verdict.NOT_RUN, "reasons": (str(error),)}
    except ArtifactError as error:
        facts |= {"verdict": Verdict.BROKEN, "reasons": (str(error),)}
    return _validation(case, seconds=time.monotonic() - started, **facts)


def _drilled(case: ValidationSetup) -> dict[str, Any]:
    try:
        return {"drill": tapped(case)}
    except (ToolchainMissing, ConversionError, ArtifactError, ImageError, RecipeError) as error:
        return {"notes": (f"drill-down NOT RUN: {error}",)}


def refusal(bundle: str | Path, error: LevitMobileError, verdict: Verdict) -> Validation:
    """The verdict on a bundle that is damaged, or has nothing to be held against, for reports that list several."""
    return Validation(
        bundle=Path(bundle).name,
        variant="unknown",
        recipe="unknown",
        artifact_sha256="",
        reference="none",
        pictures_from="none",
        runtime=None,
        verdict=verdict,
        reasons=(str(error),),
        versions=_versions(),
    )


def _validation(case: ValidationSetup, **facts: Any) -> Validation:
    contract = case.stored.contract
    return Validation(
        bundle=case.stored.path.resolve().name,
        variant=contract.model.variant,
        recipe=contract.recipe,
        artifact_sha256=contract.artifact.sha256,
        reference=case.reference.name,
        pictures_from=case.pictures_from,
        skipped=tuple(f"{picture.name}: {picture.reason}" for picture in case.pictures.skipped),
        runtime=registry.described(case.runtime),
        notes=(*_notes(case), *facts.pop("notes", ())),
        versions=_versions(),
        **facts,
    )


def _notes(case: ValidationSetup) -> Iterator[str]:
    """What a reader should know beside the verdict."""
    checkpoint, wanted = case.reference.checkpoint, case.stored.contract.model
    if checkpoint is not None and not case.reference.own:
        yield (
            f"the reference is not what the bundle was made from: its sha256 begins with {checkpoint.sha256[:12]}, the "
            f"bundle's checkpoint's with {wanted.checkpoint_sha256[:12]}"
        )
    if len(case.pictures) < FEW:
        yield f"{len(case.pictures)} pictures only: one flip more or less decides, {FEW} or more say something"
    if not registry.described(case.runtime).real:
        yield "the MIL reference computes what the file says; what a device makes of it, only Core ML on a Mac can tell"


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("levit-mobile", "torch", "numpy", "pillow")}
    return {**packages, "python": platform.python_version(), "platform": platform.platform()}
