"""What is run of a candidate: its artifact, in the form in which its input runs, and where."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from levit_mobile.contract import CONTRACT_FILE, Input, Output
from levit_mobile.errors import LevitMobileError
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.runner import ONE_THREAD, InputForm, Loaded, Placement
from levit_mobile.interfaces.toolchain import surveyor, timing_loader
from levit_mobile.recipe import Verdict
from levit_mobile.runtimes.registry import described, real
from levit_mobile.system.files import digest, size_bytes
from levit_mobile.targets import TARGETS
from levit_mobile.timing import feeding
from levit_mobile.timing.candidates import Candidate
from levit_mobile.timing.feeding import COLOURS, Foreign, batch_of, px
from levit_mobile.timing.golden import Golden
from levit_mobile.timing.record import Parity, Timing

CHANNELS_LAST = (0, 2, 3, 1)  # of [N,C,H,W]
NOT_YET = "it has not run"  # the reason of a record that is filled in after a run


@dataclass(frozen=True, slots=True)
class Job:
    """One artifact to load, and where it runs; `source` and `result` are None for one without a contract.

    `spec` is how its pictures are prepared, or without a contract those of the golden vectors that it is held against.
    `foreign` is what an artifact without a contract states about itself, where that could be read.
    """

    name: str
    artifact: Path
    target: str
    placement: Placement = ONE_THREAD
    source: Input | None = None
    result: Output | None = None
    spec: ImageSpec | None = None
    foreign: Foreign | None = None

    @property
    def form(self) -> InputForm | None:
        """The form of its input; None where only the artifact itself states it."""
        if self.source is not None:
            last = self.source.memory_order == "channels last"
            return InputForm(self.source.shape, CHANNELS_LAST if last else ())
        return self.foreign.form if self.foreign else None

    @property
    def is_open(self) -> bool:
        """Whether its shape is chosen at run time."""
        return self.foreign is not None and self.foreign.source.is_open

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its input, as far as it is known before it is loaded."""
        return (self.form.shape or ()) if self.form else ()

    def loaded(self) -> Loaded:
        """Raises RunnerUnavailable, ToolchainMissing, ArtifactError."""
        return timing_loader(TARGETS[self.target])(self.artifact, self.placement, self.form)


def job_of(one: Candidate, vectors: Golden | None, placement: Placement) -> tuple[Job, str | None]:
    """The job, and why it cannot run where that is known before it is loaded.

    An artifact without a contract takes its pictures as the owner of the golden vectors does.
    """
    contract = one.contract
    source, result = (contract.input, contract.output) if contract else (None, None)
    spec = one.stored.spec if one.stored else vectors.spec if vectors else None
    job = Job(one.name, one.artifact, one.target.name, placement, source, result, spec)
    foreign = None if contract else _foreign(one, vectors)
    if isinstance(foreign, str):
        return job, foreign
    return replace(job, foreign=foreign), None


def _foreign(one: Candidate, vectors: Golden | None) -> Foreign | str | None:
    """What the artifact states about itself, or why it cannot run; None where its runtime alone can tell."""
    try:
        inside = surveyor(one.target)(one.artifact)
    except LevitMobileError:
        return None
    if len(inside.inputs) != 1:
        return None
    (source,) = inside.inputs
    form = feeding.form_of(source, vectors.size if vectors else None, vectors.owner if vectors else "")
    return form if isinstance(form, str) else Foreign(source, inside.outputs, form)


def untimed(one: Candidate, job: Job, reason: str) -> Timing:
    """The record of an artifact without times: what it is, where it was to run, and why; `reason` is not empty."""
    runtime, placement, contract = described(real(one.target.name)), job.placement, one.contract
    return Timing(
        name=one.name,
        file=one.artifact.name,
        sha256=digest(one.artifact),
        bytes=size_bytes(one.artifact),
        target=one.target.name,
        variant=contract.model.variant if contract else None,
        recipe=contract.recipe if contract else None,
        contract_sha256=digest(one.stored.path / CONTRACT_FILE) if one.stored else None,
        runtime=runtime.title,
        runtime_version=runtime.version,
        accelerator=one.target.accelerator,
        threads=placement.threads,
        compute_units=placement.compute_units,
        parity=Parity(verdict=Verdict.NOT_RUN, reasons=(reason,)),
        not_run=reason,
    )


def shape_notes(job: Job, shape: tuple[int, ...], vectors: Golden | None) -> Iterator[str]:
    """What a reader of the times must know about the shape at which they were taken."""
    if job.is_open:
        yield f"its sizes are set at run time; it was timed at {list(shape)}"
    if (batch := batch_of(shape)) > 1:
        yield f"one call computes {batch} pictures, so its times get no ratio to those of one picture"
    elif shape and vectors and job.source is None and math.prod(shape) != COLOURS * math.prod(vectors.size):
        taken = px(vectors.size)
        yield f"its input is {list(shape)}, so its times get no ratio to those of a picture of {taken}"
