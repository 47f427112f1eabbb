"""What a run without a host leaves in its `result` folder, read back: the plan, and the lines that were printed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from levit_mobile.device.planned import PlannedRun
from levit_mobile.device.printed import Printed
from levit_mobile.device.reading import timing_run
from levit_mobile.device.script import LOG, PLAN
from levit_mobile.errors import TimingError
from levit_mobile.system.files import read_json
from levit_mobile.timing.record import TimingRun

MOST_BYTES = 256 << 20  # of the lines: a sample takes about a hundred bytes


def is_result(names: Iterable[str]) -> bool:
    """Whether a folder that holds these names is such a result."""
    return {PLAN, LOG} <= set(names)


def read(folder: Path) -> TimingRun:
    """The record of a run.

    Args:
        folder: Holds ``plan.json`` and ``levit-mobile.log``.

    Returns:
        The record; ``incomplete`` has a reason where the lines end early.

    Raises:
        TimingError: A file cannot be read (``timing.unreadable``), or is not of a known form (``timing.schema``).
    """
    planned = read_json(PlannedRun, folder / PLAN, TimingError, "a plan of a run")
    printed = _printed(folder / LOG)
    try:
        return timing_run(planned, printed)
    except (ValueError, TypeError, LookupError) as error:
        raise TimingError(f"{folder / PLAN} contradicts itself: {error}", fault="schema") from error


def _printed(log: Path) -> Printed:
    """All lines. Raises TimingError."""
    printed = Printed()
    try:
        if not log.is_file() or log.stat().st_size > MOST_BYTES:
            raise TimingError(f"{log} is not a file of at most {MOST_BYTES >> 20} MiB", fault="unreadable")
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                printed.feed(line)
    except OSError as error:
        raise TimingError(f"{log} cannot be read: {error.strerror}", fault="unreadable") from error
    return printed
