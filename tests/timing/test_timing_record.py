"""The record of times: JSON there and back, strict, and of the schema that apps write by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.edits import changed
from support.refusals import refused
from support.timings import OF_SCHEMA_1, run, timing

from levit_mobile.errors import TimingError
from levit_mobile.timing import earlier, record
from levit_mobile.timing.record import Conditions, Device, TimingRun

SCHEMA = Path(record.__file__).parents[1] / "schemas" / "timing.schema.json"
# As an app writes it: a subset of the fields, in JSON's own types.
BY_AN_APP = """{
  "schema_version": 1,
  "app": {"name": "org.example.levit", "version": "1.2 (34)"},
  "started_at": "2026-01-31T12:00:00Z",
  "device": {"platform": "ios", "model": "iPhone16,1", "soc": "A17 Pro", "os": "iOS", "os_version": "18.2",
    "os_build": "22C152", "cores": 6},
  "before": {"thermal": "nominal", "battery_percent": 80, "charging": false, "low_power_mode": false},
  "after": {"thermal": "fair", "battery_percent": 79, "charging": false, "low_power_mode": false},
  "interleaved": false,
  "timings": [{"name": "levit_128s-coreml-fp16", "file": "model.mlpackage", "sha256": "aa", "bytes": 15000000,
    "target": "coreml", "contract_sha256": "bb", "runtime": "Core ML", "runtime_version": "18.2",
    "accelerator": "coreml", "compute_units": "all", "parity": {"verdict": "proven", "pictures": 4, "sqnr_db": 58.2},
    "load_ms": [120.5], "first_run_ms": [4], "warmup_runs": 10, "samples_ms": [1.5, 1.25, 2]}]
}"""
TOLD: dict[str, Any] = json.loads(BY_AN_APP)


def require_refusal(folder: Path, text: str, *facts: str) -> None:
    """A file of this text is refused for its schema, in a sentence that names it and holds every fact."""
    (folder / "times.json").write_text(text)
    with refused(TimingError, "timing.schema", folder / "times.json", "schema 1 or 2: ", *facts):
        TimingRun.read(folder / "times.json")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    whole = run(timing(), timing("other", samples_ms=(), not_run="no Mac"), against=("other",))
    (tmp_path / "times.json").write_text(whole.written())
    assert TimingRun.read(tmp_path / "times.json") == whole
    whole.write(str(tmp_path / "new" / "times.json"))
    assert TimingRun.read(tmp_path / "new" / "times.json") == whole


def test_an_apps_own_file_is_read_with_its_samples_in_order(tmp_path: Path) -> None:
    (tmp_path / "times.json").write_text(BY_AN_APP)
    found = TimingRun.read(tmp_path / "times.json")
    assert found.timings[0].samples_ms == (1.5, 1.25, 2.0)
    assert (found.before.thermal, found.after.thermal) == ("nominal", "fair")
    assert found.timings[0].threads is None


@pytest.mark.parametrize(
    ("keys", "to", "place"),
    [
        (("schema_version",), 3, "schema_version"),
        (("schema_version",), None, "schema_version"),
        (("started_at",), "2026-01-31T12:00:00", "started_at"),
        (("device", "cores"), 0, "device.cores"),
        (("before", "thermal"), "hot", "before.thermal"),
        (("before", "battery_percent"), 101, "before.battery_percent"),
        (("timings", 0, "samples_ms"), [1.0, -0.1], "timings.0.samples_ms.1"),
        (("timings", 0, "samples_ms"), ["NaN"], "timings.0.samples_ms.0"),
        (("timings", 0, "median_ms"), 1.5, "timings.0.median_ms"),
        (("timings", 0, "compute_units"), "neuralEngine", "timings.0.compute_units"),
        (("timings", 0, "parity", "verdict"), "passed", "timings.0.parity.verdict"),
        (("timings", 0, "parity"), None, "timings.0.parity"),
    ],
)
def test_what_no_record_says_is_named(keys: tuple[str, ...], to: Any, place: str, tmp_path: Path) -> None:
    require_refusal(tmp_path, changed(TOLD, *keys, to=to), f": {place}: ")


def test_times_without_what_they_ran_on_are_refused(tmp_path: Path) -> None:
    facts = "threads and compute_units", "one of the two"
    require_refusal(tmp_path, changed(TOLD, "timings", 0, "compute_units", to=None), *facts)
    require_refusal(tmp_path, changed(TOLD, "timings", 0, "threads", to=4), *facts)


def test_neither_timed_nor_told_why_is_refused(tmp_path: Path) -> None:
    facts = "samples_ms and not_run", "one of the two"
    require_refusal(tmp_path, changed(TOLD, "timings", 0, "samples_ms", to=[]), *facts)
    require_refusal(tmp_path, changed(TOLD, "timings", 0, "not_run", to="it was too hot"), *facts)


def test_samples_of_processes_are_all_counted(tmp_path: Path) -> None:
    (tmp_path / "times.json").write_text(changed(TOLD, "timings", 0, "process_samples", to=[2, 1]))
    assert TimingRun.read(tmp_path / "times.json").timings[0].process_samples == (2, 1)
    require_refusal(
        tmp_path, changed(TOLD, "timings", 0, "process_samples", to=[2, 2]), "process_samples", "samples_ms"
    )


def test_two_of_one_name_and_unknown_yardsticks_are_refused(tmp_path: Path) -> None:
    both = TOLD["timings"] * 2
    require_refusal(tmp_path, changed(TOLD, "timings", to=both), "timings", "same name")
    require_refusal(tmp_path, changed(TOLD, "against", to=["stock"]), "against", "stock")


@pytest.mark.parametrize("text", ["", "{", "[]", "null"], ids=repr)
def test_what_is_no_record_is_one_sentence(text: str, tmp_path: Path) -> None:
    require_refusal(tmp_path, text)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with refused(TimingError, "timing.unreadable", tmp_path / "nothing.json", "No such file or directory"):
        TimingRun.read(tmp_path / "nothing.json")


def test_the_schema_has_samples_and_no_statistics() -> None:
    fields = set(json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]["Timing"]["properties"])
    assert {"samples_ms", "end_to_end_samples_ms", "load_ms", "first_run_ms", "sha256", "contract_sha256"} <= fields
    assert not {name for name in fields if any(word in name for word in ("median", "mean", "p90", "p99", "ratio"))}


def test_what_a_record_leaves_out_is_not_claimed(tmp_path: Path) -> None:
    (tmp_path / "times.json").write_text(changed(TOLD, "timings", 0, "warmup_runs", to=None))
    found = TimingRun.read(tmp_path / "times.json")
    (one,) = found.timings
    assert (found.schema_version, record.SCHEMA_VERSION) == (2, 2)
    assert (found.device.simulated, found.device.memory_bytes, found.cores, found.command) == (False, None, (), "")
    assert (one.warmup_runs, one.process_samples, one.not_run, one.notes) == (0, (), None, ())
    assert record.Parity(verdict="not run").pictures == 0


def test_a_record_has_one_value_on_a_line_and_ends_its_last_line() -> None:
    lines = run().written().split("\n")
    assert lines[:3] == ["{", '  "schema_version": 2,', '  "app": {']
    assert lines[-2:] == ["}", ""]


# Schema 1


def test_a_record_of_schema_1_is_read_and_says_nothing_of_later_fields(tmp_path: Path) -> None:
    found = TimingRun.read(OF_SCHEMA_1)
    assert (found.schema_version, found.before.thermal, found.after.thermal) == (2, "none", "light")
    assert [len(one.samples_ms) for one in found.timings] == [10, 10]
    assert (found.during, found.cooling_s, found.device.core_max_khz, found.device.emulated_cores) == (
        (),
        None,
        (),
        False,
    )
    assert (found.before.core_khz, found.before.screen_on, found.before.hottest_celsius) == ((), None, None)
    found.write(tmp_path / "again.json")
    assert TimingRun.read(tmp_path / "again.json") == found


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("before", "screen_on"), True),
        (("after", "core_khz"), [1_800_000]),
        (("device", "core_max_khz"), [1_800_000]),
        (("device", "emulated_cores"), False),
        (("during",), []),
        (("cooling_s",), 3.0),
        (("app", "debuggable"), False),
        (("timings", 0, "preprocess_samples_ms"), [1.5]),
        (("timings", 0, "pss_bytes"), []),
    ],
    ids=str,
)
def test_a_later_field_in_a_record_of_schema_1_is_refused(keys: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    require_refusal(tmp_path, changed(TOLD, *keys, to=value), ": schema_version: ")
    (tmp_path / "later.json").write_text(changed(json.loads(changed(TOLD, *keys, to=value)), "schema_version", to=2))
    assert TimingRun.read(tmp_path / "later.json").timings


def test_every_later_field_is_listed_as_one() -> None:
    """The schema of version 1 is as it was; what the types have beyond it is what `earlier` refuses there."""
    parts = json.loads(SCHEMA.with_name("timing-1.schema.json").read_text(encoding="utf-8"))
    old = {name: set(part["properties"]) for name, part in parts["$defs"].items() if "properties" in part}
    assert set(Conditions.model_fields) - old["Conditions"] == earlier.SINCE_SCHEMA_2["before"]
    assert earlier.SINCE_SCHEMA_2["before"] == earlier.SINCE_SCHEMA_2["after"]
    assert set(Device.model_fields) - old["Device"] == earlier.SINCE_SCHEMA_2["device"]
    assert set(TimingRun.model_fields) - set(parts["properties"]) == earlier.RUN_SINCE_SCHEMA_2
    assert set(record.App.model_fields) - old["App"] == earlier.SINCE_SCHEMA_2["app"]
    assert set(record.Timing.model_fields) - old["Timing"] == earlier.TIMING_SINCE_SCHEMA_2
    for name in ("Parity", "Block", "Profile"):
        assert set(getattr(record, name).model_fields) == old[name]


def test_moments_are_in_the_order_of_time() -> None:
    moments = [Conditions(load=load) for load in (0.1, 0.2, 0.3, 0.4)]
    found = run(before=moments[0], during=tuple(moments[1:3]), after=moments[3])
    assert found.moments == tuple(moments)


def test_a_device_stays_the_same_one_without_its_frequencies() -> None:
    bare = run().device
    assert bare.model_copy(update={"core_max_khz": (1_800_000, None)}).identity == bare.identity == bare
    assert bare.model_copy(update={"emulated_cores": True}).identity != bare.identity
