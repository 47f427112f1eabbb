"""Both models over all pictures, spread over processes, counted up as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from levit_mobile import metrics, runtimes, workers
from levit_mobile.cases import Case
from levit_mobile.errors import CheckpointError
from levit_mobile.images import Pixels, picture_digest, to_planar
from levit_mobile.parity import BATCH, Array
from levit_mobile.references import Load
from levit_mobile.runners import Runner
from levit_mobile.tally import Tally

FLOOR_PICTURES = 64  # that float64 sees too

OnPictures = Callable[[int, int], None]  # pictures done, of how many
Asked = tuple[tuple[str, ...], bool]  # names, and whether the exact reference shall see them too


@dataclass(frozen=True, slots=True)
class Part:
    """Some pictures: their digests, and logits [N,classes] of both models, and of the exact one where it was asked."""

    digests: dict[str, str]
    reference: Array
    candidate: Array
    exact: Array | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Loads both models in another process."""

    reference: Load
    candidate: Load
    exact: Load | None
    read: Callable[[str], Pixels]

    def __call__(self) -> Callable[[Asked], Part]:
        """The call that runs them."""
        import torch

        torch.set_num_threads(1)
        exact = self.exact() if self.exact else None
        return partial(_both, self.reference(), self.candidate(), exact, self.read)


def _both(
    reference: Runner,
    candidate: Runner,
    exact: Runner | None,
    read: Callable[[str], Pixels],
    asked: Asked,
) -> Part:
    names, exactly = asked
    pictures = {name: read(name) for name in names}
    images = np.stack([to_planar(pixels) for pixels in pictures.values()])
    digests = {name: picture_digest(pixels) for name, pixels in pictures.items()}
    return Part(digests, reference(images), candidate(images), exact(images) if exact and exactly else None)


@dataclass(slots=True)
class Seen:
    """What came of all pictures."""

    tally: Tally
    digests: dict[str, str]
    floor_signal: float = 0.0
    floor_noise: float = 0.0
    defect: str | None = None

    def add(self, part: Part) -> None:
        """Count a part in. Raises CheckpointError when the reference is not finite."""
        if not np.isfinite(part.reference).all():
            raise CheckpointError("the reference gives NaN or infinite logits: nothing can be held against it")
        self.digests |= part.digests
        if part.candidate.shape != part.reference.shape:
            wanted = list(part.reference.shape)
            self.defect = f"the artifact gave logits of shape {list(part.candidate.shape)}, expected {wanted}"
            return
        self.tally.add(tuple(part.digests), part.reference, part.candidate)
        if part.exact is not None:
            self.floor_signal += float(np.square(part.exact).sum())
            self.floor_noise += float(np.square(part.exact - part.reference).sum())

    @property
    def floor_sqnr_db(self) -> float:
        """The reference in float32 against itself in float64; NaN where that could not be had."""
        return metrics.ratio_db(self.floor_signal, self.floor_noise) if self.floor_signal else float("nan")


def compared(case: Case, *, processes: int, on_pictures: OnPictures) -> Seen:
    """The reference and the artifact on every picture. Raises what loading or running either of them raises."""
    seen, stored = Seen(Tally(), {}), case.stored
    candidate = partial(runtimes.load, case.runtime, stored.artifact, stored.contract)
    pair = Pair(case.reference.load, candidate, case.reference.exact, case.pictures.read)
    for part in workers.spread(pair, _chunks(case.pictures.names), processes=processes):
        seen.add(part)
        on_pictures(len(seen.digests), len(case.pictures))
        if seen.defect:
            break
    return seen


def _chunks(names: tuple[str, ...]) -> Iterator[Asked]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH], start < FLOOR_PICTURES
