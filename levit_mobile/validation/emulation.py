"""What an artifact's logits on an ARM64 core and on this machine differ by, and by how much they may."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from levit_mobile.arm64.counting import TITLES
from levit_mobile.parity.logit_stats import ImageStats
from levit_mobile.parity.metrics import SignalNoise
from levit_mobile.recipe import RECIPES, Precision
from levit_mobile.runtimes import registry
from levit_mobile.validation.results import Emulation, Picture
from levit_mobile.validation.run_pair import PairStats
from levit_mobile.validation.setup import ValidationSetup

# Float32 kernels add in other orders on other cores, and that is all: 3e-7 to 7e-7 were measured.
MAX_RELATIVE_ERROR = 1e-5
# Integers are summed exactly; what is left is where steps in float round: 0 to 0.02 dB were measured.
MAX_DIFFERENCE_DB = 1.0
# Recipes that compute in float32, whatever they store.
IN_FLOAT32 = ("executorch-fp32", "tflite-fp32", "tflite-fp16", "tflite-int8-weight")


def bounds(recipe: str) -> tuple[float | None, float | None]:
    """The largest relative error and difference in dB between a core and this machine; None asks nothing.

    executorch-fp16 has neither: a core sums in float16 what this machine sums in float32, see `cases.ON_CORES`.
    """
    if RECIPES[recipe].precision is Precision.FLOAT16 and recipe not in IN_FLOAT32:
        return None, None
    return (MAX_RELATIVE_ERROR, None) if recipe in IN_FLOAT32 else (None, MAX_DIFFERENCE_DB)


def emulation(case: ValidationSetup, seen: PairStats, show: Callable[[ImageStats], Picture]) -> Emulation | None:
    """What the core and this machine differ by; None where logits of either cannot be compared, or there is no host."""
    rows, host, between = seen.tally.rows, seen.host.rows, seen.between.rows
    cpu = case.runtime.cpu
    if cpu is None or case.host is None or not rows or not len(rows) == len(host) == len(between) == len(case.pictures):
        return None
    host_db = _squares(host).sqnr_db
    relative, apart = bounds(case.stored.contract.recipe)
    return Emulation(
        cpu=cpu,
        host=registry.described(case.host),
        relative_error=_squares(between).relative_error,
        max_relative_error=relative,
        host_sqnr_db=host_db,
        difference_db=_squares(rows).sqnr_db - host_db if math.isfinite(host_db) else 0.0,
        max_difference_db=apart,
        flips=tuple(show(row) for row in between if not row.same_top1),
        max_margin=2 * max(row.max_abs_error for row in host),
        instructions={TITLES[name]: count / len(rows) for name, count in seen.executed.items() if count},
    )


def _squares(rows: Iterable[ImageStats]) -> SignalNoise:
    return SignalNoise.total(row.squares for row in rows)
