"""bench(): open -> start each in fresh processes -> judge its answers -> time all in turn -> record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from levit_mobile.cluster.connect import Cluster, cluster_of
from levit_mobile.errors import ArtifactError, RunnerUnavailable, TimingError, ToolchainMissing
from levit_mobile.interfaces.runner import ComputeUnits, Placement
from levit_mobile.recipe import Verdict
from levit_mobile.system.files import digest
from levit_mobile.system.progress import Progress, silent
from levit_mobile.system.workers import spread
from levit_mobile.timing import candidates as opening
from levit_mobile.timing import golden, machine
from levit_mobile.timing.candidates import Candidate
from levit_mobile.timing.feeding import Answer
from levit_mobile.timing.golden import Golden, Subject
from levit_mobile.timing.jobs import NOT_YET, Job, job_of, shape_notes, untimed
from levit_mobile.timing.measure import Key, Pixels, Start, answering, starter, turns
from levit_mobile.timing.profile import profiled
from levit_mobile.timing.ratios import PROCESSES
from levit_mobile.timing.record import SCHEMA_VERSION, App, Parity, Profile, Timing, TimingRun
from levit_mobile.timing.samples import END_TO_END, INFERENCE, ROUNDS, WARMUP, Samples, shares

PICTURE_PX = (640, 480)  # width and height of the picture where `end to end` begins: a camera's preview
CHUNK = 5  # rounds between two looks at the progress bar


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """How often, where and on what input ``bench`` times each artifact.

    Attributes:
        rounds: Number of timed rounds, 2 or more; each round runs every artifact once.
        warmup: Number of rounds that each process runs first and does not record, 1 or more.
        starts: Number of fresh processes, 1 or more. Each artifact is loaded in that many, and the rounds are shared
            among as many.
        threads: Number of CPU threads for ExecuTorch and LiteRT, 1 or more.
        compute_units: The processors that Core ML may use, by the names of its ``MLComputeUnits``.
        picture_px: Width and height in pixels of the picture from which end-to-end times start.
        profile: Also time every block of each artifact.
        method: The method that is run of each ``.pte`` without a bundle.
        data: The data file (``.ptd``) of each ``.pte`` without a bundle that keeps its constants in one.

    Raises:
        TimingError: A number is too small, or the data file does not exist (``timing.option``).
    """

    rounds: int = ROUNDS
    warmup: int = WARMUP
    starts: int = PROCESSES
    threads: int = 1
    compute_units: ComputeUnits = "all"
    picture_px: tuple[int, int] = PICTURE_PX
    profile: bool = False
    method: str = "forward"
    data: Path | None = None

    def __post_init__(self) -> None:
        if self.data is not None and not self.data.is_file():
            raise TimingError(f"the data file {self.data} does not exist or is not a file", fault="option")
        for name, least in (("rounds", 2), ("warmup", 1), ("starts", 1), ("threads", 1)):
            if getattr(self, name) < least:
                raise TimingError(f"{name} is {getattr(self, name)}, expected {least} or more", fault="option")

    def of(self, target: str, *, in_bundle: bool = True) -> Placement:
        """Return where the artifacts of a target run: on CPU threads, or on Core ML's compute units.

        A ``.pte`` without a bundle runs the chosen method, with the data file.

        Args:
            target: Name of the target.
            in_bundle: Whether the artifact belongs to a bundle.

        Returns:
            The placement.
        """
        if target == "coreml":
            return Placement(compute_units=self.compute_units)
        if target == "executorch" and not in_bundle:
            return Placement(threads=self.threads, method=self.method, data=self.data)
        return Placement(threads=self.threads)


@dataclass(slots=True)
class CandidateState:
    """What is known so far of one candidate."""

    job: Job
    starts: list[Start] = field(default_factory=list)
    not_run: str | None = None
    refused: bool = False
    profile: Profile | None = None
    notes: list[str] = field(default_factory=list)


def bench(
    paths: Sequence[str | Path],
    *,
    against: Sequence[str | Path] = (),
    options: BenchOptions | None = None,
    command: str = "",
    cluster: str | Cluster | None = None,
    progress: Progress = silent,
) -> TimingRun:
    """Time bundles and artifacts on this machine, in turn: each round runs every artifact once.

    An artifact whose runtime does not exist here is recorded as NOT RUN, with the reason. An artifact that gives wrong
    logits is timed and marked broken. Two calls at once would disturb each other's times. While it runs, this process
    is pinned to as many cores as there are threads, where the system allows it.

    Args:
        paths: Bundle folders, or ``.tflite``, ``.pte`` and ``.mlpackage`` artifacts.
        against: Baselines of the same kinds, with which the others are compared.
        options: How often, and on how many threads. Default: ``BenchOptions()``.
        command: The command line that makes this run again, stored in the record.
        cluster: Where golden images are run for the verdicts: a Dask scheduler's address, ``local:N``, or what
            ``open_cluster`` opened. Times are this machine's in any case. Default: this machine.
        progress: Called at every start of a process and every few rounds.

    Returns:
        The record with all samples, in ms. Statistics are computed from it where it is read.

    Raises:
        BundleError: A bundle is damaged; the codes are those of ``open_bundle``.
        ArtifactError: A path is not an artifact (``artifact.missing``, ``artifact.unknown-format``), or the process
            that timed it ended (``artifact.crashed``).
        ClusterError: The cluster cannot be used or was lost; the codes are those of ``validate``.

    Example:
        >>> run = levit_mobile.bench(["build/levit_128s-tflite-fp32"])
        >>> len(run.timings[0].samples_ms)
        120
    """
    asked, found = options or BenchOptions(), opening.opened([Path(p) for p in paths], [Path(p) for p in against])
    _require_use(found, asked)
    vectors = golden.shared_golden(found)
    started_at, before = datetime.now(UTC), machine.conditions()
    known = {one.name: _state(one, vectors.get(one.name), asked) for one in found}
    with cluster_of(cluster) as machines, machine.pinned(asked.threads) as cores:
        _start(known, vectors, asked, machines, progress)
        taken = _in_turn([one.job for one in known.values() if one.not_run is None], asked, progress)
        if asked.profile:
            _profile(known, asked, progress)
    return TimingRun(
        schema_version=SCHEMA_VERSION,
        app=App(name="levit-mobile", version=version("levit-mobile")),
        started_at=started_at,
        device=machine.device(),
        before=before,
        after=machine.conditions(),
        cores=cores,
        interleaved=True,
        command=command,
        against=tuple(one.name for one in found if one.baseline),
        timings=tuple(_timing(one, known[one.name], vectors.get(one.name), taken, asked) for one in found),
        versions={name: version(name) for name in ("levit-mobile", "numpy", "pillow")},
    )


def _require_use(found: Sequence[Candidate], options: BenchOptions) -> None:
    """Options for programs of others have such a program. Raises TimingError."""
    given = options.method != "forward" or options.data is not None
    if given and not any(one.target.name == "executorch" and one.stored is None for one in found):
        raise TimingError(
            "a method or a data file was given, expected a .pte without a bundle among the artifacts", fault="option"
        )


def _chosen(one: CandidateState) -> tuple[str, ...]:
    """What was run of a program, where that is not the whole of it by default."""
    on = one.job.placement
    chosen = [f"the method {on.method} was run"] if on.method != "forward" else []
    chosen += [f"its constants came from {on.data.name}, sha256 {digest(on.data)}"] if on.data else []
    return tuple(chosen)


def _state(one: Candidate, vectors: Golden | None, options: BenchOptions) -> CandidateState:
    placement = options.of(one.target.name, in_bundle=one.stored is not None)
    job, not_run = job_of(one, vectors, placement)
    return CandidateState(job, not_run=not_run)


def _start(
    known: Mapping[str, CandidateState],
    vectors: Mapping[str, Golden],
    options: BenchOptions,
    cluster: Cluster | None,
    progress: Progress,
) -> None:
    """Fresh processes, in turn over the candidates; the first of each, or a cluster, answers the golden pictures."""
    for number in range(options.starts):
        for place, (name, one) in enumerate(known.items()):
            progress(f"starting {name}", number * len(known) + place, options.starts * len(known))
            if one.not_run is None:
                shared_golden = vectors.get(name) if number == 0 else None
                _start_once(one, shared_golden.pixels if shared_golden else None, cluster)


def _start_once(one: CandidateState, pixels: Pixels | None, cluster: Cluster | None) -> None:
    try:
        (start,) = spread(starter, [(one.job, None if cluster else pixels)], processes=1)
        if cluster is not None and pixels is not None:
            start = replace(start, answers=_answered(one.job, pixels, cluster))
            one.notes.append(f"the golden images were run on the cluster {cluster.address}")
        one.starts.append(start)
    except (RunnerUnavailable, ToolchainMissing) as error:
        one.not_run = str(error)
    except ArtifactError as error:
        one.not_run, one.refused = str(error), error.fault not in ArtifactError.NOT_RUNNABLE
        if one.job.is_open:  # at other sizes it may be sound
            one.refused = False
            one.not_run = f"it does not run at {list(one.job.shape)}, a shape that it leaves to the run: {error}"


def _answered(job: Job, pixels: Pixels, cluster: Cluster) -> Mapping[str, Sequence[Answer]]:
    """The outputs for golden pictures, from a worker of the cluster."""
    files = [path for path in (job.artifact, job.placement.data) if path is not None]
    (start,) = cluster.spread(partial(answering, job, pixels), iter([None]), files=files)
    return start.answers


def _in_turn(jobs: Sequence[Job], options: BenchOptions, progress: Progress) -> dict[Key, Samples]:
    """All samples, in order; nothing where there are no jobs.

    They come from as many processes as `starts`: where memory happens to lie in one makes the same file a few per
    cent slower or faster for as long as it lives.
    """
    taken: dict[Key, list[float]] = defaultdict(list)
    picture, done = drawn_picture(options), 0
    for seed, share in enumerate(shares(options.rounds, options.starts) if jobs else ()):
        counts = [options.warmup, *_chunks(share)]
        load = partial(turns, tuple(jobs), picture, seed)
        with closing(spread(load, counts, processes=1)) as parts:  # or an interruption would wait for all of them
            for number, made in enumerate(parts):
                for key, samples in made.items() if number else ():
                    taken[key] += samples
                done += counts[number] if number else 0
                progress(f"timing {len(jobs)} artifacts", done, options.rounds)
    return {key: tuple(samples) for key, samples in taken.items()}


def _profile(known: Mapping[str, CandidateState], options: BenchOptions, progress: Progress) -> None:
    """By block, one artifact after the other; where it is not available, a note has the reason."""
    rounds = shares(options.rounds, options.starts)
    for place, (name, one) in enumerate(known.items()):
        progress(f"profiling {name}", place, len(known))
        if one.not_run is None:
            try:
                one.profile = profiled(one.job, rounds=rounds, warmup=options.warmup)
            except ArtifactError as error:
                one.notes.append(f"profile NOT RUN: {error}")


def _chunks(rounds: int) -> Iterator[int]:
    yield from (min(CHUNK, rounds - done) for done in range(0, rounds, CHUNK))


def drawn_picture(options: BenchOptions) -> Pixels:
    """Any picture will do: resizing takes the same time for all of one size."""
    width, height = options.picture_px
    drawn = np.random.default_rng(0).integers(0, 256, (height // 16 + 1, width // 16 + 1, 3), np.uint8)
    return np.array(Image.fromarray(drawn).resize((width, height), Image.Resampling.BICUBIC))


def _timing(
    one: Candidate, state: CandidateState, vectors: Golden | None, taken: Mapping[Key, Samples], options: BenchOptions
) -> Timing:
    starts, samples = state.starts, taken.get((one.name, INFERENCE), ())
    before = [start.memory_before_bytes for start in starts]
    peaks = [start.peak_memory_bytes for start in starts]
    end_to_end, shape = taken.get((one.name, END_TO_END), ()), starts[0].shape if starts else ()
    found = {
        "parity": _parity(one, state, vectors),
        "load_ms": tuple(start.load_ms for start in starts),
        "first_run_ms": tuple(start.first_run_ms for start in starts),
        "memory_before_bytes": tuple(size for size in before if size is not None),
        "peak_memory_bytes": tuple(size for size in peaks if size is not None),
        "warmup_runs": options.warmup,
        "input_shape": shape,
        "samples_ms": samples,
        "process_samples": tuple(shares(options.rounds, options.starts)) if samples else (),
        "end_to_end_samples_ms": end_to_end,
        "picture_px": options.picture_px if end_to_end else None,
        "not_run": state.not_run,
        "profile": state.profile,
        "notes": (*_chosen(state), *state.notes, *shape_notes(state.job, shape, vectors)),
    }
    return Timing.model_validate(dict(untimed(one, state.job, NOT_YET)) | found)


def _parity(one: Candidate, state: CandidateState, vectors: Golden | None) -> Parity:
    if state.not_run is not None:
        return Parity(verdict=Verdict.BROKEN if state.refused else Verdict.NOT_RUN, reasons=(state.not_run,))
    foreign, expected = state.job.foreign, vectors.expected if vectors else None
    answers = state.starts[0].answers
    return golden.judged(Subject.of(one), expected, answers, foreign.source if foreign else None)
