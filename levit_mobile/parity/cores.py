"""What logits of one artifact on an ARM64 core and on this machine differ by, and by how much they may."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from levit_mobile.parity.checks import Check
from levit_mobile.parity.logit_stats import ImageStats
from levit_mobile.parity.metrics import SignalNoise
from levit_mobile.recipe import Precision, Recipe

# Float32 kernels add in other orders on other cores, and that is all: 3e-7 to 7e-7 were measured.
MAX_RELATIVE_ERROR = 1e-5
# Integers are summed exactly; what is left is where steps in float round: 0 to 0.02 dB were measured.
MAX_DIFFERENCE_DB = 1.0
# Integers round float16's error away or into one more step: 0.2 dB of SQNR were lost on 64 pictures by the bundled
# model's int8 on a Cortex-A76, and up to a decibel either way on 8 of them.
MAX_LOSS_DB = 0.3
CHANCE = 2.0  # standard errors
# Recipes that compute in float32, whatever they store, where no core may choose.
IN_FLOAT32 = ("executorch-fp32", "tflite-fp32", "tflite-fp16", "tflite-int8-weight")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a core and this machine may differ by; None asks nothing.

    `relative_error` is of the logits, `difference_db` of their SQNR either way, `loss_db` of their SQNR beyond chance.
    """

    relative_error: float | None = None
    difference_db: float | None = None
    loss_db: float | None = None


def bounds(recipe: Recipe, *, in_half: bool) -> Bounds:
    """What is asked of a recipe's artifact on a core, which with `in_half` computes its float parts in float16.

    Nothing of float16, which a core sums in float16 and this machine in float32: its bound is that of its own logits.
    """
    if sums_in_half(recipe, in_half=in_half):
        return Bounds()
    if in_half:
        return Bounds(loss_db=MAX_LOSS_DB)
    if recipe.name in IN_FLOAT32:
        return Bounds(relative_error=MAX_RELATIVE_ERROR)
    return Bounds(difference_db=MAX_DIFFERENCE_DB)


def sums_in_half(recipe: Recipe, *, in_half: bool) -> bool:
    """Are all sums of the artifact in float16 there?"""
    return recipe.precision is Precision.FLOAT16 and (in_half or recipe.name not in IN_FLOAT32)


@dataclass(frozen=True, slots=True)
class Apart:
    """What an artifact's logits on a core and on this machine differ by.

    Attributes:
        asked: The bounds on that.
        relative_error: Norm of core - host over all logits, divided by the norm of host.
        host_sqnr_db: SQNR of the host's logits against the trained model.
        difference_db: SQNR on the core minus that.
        loss_error_db: Its standard error over the pictures; None for one picture.
        worst_margin: Largest margin of the host's logits, in logits, among pictures whose top class differs.
        max_margin: The bound on that: twice the largest error that either is expected to have.
    """

    asked: Bounds
    relative_error: float
    host_sqnr_db: float
    difference_db: float
    loss_error_db: float | None
    worst_margin: float
    max_margin: float

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        core: Sequence[ImageStats],
        host: Sequence[ImageStats],
        between: Sequence[ImageStats],
        *,
        in_half: bool,
    ) -> Apart:
        """From the same pictures, at least one: both against the trained model, and the core against the host."""
        loss, host_db = Loss.of(core, host), _squares(host).sqnr_db
        own = core if sums_in_half(recipe, in_half=in_half) else host
        return cls(
            asked=bounds(recipe, in_half=in_half),
            relative_error=_squares(between).relative_error,
            host_sqnr_db=host_db,
            difference_db=-loss.lost_db,
            loss_error_db=loss.error_db if math.isfinite(loss.error_db) else None,
            worst_margin=max((row.reference.margin for row in between if not row.same_top1), default=0.0),
            max_margin=2 * max(row.max_abs_error for row in own),
        )

    def checks(self, here: str) -> tuple[Check, ...]:
        """Every bound that is set; `here` is what ran on this machine."""
        apart = abs(self.difference_db)
        asked = (
            (
                "max_relative_error",
                self.relative_error,
                self.asked.relative_error,
                f"the relative error of the logits is {self.relative_error:.1e} against {here}",
            ),
            (
                "max_difference_db",
                apart,
                self.asked.difference_db,
                f"SQNR differs by {apart:.2f} dB from the {self.host_sqnr_db:.1f} dB of {here}",
            ),
            (
                "max_margin",
                self.worst_margin,
                self.max_margin,
                f"the top class differs from that on this machine at a margin of {self.worst_margin:.3g} logits",
            ),
        )
        loss = Loss(-self.difference_db, math.inf if self.loss_error_db is None else self.loss_error_db)
        of_loss = (loss.check(self.host_sqnr_db, here),) if self.asked.loss_db is not None else ()
        return of_loss + tuple(
            Check(name, found, most, f"{words}, expected at most {most:.3g}")
            for name, found, most, words in asked
            if most is not None
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """SQNR lost on a core, in dB, and its standard error over the pictures; infinite for one picture.

    The error is that of the jackknife (Efron and Stein 1981, doi 10.1214/aos/1176345462).
    """

    lost_db: float
    error_db: float

    @classmethod
    def of(cls, core: Sequence[ImageStats], host: Sequence[ImageStats]) -> Loss:
        """From the same pictures, at least one, on the core and on this machine, both against the trained model."""
        count = len(core)
        without = [_lost(_but(core, left), _but(host, left)) for left in range(count)] if count > 1 else []
        mean = math.fsum(without) / count
        squares = math.fsum((each - mean) ** 2 for each in without)
        return cls(_lost(core, host), math.sqrt((count - 1) / count * squares) if without else math.inf)

    @property
    def certain_db(self) -> float:
        """What is lost beyond chance: two standard errors less, and never below 0; NaN where either is unknown."""
        certain = self.lost_db - CHANCE * self.error_db
        return certain if math.isnan(certain) else max(0.0, certain)

    def check(self, host_db: float, here: str) -> Check:
        """That nothing is lost; `here` is what ran on this machine."""
        words = (
            f"SQNR is {self.lost_db:.2f} dB below the {host_db:.1f} dB of {here}, of which chance explains "
            f"{self.lost_db - self.certain_db:.2f} dB, expected at most {MAX_LOSS_DB:g} dB beyond it"
        )
        return Check("max_loss_db", self.certain_db, MAX_LOSS_DB, words)


def _but(rows: Sequence[ImageStats], left: int) -> Sequence[ImageStats]:
    return [*rows[:left], *rows[left + 1 :]]


def _squares(rows: Iterable[ImageStats]) -> SignalNoise:
    return SignalNoise.total(row.squares for row in rows)


def _lost(core: Sequence[ImageStats], host: Sequence[ImageStats]) -> float:
    core_db, host_db = _squares(core).sqnr_db, _squares(host).sqnr_db
    return host_db - core_db if math.isfinite(host_db) else 0.0
