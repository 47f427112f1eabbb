"""Logits counted up a few pictures at a time: what is kept of a picture is a row, never its pixels or its logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from levit_mobile.parity import metrics
from levit_mobile.parity.metrics import SignalNoise

TOP = 5  # classes kept of each picture
Array = NDArray[np.floating]
Flags = NDArray[np.bool_]
Head = Literal["softmax", "sigmoid", "none"]


@dataclass(frozen=True, slots=True)
class TopClasses:
    """One model's best classes for a picture, best first, their probabilities, and the best one's margin in logits."""

    classes: tuple[int, ...]
    probabilities: tuple[float, ...]
    margin: float


@dataclass(frozen=True, slots=True)
class ImageStats:
    """What two models' logits differ by on one picture; errors are in logits, `kl` is in nats.

    `judged` are the squares that bounds hold for: of centred logits where softmax is behind them.
    """

    name: str
    classes: int
    max_abs_error: float
    mean_abs_error: float
    squares: SignalNoise
    judged: SignalNoise
    cosine: float
    kl: float
    reference: TopClasses
    candidate: TopClasses

    @property
    def same_top1(self) -> bool:
        """Both have one best class."""
        return self.reference.classes[0] == self.candidate.classes[0]

    @property
    def in_top5(self) -> bool:
        """The reference's best class is among the candidate's best five."""
        return self.reference.classes[0] in self.candidate.classes[:TOP]


@dataclass(slots=True)
class LogitStats:
    """Rows so far, and how many pictures were left out because a logit was NaN or infinite.

    `head` makes probabilities of the logits: only for softmax a constant added to all of them changes nothing.
    """

    head: Head = "softmax"
    rows: list[ImageStats] = field(default_factory=list)
    not_finite: int = 0

    @property
    def pictures(self) -> int:
        """All pictures seen, those without a row included."""
        return len(self.rows) + self.not_finite

    def merge(self, later: LogitStats) -> None:
        """Add what was counted of later pictures."""
        self.rows += later.rows
        self.not_finite += later.not_finite

    def add(self, names: Sequence[str], reference: Array, candidate: Array) -> None:
        """Add some more pictures.

        Args:
            names: Names of the N pictures.
            reference: Logits [N,classes] of the reference.
            candidate: Logits [N,classes] of the candidate. A picture with a logit that is not finite is counted and
                gets no row.

        Raises:
            ValueError: The shapes differ, or N is not the number of names.
        """
        if reference.shape != candidate.shape or reference.ndim != 2 or len(reference) != len(names):
            raise ValueError(
                f"the reference's shape is {list(reference.shape)} and the candidate's {list(candidate.shape)}, "
                f"expected [{len(names)},classes] for both"
            )
        finite: Flags = np.isfinite(np.concatenate([candidate, reference], axis=1)).all(axis=1)
        self.not_finite += int((~finite).sum())
        kept = [name for name, good in zip(names, finite, strict=True) if good]
        pair = reference[finite].astype(np.float64), candidate[finite].astype(np.float64)
        centred = self.head == "softmax" and reference.shape[1] > 1
        self.rows.extend(_rows(kept, *pair, SignalNoise.centred if centred else SignalNoise.of))


def _rows(
    names: Sequence[str], reference: Array, candidate: Array, judged: Callable[[Array, Array], SignalNoise]
) -> Iterator[ImageStats]:
    if not names:
        return
    guesses = zip(_guesses(reference), _guesses(candidate), strict=True)
    for i, (expected, found) in enumerate(guesses):
        pair = reference[i : i + 1], candidate[i : i + 1]
        yield ImageStats(
            name=names[i],
            classes=reference.shape[1],
            max_abs_error=metrics.max_abs_error(*pair),
            mean_abs_error=metrics.mean_abs_error(*pair),
            squares=SignalNoise.of(*pair),
            judged=judged(*pair),
            cosine=metrics.cosine(*pair),
            kl=metrics.kl(*pair),
            reference=expected,
            candidate=found,
        )


def _guesses(logits: Array) -> Iterator[TopClasses]:
    best = metrics.top_classes(logits, TOP)
    shares = np.take_along_axis(metrics.softmax(logits), best, axis=1)
    for classes, probabilities, margin in zip(best, shares, metrics.margins(logits), strict=True):
        yield TopClasses(tuple(classes.tolist()), tuple(probabilities.tolist()), float(margin))
