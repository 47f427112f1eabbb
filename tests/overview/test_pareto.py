"""Which artifacts are worth choosing."""

from __future__ import annotations

import math

from levit_mobile.overview.pareto import Point, dominated, front

NEAR = Point("near", "tflite", 30.0, 8.0, 120.0, "proven")
SMALL = Point("small", "tflite", 4.0, 5.0, 25.0, "proven")
FAST = Point("fast", "tflite", 8.0, 3.0, 35.0, "proven")
WORSE = Point("worse", "tflite", 9.0, 3.0, 30.0, "not run")
BROKEN = Point("broken", "tflite", 1.0, 1.0, 5.0, "broken")
ALL = (NEAR, SMALL, FAST, WORSE, BROKEN)


def test_the_front_is_what_no_other_beats_in_size_and_time() -> None:
    assert front(ALL) == (SMALL, FAST)
    assert front(()) == ()
    assert front((BROKEN,)) == ()


def test_a_near_one_is_no_bad_choice_though_it_is_large_and_slow() -> None:
    assert [point.label for point in ALL if dominated(point, ALL)] == ["worse", "broken"]


def test_equals_do_not_beat_each_other() -> None:
    twin = Point("twin", "tflite", 8.0, 3.0, 35.0, "proven")
    assert not dominated(FAST, (FAST, twin))
    assert len(front((FAST, twin))) == 1


def test_what_is_unknown_is_no_nearer_than_anything() -> None:
    unknown = Point("unknown", "tflite", 8.0, 3.0, None, "proven")
    nan = Point("nan", "tflite", 8.0, 3.0, math.nan, "proven")
    exact = Point("exact", "tflite", 9.0, 3.5, math.inf, "proven")
    assert dominated(unknown, (unknown, FAST))
    assert not dominated(FAST, (unknown, nan, FAST))
    assert not dominated(exact, (unknown, FAST, exact))
