"""The record of an app: read, and compared with what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from levit_mobile.bundle.reader import OpenBundle
from levit_mobile.demo.plan import TimingPlan
from levit_mobile.errors import DeviceError, TimingError
from levit_mobile.timing.record import TimingRun


def read_record(file: Path) -> TimingRun:
    """Read the record that was fetched.

    Raises:
        TimingError: As ``TimingRun.read`` does, with a sentence about the app's record: the file is gone by then.
    """
    try:
        return TimingRun.read(file)
    except TimingError as error:
        raise error.reworded(str(error).replace(str(file), "the record that the app wrote")) from error


def require_artifacts(run: TimingRun, plan: TimingPlan, opened: Mapping[str, OpenBundle], phone: str) -> None:
    """Each timing is of the very artifact that was given.

    Raises:
        DeviceError: A step is missing, and the record does not say that it is incomplete, or the artifact of a step is
            a different one (``device.damaged``).
    """
    timings = {timing.name: timing for timing in run.timings}
    for step in plan.steps:
        timing = timings.get(step.name)
        if timing is None and run.incomplete:
            continue
        if timing is None:
            raise DeviceError(f"the record from {phone} lacks {step.name}, which the plan asked for", fault="damaged")
        if (bundle := opened.get(step.bundle)) and timing.sha256 != bundle.contract.artifact.sha256:
            raise DeviceError(
                f"the record from {phone} is of a different artifact: {step.name} has digest {timing.sha256}, expected "
                f"{bundle.contract.artifact.sha256}",
                fault="damaged",
            )
