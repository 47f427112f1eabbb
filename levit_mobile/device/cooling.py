"""The wait for a device to cool: the lines that `cool.sh` prints."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from levit_mobile.timing.marks import ANDROID
from levit_mobile.timing.record import Thermal

_LINE = re.compile(r"@cooling ([0-9]{1,6}) ([0-6]|unknown)( limit)?")


@dataclass(frozen=True, slots=True)
class Cooling:
    """One look at the thermal status: seconds waited before it, the status, and whether the wait ended without 0."""

    seconds: int
    status: Thermal | None
    gave_up: bool = False


def parsed(line: str) -> Cooling | None:
    """What a line `@cooling SECONDS STATUS` says; None for any other line."""
    found = _LINE.fullmatch(line.strip())
    if not found:
        return None
    status = None if found[2] == "unknown" else ANDROID[int(found[2])]
    return Cooling(int(found[1]), status, gave_up=bool(found[3]))


def waited_s(looks: Iterable[Cooling]) -> float | None:
    """How long all waits took together; None without any. A wait begins at 0 seconds."""
    ends: list[int] = []
    for look in looks:
        if ends and look.seconds > ends[-1]:
            ends[-1] = look.seconds
        elif not ends or look.seconds == 0:
            ends.append(look.seconds)
    return float(sum(ends)) if ends else None
