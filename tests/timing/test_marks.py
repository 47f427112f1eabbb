"""What was wrong with a device while it was timed: every mark, its bound on both sides, and runs that have none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.markdown import DOCS
from support.timings import HOST, IPHONE, OF_SCHEMA_1, PIXEL, idle, run, timing

from levit_mobile.timing.marks import OF_A_RUN, TimingWarning, marks
from levit_mobile.timing.record import App, Conditions, Device, Thermal, TimingRun

MOST = (1_700_000, 2_367_000, 2_914_000)
PHONE = PIXEL.model_copy(update={"cores": 3, "core_max_khz": MOST})
GOOD: dict[str, Any] = {
    "thermal": "none",
    "battery_percent": 80,
    "charging": False,
    "low_power_mode": False,
    "load": 0.3,
    "core_limit_khz": MOST,
    "thermal_headroom": 0.6,
    "hottest_celsius": 38.0,
    "screen_on": True,
    "fixed_performance_mode": False,
}


def timed(
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    *,
    during: tuple[dict[str, Any], ...] = (),
    device: Device = PHONE,
    **facts: Any,
) -> TimingRun:
    """A run on a phone in good conditions, but for these."""
    states = [Conditions(**GOOD | (one or {})) for one in (before, *during, after)]
    return run(device=device, before=states[0], during=tuple(states[1:-1]), after=states[-1], **{"cores": (), **facts})


def words(found: TimingRun) -> list[str]:
    return [mark.word for mark in marks(found)]


def test_good_conditions_have_no_mark() -> None:
    assert marks(timed()) == marks(timed(during=({}, {}))) == ()


def test_unknown_conditions_have_no_mark() -> None:
    for device in (HOST, PIXEL, IPHONE):
        assert marks(run(device=device, before=Conditions(), during=(Conditions(),), after=Conditions())) == ()


def test_what_was_not_timed_has_marks_of_its_device_alone() -> None:
    away = timing(**idle("no kernel"))
    simulated = PHONE.model_copy(update={"simulated": True})
    hot = Conditions(thermal="severe", charging=True)
    assert words(run(away, device=simulated, before=hot, after=hot)) == ["SIMULATED"]


def test_an_old_record_has_the_marks_of_what_it_holds() -> None:
    assert marks(TimingRun.read(OF_SCHEMA_1)) == (
        TimingWarning("HOTTER", "the thermal state went from none to light during the run"),
    )


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("none", "none", "none"), []),
        (("none", "light", "none"), ["HOTTER"]),
        (("none", "none", "severe"), ["HOTTER"]),
        (("light", "light", "none"), ["WARM"]),
        (("light", "critical", "light"), ["WARM", "HOTTER"]),
        ((None, "moderate", None), ["WARM"]),
        ((None, None, "moderate"), ["WARM"]),
        ((None, "none", None), []),
    ],
)
def test_heat_at_any_moment_is_marked(states: tuple[Thermal | None, ...], expected: list[str]) -> None:
    before, during, after = ({"thermal": state} for state in states)
    assert words(timed(before, after, during=(during,))) == expected


def test_the_sentence_names_the_hottest_state() -> None:
    found = timed({"thermal": "light"}, {"thermal": "moderate"}, during=({"thermal": "severe"},))
    assert [mark.sentence for mark in marks(found)] == [
        "the thermal state was light when the run began",
        "the thermal state went from light to severe during the run",
    ]


@pytest.mark.parametrize(("headroom", "thermal", "expected"), [(0.99, "none", []), (1.0, "none", ["WARM"])])
def test_headroom_of_one_is_severe_throttling(headroom: float, thermal: Thermal, expected: list[str]) -> None:
    assert words(timed(after={"thermal_headroom": headroom, "thermal": thermal})) == expected
    assert words(timed(after={"thermal_headroom": headroom, "thermal": None})) == expected


@pytest.mark.parametrize(
    ("limits", "cores", "expected"),
    [
        (MOST, (), None),
        ((1_700_000, 2_367_000, 2_913_999), (), "core 2 was limited to 2.91 of its 2.91 GHz"),
        ((1_700_000, 1_000_000, 1_164_000), (), "core 2 was limited to 1.16 of its 2.91 GHz"),
        ((1_700_000, 1_000_000, 1_164_000), (1,), "core 1 was limited to 1.00 of its 2.37 GHz"),
        ((1_700_000, 2_367_000, 1_164_000), (0, 1), None),
        ((1_700_000, None, None), (), None),
        ((), (0, 1, 2), None),
        (MOST, (7,), None),
    ],
)
def test_a_limit_below_the_hardwares_is_marked(limits: Any, cores: tuple[int, ...], expected: str | None) -> None:
    state = {"core_limit_khz": limits}
    found = [mark.sentence for mark in marks(timed(state, state, cores=cores)) if mark.word == "CAPPED"]
    assert found == ([expected] if expected else [])


def test_a_limit_that_falls_is_throttling_at_any_moment() -> None:
    low = {"core_limit_khz": (1_700_000, 2_367_000, 1_164_000)}
    sentence = "the clock of core 2 fell from 2.91 to 1.16 GHz"
    for found in (timed(after=low), timed(during=(low,)), timed(during=({}, low, {}))):
        assert words(found) == ["CAPPED", "THROTTLED"]
        assert marks(found)[1].sentence == sentence
    assert words(timed(low, {})) == ["CAPPED"]


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (2_914_000, 1_200_000, ["THROTTLED"]),
        (2_914_000, 2_185_499, ["THROTTLED"]),
        (2_914_000, 2_185_500, []),
        (1_456_000, 1_000_000, []),  # idle before
        (2_914_000, 500_000, []),  # idle afterwards
        (2_914_000, None, []),
        (None, 1_200_000, []),
    ],
)
def test_a_clock_that_falls_is_marked_where_the_core_was_at_work(
    was: int | None, now: int | None, expected: list[str]
) -> None:
    found = timed({"core_khz": (600_000, 600_000, was)}, {"core_khz": (600_000, 600_000, now)})
    assert words(found) == expected


def test_the_limit_that_was_asked_for_is_no_fault() -> None:
    fixed = {"fixed_performance_mode": True, "core_limit_khz": (1_400_000, 1_800_000, 1_900_000)}
    assert words(timed(fixed, fixed, during=(fixed,))) == []
    assert words(timed({}, fixed)) == []
    lower = {**fixed, "core_limit_khz": (1_400_000, 1_800_000, 1_100_000)}
    assert words(timed(fixed, lower)) == ["THROTTLED"]


@pytest.mark.parametrize("device", [PHONE, IPHONE], ids=["android", "ios"])
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"charging": True}, "CHARGING"),
        ({"battery_percent": 24.9}, "LOW BATTERY"),
        ({"battery_percent": 25}, None),
        ({"low_power_mode": True}, "LOW POWER"),
        ({"screen_on": False}, "SCREEN OFF"),
    ],
    ids=str,
)
def test_power_and_screen_are_marked_at_any_moment(device: Device, state: dict[str, Any], expected: str | None) -> None:
    same = {"thermal": None, "thermal_headroom": None, "core_limit_khz": ()}
    for found in (
        timed(same | state, same, device=device),
        timed(same, same | state, device=device),
        timed(same, same, during=(same | state,), device=device),
    ):
        assert words(found) == ([expected] if expected else [])


def test_a_computer_on_its_battery_is_marked_and_a_charging_one_is_not() -> None:
    bare = {"thermal": None, "screen_on": False}
    plugged, alone = (bare | {"charging": charging, "load": 0.1} for charging in (True, False))
    assert words(timed(plugged, plugged, device=HOST)) == []
    assert words(timed(alone, alone, device=HOST)) == ["ON BATTERY"]
    assert words(timed(plugged, alone, device=HOST)) == ["ON BATTERY"]
    assert words(timed(alone | {"battery_percent": None}, plugged, device=HOST)) == []
    assert words(timed(alone | {"battery_percent": 10}, plugged, device=HOST)) == ["ON BATTERY", "LOW BATTERY"]


@pytest.mark.parametrize(("device", "most"), [(HOST, 0.5), (PHONE, 1.0)], ids=["host", "android"])
def test_load_counts_before_the_run(device: Device, most: float) -> None:
    """After it, the run itself is the load."""
    same = {"thermal": None, "charging": None}
    assert words(timed(same | {"load": most}, same | {"load": 9.0}, device=device)) == []
    (mark,) = marks(timed(same | {"load": most + 0.01}, same, device=device))
    assert mark.word == "BUSY"
    assert f"{most + 0.01:.2f} processes per core" in mark.sentence


def test_what_is_no_device_is_marked() -> None:
    simulated, emulated = (PHONE.model_copy(update={name: True}) for name in ("simulated", "emulated_cores"))
    assert words(timed(device=simulated)) == ["SIMULATED"]
    assert words(timed(device=emulated)) == ["EMULATED"]
    assert words(timed(device=simulated.model_copy(update={"emulated_cores": True}))) == ["SIMULATED", "EMULATED"]


def test_a_debuggable_app_is_marked_and_an_unknown_build_is_not() -> None:
    builds = [App(name="dev.levitmobile.demo", version="1.0", debuggable=known) for known in (True, False, None)]
    assert [words(timed(app=build)) for build in builds] == [["DEBUGGABLE"], [], []]


def test_every_mark_is_one_of_a_run_and_one_plain_sentence() -> None:
    worst = {
        "thermal": "severe",
        "charging": True,
        "battery_percent": 3,
        "low_power_mode": True,
        "screen_on": False,
        "load": 4.0,
        "core_limit_khz": (500_000, 500_000, 500_000),
    }
    device = PHONE.model_copy(update={"simulated": True, "emulated_cores": True})
    begun = {**worst, "core_limit_khz": (600_000,) * 3, "thermal": "light"}
    app = App(name="dev.levitmobile.demo", version="1.0", debuggable=True)
    phone = marks(timed(begun, worst, device=device, app=app, incomplete="the phone was unplugged"))
    host = marks(timed({"charging": False, "thermal": None, "load": 0.1}, {"thermal": None}, device=HOST))
    found = [*phone, *host]
    assert {mark.word for mark in found} == OF_A_RUN
    assert len(phone) == len(OF_A_RUN) - 1
    for mark in found:
        assert mark.sentence[0].islower()
        assert not mark.sentence.endswith(".")
        assert len(mark.sentence.splitlines()) == 1


def test_the_page_of_the_record_lists_every_mark() -> None:
    page = (DOCS / "timing-record.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| ([A-Z ]+) \|", page, re.M)) == OF_A_RUN
