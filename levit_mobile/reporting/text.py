"""Numbers and names as text, the same in every rendering."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from rich.markup import escape

from levit_mobile.recipe import Verdict
from levit_mobile.reporting import strict_json
from levit_mobile.system.printable import printable, printable_title
from levit_mobile.timing.ratios import Ratio
from levit_mobile.validation.results import Interval

STYLES: dict[Verdict, str] = {
    Verdict.PROVEN: "green",
    Verdict.BY_REFERENCE: "cyan",
    Verdict.BROKEN: "bold red",
    Verdict.NOT_RUN: "yellow",
}
MISSING = "-"
MEGA = 1e6  # bytes in a megabyte, MACs in a million
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
SMALLEST_P = 1e-4
PLAIN_FROM, PLAIN_TO = 1e-2, 1e3  # where a number is easier to read without an exponent
SMALL, MOST_DECIMALS = 0.1, 9  # ms below which three digits are written, and how long a number may become
SMALLEST_MARGIN = 1e-4  # that is written without an exponent

# What XML 1.0 refuses, what a terminal obeys, and the halves of a surrogate pair, which no file in UTF-8 can hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """The text with every character replaced that a terminal, XML 1.0 or UTF-8 would trip over; line ends stay."""
    return _UNPRINTABLE.sub(REPLACEMENT, text)


def shown(text: object) -> str:
    """Text that may come from a stranger, as one line in a table's cell: no markup, and nothing that is obeyed."""
    return escape(printable(clean(str(text))))


def table_title(text: object) -> str:
    """The same as a table's title, which may be wrapped."""
    return escape(printable_title(clean(str(text))))


def verdict(found: Verdict) -> str:
    """A verdict in rich's markup: in its colour."""
    return f"[{STYLES[found]}]{found.upper()}[/]"


def number(value: float, form: str) -> str:
    """`value` by a format such as ".1f"; NaN and infinities by their names."""
    if math.isnan(value):
        return "NaN"
    return format(value, form) if math.isfinite(value) else f"{value:f}"


def error(value: float, column: Iterable[float] = ()) -> str:
    """An error or a divergence: 8.3e-06, 0.0421, 3.21. With an exponent if any value of its column has one."""
    sizes = [abs(one) for one in (value, *column) if one != 0 and math.isfinite(one)]
    plain = value == 0 or all(PLAIN_FROM <= size < PLAIN_TO for size in sizes)
    return number(value, ".3g" if plain else ".1e")


def db(value: float) -> str:
    """Decibels: 124.6 dB."""
    return number(value, ".1f") + ("" if math.isnan(value) else " dB")


def ms(value: float, column: Iterable[float] = ()) -> str:
    """Milliseconds, without their unit: 0.042, 3.15, 12.3, 140. A column has the decimals of its smallest value."""
    among = [one for one in column if 0 < one < math.inf]
    if among:
        return number(value, f".{_decimals(min(among))}f")
    return number(value, ".3g" if value < SMALL else ".2f" if value < 10 else ".1f" if value < 100 else ".0f")


def _decimals(smallest: float) -> int:
    """Two digits of a value below 0.1, and three of a larger one."""
    if smallest < SMALL:
        return min(1 - math.floor(math.log10(smallest)), MOST_DECIMALS)
    return 2 if smallest < 10 else 1 if smallest < 100 else 0


def cosine(value: float) -> str:
    """Six digits; rounding never makes 1 of less."""
    written = number(value, ".6f")
    return ">0.999999" if value < 1 and written == "1.000000" else written


def margin(value: float, column: Iterable[float] = ()) -> str:
    """Logits between the best class and the second best. With an exponent if any value of its column has one."""
    sizes = [abs(one) for one in (value, *column) if one != 0 and math.isfinite(one)]
    plain = value == 0 or all(SMALLEST_MARGIN <= size < PLAIN_TO for size in sizes)
    return number(value, ".3g" if plain else ".1e")


def share(value: float) -> str:
    """A share of pictures, 0 to 1, in percent; rounding never makes all of most, or none of a few."""
    written = number(value * 100, "z.2f") + ("" if math.isnan(value) else "%")
    if value < 1 and written == "100.00%":
        return ">99.99%"
    return "<0.01%" if value > 0 and written == "0.00%" else written


def interval(both: Interval) -> str:
    """97.21 to 99.02%."""
    return f"{share(both[0])[:-1]} to {share(both[1])}"


def ratio_text(found: Ratio) -> str:
    """0.389 (0.387 to 0.391), or (no interval) for the samples of one process."""
    if found.low is None or found.high is None:
        return f"{number(found.middle, '.3f')} (no interval)"
    return f"{number(found.middle, '.3f')} ({number(found.low, '.3f')} to {number(found.high, '.3f')})"


def p_value(value: float) -> str:
    """A probability that a test gives: 0.0313."""
    return f"<{SMALLEST_P:.4f}" if value < SMALLEST_P else number(value, ".4f")


def strict(value: Any) -> Any:
    """What any reader of JSON takes: names as `clean` writes them, and words for numbers that are none."""
    return strict_json.strict(value, text=clean)
