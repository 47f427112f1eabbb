"""cost(): every artifact on every emulated core, and against a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from levit_mobile.arm64 import folder
from levit_mobile.arm64.cost import (
    Cost,
    artifact_of,
    grown,
    measure,
    read_baseline,
    require_one_shape,
    write_baseline,
)
from levit_mobile.arm64.cpus import chosen
from levit_mobile.system.progress import Progress, silent

CORES = ("cortex-a53", "cortex-a76")


@dataclass(frozen=True, slots=True)
class CostRun:
    """What ``cost`` counted, and which costs grew.

    Attributes:
        costs: One cost per artifact and core, in the order asked.
        against: The same of the artifacts to compare with.
        broken: One sentence for each cost that exceeds the baseline or is missing from it.
    """

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
    """Count the ARM64 instructions that one inference executes, by class and by function.

    Instructions are not milliseconds: they rank versions of an artifact and show what changed. Thread-safe: everything
    runs in processes of its own.

    Args:
        artifacts: Bundle folders, or ``.tflite`` and ``.pte`` files.
        cpus: Names of cores: ``cortex-a53``, ``cortex-a76`` or ``i8mm``.
        against: Other artifacts to compare with, of the same kinds.
        baseline: A file that ``write_baseline_to`` wrote. A cost that exceeds it is reported in ``broken``.
        max_growth: The ratio by which a cost may exceed its baseline, 0 or more: 0.01 allows 1% more.
        write_baseline_to: The JSON file to write the costs to, as a baseline for later calls.
        progress: Called for every artifact on every core.

    Returns:
        The costs of all artifacts on all cores.

    Raises:
        RecipeError: A core is unknown, or none was given (``recipe.unknown-cpu``).
        RunnerUnavailable: The emulator is not ready (``runner.not-set-up``, ``runner.damaged``,
            ``runner.not-installed``), or this machine cannot run it (``runner.platform``).
        BundleError: A bundle is damaged, or the baseline cannot be read or written (``bundle.unreadable``,
            ``bundle.schema``, ``bundle.unwritable``).
        ArtifactError: An artifact is neither ``.tflite`` nor ``.pte`` (``artifact.unknown-format``), the sizes of its
            input are set at run time (``artifact.not-one-image``), or its runtime failed to run it.

    Example:
        >>> run = levit_mobile.cost(["build/levit_128s-tflite-fp32"], cpus=["cortex-a76"])
        >>> run.costs[0].cpu
        'cortex-a76'
    """
    cores = chosen(cpus)
    arm64 = folder.found()
    before = read_baseline(Path(baseline)) if baseline else None
    ours, others = [Path(path) for path in artifacts], [Path(path) for path in against]
    for path in (*ours, *others):
        _, artifact = artifact_of(path)  # a damaged one is reported before anything runs
        if artifact == path:  # the contract of a bundle has one shape
            require_one_shape(artifact)
    wanted = list(product((*ours, *others), cores))
    found = []
    for done, (path, cpu) in enumerate(wanted):
        progress(f"{path.name} on {cpu.name}", done, len(wanted))
        found.append(measure(path, cpu, arm64))
    costs = tuple(found[: len(ours) * len(cores)])
    if write_baseline_to is not None:
        write_baseline(Path(write_baseline_to), costs, arm64)
    broken = grown(costs, before, max_growth=max_growth) if before else ()
    return CostRun(costs, tuple(found[len(costs) :]), broken)
