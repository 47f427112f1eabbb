"""What a running app writes down for a computer: lines of JSON, read again and again until the run ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from levit_mobile.errors import DeviceError
from levit_mobile.system.printable import printable
from levit_mobile.system.progress import Progress

EVERY_S = 1.0
STARTING_S = 30.0  # until the app has taken the plan
SILENCE_S = 300.0  # beyond the cool-down: a process writes a line at each phase
GONE = 3  # looks without the app before it is dead: a process may be replaced between two


class Line(BaseModel):
    """One line; the classes `ProgressLine` in Kotlin and Swift write it. Fields of later versions are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: Literal["started", "moment", "measured", "finished", "failed", "cancelled"]
    run: str
    done: int = 0
    total: int = 0
    step: str | None = None
    phase: str | None = None
    cooling_ms: int | None = None
    record: str | None = None
    reason: str | None = None


class Watched(Protocol):
    """A started app that can be watched."""

    @property
    def name(self) -> str:
        """Name of the phone."""

    def lines(self) -> str:
        """The lines that it has written down until now, or the last part of them."""

    def is_running(self) -> bool:
        """Whether its process lives."""

    def log_tail(self) -> tuple[str, ...]:
        """The last lines of the phone's log."""

    def too_old(self, why: str) -> DeviceError:
        """The error of an app that does not know what it is asked."""


@dataclass(slots=True)
class Watch:
    """A run of the app that is going on.

    Attributes:
        app: The app.
        run: Name of the run.
        longest_wait_s: Longest time in seconds that the device may cool.
        loading_s: Longest time in seconds that a load may take, in which the app writes nothing.
        clock: Monotonic time in seconds.
        pause: Waits for a time in seconds.
    """

    app: Watched
    run: str
    longest_wait_s: float
    loading_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _lines: list[Line] = field(default_factory=list)

    def until_its_end(self, progress: Progress) -> Line:
        """The last line: ``finished``, or an earlier one that names a record if the app died.

        Raises:
            DeviceError: The app did not take the plan (``device.no-app``), refused it (``device.failed``), died before
                it had measured anything (``device.crashed``), or wrote nothing for too long (``device.hung``).
        """
        heard_at, missed = self.clock(), 0
        while True:
            news = self._news()
            for line in news:
                progress(_title(line), min(line.done, line.total), max(line.total, 1))
            if end := self._end():
                return end
            missed = 0 if news or self.app.is_running() else missed + 1
            if missed >= GONE:
                return self._died()
            heard_at = self.clock() if news else heard_at
            self._require_sound(self.clock() - heard_at)
            self.pause(EVERY_S)

    @property
    def last(self) -> Line | None:
        """The last line; None before the first."""
        return self._lines[-1] if self._lines else None

    def _news(self) -> list[Line]:
        found = list(_parsed(self.app.lines(), self.run))
        news, self._lines = found[len(self._lines) :], found
        return news

    def _end(self) -> Line | None:
        last = self.last
        if last is None or last.event not in ("finished", "failed", "cancelled"):
            return None
        if last.event == "finished":
            return last
        why = printable(last.reason or "it was cancelled on the phone")[:400]
        raise DeviceError(f"the demo app on {self.app.name} ended the run: {why}", fault="failed")

    @property
    def has_measured(self) -> bool:
        """Whether the app has written a record, complete or not."""
        return any(line.record for line in self._lines)

    def _died(self) -> Line:
        if self.has_measured:
            return [line for line in self._lines if line.record][-1]
        where = f" while {_where(self._lines[-1])}" if self._lines else ""
        raise DeviceError(
            f"the demo app on {self.app.name} died{printable(where)} before it had measured anything",
            fault="crashed",
            log=self.app.log_tail(),
        )

    def _require_sound(self, silent_s: float) -> None:
        if not self._lines:
            if silent_s > STARTING_S:
                raise self.app.too_old(f"it did not take the plan within {STARTING_S:g} s")
            return
        loads = (self._lines[-1].phase or "").startswith("loading")
        most_s = max(SILENCE_S + self.longest_wait_s, self.loading_s if loads else 0)
        if silent_s > most_s:
            raise DeviceError(
                f"the demo app on {self.app.name} wrote nothing for {most_s:g} s while {_where(self._lines[-1])}",
                fault="hung",
                log=self.app.log_tail(),
            )


def _parsed(text: str, run: str) -> Iterator[Line]:
    """The lines of a run; the last one may be half written."""
    for line in text.splitlines():
        try:
            found = Line.model_validate_json(line)
        except ValidationError:
            continue
        if found.run == run:
            yield found


def _title(line: Line) -> str:
    if line.cooling_ms is not None:
        return "waiting for the device to cool"
    return f"timing {line.step}" if line.step else "starting on the device"


def _where(line: Line) -> str:
    return " ".join(word for word in (line.phase or "starting", f"({line.step})" if line.step else "") if word)
