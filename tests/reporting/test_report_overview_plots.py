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
from levit_mobile.reporting.plots.times import HIGH, Strip, distributions, order_of, profile_bars, strip_of
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
    ("values", "low", "log"),
    [
        ([3.0, 8.0], 2.6, False),
        ([3.0, 4.0], 2.92, False),
        ([120.0], 100.0, False),
        ([1.0, 10.5], None, True),
        ([0.0, 5.0], 0.0, False),
        ([1.0, 9.9], 0.288, False),
        ([], 0.0, False),
        ([0.0], 0.0, False),
        ([float("nan"), float("inf"), 2.4], 2.0, False),
    ],
)
def test_an_axis_begins_where_the_values_do(values: list[float], low: float | None, log: bool) -> None:
    found = measure(values, 0, 100)
    assert found.log == log
    if low is not None:
        assert found.scale.low == pytest.approx(low)
    assert found.told == (", logarithmic" if log else ", not from zero" if found.scale.low else "")


@pytest.mark.parametrize("values", [[3.0, 8.0], [0.7, 0.75], [4.1, 4.2, 4.3], [1.0, 200.0]])
def test_values_take_most_of_the_axis(values: list[float]) -> None:
    found = measure(values, 0, 100)
    assert found(max(values)) - found(min(values)) > 80


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
    shapes = [one for one in drawn(front_plot(points, "")).all("path") if "hollow" not in one["class"]]
    sizes = [float(attributes["transform"].rpartition("scale(")[2].rstrip(")")) for attributes in shapes]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == len(points) - 1


def test_no_mark_hides_a_smaller_one_of_the_same_place() -> None:
    points = [Point(str(db), target, 8.0, 3.0, db, "proven") for db, target in ((45, "tflite"), (120, "executorch"))]
    shapes = drawn(front_plot(points, "")).all("path")
    assert [attributes["class"] for attributes in shapes] == ["mark s1", "mark s2"]


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
    left, right = strip_of(400.0)
    assert left <= min(places)
    assert max(places) <= right
    assert max(float(high) for high in re.findall(r"v-([\d.]+)", bars)) == HIGH
    assert "slowest 300" in document.said("text")


def test_samples_in_order_keep_every_peak() -> None:
    samples = tuple(4.0 if number == 777 else 3.0 for number in range(2000))
    document = drawn(distributions([strip("a", samples)], "a phone"))
    (line,) = (one["points"] for one in document.all("polyline"))
    heights = [float(point.split(",")[1]) for point in line.split()]
    assert len(heights) < 130
    assert sum(height < max(heights) - 3 for height in heights) == 1
    assert line.startswith(f"{order_of(400.0)[0]:.1f},")


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


# The width


@pytest.mark.parametrize("width", [360.0, 400.0, 960.0])
def test_plots_use_the_width_that_they_have(width: float) -> None:
    front = drawn(front_plot(POINTS, "", width))
    assert front.all("svg")[0]["viewbox"] == f"0 0 {width:g} {HEIGHT:g}"
    places = [x for _, x, _ in marks(front)]
    assert max(places) - min(places) > 0.6 * width
    strips = drawn(distributions([strip("a", made.samples(3.0))], "", width))
    (line,) = (one["points"] for one in strips.all("polyline"))
    assert float(line.split()[-1].split(",")[0]) == pytest.approx(width - 6, abs=0.1)


@pytest.mark.parametrize("width", [360.0, 960.0])
def test_bars_of_blocks_leave_room_for_names_and_values(width: float) -> None:
    block = made.profile().blocks[0].model_copy(update={"name": "a block of more letters than 24"})
    long = made.profile().model_copy(update={"blocks": (block, *made.profile().blocks)})
    document = drawn(profile_bars(long, width))
    for name, value in zip(document.all("text")[::2], document.all("text")[1::2], strict=True):
        assert float(name["x"]) >= 24 * 6
        assert float(value["x"]) + 15 * 6.2 <= width
    assert "a block of more letters…" in document.said("text")


def test_names_leave_room_for_the_times_beside_them() -> None:
    names = [f"executorch-fp32, {number} threads of a long name" for number in (1, 4)]
    document = drawn(distributions([strip(name, made.samples(18.0)) for name in names], "", 360.0))
    left, right = strip_of(360.0)
    texts = [said for said in document.said("text") if said.startswith("execut") or said.endswith(" ms")]
    for name, told in zip(texts[::2], texts[1::2], strict=True):
        assert (len(name) + len(told)) * 6.2 < right - left


def test_written_times_of_a_plot_have_the_same_decimals() -> None:
    document = drawn(distributions([strip("slow", (18.0, 19.0)), strip("fast", (1.0, 2.0))], "a phone"))
    assert {"1.50 ms, p90 1.90", "18.50 ms, p90 18.90", "slowest 2.00", "slowest 19.00"} <= set(document.said("text"))


@pytest.mark.parametrize("width", [360.0, 900.0])
def test_the_key_fits_its_width(width: float) -> None:
    for text in (one for one in drawn(front_key(width)).all("text")):
        assert 0 <= float(text["x"]) <= width - 30
