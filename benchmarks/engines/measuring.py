"""What is measured of a row: its error against the trained model, and the instructions of an inference on each core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.engine import Row, Unavailable
from engines.running import HOST, Opened, opened
from levit_mobile.errors import RunnerUnavailable
from levit_mobile.parity.metrics import SignalNoise

ACCURACY_CORE = "cortex-a76"  # where float16 and int8 kernels differ from this machine's
# Share of the pictures there: float32 is the same everywhere, and an emulator takes ten times as long for float16.
SHARES = {"float32": 0.0, "float16": 0.25, "int8": 1.0}


@dataclass(frozen=True, slots=True)
class Truth:
    """The trained model's logits [N,classes] on held-out pictures [N,3,H,W], and on how many an emulated core runs.

    `macs` are the multiply-accumulates of the graph that every engine starts from, for one picture.
    """

    pictures: NDArray[np.float32]
    logits: NDArray[np.float32]
    emulated: int
    macs: int


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Against the trained model.

    Attributes:
        pictures: On how many pictures.
        sqnr_db: Of logits less their mean over the classes, as `validate` judges them.
        top1: Share of pictures with the same best class.
    """

    pictures: int
    sqnr_db: float
    top1: float


@dataclass(slots=True)
class Measured:
    """One row of the table. `reasons` says why a cell is missing, by "x86" or a core."""

    engine: str
    row: str
    precision: str
    recipe: str
    bytes: int = 0
    accuracy: dict[str, Accuracy] = field(default_factory=dict)
    instructions: dict[str, int] = field(default_factory=dict)
    classes: dict[str, dict[str, int]] = field(default_factory=dict)
    ratio: tuple[float, float, float] | None = None
    reasons: dict[str, str] = field(default_factory=dict)


def measure(name: str, row: Row, path: Path, cores: Sequence[str], truth: Truth) -> Measured:
    """A row on this machine and on each core; what cannot be had has its reason."""
    found = Measured(name, row.name, row.precision, row.recipe, size_of(path))
    for where in (HOST, *cores):
        try:
            served = opened(name, row, path, where)
            try:
                _measure(found, served, where, truth)
            finally:
                served.end()
        except (Unavailable, RunnerUnavailable) as error:
            found.reasons[where] = str(error)
    return found


def _measure(found: Measured, served: Opened, where: str, truth: Truth) -> None:
    if where == HOST:
        found.accuracy[HOST] = accuracy(served, truth, len(truth.pictures))
        return
    served.infer(truth.pictures[:1])  # the first inference prepares
    served.counts()
    served.infer(truth.pictures[:1])
    counts = served.counts()
    found.instructions[where] = counts.executed
    found.classes[where] = counts.by_class()
    share = SHARES[found.precision]
    if where == ACCURACY_CORE and share:
        found.accuracy[where] = accuracy(served, truth, max(1, int(share * truth.emulated)))


def accuracy(served: Opened, truth: Truth, count: int) -> Accuracy:
    """The first `count` pictures."""
    logits = np.concatenate([served.infer(truth.pictures[i : i + 1]) for i in range(count)])
    expected = truth.logits[:count]
    same = float((logits.argmax(1) == expected.argmax(1)).mean())
    return Accuracy(count, SignalNoise.centred(expected, logits).sqnr_db, same)


def size_of(path: Path) -> int:
    """Bytes of a file, and of the weights beside it where they lie apart."""
    weights = path.with_suffix(".bin")
    return path.stat().st_size + (weights.stat().st_size if weights.exists() else 0)
