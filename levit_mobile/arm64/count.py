"""cost(): every artifact on every emulated core, and against a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from levit_mobile.arm64 import folder
from levit_mobile.arm64.cost import Cost, artifact_of, grown, measure, read_baseline, write_baseline
from levit_mobile.arm64.cpus import CPUS
from levit_mobile.system.progress import Progress, silent

CORES = ("cortex-a53", "cortex-a76")


@dataclass(frozen=True, slots=True)
class CostRun:
    """Costs of the artifacts and of those that they are compared with; `broken` has a sentence for each that grew."""

    costs: tuple[Cost, ...]
    against: tuple[Cost, ...] = ()
    broken: tuple[str, ...] = ()


def cost(
    artifacts: Sequence[str | Path],
    *,
    cpus: Sequence[str] = CORES,
    against: Sequence[str | Path] = (),
    baseline: str | Path | None = None,
    max_growth: float = 0.01,
    write_baseline_to: str | Path | None = None,
    progress: Progress = silent,
) -> CostRun:
    """Count the ARM64 instructions that one inference executes, by class and by function. They are not milliseconds.

    Thread-safe: everything runs in processes of its own.

    Args:
        artifacts: Bundles' folders, or `.tflite` and `.pte` files.
        cpus: Names of `arm64.cpus.CPUS`.
        against: Others to compare with.
        baseline: A file that `write_baseline_to` wrote. What executes more than it says is in `broken`.
        max_growth: The share by which a cost may exceed its baseline, 0 or more: 0.01 is 1%.
        write_baseline_to: The file that takes what was measured as a baseline.
        progress: Is told of every artifact on every core.

    Raises:
        LevitMobileError: One sentence: ARM64 is not set up, or an artifact or the baseline cannot be read.
    """
    arm64 = folder.found()
    before = read_baseline(Path(baseline)) if baseline else None
    ours, others = [Path(path) for path in artifacts], [Path(path) for path in against]
    for path in (*ours, *others):
        artifact_of(path)  # a damaged one is reported before anything runs
    wanted = list(product((*ours, *others), cpus))
    found = []
    for done, (path, cpu) in enumerate(wanted):
        progress(f"{path.name} on {cpu}", done, len(wanted))
        found.append(measure(path, CPUS[cpu], arm64))
    costs = tuple(found[: len(ours) * len(cpus)])
    if write_baseline_to is not None:
        write_baseline(Path(write_baseline_to), costs, arm64)
    broken = grown(costs, before, max_growth=max_growth) if before else ()
    return CostRun(costs, tuple(found[len(costs) :]), broken)
