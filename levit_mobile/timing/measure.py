"""What runs in other processes: an artifact's first moments in a fresh one, then all of them in turn in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from levit_mobile.images.preprocessing import preprocess, to_planar
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.inspection import Port
from levit_mobile.interfaces.runner import InputForm, Loaded, Logits
from levit_mobile.interfaces.toolchain import runtime_probe
from levit_mobile.runners.adapters import adapted, as_logits, running
from levit_mobile.targets import TARGETS
from levit_mobile.timing import feeding, machine
from levit_mobile.timing.feeding import Answer, Foreign
from levit_mobile.timing.jobs import Job
from levit_mobile.timing.samples import END_TO_END, INFERENCE, Call, Samples, interleaved, timed_ms

SETTLING = 3  # runs after the first, until memory has its final size

Pixels = NDArray[np.uint8]
Key = tuple[str, str]  # a job's name, and INFERENCE or END_TO_END


@dataclass(frozen=True, slots=True)
class Start:
    """An artifact's first moments in a fresh process; memory is None where the system does not report it.

    `answers` are the outputs for the golden pictures, by the way in which pixels were given. `shape` is the input's.
    """

    load_ms: float
    first_run_ms: float
    memory_before_bytes: int | None
    peak_memory_bytes: int | None
    answers: Mapping[str, Sequence[Answer]]
    shape: tuple[int, ...] = ()


def starter() -> Callable[[tuple[Job, Pixels | None]], Start]:
    """For `workers.spread`: what is called in the fresh process."""
    return _started


def answering(job: Job, golden: Pixels) -> Callable[[object], Start]:
    """For `Cluster.spread`, whatever the item is: one start with its answers."""
    return lambda _: _started((job, golden))


def _started(asked: tuple[Job, Pixels | None]) -> Start:
    """Load, run, and answer golden pictures [N,H,W,3] where there are any."""
    job, golden = asked
    runtime_probe(TARGETS[job.target])()  # importing it is no part of loading
    before = machine.forget_peak()
    kept: list[Loaded] = []
    load_ms = timed_ms(lambda: kept.append(job.loaded()))
    (loaded,) = kept
    with running():
        first_run_ms = timed_ms(loaded.call)
        for _ in range(SETTLING):
            loaded.call()
        peak = machine.peak_bytes()
        answers = {} if golden is None else _answers(job, loaded, golden)
    return Start(load_ms, first_run_ms, before, peak, answers, loaded.shape)


def _answers(job: Job, loaded: Loaded, golden: Pixels) -> dict[str, list[Answer]]:
    """By the contract, or without one in every way that fits."""
    if job.source is not None and job.result is not None:
        planar = (to_planar(pixels) for pixels in golden)
        logits = [as_logits(loaded.run(adapted(image, job.source))[0], job.result) for image in planar]
        return {"as its contract says": [Answer(np.concatenate(logits))]}
    stated = job.foreign or Foreign(Port("input", loaded.dtype.name, loaded.shape), (), InputForm(loaded.shape))
    return feeding.answers(stated, loaded, golden, job.spec or ImageSpec())


def turns(jobs: tuple[Job, ...], picture: Pixels, seed: int) -> Callable[[int], dict[Key, Samples]]:
    """For `workers.spread`: everything loaded; what is called with a number of rounds times each once a round.

    `picture` [H,W,3] is where `end to end` begins, for jobs that a contract describes. It has rounds of its own: a
    candidate that ran just before finds its weights in the caches.
    """
    drawn = np.random.default_rng(seed)  # the order of loading too: it decides the placement in memory
    loaded = {jobs[place].name: jobs[place].loaded() for place in drawn.permutation(len(jobs))}
    frame = Image.fromarray(picture)
    described = {job.name: job for job in jobs if job.source is not None}
    calls: dict[str, Mapping[str, Call]] = {
        INFERENCE: {name: one.call for name, one in loaded.items()},
        END_TO_END: {name: partial(_whole, job, loaded[name], frame) for name, job in described.items()},
    }
    return partial(_rounds, calls, drawn)


def _rounds(calls: dict[str, Mapping[str, Call]], drawn: np.random.Generator, rounds: int) -> dict[Key, Samples]:
    taken: dict[Key, Samples] = {}
    with running():
        for what, among in calls.items():
            made = interleaved(among, rounds=rounds, warmup=0, drawn=drawn)
            taken |= {(name, what): samples for name, samples in made.items()}
    return taken


def _whole(job: Job, loaded: Loaded, picture: Image.Image) -> Logits:
    """From a decoded picture to float logits."""
    assert job.source is not None
    assert job.result is not None
    assert job.spec is not None
    planar = to_planar(preprocess(picture, job.spec))
    return as_logits(loaded.run(adapted(planar, job.source))[0], job.result)
