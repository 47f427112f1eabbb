"""The lines that a run on a device prints: events in JSON, conditions between two marks, and noise between them."""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from levit_mobile.device import cooling
from levit_mobile.device.cooling import Cooling
from levit_mobile.system.files import parse_json
from levit_mobile.timing.samples import END_TO_END, INFERENCE

CONDITIONS = re.compile(r"@conditions (?P<when>.+)")
END, AFTER = "@end", "after"
TAIL = 20  # lines of noise that are kept
MOST_CONDITIONS = 1 << 20  # characters of one moment


@dataclass(slots=True)
class Observed:
    """What one artifact did, by the number of its process; `failed` is the program's own sentence."""

    loaded: dict[int, dict[str, Any]] = field(default_factory=dict)
    first_run: dict[int, dict[str, Any]] = field(default_factory=dict)
    answers: dict[tuple[int, int], bytes] = field(default_factory=dict)  # by number of the input and of the output
    samples: dict[str, dict[int, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    failed: str | None = None
    signal: int | None = None
    code: int | None = None

    @property
    def count(self) -> int:
        """Timed inferences so far."""
        return sum(map(len, self.samples[INFERENCE].values()))


@dataclass(slots=True)
class Printed:
    """Everything that a device has printed so far; `feed` takes its lines."""

    artifacts: dict[str, Observed] = field(default_factory=lambda: defaultdict(Observed))
    conditions: list[tuple[str, str]] = field(default_factory=list)
    looks: list[Cooling] = field(default_factory=list)
    refused: str | None = None
    remarks: list[str] = field(default_factory=list)
    noise: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    _open: tuple[str, list[str]] | None = None
    _open_size: int = 0  # characters

    def feed(self, line: str) -> str:
        """Take one line; the kind of what it was: an event's name, "conditions", "cooling" or "noise"."""
        line = line.rstrip("\r\n")
        if self._open is not None:
            return self._condition(line)
        if found := CONDITIONS.fullmatch(line):
            self._open = found["when"], []
            return "conditions"
        if look := cooling.parsed(line):
            self.looks.append(look)
            return "cooling"
        return self._event(line) if line.startswith("{") else self._noise(line)

    def _condition(self, line: str) -> str:
        assert self._open is not None
        when, lines = self._open
        if line == END or self._open_size > MOST_CONDITIONS:
            self.conditions.append((when, "\n".join(lines)))
            self._open, self._open_size = None, 0
        else:
            lines.append(line)
            self._open_size += len(line) + 1  # with its end
        return "conditions"

    def _noise(self, line: str) -> str:
        if line.strip():
            self.noise.append(line)
        return "noise"

    def _event(self, line: str) -> str:
        try:
            event = parse_json(line)
            name = str(event["event"])
            EVENTS[name](self, event)
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
            return self._noise(line)  # cut short, or printed by something else
        return name

    def _of(self, event: dict[str, Any]) -> Observed:
        return self.artifacts[str(event["name"])]

    def load(self, event: dict[str, Any]) -> None:
        """A model is ready to run."""
        float(event["load_ms"])
        self._of(event).loaded[int(event["process"])] = event

    def first(self, event: dict[str, Any]) -> None:
        """Its first inference is done."""
        float(event["first_run_ms"])
        self._of(event).first_run[int(event["process"])] = event

    def answer(self, event: dict[str, Any]) -> None:
        """One output for one golden input."""
        values = base64.b64decode(event["values"], validate=True)
        self._of(event).answers[int(event["picture"]), int(event["output"])] = values

    def sample(self, event: dict[str, Any]) -> None:
        """One time."""
        what, elapsed_ms = str(event["what"]), float(event["ms"])
        if what not in (INFERENCE, END_TO_END) or not elapsed_ms >= 0:
            raise ValueError(what)
        self._of(event).samples[what][int(event["process"])].append(elapsed_ms)

    def fail(self, event: dict[str, Any]) -> None:
        """A program gave up."""
        self._of(event).failed = str(event["error"])

    def end(self, event: dict[str, Any]) -> None:
        """A program's process ended before it was done."""
        one = self._of(event)
        one.signal, one.code = event.get("signal"), event.get("code")

    def remark(self, event: dict[str, Any]) -> None:
        """The script could not do something that was asked for, and went on."""
        self.remarks.append(str(event["sentence"]))

    def refuse(self, event: dict[str, Any]) -> None:
        """The device does not run programs."""
        self.refused = str(event["error"])

    def done(self, event: dict[str, Any]) -> None:
        """A program came to its end: all that is known of it was in its other lines."""
        self._of(event)

    @property
    def cooling_s(self) -> float | None:
        """How long all waits for a cool device took; None if there was none."""
        return cooling.waited_s(self.looks)

    @property
    def emulated(self) -> bool:
        """Whether a program found that an emulator runs it."""
        return any(bool(event.get("emulated")) for one in self.artifacts.values() for event in one.loaded.values())

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: the last lines are the conditions after it."""
        return any(when == AFTER for when, _ in self.conditions)


EVENTS = {
    "loaded": Printed.load,
    "first_run": Printed.first,
    "answer": Printed.answer,
    "sample": Printed.sample,
    "failed": Printed.fail,
    "ended": Printed.end,
    "refused": Printed.refuse,
    "remark": Printed.remark,
    "done": Printed.done,
}
