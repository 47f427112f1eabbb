"""What an artifact's logits on an ARM64 core and on this machine differ by, and by how much they may."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from levit_mobile.arm64.counting import TITLES
from levit_mobile.arm64.runner import computes_in_half
from levit_mobile.contract import Contract
from levit_mobile.parity.cores import MAX_LOSS_DB, Loss
from levit_mobile.parity.logit_stats import ImageStats
from levit_mobile.parity.metrics import SignalNoise
from levit_mobile.recipe import Precision
from levit_mobile.runtimes import registry
from levit_mobile.validation.results import Emulation, Picture
from levit_mobile.validation.run_pair import PairStats
from levit_mobile.validation.setup import ValidationSetup

# Float32 kernels add in other orders on other cores, and that is all: 3e-7 to 7e-7 were measured.
MAX_RELATIVE_ERROR = 1e-5
# Integers are summed exactly; what is left is where steps in float round: 0 to 0.02 dB were measured.
MAX_DIFFERENCE_DB = 1.0
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


def bounds(contract: Contract, cpu: str) -> Bounds:
    """What is asked of an artifact on a core of CPUS.

    Nothing of float16, which a core sums in float16 and this machine in float32: its bound is that of its own logits.
    """
    recipe, in_half = contract.made_by, contract.made_by.allows_half and computes_in_half(cpu)
    if recipe.precision is Precision.FLOAT16 and (in_half or recipe.name not in IN_FLOAT32):
        return Bounds()
    if in_half:
        return Bounds(loss_db=MAX_LOSS_DB)
    if recipe.name in IN_FLOAT32:
        return Bounds(relative_error=MAX_RELATIVE_ERROR)
    return Bounds(difference_db=MAX_DIFFERENCE_DB)


def emulation(case: ValidationSetup, seen: PairStats, show: Callable[[ImageStats], Picture]) -> Emulation | None:
    """What the core and this machine differ by; None where logits of either cannot be compared, or there is no host."""
    rows, host, between = seen.tally.rows, seen.host.rows, seen.between.rows
    cpu = case.runtime.cpu
    if cpu is None or case.host is None or not rows or not len(rows) == len(host) == len(between) == len(case.pictures):
        return None
    host_db = _squares(host).sqnr_db
    asked, lost = bounds(case.stored.contract, cpu), Loss.of(rows, host)
    in_float16 = case.stored.contract.made_by.precision is Precision.FLOAT16 and asked == Bounds()
    return Emulation(
        cpu=cpu,
        host=registry.described(case.host),
        relative_error=_squares(between).relative_error,
        max_relative_error=asked.relative_error,
        host_sqnr_db=host_db,
        difference_db=_squares(rows).sqnr_db - host_db if math.isfinite(host_db) else 0.0,
        max_difference_db=asked.difference_db,
        loss_error_db=lost.error_db if math.isfinite(lost.error_db) else None,
        max_loss_db=asked.loss_db,
        flips=tuple(show(row) for row in between if not row.same_top1),
        max_margin=2 * max(row.max_abs_error for row in (rows if in_float16 else host)),
        instructions={TITLES[name]: count / len(rows) for name, count in seen.executed.items() if count},
    )


def _squares(rows: Iterable[ImageStats]) -> SignalNoise:
    return SignalNoise.total(row.squares for row in rows)
