"""What the page says of a run's device beside its names: clocks, temperatures, screen, marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from levit_mobile.timing.marks import marks
from levit_mobile.timing.record import Conditions, TimingRun

GIGA = 1e6  # kHz in a GHz


def facts(run: TimingRun) -> Iterator[tuple[str, str]]:
    """A heading and a text for everything that the record has."""
    most = run.device.core_max_khz
    if counts := Counter(clock for clock in most if clock):
        yield "clocks", ", ".join(f"{count} x {_ghz(clock)}" for clock, count in sorted(counts.items()))
    if run.chosen_cores:
        yield "pinned to", f"core {', '.join(map(str, run.chosen_cores))}"
    core = run.cores[0] if run.cores else most.index(max(counts)) if counts else None
    if core is not None:
        yield from _pair(f"clock of core {core}", *(_clock(one, core) for one in _ends(run)))
    yield from _pair("hottest sensor", *(_celsius(one.hottest_celsius) for one in _ends(run)))
    yield from _pair("battery's temperature", *(_celsius(one.battery_celsius) for one in _ends(run)))
    headroom = [None if one.thermal_headroom is None else f"{one.thermal_headroom:.2f}" for one in _ends(run)]
    yield from _pair("thermal headroom", *headroom)
    if run.cooling_s is not None:
        yield "waited to cool", f"{run.cooling_s:.0f} s"
    yield from _pair("screen", *(_switch(one.screen_on) for one in _ends(run)))
    yield from _pair("fixed performance", *(_switch(one.fixed_performance_mode) for one in _ends(run)))
    if words := ", ".join(dict.fromkeys(mark.word for mark in marks(run))):
        yield "marks", words


def _ends(run: TimingRun) -> tuple[Conditions, Conditions]:
    return run.before, run.after


def _pair(heading: str, before: str | None, after: str | None) -> Iterator[tuple[str, str]]:
    if before or after:
        yield heading, f"{before or 'unknown'} before, {after or 'unknown'} after"


def _clock(state: Conditions, core: int) -> str | None:
    now, limit = (clocks[core] if core < len(clocks) else None for clocks in (state.core_khz, state.core_limit_khz))
    limited = f" of at most {_ghz(limit)}" if limit else ""
    return f"{_ghz(now)}{limited}" if now else None


def _ghz(khz: int) -> str:
    return f"{khz / GIGA:.2f} GHz"


def _celsius(degrees: float | None) -> str | None:
    return None if degrees is None else f"{degrees:.1f} °C"


def _switch(state: bool | None) -> str | None:
    return None if state is None else "on" if state else "off"
