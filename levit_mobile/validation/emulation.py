"""An artifact on an ARM64 core beside the same artifact on this machine, as a validation reports it."""

from __future__ import annotations

from collections.abc import Callable

from levit_mobile.arm64.counting import TITLES
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.parity.cores import Apart
from levit_mobile.parity.logit_stats import ImageStats
from levit_mobile.runtimes import registry
from levit_mobile.validation.results import Emulation, Picture
from levit_mobile.validation.run_pair import PairStats
from levit_mobile.validation.setup import ValidationSetup


def emulation(case: ValidationSetup, seen: PairStats, show: Callable[[ImageStats], Picture]) -> Emulation | None:
    """What the core and this machine differ by; None where logits of either cannot be compared, or there is no host."""
    rows, host, between = seen.tally.rows, seen.host.rows, seen.between.rows
    cpu = case.runtime.cpu
    if cpu is None or case.host is None or not rows or not len(rows) == len(host) == len(between) == len(case.pictures):
        return None
    recipe = case.stored.contract.made_by
    found = Apart.of(recipe, rows, host, between, in_half=recipe.allows_half and CPUS[cpu].computes_in_half)
    return Emulation(
        cpu=cpu,
        host=registry.described(case.host),
        relative_error=found.relative_error,
        max_relative_error=found.asked.relative_error,
        host_sqnr_db=found.host_sqnr_db,
        difference_db=found.difference_db,
        max_difference_db=found.asked.difference_db,
        loss_error_db=found.loss_error_db,
        max_loss_db=found.asked.loss_db,
        flips=tuple(show(row) for row in between if not row.same_top1),
        max_margin=found.max_margin,
        instructions={TITLES[name]: count / len(rows) for name, count in seen.executed.items() if count},
    )
