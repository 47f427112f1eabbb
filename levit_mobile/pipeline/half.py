"""The proof on emulated cores of an artifact whose float parts they compute in float16, as x86 does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from levit_mobile.arm64 import folder
from levit_mobile.arm64 import runner as arm64
from levit_mobile.arm64.cpus import CPUS, DEFAULT
from levit_mobile.contract import Input, Output
from levit_mobile.errors import ArtifactError, RunnerUnavailable
from levit_mobile.images.image_set import ImageSet
from levit_mobile.interfaces.toolchain import runner_loader
from levit_mobile.parity import compare
from levit_mobile.parity.checks import broken
from levit_mobile.parity.compare import Array
from levit_mobile.parity.cores import Apart
from levit_mobile.parity.logit_stats import ImageStats, LogitStats
from levit_mobile.pipeline.source_model import SourceModel
from levit_mobile.recipe import Recipe
from levit_mobile.runtimes import registry
from levit_mobile.targets import TARGETS

PICTURES = 8  # of the proof, evenly spread: each takes a second or two, and float16 throughout ten


@dataclass(frozen=True, slots=True)
class CoreProof:
    """An artifact on one emulated core, against the trained model and against the same artifact on this machine.

    Attributes:
        cpu: Name of the core.
        images: Number of images.
        sqnr_db: SQNR of its logits against the trained model, in dB; None where there are none to compare.
        host_sqnr_db: The same on this machine.
        reasons: One sentence for each bound that does not hold.
    """

    cpu: str
    images: int
    sqnr_db: float | None
    host_sqnr_db: float | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HalfProof:
    """The proof of an artifact on emulated cores.

    Attributes:
        cores: One entry per core; empty if none could be had.
        not_run: Why there is none; empty if there are.
    """

    cores: tuple[CoreProof, ...] = ()
    not_run: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each bound that does not hold, with its core."""
        return tuple(f"on an emulated {core.cpu}, {reason}" for core in self.cores for reason in core.reasons)


def prove(artifact: Path, trained: SourceModel, recipe: Recipe, *, source: Input, result: Output) -> HalfProof | None:
    """Run an artifact on the cores of `DEFAULT` that can: one computes in float16, and one does not.

    None on an ARM64 machine, where its own core has chosen the arithmetic in the proof. Raises ArtifactError where the
    runtime of this machine cannot run it; on a core, that is a reason.
    """
    if folder.native():
        return None
    try:
        folder.found()
    except RunnerUnavailable as error:
        return HalfProof(not_run=str(error))
    few = _few(trained.reference.pictures)
    host = compare.run(runner_loader(TARGETS[recipe.target])(artifact, source=source, result=result), few)
    found = []
    for cpu in _able(recipe):
        try:
            runner = arm64.load(artifact, source=source, result=result, cpu=cpu)
            found.append(_judged(trained, recipe, few, host, compare.run(runner, few), cpu))
        except RunnerUnavailable as error:
            return HalfProof(not_run=str(error))
        except ArtifactError as error:
            found.append(CoreProof(cpu, len(few), None, None, (str(error),)))
    return HalfProof(tuple(found))


def _able(recipe: Recipe) -> list[str]:
    """ExecuTorch leaves a core no choice: one without float16 refuses the artifact."""
    return [cpu for cpu in DEFAULT if recipe.target != "executorch" or CPUS[cpu].computes_in_half]


def _few(pictures: ImageSet) -> ImageSet:
    step = max(1, len(pictures) // PICTURES)
    return replace(pictures, names=pictures.names[::step][:PICTURES], skipped=())


def _judged(trained: SourceModel, recipe: Recipe, few: ImageSet, host: Array, core: Array, cpu: str) -> CoreProof:
    """By the recipe's own bounds, but for the share of equal top classes, of which so few pictures say little."""
    places = [trained.reference.pictures.names.index(name) for name in few.names]
    wanted = trained.reference.logits[places]
    report = compare.compare_logits(
        wanted,
        core,
        names=few.names,
        images_digest=few.digest(),
        reference_name=trained.reference.name,
        name=recipe.name,
        tolerance=replace(recipe.tolerance, min_top1_agreement=0.0),
        floor_sqnr_db=trained.reference.floor_sqnr_db,
        head=trained.checkpoint.head,
        rounding_db=recipe.rounding_at(recipe.tolerance.min_sqnr_db),
    )
    if report.defect:
        return CoreProof(cpu, len(few), None, None, (report.defect,))
    rows = [_rows(few.names, *pair) for pair in ((wanted, core), (wanted, host), (host, core))]
    apart = Apart.of(recipe, *rows, in_half=recipe.allows_half and CPUS[cpu].computes_in_half)
    here = f"{registry.described(registry.chosen(None, recipe.target)).title} on this machine"
    reasons = (*report.failures, *broken(apart.checks(here)))
    return CoreProof(cpu, len(few), report.sqnr_db, apart.host_sqnr_db, reasons)


def _rows(names: Sequence[str], reference: Array, candidate: Array) -> list[ImageStats]:
    stats = LogitStats()
    stats.add(names, reference, candidate)
    return stats.rows
