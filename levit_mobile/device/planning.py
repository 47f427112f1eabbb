"""From bundles and artifacts to what a device needs: files by name, what each program is told, and what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from levit_mobile.device.planned import AS_CONTRACT, PlannedArtifact, PlannedRun, StoredExpectation, Way
from levit_mobile.device.preparing import words
from levit_mobile.device.script import OWN, Step
from levit_mobile.images.preprocessing import to_planar
from levit_mobile.interfaces.runner import Placement, Tensor
from levit_mobile.runners.adapters import adapted, stated_form
from levit_mobile.timing import candidates as opening
from levit_mobile.timing import feeding, golden
from levit_mobile.timing.bench import BenchOptions, drawn_picture
from levit_mobile.timing.candidates import Candidate
from levit_mobile.timing.golden import Golden
from levit_mobile.timing.jobs import NOT_YET, Job, job_of, shape_notes, untimed
from levit_mobile.timing.record import App, Timing

PROGRAMS = {"tflite": "litert", "executorch": "executorch"}  # target -> the payload's program
PICTURE = "picture.rgb"
NOT_HERE = "an ARM64 device runs .tflite and .pte artifacts, and no {}"
OPEN = "its sizes are set at run time, and the programs for devices run fixed ones"
UNREADABLE = "what its input is cannot be read from the file"
FIXED = "the arithmetic of a .pte is fixed when it is converted: time it without --arithmetic fp16"
FLOAT16 = "fp16"


@dataclass(slots=True)
class Prepared:
    """A run: its plan, the files beside the programs by name, and a step for each artifact that runs."""

    planned: PlannedRun
    files: dict[str, bytes | Path] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Given:
    """What all programs are told alike: `cores` is a hexadecimal mask, None for all; `arithmetic` None for its own."""

    cores: str | None = None
    arithmetic: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """As a command line has it."""
        pairs = (("--cores", self.cores), ("--arithmetic", self.arithmetic))
        return tuple(word for name, value in pairs if value is not None for word in (name, value))


def prepared(
    paths: Sequence[Path], against: Sequence[Path], options: BenchOptions, given: Given, *, command: str, local: bool
) -> Prepared:
    """Open and check everything, and make the inputs.

    Raises:
        BundleError: A bundle is damaged.
        ArtifactError: A path is not an artifact.
    """
    found = opening.opened(paths, against)
    vectors = golden.shared_golden(found)
    expectations = list({id(one): one for one in vectors.values()}.values())  # two bundles may have one name
    made = Prepared(_planned(expectations, found, options, given, command=command, local=local))
    planned = []
    for number, one in enumerate(found):
        mine = vectors.get(one.name)
        place = next((at for at, known in enumerate(expectations) if known is mine), None)
        planned.append(_artifact(one, mine, f"a{number}", place, options, given, made))
    made.planned = made.planned.model_copy(update={"artifacts": tuple(planned)})
    if made.steps:
        made.files[PICTURE] = drawn_picture(options).tobytes()
    return made


def _planned(
    expectations: Sequence[Golden],
    found: Sequence[Candidate],
    options: BenchOptions,
    given: Given,
    *,
    command: str,
    local: bool,
) -> PlannedRun:
    return PlannedRun(
        app=App(name="levit-mobile", version=version("levit-mobile")),
        made_at=datetime.now(UTC),
        local=local,
        command=command,
        against=tuple(one.name for one in found if one.baseline),
        rounds=options.rounds,
        warmup=options.warmup,
        starts=options.starts,
        picture_px=options.picture_px,
        pinned=given.cores is not None,
        expectations=tuple(StoredExpectation.of(one.expected) for one in expectations),
        artifacts=(),
        versions={name: version(name) for name in ("levit-mobile", "numpy", "pillow")},
    )


def _artifact(
    one: Candidate,
    vectors: Golden | None,
    key: str,
    expectation: int | None,
    options: BenchOptions,
    given: Given,
    made: Prepared,
) -> PlannedArtifact:
    job, not_run = job_of(one, vectors, Placement(threads=options.threads))
    if reason := not_run or _refusal(one, job, given):
        return PlannedArtifact(key="", timing=_untimed(one, job, reason, given), in_bundle=one.stored is not None)
    ways = _ways(job, vectors)
    inputs = _stored_inputs(key, one, ways, made.files)
    file = f"{key}{one.target.suffix}"
    made.files[file] = one.artifact
    said = ["--name", key, "--model", f"{OWN}{file}", "--threads", str(options.threads), *given.words]
    said += [word for name in inputs for word in ("--input", f"{OWN}{name}")]
    if job.source is not None and job.spec is not None:
        width, height = options.picture_px
        said += ["--picture", f"{OWN}{PICTURE}", "--picture-px", f"{width}x{height}"]
        said += ["--prepare", words(job.spec, job.source)]
    made.steps.append(Step(PROGRAMS[one.target.name], tuple(said)))
    contract, foreign = one.contract, job.foreign
    return PlannedArtifact(
        key=key,
        timing=_untimed(one, job, NOT_YET, given),
        in_bundle=one.stored is not None,
        tolerance=contract.tolerance if contract else None,
        head=contract.output.head if contract else "softmax",
        expectation=expectation,
        ways=tuple(Way(name=name, inputs=len(batches)) for name, batches in ways.items()),
        output=job.result,
        source=foreign.source if foreign else None,
        results=foreign.results if foreign else (),
        shape=job.shape,
        notes=tuple(shape_notes(job, job.shape, vectors)),
    )


def _untimed(one: Candidate, job: Job, reason: str, given: Given) -> Timing:
    """The record without times. Chosen arithmetic is part of what computes, so that no other is compared with it."""
    found = untimed(one, job, reason)
    chosen = f"{found.accelerator} {FLOAT16}" if given.arithmetic == FLOAT16 else found.accelerator
    return found.model_copy(update={"accelerator": chosen})


def _refusal(one: Candidate, job: Job, given: Given) -> str | None:
    """Why it does not run on any device."""
    if one.target.name not in PROGRAMS:
        return NOT_HERE.format(one.target.suffix)
    if one.target.name == "executorch" and given.arithmetic == FLOAT16:
        return FIXED
    if job.is_open:
        return OPEN
    return UNREADABLE if job.source is None and job.foreign is None else None


def _ways(job: Job, vectors: Golden | None) -> Mapping[str, Sequence[Tensor]]:
    """The golden pictures as inputs, by what they mean."""
    if vectors is None:
        return {}
    if job.source is not None:
        planar = (to_planar(pixels) for pixels in vectors.pixels)
        return {AS_CONTRACT: [adapted(image, job.source) for image in planar]}
    assert job.foreign is not None
    source, shape = job.foreign.source, job.shape
    if not shape or not hasattr(np, source.dtype):
        return {}
    return dict(feeding.ways(source, shape, np.dtype(source.dtype), vectors.pixels, job.spec or vectors.spec))


def _stored_inputs(
    key: str, one: Candidate, ways: Mapping[str, Sequence[Tensor]], files: dict[str, bytes | Path]
) -> list[str]:
    """Write each input as it lies in memory; the names of the files."""
    order = stated_form(one.artifact, one.target.name).dim_order if one.target.name == "executorch" else ()
    names = []
    for number, values in enumerate(batch for batches in ways.values() for batch in batches):
        in_order = values.transpose(order) if order else values
        names.append(f"{key}-{number}.bin")
        files[names[-1]] = np.ascontiguousarray(in_order).tobytes()
    return names
