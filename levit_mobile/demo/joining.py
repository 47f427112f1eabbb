"""One record of the records of many processes: each start of an iOS app times one step, and writes one."""

from __future__ import annotations

from collections.abc import Sequence

from levit_mobile.demo.plan import PlanStep, TimingPlan
from levit_mobile.recipe import Verdict
from levit_mobile.timing.record import Timing, TimingRun

LISTS = (
    "load_ms",
    "first_run_ms",
    "memory_before_bytes",
    "peak_memory_bytes",
    "samples_ms",
    "end_to_end_samples_ms",
    "preprocess_samples_ms",
)


def joined(plan: TimingPlan, records: Sequence[tuple[PlanStep, TimingRun]], incomplete: str | None) -> TimingRun:
    """The record of all starts.

    Args:
        plan: What was asked for.
        records: The step and the record of each start, in order; one or more.
        incomplete: Why the run ended early; None if it did not.

    Returns:
        A record whose samples are those of all starts, in order, with their number for each.
    """
    timings = tuple(
        _timing(parts)
        for step in plan.steps
        if (parts := [run.timings[0] for one, run in records if one.name == step.name and run.timings])
    )
    runs = [run for _, run in records]
    waits = [run.cooling_s for run in runs if run.cooling_s is not None]
    return runs[0].model_copy(
        update={
            "timings": timings,
            "after": runs[-1].after,
            "during": tuple(run.after for run in runs[:-1]),
            "cooling_s": sum(waits) if waits else None,
            "versions": {name: one for run in runs for name, one in run.versions.items()},
            "incomplete": incomplete or next((run.incomplete for run in runs if run.incomplete), None),
        }
    )


def _timing(parts: Sequence[Timing]) -> Timing:
    """A start that was not timed leaves the samples of the earlier ones, with a remark."""
    timed = [part for part in parts if part.samples_ms]
    if not timed or any(part.parity.verdict is Verdict.BROKEN for part in parts):
        return next((part for part in parts if not part.samples_ms), parts[0])
    lists = {name: tuple(value for part in timed for value in getattr(part, name)) for name in LISTS}
    notes = tuple(dict.fromkeys(note for part in timed for note in part.notes))
    lost = tuple(f"a later start was not timed: {part.not_run}" for part in parts if not part.samples_ms)
    counts = tuple(len(part.samples_ms) for part in timed)
    return timed[0].model_copy(update={**lists, "process_samples": counts, "notes": notes + lost})
