"""Label files whose lines also number the classes: `0: cat`, `0,cat`, `0 cat`, `cat,0`.

A sign or a tab between number and name makes the number a class's index, and the labels are put in that order. A space
alone does not: `2 stars` is a label, and folders sort as `1 b`, `10 c`, `2 a`. So such lines lose their numbers only
where these are the lines' own, and are refused in any other order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from levit_mobile.errors import LabelsError

# A digit right behind the sign belongs to the number: 0:30, 0,5.
BY_SIGN = re.compile(r"(?P<number>\d{1,9})(?:[:,;=](?!\d)|\t)\s*(?P<name>\S.*)", re.ASCII | re.DOTALL)
BEHIND = re.compile(r"(?P<name>.*\S)(?:(?<!\d)\s*[:,;=]|\t)\s*(?P<number>\d{1,9})", re.ASCII | re.DOTALL)
BY_SPACE = re.compile(r"(?P<number>\d{1,9})[ ]+(?P<name>\S.*)", re.ASCII | re.DOTALL)
NUMBERED = re.compile(r"(?P<number>\d{1,9})[\s:,;=]\s*(?P<name>\S.*)", re.ASCII | re.DOTALL)

Numbers = list[int]
Names = tuple[str, ...]


def without_numbers(lines: Sequence[str], origin: str) -> Names:
    """The names in the order of the classes.

    Raises LabelsError (``labels.order``) where the lines are numbered in an order that may or may not be the classes'.
    """
    for form in (BY_SIGN, BEHIND):
        if (found := _split(lines, form)) and (form is BY_SIGN or _different(found[1])):
            return _in_order(*found)
    _require_rising(lines, origin)
    spaced = _split(lines, BY_SPACE)
    return spaced[1] if spaced and spaced[0][0] == 0 and _different(spaced[1]) else tuple(lines)


def _require_rising(lines: Sequence[str], origin: str) -> None:
    """The numbers of all lines rise, where each has one before a sign or where they count the lines."""
    counted = _split(lines, NUMBERED)
    numbers = counted[0] if counted else _numbers(lines, BY_SIGN)
    turn = next((at for at, (one, after) in enumerate(pairwise(numbers)) if after <= one), None)
    if turn is not None:
        raise LabelsError(
            f"{origin} numbers its labels in an order that is not that of its lines, as on lines {turn + 1} and "
            f"{turn + 2} ({lines[turn]!r}, {lines[turn + 1]!r}): put the lines in class order, or write each class's "
            "index from 0 on and a colon before its name (0: cat)",
            fault="order",
        )


def _numbers(lines: Sequence[str], form: re.Pattern[str]) -> Numbers:
    """The number of each line; none if a line has none."""
    found = [form.fullmatch(line) for line in lines]
    return [int(one["number"]) for one in found if one] if all(found) else []


def _split(lines: Sequence[str], form: re.Pattern[str]) -> tuple[Numbers, Names] | None:
    """Numbers and names, if every line has both and the numbers count all lines, from 0 or from 1."""
    numbers = _numbers(lines, form)
    first = min(numbers, default=-1)
    if first not in (0, 1) or sorted(numbers) != list(range(first, first + len(lines))):
        return None
    names = (form.fullmatch(line) for line in lines)
    return numbers, tuple(one["name"] for one in names if one)


def _in_order(numbers: Numbers, names: Names) -> Names:
    return tuple(name for _, name in sorted(zip(numbers, names, strict=True)))


def _different(names: Names) -> bool:
    """Where names repeat, the numbers are what distinguishes the labels: `1 star`, `2 stars`, `3 stars`."""
    return len(set(names)) == len(names)
