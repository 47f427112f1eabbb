"""From the lines of a device to the record: what each artifact computes there, is judged here, and its times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levit_mobile.device import conditions
from levit_mobile.device.conditions import State
from levit_mobile.device.planned import AS_CONTRACT, PlannedArtifact, PlannedRun
from levit_mobile.device.printed import Observed, Printed
from levit_mobile.interfaces.runner import InputForm
from levit_mobile.recipe import Verdict
from levit_mobile.runners.adapters import as_logits
from levit_mobile.timing import feeding, golden
from levit_mobile.timing.feeding import Answer, Foreign
from levit_mobile.timing.record import SCHEMA_VERSION, Device, Parity, Timing, TimingRun
from levit_mobile.timing.samples import END_TO_END, INFERENCE

EMULATED = "this machine emulates ARM64, and the times of an emulator are not those of a processor"
# In the programs' own sentences: the device lacks what the run asked for, which says nothing of the artifact.
OF_THE_DEVICE = ("core of the mask", "the core mask", "this processor has no float16 arithmetic")
TURNS = "turns"  # the program that starts the others; the script reports its end as that of an artifact
KILLED = 9  # SIGKILL: what a system without memory sends, which says nothing of the artifact


def timing_run(planned: PlannedRun, printed: Printed, *, ended: str | None = None) -> TimingRun:
    """The record of everything that a device has printed.

    Args:
        planned: What was to run.
        printed: Its lines.
        ended: Why the lines end early; None where they are complete, or say so themselves.

    Returns:
        The record. An artifact that was not timed to its end says so.
    """
    ended = ended or _ended(planned, printed)
    states = [(when, conditions.read(text)) for when, text in printed.conditions]
    known = states[0][1] if states else conditions.read("")
    moments = [state.conditions() for _, state in states]
    return TimingRun(
        schema_version=SCHEMA_VERSION,
        app=planned.app,
        started_at=known.moment or planned.made_at,
        device=_device(planned, printed, known),
        before=moments[0] if moments else known.conditions(),
        after=moments[-1] if moments else known.conditions(),
        during=tuple(moments[1:-1]),
        cooling_s=printed.cooling_s,
        cores=_cores(printed) if planned.pinned else (),
        interleaved=True,
        incomplete=ended,
        command=planned.command,
        against=planned.against,
        timings=tuple(
            _timing(planned, one, printed.artifacts.get(one.key, Observed()), printed.remarks, ended)
            for one in planned.artifacts
        ),
        versions=planned.versions,
    )


def _ended(planned: PlannedRun, printed: Printed) -> str | None:
    """Why the run did not come to its end, as its lines have it; a run in which each program failed did."""
    seen = [printed.artifacts.get(one.key, Observed()) for one in planned.artifacts if one.key]
    if seen and not printed.finished:
        return printed.refused or "the device's lines stop before the end of the run"
    turns = printed.artifacts.get(TURNS)
    if turns is None or all(_stopped(one) for one in seen):
        return None
    return f"the program that starts the others in turns ended with exit code {turns.code}"


def _device(planned: PlannedRun, printed: Printed, known: State) -> Device:
    """A phone whose conditions could not be read is a phone."""
    found = known.device(emulated_cores=printed.emulated)
    return found if planned.local else found.model_copy(update={"platform": "android"})


def _cores(printed: Printed) -> tuple[int, ...]:
    """Those that all programs were kept on; () where they were not."""
    pinned = {tuple(event.get("cores") or ()) for one in printed.artifacts.values() for event in one.loaded.values()}
    return next(iter(pinned)) if len(pinned) == 1 else ()


def _timing(
    planned: PlannedRun, one: PlannedArtifact, seen: Observed, remarks: Sequence[str], ended: str | None
) -> Timing:
    if not one.key:
        return one.timing
    stopped = _stopped(seen)
    if planned.local and any(event.get("emulated") for event in seen.loaded.values()):
        parity = _parity(planned, one, seen, stopped, EMULATED)
        return one.timing.model_copy(update={"parity": parity, "not_run": EMULATED})
    samples, end_to_end = _flat(seen.samples[INFERENCE]), _flat(seen.samples[END_TO_END])
    not_run = None if samples else stopped or ended or "the device ran it and printed no times"
    loads, firsts = _in_order(seen.loaded), _in_order(seen.first_run)
    found = {
        "parity": _parity(planned, one, seen, stopped, not_run),
        "load_ms": tuple(event["load_ms"] for event in loads),
        "first_run_ms": tuple(event["first_run_ms"] for event in firsts),
        "memory_before_bytes": _sizes(loads, "memory_before_bytes"),
        "peak_memory_bytes": _sizes(firsts, "peak_memory_bytes"),
        "input_shape": one.shape,
        "warmup_runs": planned.warmup,
        "samples_ms": samples,
        "process_samples": tuple(len(part) for _, part in sorted(seen.samples[INFERENCE].items()) if part),
        "end_to_end_samples_ms": end_to_end,
        "picture_px": planned.picture_px if end_to_end else None,
        "not_run": not_run,
        "notes": (*one.notes, *remarks, *_notes(planned, seen, stopped, ended)),
    }
    return Timing.model_validate(dict(one.timing) | found)


def _in_order(events: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
    return [events[number] for number in sorted(events)]


def _flat(samples: Mapping[int, Sequence[float]]) -> tuple[float, ...]:
    return tuple(sample for number in sorted(samples) for sample in samples[number])


def _sizes(events: Sequence[dict[str, Any]], key: str) -> tuple[int, ...]:
    return tuple(int(event[key]) for event in events if event.get(key) is not None)


def _stopped(seen: Observed) -> str | None:
    """Why the artifact's program ended before it was done."""
    if seen.failed is not None and _is_of_the_device(seen):
        return f"the device could not run it as asked: {seen.failed}"
    if seen.failed is not None:
        return f"the runtime could not run the artifact: {seen.failed}"
    if seen.signal == KILLED:
        return "the system killed the process that ran it, probably for memory (signal 9)"
    if seen.signal is not None:
        return f"the process that ran it crashed (signal {seen.signal})"
    return f"the process that ran it ended with exit code {seen.code}" if seen.code is not None else None


def _is_of_the_device(seen: Observed) -> bool:
    return seen.signal == KILLED or any(part in (seen.failed or "") for part in OF_THE_DEVICE)


def _notes(planned: PlannedRun, seen: Observed, stopped: str | None, ended: str | None) -> Iterator[str]:
    if 0 < seen.count < planned.rounds and (why := stopped or ended):
        yield f"{seen.count} of {planned.rounds} rounds were timed: {why}"


def _parity(
    planned: PlannedRun, one: PlannedArtifact, seen: Observed, stopped: str | None, not_run: str | None
) -> Parity:
    """A crash is a fault of the artifact, also after right answers; what was killed or lacks a core is not."""
    broken = stopped is not None and not _is_of_the_device(seen)
    reason = stopped or not_run
    answers = _answers(one, seen, planned)
    if answers is None and reason:
        return Parity(verdict=Verdict.BROKEN if broken else Verdict.NOT_RUN, reasons=(reason,))
    if answers is None:
        return Parity(verdict=Verdict.NOT_RUN, reasons=("the device did not answer all golden pictures",))
    expected = None if one.expectation is None else planned.expectations[one.expectation].expected()
    found = golden.judged(one.subject, expected, answers, one.source)
    if broken and stopped is not None:
        return found.model_copy(update={"verdict": Verdict.BROKEN, "reasons": (stopped, *found.reasons)})
    return found


def _answers(one: PlannedArtifact, seen: Observed, planned: PlannedRun) -> dict[str, list[Answer]] | None:
    """By the way in which pictures were given; None where an answer is lacking or of another size."""
    if one.expectation is None:
        return {}
    made = _outputs(seen, sum(way.inputs for way in one.ways))
    if made is None:
        return None
    if one.output is not None:
        logits = [as_logits(outputs[0], one.output) for outputs in made]
        return {AS_CONTRACT: [Answer(np.concatenate(logits))]}
    assert one.source is not None
    foreign = Foreign(one.source, one.results, InputForm(one.shape))
    count, found, start = len(planned.expectations[one.expectation].names), {}, 0
    for way in one.ways:
        found[way.name] = feeding.outputs(made[start : start + way.inputs], foreign, count)
        start += way.inputs
    return found


def _outputs(seen: Observed, inputs: int) -> list[tuple[NDArray[np.generic], ...]] | None:
    """All outputs for each input in turn; None where one is lacking, or is not of the size that the program named."""
    ports: list[dict[str, Any]] = next((event.get("outputs", []) for event in _in_order(seen.loaded)), [])
    try:
        made = [
            tuple(
                np.frombuffer(seen.answers[place, number], np.dtype(port["dtype"])).reshape(port["shape"])
                for number, port in enumerate(ports)
            )
            for place in range(inputs)
        ]
    except (KeyError, ValueError, TypeError):
        return None
    return made if ports else None
