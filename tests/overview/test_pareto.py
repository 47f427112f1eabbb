"""Which artifacts are worth choosing."""

from __future__ import annotations

import math

import pytest

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


def point(size: float, ms: float, sqnr: float | None, verdict: str = "proven") -> Point:
    return Point("p", "tflite", size, ms, sqnr, verdict)  # type: ignore[arg-type]


def test_the_front_is_by_size_and_each_next_is_faster() -> None:
    fast, small, between, same_size, same_time = (
        point(9, 1, None),
        point(1, 9, None),
        point(5, 5, None),
        point(5, 6, None),
        point(6, 5, None),
    )
    assert front((fast, same_size, between, same_time, small)) == (small, between, fast)


@pytest.mark.parametrize(
    ("other", "beaten"),
    [
        (point(2, 2, 20), False),  # an equal
        (point(1, 2, 20), True),
        (point(2, 1, 20), True),
        (point(2, 2, 21), True),
        (point(1, 1, 19), False),
        (point(1, 3, 21), False),
        (point(3, 1, 21), False),
        (point(1, 1, None), False),
        (point(1, 1, math.nan), False),
        (point(1, 1, 30, "broken"), False),
        (point(1, 1, 30, "not run"), True),
    ],
)
def test_a_point_is_beaten_by_what_is_no_worse_in_all_and_better_in_one(other: Point, beaten: bool) -> None:
    assert dominated(point(2, 2, 20), (point(2, 2, 20), other)) is beaten


def test_only_what_is_broken_does_not_count() -> None:
    assert [point(1, 1, 1, verdict).counts for verdict in ("proven", "not run", "broken")] == [True, True, False]
    assert dominated(point(1, 1, 1, "broken"), ())
    assert not dominated(point(1, 1, None), ())
