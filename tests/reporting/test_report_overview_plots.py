"""Where marks and labels lie, which axis is drawn, and what of the samples a drawing keeps."""

from __future__ import annotations

import itertools
import re

import pytest
from markupsafe import Markup
from support import overviews as made
from support.documents import Document

from levit_mobile.overview.pareto import Point
from levit_mobile.reporting.plots.pareto import HEIGHT, WIDTH, front_key, front_plot
from levit_mobile.reporting.plots.scales import measure
from levit_mobile.reporting.plots.times import HIGH, ORDER, STRIP, Strip, distributions, profile_bars
from levit_mobile.reporting.text import ms
from levit_mobile.timing.samples import Summary

POINTS = [
    Point(recipe, recipe.partition("-")[0], megabytes, typical, sqnr_db, "proven")
    for recipe, (megabytes, typical, sqnr_db, _) in made.SAMPLES.items()
]


def strip(label: str, samples: tuple[float, ...]) -> Strip:
    summary = Summary.of(samples)
    assert summary
    return Strip(label, samples, summary, "s0")


def drawn(svg: Markup) -> Document:
    return Document(str(svg))


def marks(document: Document) -> list[tuple[str, float, float]]:
    """Class, x and y of every mark."""
    found = []
    for attributes in document.all("path"):
        if place := re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", attributes.get("transform", "")):
            found.append((attributes["class"], float(place[1]), float(place[2])))
    return found


# Axes


@pytest.mark.parametrize(
    ("values", "near", "low", "log"),
    [
        ([3.0, 8.0], False, 0.0, False),
        ([3.0, 4.0], False, 0.0, False),
        ([3.0, 4.0], True, 2.92, False),
        ([1.0, 10.5], False, None, True),
        ([0.0, 5.0], True, 0.0, False),
        ([], False, 0.0, False),
        ([0.0], True, 0.0, False),
        ([float("nan"), float("inf"), 2.0], False, 0.0, False),
    ],
)
def test_an_axis_starts_where_it_makes_sense(values: list[float], near: bool, low: float | None, log: bool) -> None:
    found = measure(values, 0, 100, near=near)
    assert found.log == log
    if low is not None:
        assert found.scale.low == pytest.approx(low)
    assert found.told == (", logarithmic" if log else ", not from zero" if found.scale.low else "")


def test_a_logarithmic_axis_has_equal_ratios_at_equal_distances() -> None:
    found = measure([0.1, 100.0], 0, 300)
    assert found(10) - found(1) == pytest.approx(found(100) - found(10))
    assert found(0) == 0
    assert [text for _, text in found.ticks()] == ["0.1", "1", "10", "100"]


# The front


def test_every_point_is_a_mark_and_the_smallest_and_fastest_are_joined() -> None:
    document = drawn(front_plot(POINTS, "a phone"))
    assert len(marks(document)) == len(POINTS)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for _, x, y in marks(document))
    assert document.said("desc") == [
        "Smallest and fastest: coreml-palette4 4.07 MB 1.50 ms; coreml-fp16 15.00 MB 1.40 ms."
    ]
    (line,) = document.all("polyline")
    assert len(line["points"].split()) == 3


def test_what_another_beats_in_all_three_is_pale() -> None:
    paths = drawn(front_plot(POINTS, "a phone"))
    pale = [class_ for class_, _, _ in marks(paths) if "pale" in class_]
    assert pale == ["mark s2 pale"]  # tflite-int4-weight: coreml-palette4 is smaller, faster and nearer


def test_a_broken_one_is_a_cross_with_its_word() -> None:
    broken = Point("bad", "tflite", 1.0, 1.0, 3.0, "broken")
    document = drawn(front_plot([*POINTS, broken], "a phone"))
    assert sum("nan" in class_ for class_, _, _ in marks(document)) == 1
    assert "bad, BROKEN" in document.said("text")


def test_the_nearer_the_larger_and_an_unknown_one_is_hollow() -> None:
    points = [Point(str(db), "tflite", 1.0 + n, 5.0 - n, db, "proven") for n, db in enumerate((120, 45, 30, 10, None))]
    shapes = drawn(front_plot(points, "")).all("path")
    sizes = [float(attributes["transform"].rpartition("scale(")[2].rstrip(")")) for attributes in shapes]
    assert sizes[:4] == sorted(sizes[:4], reverse=True)
    assert ["hollow" in attributes["class"] for attributes in shapes] == [False] * 4 + [True]


def test_labels_cover_no_other_label() -> None:
    labels = [one for one in drawn(front_plot(POINTS, "")).all("text") if one.get("class") == "label"]
    assert len(labels) > 4
    places = [(float(one["x"]), float(one["y"])) for one in labels]
    assert all(abs(a[1] - b[1]) > 9 or abs(a[0] - b[0]) > 40 for a, b in itertools.combinations(places, 2))


@pytest.mark.parametrize("points", [[], POINTS[:1], POINTS[:1] * 3], ids=["none", "one", "the same"])
def test_few_points_are_drawn(points: list[Point]) -> None:
    assert len(marks(drawn(front_plot(points, "")))) == len(points)


def test_the_key_names_every_target_and_size() -> None:
    said = drawn(front_key()).said("text")
    assert said[:4] == ["coreml", "executorch", "tflite", "BROKEN"]
    assert "60 dB or more" in said


# Distributions


def test_the_fastest_stands_first_and_all_are_told() -> None:
    document = drawn(distributions([strip("slow", (5.0, 6.0)), strip("fast", (1.0, 2.0))], "a phone"))
    labels = [said for said in document.said("text") if said in ("fast", "slow")]
    assert labels == ["fast", "slow"]
    assert document.said("desc") == ["fast median 1.50 ms; slow median 5.50 ms"]
    assert "1.50 ms, p90 1.90" in document.said("text")


def test_bars_stay_in_the_strip_however_slow_the_slowest() -> None:
    samples = (*made.samples(3.0), 300.0)
    document = drawn(distributions([strip("a", samples)], "a phone"))
    (bars,) = (one["d"] for one in document.all("path") if "bars" in one["class"])
    places = [float(x) for x in re.findall(r"M([\d.]+),", bars)]
    assert STRIP[0] <= min(places)
    assert max(places) <= STRIP[1]
    assert max(float(high) for high in re.findall(r"v-([\d.]+)", bars)) == HIGH
    assert "slowest 300" in document.said("text")


def test_samples_in_order_keep_every_peak() -> None:
    samples = tuple(4.0 if number == 777 else 3.0 for number in range(2000))
    document = drawn(distributions([strip("a", samples)], "a phone"))
    (line,) = (one["points"] for one in document.all("polyline"))
    heights = [float(point.split(",")[1]) for point in line.split()]
    assert len(heights) < 130
    assert sum(height < max(heights) - 3 for height in heights) == 1
    assert line.startswith(f"{ORDER[0]},")


def test_one_sample_is_a_dot() -> None:
    document = drawn(distributions([strip("a", (3.0,))], "a phone"))
    assert len(document.all("circle")) == 1
    assert "3.00 ms" in document.said("text")
    assert document.all("path")


def test_a_profile_has_a_bar_a_block_and_none_below_zero() -> None:
    found = made.profile()
    document = drawn(profile_bars(found))
    assert len(document.all("rect")) == len(found.blocks)
    below = found.model_copy(update={"blocks": (made.Block(name="a", samples_ms=(-0.5,)), found.blocks[0])})
    widths = [float(one["width"]) for one in drawn(profile_bars(below)).all("rect")]
    assert widths[0] == 0 < widths[1]


@pytest.mark.parametrize(
    ("value", "written"), [(0.01234, "0.0123"), (0.7, "0.70"), (3.149, "3.15"), (18.71, "18.7"), (123.4, "123")]
)
def test_milliseconds_have_three_digits(value: float, written: str) -> None:
    assert ms(value) == written
