"""What a core that computes in float16 may lose against a machine that computes in float32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from levit_mobile.parity.checks import Check
from levit_mobile.parity.logit_stats import ImageStats
from levit_mobile.parity.metrics import SignalNoise

# Integers round float16's error away or into one more step: 0.2 dB of SQNR were lost on 64 pictures by the bundled
# model's int8 on a Cortex-A76, and up to a decibel either way on 8 of them.
MAX_LOSS_DB = 0.3
CHANCE = 2.0  # standard errors


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


def _lost(core: Sequence[ImageStats], host: Sequence[ImageStats]) -> float:
    core_db, host_db = (SignalNoise.total(row.squares for row in rows).sqnr_db for rows in (core, host))
    return host_db - core_db if math.isfinite(host_db) else 0.0
