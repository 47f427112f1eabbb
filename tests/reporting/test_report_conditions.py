"""What the page says of the clocks, temperatures and marks of a run's device; and nothing of what is unknown."""

from __future__ import annotations

from pathlib import Path

from support.documents import Document
from support.timings import PIXEL, run, timing

from levit_mobile.overview.collect import FoundRun, Gathered
from levit_mobile.overview.join import join
from levit_mobile.reporting.pages.conditions import facts
from levit_mobile.reporting.pages.overview import page
from levit_mobile.timing.record import Conditions

MOST = (1_704_000,) * 4 + (2_367_000,) * 4 + (2_914_000,)
PHONE = PIXEL.model_copy(update={"core_max_khz": MOST})
BEFORE = Conditions(
    thermal="none", core_khz=(600_000,) * 8 + (2_914_000,), core_limit_khz=MOST, thermal_headroom=0.657,
    hottest_celsius=47.04, battery_celsius=30.9, screen_on=True, fixed_performance_mode=False, charging=True,
)  # fmt: skip
AFTER = Conditions(thermal="light", core_khz=(600_000,) * 8 + (1_164_000,), hottest_celsius=61.0, screen_on=False)


def test_everything_that_the_record_has_is_a_fact() -> None:
    found = run(device=PHONE, before=BEFORE, after=AFTER, cooling_s=20, cores=())
    assert dict(facts(found)) == {
        "clocks": "4 x 1.70 GHz, 4 x 2.37 GHz, 1 x 2.91 GHz",
        "clock of core 8": "2.91 GHz of at most 2.91 GHz before, 1.16 GHz after",
        "hottest sensor": "47.0 °C before, 61.0 °C after",
        "battery's temperature": "30.9 °C before, unknown after",
        "thermal headroom": "0.66 before, unknown after",
        "waited to cool": "20 s",
        "screen": "on before, off after",
        "fixed performance": "off before, unknown after",
        "marks": "HOTTER, THROTTLED, CHARGING, SCREEN OFF",
    }


def test_the_clock_is_that_of_the_first_core_of_the_run() -> None:
    found = run(device=PHONE, before=BEFORE, after=AFTER, cores=(4, 5))
    assert dict(facts(found))["clock of core 4"] == "0.60 GHz of at most 2.37 GHz before, 0.60 GHz after"


def test_nothing_is_said_of_what_is_unknown() -> None:
    for cores in ((), (0,), (99,)):
        assert list(facts(run(before=Conditions(), after=Conditions(), cores=cores))) == []


def test_the_page_shows_the_facts_of_every_run() -> None:
    records = (run(device=PHONE, before=BEFORE, after=AFTER, cores=()), run(timing("other")))
    gathered = Gathered(Path(), runs=tuple(FoundRun(f"{number}.json", one) for number, one in enumerate(records)))
    shown = Document(page(gathered, join(gathered)))
    assert shown.said("dt").count("hottest sensor") == shown.said("dt").count("marks") == 1
    assert "47.0 °C before, 61.0 °C after" in shown.said("dd")
    assert "HOTTER, THROTTLED, CHARGING, SCREEN OFF" in shown.said("dd")


def test_the_cores_that_a_user_chose_are_named_on_a_phone_alone() -> None:
    assert ("pinned to", "core 4, 5") in list(facts(run(device=PIXEL, cores=(4, 5))))
    assert all(heading != "pinned to" for heading, _ in facts(run(cores=(4, 5))))
