"""Timing records of schema 1, which is schema 2 without some fields: apps wrote it, and old files have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

READABLE = "1 or 2"  # schema versions
_CONDITIONS = frozenset(
    (
        "core_khz",
        "core_limit_khz",
        "thermal_headroom",
        "hottest_celsius",
        "battery_celsius",
        "screen_on",
        "fixed_performance_mode",
    )
)
SINCE_SCHEMA_2 = {
    "app": frozenset(("debuggable",)),
    "device": frozenset(("emulated_cores", "core_max_khz")),
    "before": _CONDITIONS,
    "after": _CONDITIONS,
}
RUN_SINCE_SCHEMA_2 = frozenset(("during", "cooling_s", "incomplete"))
TIMING_SINCE_SCHEMA_2 = frozenset(("pss_bytes", "preprocess_samples_ms"))


def upgraded(data: Mapping[str, Any]) -> dict[str, Any]:
    """A record of schema 1 as schema 2 has it.

    One with a later field is of neither schema: it stays as it is, and is refused.
    """
    parts = {name: data[name] for name in SINCE_SCHEMA_2 if isinstance(data.get(name), Mapping)}
    later = any(part.keys() & SINCE_SCHEMA_2[name] for name, part in parts.items())
    timings = data["timings"] if isinstance(data.get("timings"), list | tuple) else ()
    later |= any(isinstance(one, Mapping) and one.keys() & TIMING_SINCE_SCHEMA_2 for one in timings)
    if later or data.keys() & RUN_SINCE_SCHEMA_2:
        return dict(data)
    return {**data, "schema_version": 2}
