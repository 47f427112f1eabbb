"""Both models on a few pictures at a time, in a process of their own, and what is counted of their logits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from levit_mobile.arm64.runner import Arm64Runner
from levit_mobile.errors import CheckpointError
from levit_mobile.images.image_set import picture_digest
from levit_mobile.images.preprocessing import Pixels, to_planar
from levit_mobile.interfaces.runner import Runner
from levit_mobile.parity.compare import BATCH, Array
from levit_mobile.parity.logit_stats import Head, LogitStats
from levit_mobile.parity.metrics import SignalNoise
from levit_mobile.runtimes import registry
from levit_mobile.validation.references import Load
from levit_mobile.validation.setup import ValidationSetup

FLOOR_PICTURES = 64  # that float64 sees too
EMULATED_BATCH = 4


class Asked(NamedTuple):
    """Some pictures by their names, whether the exact reference shall see them, and their pixels where they travel."""

    names: tuple[str, ...]
    exactly: bool
    pixels: tuple[Pixels, ...] | None = None


@dataclass(frozen=True, slots=True)
class PairLogits:
    """Some pictures: their digests, and logits [N,classes] of both models, and of others where they were asked.

    `host` is the artifact on this machine, `executed` the candidate's instructions by class: of an emulated one.
    """

    digests: dict[str, str]
    reference: Array
    candidate: Array
    exact: Array | None
    host: Array | None = None
    executed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Loads both models in another process, and those that come with them; `head` is the artifact's."""

    reference: Load
    candidate: Load
    exact: Load | None
    read: Callable[[str], Pixels]
    host: Load | None = None
    head: Head = "softmax"

    def __call__(self) -> Callable[[Asked], PairStats]:
        """The call that runs them and counts."""
        import torch

        torch.set_num_threads(1)
        exact, host = (load() if load else None for load in (self.exact, self.host))
        both = partial(_both, self.reference(), self.candidate(), exact, host, self.read)
        return partial(_counted, both, self.head)


def _counted(both: Callable[[Asked], PairLogits], head: Head, asked: Asked) -> PairStats:
    part = PairStats(LogitStats(head), {})
    part.add(both(asked))
    return part


def _both(
    reference: Runner,
    candidate: Runner,
    exact: Runner | None,
    host: Runner | None,
    read: Callable[[str], Pixels],
    asked: Asked,
) -> PairLogits:
    names, exactly, sent = asked
    pictures = dict(zip(names, sent if sent is not None else map(read, names), strict=True))
    images = np.stack([to_planar(pixels) for pixels in pictures.values()])
    digests = {name: picture_digest(pixels) for name, pixels in pictures.items()}
    part = PairLogits(digests, reference(images), candidate(images), exact(images) if exact and exactly else None)
    executed = candidate.executed() if isinstance(candidate, Arm64Runner) else {}
    return replace(part, host=host(images) if host else None, executed=executed)


@dataclass(slots=True)
class PairStats:
    """What came of all pictures."""

    tally: LogitStats
    digests: dict[str, str]
    floor: SignalNoise = field(default_factory=SignalNoise)  # the reference in float64, and its float32 against it
    defect: str | None = None
    host: LogitStats = field(default_factory=LogitStats)  # the artifact on this machine against the reference
    between: LogitStats = field(default_factory=LogitStats)  # and the candidate against that
    executed: Counter[str] = field(default_factory=Counter)

    def add(self, part: PairLogits) -> None:
        """Count a part in. Raises CheckpointError when the reference is not finite."""
        if not np.isfinite(part.reference).all():
            raise CheckpointError(
                "the reference gives NaN or infinite logits, so nothing can be compared with it", fault="not-finite"
            )
        self.digests |= part.digests
        if part.candidate.shape != part.reference.shape:
            wanted = list(part.reference.shape)
            self.defect = f"the artifact gave logits of shape {list(part.candidate.shape)}, expected {wanted}"
            return
        self.tally.add(tuple(part.digests), part.reference, part.candidate)
        if part.host is not None:
            self.host.add(tuple(part.digests), part.reference, part.host)
            self.between.add(tuple(part.digests), part.host, part.candidate)
            self.executed.update(part.executed)
        if part.exact is not None:
            self.floor += SignalNoise.of(part.exact, part.reference)

    def merge(self, later: PairStats) -> None:
        """Count in what was counted of later pictures. The sums are those of one count over all, to the bit."""
        self.digests |= later.digests
        self.defect = later.defect
        for own, part in ((self.tally, later.tally), (self.host, later.host), (self.between, later.between)):
            own.merge(part)
        self.executed.update(later.executed)
        self.floor += later.floor

    @property
    def floor_sqnr_db(self) -> float:
        """What rounding to float32 alone costs the reference; NaN where that could not be had."""
        return self.floor.sqnr_db if self.floor.signal else math.nan


def batch(case: ValidationSetup) -> int:
    """Pictures that a process takes at once; of an emulated artifact few, because each takes seconds."""
    return EMULATED_BATCH if case.host else BATCH


def chunks(case: ValidationSetup) -> Iterator[Asked]:
    """All pictures, a batch at a time: the same ones together wherever they run."""
    names, size = case.pictures.names, batch(case)
    for start in range(0, len(names), size):
        yield Asked(names[start : start + size], start < FLOOR_PICTURES)


def pair_of(case: ValidationSetup) -> Pair:
    """Both models of a case, and those that come with them, for a process of this machine."""
    candidate, host = (
        partial(registry.load, runtime, case.stored.artifact, case.stored.contract) if runtime else None
        for runtime in (case.runtime, case.host)
    )
    head = case.stored.contract.output.head
    assert candidate is not None
    return Pair(case.reference.load, candidate, case.reference.exact, case.pictures.read, host, head)
