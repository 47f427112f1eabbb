"""What a farm's phone left is the same record as a phone's on this desk, and `report` finds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import ask
from support.device_lines import moment, small_run, whole
from support.refusals import refused

from levit_mobile.device import pulled
from levit_mobile.errors import TimingError
from levit_mobile.overview.collect import gather

NAMES = ("tflite-fp32", "executorch-fp32")
DATE = ("== date", "2026-03-04T05:06:07Z")


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """As `run.sh` leaves it, of one phone."""
    planned = small_run(tmp_path / "bundles", *NAMES).planned
    folder = tmp_path / "farm" / "phone-1"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(planned.model_dump_json())
    (folder / "levit-mobile.log").write_text("\n".join([*moment("before", *DATE), *list(whole(planned))[2:], ""]))
    return folder


def test_a_result_is_a_record_of_the_devices_own_time(result: Path) -> None:
    run = pulled.read(result)
    assert run.incomplete is None
    assert run.started_at.isoformat() == "2026-03-04T05:06:07+00:00"
    assert [timing.name for timing in run.timings] == list(NAMES)
    assert {timing.parity.verdict for timing in run.timings} == {"proven"}


def test_results_are_found_below_a_folder_and_copies_count_once(result: Path) -> None:
    again = result.parent / "phone-1-copy"
    again.mkdir()
    for file in result.iterdir():
        (again / file.name).write_bytes(file.read_bytes())
    other = result.parent / "phone-2"
    other.mkdir()
    (other / "plan.json").write_bytes((result / "plan.json").read_bytes())
    (other / "levit-mobile.log").write_text((result / "levit-mobile.log").read_text().replace("05:06:07", "06:06:07"))
    found = gather(result.parent)
    assert [one.place for one in found.runs] == ["phone-1/levit-mobile.log", "phone-2/levit-mobile.log"]
    assert found.unread == ()


def test_the_report_shows_the_times_of_a_farm(result: Path) -> None:
    done = ask("report", str(result.parent))
    assert done.exit_code == 0
    page = (result.parent / "report.html").read_text()
    assert all(name in page for name in NAMES)


def test_a_plan_that_is_none_is_named_and_stops_nothing(result: Path) -> None:
    (result / "plan.json").write_text("{}")
    (unread,) = gather(result.parent).unread
    assert unread.place == "phone-1/levit-mobile.log"
    assert "plan.json" in unread.reason
    with refused(TimingError, "timing.schema", "plan.json"):
        pulled.read(result)


def test_a_log_that_stops_early_is_an_incomplete_record(result: Path) -> None:
    log = result / "levit-mobile.log"
    log.write_text(log.read_text().partition("@conditions after")[0])
    run = pulled.read(result)
    assert run.incomplete == "the device's lines stop before the end of the run"
    assert run.timings[0].parity.verdict == "proven"


def test_a_folder_with_one_of_the_two_is_no_result(result: Path) -> None:
    (result / "plan.json").unlink()
    assert not pulled.is_result(path.name for path in result.iterdir())


def test_a_log_alone_is_no_result_nor_is_a_plan() -> None:
    assert pulled.is_result(["plan.json", "levit-mobile.log", "levit-mobile.err"])
    assert not pulled.is_result(["plan.json"])
    assert not pulled.is_result(["levit-mobile.log"])


@pytest.mark.parametrize(("field", "value"), [("logits", "AAAA"), ("expectation", 7)])
def test_a_plan_that_contradicts_itself_stops_nothing(result: Path, field: str, value: object) -> None:
    plan = json.loads((result / "plan.json").read_text())
    for part in plan["expectations"] if field == "logits" else plan["artifacts"]:
        part[field] = value
    (result / "plan.json").write_text(json.dumps(plan))
    with refused(TimingError, "timing.schema", "plan.json contradicts itself"):
        pulled.read(result)
    (unread,) = gather(result.parent).unread
    assert unread.place == "phone-1/levit-mobile.log"


def test_bytes_that_are_no_text_are_noise(result: Path) -> None:
    log = result / "levit-mobile.log"
    log.write_bytes(b"\xff\xfe\n" + log.read_bytes())
    assert pulled.read(result).incomplete is None
