"""Where the time goes: an artifact cut into its blocks, which run one after the other on the runtime itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from levit_mobile.errors import ArtifactError
from levit_mobile.interfaces.toolchain import block_splitter
from levit_mobile.runners import tflite
from levit_mobile.runners.adapters import running
from levit_mobile.system.folders import temporary_folder
from levit_mobile.system.workers import spread
from levit_mobile.targets import TARGETS
from levit_mobile.timing.jobs import Job
from levit_mobile.timing.record import Block, Profile
from levit_mobile.timing.samples import Samples, timed_ms

# Every form calls its first block `stem` and the others `body.<stage>.<block>`, and tensors have the names of modules.
NAMED = re.compile(r"(?:(stem)|body/(\w+)/(\w+))(?:[/;].*)?")
HEAD = re.compile(r".*logits.*")
HOW = (
    "the artifact is split into its blocks, and each block runs as its own model, one after the other; each call adds "
    "some microseconds that the whole artifact does not need"
)
# Why there is none, for targets whose artifacts are not cut here.
NOT_RUN = {
    "executorch": "ExecuTorch's Python package is built without its event tracer, which measures the time of each op",
    "coreml": "Core ML reports the time of an op on a Mac only, as its own estimate",
}


def block_of(tensor: str) -> str | None:
    """The block that a tensor is named after: body/stage0/attn0/q;3 -> stage0.attn0; None where it is not."""
    found = NAMED.fullmatch(tensor)
    if found is None:
        return "head" if HEAD.fullmatch(tensor) else None
    return found[1] or f"{found[2]}.{found[3]}"


def profiled(job: Job, *, rounds: Sequence[int], warmup: int) -> Profile:
    """Times by block, from as many processes as there are numbers of `rounds`.

    Raises ArtifactError with the reason where there can be none.
    """
    blocks = block_splitter(TARGETS[job.target])
    if blocks is None:
        raise ArtifactError(NOT_RUN[job.target], fault="no-profile")
    if job.is_open:
        raise ArtifactError("the sizes of its blocks are set at run time", fault="no-profile")
    with temporary_folder() as folder:
        try:
            cuts = list(blocks(job.artifact, folder, block_of))
        except ValueError as error:
            raise ArtifactError(f"the artifact cannot be split into blocks: {error}", fault="no-profile") from error
        taken = _taken(job, tuple(path for _, path, _ in cuts), rounds, warmup)
        found = [Block(name=name, samples_ms=taken[path], ops=ops) for name, path, ops in cuts]
    return Profile(how=HOW, blocks=tuple(found))


def _taken(job: Job, cuts: tuple[Path, ...], rounds: Sequence[int], warmup: int) -> dict[Path, Samples]:
    taken: dict[Path, list[float]] = defaultdict(list)
    for share in rounds:
        _, made = spread(partial(one_after_the_other, job, cuts), [warmup, share], processes=1)
        for path, samples in made.items():
            taken[path] += samples
    return {path: tuple(samples) for path, samples in taken.items()}


def one_after_the_other(job: Job, cuts: tuple[Path, ...]) -> Callable[[int], Mapping[Path, Samples]]:
    """For `workers.spread`: in the blocks' order, so that each finds the caches as in the whole."""
    calls = {path: tflite.repeated(path, job.placement) for path in cuts}

    def timed(rounds: int) -> dict[Path, Samples]:
        with running():
            taken = [{path: timed_ms(call) for path, call in calls.items()} for _ in range(rounds)]
        return {path: tuple(one[path] for one in taken) for path in calls}

    return timed
