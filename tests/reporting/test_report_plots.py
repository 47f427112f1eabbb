"""Plots put values where they belong, and stand whatever values come."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, fromstring

import pytest
from markupsafe import Markup
from support import validations as made

from levit_mobile.reporting.plots.axes import Scale, around, tag, ticks
from levit_mobile.reporting.plots.block_error import ARROW, CROSS, SERIES, sqnr_comparison, sqnr_plot
from levit_mobile.reporting.plots.validation import Share, binned, error_histogram, log_ticks, power_of_ten, share_bars
from levit_mobile.reporting.text import clean
from levit_mobile.validation.results import Drill

NAN, INF = math.nan, math.inf
NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")


def read(svg: Markup) -> Element:
    """The plot as XML, after a look at every number in it: finite, and inside of the view box."""
    root = fromstring(svg)
    width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
    for element in root.iter():
        assert not re.search("nan|inf", element.get("points", "") + element.get("transform", ""))
        for key in ("x", "x1", "x2"):
            assert 0 <= float(element.get(key, 0)) <= width
        for key in ("y", "y1", "y2"):
            assert 0 <= float(element.get(key, 0)) <= height
        assert float(element.get("width", 0)) >= 0
        assert float(element.get("height", 0)) >= 0
    return root


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter("text")]


def of_class(root: Element, name: str) -> list[Element]:
    return [element for element in root.iter() if name in element.get("class", "").split()]


def counts(root: Element) -> list[str]:
    return [bar.findtext("title") or "" for bar in of_class(root, "bar")]


# Axes


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.99, 1, [0.99, 0.992, 0.994, 0.996, 0.998, 1]),
        (17, 143, [20, 40, 60, 80, 100, 120, 140]),
        (-3, 3, [-3, -2, -1, 0, 1, 2, 3]),
    ],
)
def test_ticks_are_round_and_within(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("span", [1e-9, 0.3, 1, 7, 123, 1e12])
def test_ticks_are_some_wherever_the_axis_lies(span: float) -> None:
    found = ticks(5 * span, 6 * span)
    assert 3 <= len(found) <= 8
    assert all(5 * span * (1 - 1e-6) <= tick <= 6 * span * (1 + 1e-6) for tick in found)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.0, 100.0], (-8, 108)), ([50.0, 50.0], (46, 54)), ([], (-0.08, 1.08)), ([NAN, INF, 10.0], (9.0, 11.0))],
)
def test_an_axis_goes_around_what_is_finite(values: list[float], expected: tuple[float, float]) -> None:
    assert around(values) == pytest.approx(expected)


def test_a_scale_ends_where_its_axis_ends() -> None:
    scale = Scale(0, 10, 100, 0)
    assert [scale(value) for value in (0, 5, 10, 11, INF, -INF)] == [100, 50, 0, 0, 0, 100]


def test_an_element_is_escaped() -> None:
    hostile = clean(made.HOSTILE)
    element = fromstring(tag("text", made.HOSTILE, class_=made.HOSTILE, text_anchor="end", x=1 / 3))
    assert (element.text, element.attrib) == (hostile, {"class": hostile, "text-anchor": "end", "x": "0.33"})


# Errors


@pytest.mark.parametrize(
    ("errors", "inside", "exact", "broken"),
    [
        ([], 0, 0, 0),
        ([0.0, 0.0], 0, 2, 0),
        ([NAN, INF], 0, 0, 2),
        ([1e-5], 1, 0, 0),
        ([1e-5] * 7, 7, 0, 0),
        ([0.0, 1e-5, NAN, -INF], 1, 1, 2),
        ([5e-324, 1.7e308], 2, 0, 0),
        (list(made.errors(2e-6)), 500, 0, 0),
        ([10.0**i for i in range(-12, 3)], 15, 0, 0),
    ],
)
def test_every_error_is_in_one_bar(errors: list[float], inside: int, exact: int, broken: int) -> None:
    bins = binned(errors)
    assert (sum(bins.counts), bins.exact, bins.broken) == (inside, exact, broken)
    assert not inside or 10 <= len(bins.counts) <= 24
    found = [int(count.split()[0]) for count in counts(read(error_histogram(errors)))]
    assert sum(found) == len(errors)
    expected = [n for n in (exact, *bins.counts, broken) if n]
    assert sorted(found) == sorted(expected)


def test_an_error_lies_in_its_bin() -> None:
    bins = binned([1.01e-3, 9.9e-3, 9.9e-3])
    edges = [10 ** (bins.low + i * bins.step) for i in range(len(bins.counts) + 1)]
    held = [(low, high, n) for low, high, n in zip(edges, edges[1:], bins.counts, strict=False) if n]
    assert [n for _, _, n in held] == [1, 2]
    assert held[0][0] <= 1.01e-3 < held[0][1]
    assert held[1][0] <= 9.9e-3 < held[1][1]


def test_more_pictures_make_a_higher_bar() -> None:
    one, two = of_class(read(error_histogram([1e-3, 9e-3, 9e-3])), "bar")
    assert float(two.attrib["height"]) == pytest.approx(2 * float(one.attrib["height"]), abs=0.02)
    assert float(two.attrib["x"]) > float(one.attrib["x"])


@pytest.mark.parametrize("others", [[], [0.0], [NAN], [0.0, NAN]])
def test_a_bar_stands_at_its_place_on_the_axis(others: list[float]) -> None:
    root = read(error_histogram([1.05e-3, 1.05e-4, *others]))
    at = {text.text: float(text.get("x", 0)) for text in root.iter("text")}
    lefts = [float(bar.attrib["x"]) for bar in of_class(root, "bar")]
    for tick in ("1e-04", "1e-03"):
        assert min(abs(left - at[tick]) for left in lefts) < 1.5  # both are their bins' left edges, but for the gap


def test_zeros_stand_left_and_nan_right_of_the_axis() -> None:
    root = read(error_histogram([0.0, 1e-3, NAN]))
    (axis,) = of_class(root, "axis")
    zero, nan, inside = of_class(root, "bar")
    assert float(zero.attrib["x"]) + float(zero.attrib["width"]) < float(axis.attrib["x1"])
    assert float(axis.attrib["x1"]) <= float(inside.attrib["x"]) <= float(axis.attrib["x2"])
    assert float(nan.attrib["x"]) > float(axis.attrib["x2"])
    assert {"0", "NaN, inf", "max abs error per image, logits", "images"} <= set(texts(root))


def test_no_pictures_are_said() -> None:
    assert texts(read(error_histogram([]))) == ["no images"]


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (-6, -4.5, ["1e-06", "2e-06", "5e-06", "1e-05", "2e-05"]),
        (-1, 1, ["0.1", "0.2", "0.5", "1", "2", "5", "10"]),
        (-8, -2, ["1e-08", "1e-07", "1e-06", "1e-05", "1e-04", "1e-03", "0.01"]),
        (-324, 309, ["1e-300", "1e-200", "1e-100", "1", "1e+100", "1e+200", "1e+300"]),
    ],
)
def test_decades_are_written_as_errors_are(low: float, high: float, written: list[str]) -> None:
    assert [power_of_ten(tick) for tick in log_ticks(low, high)] == written


# Shares


def bar(value: float, interval: tuple[float, float] | None = None, bound: float | None = None) -> Share:
    return Share("top-1 agreement", value, interval, bound, "candidate")


@pytest.mark.parametrize(
    ("shares", "start"),
    [
        ([bar(1.0, (0.992, 1.0))], "99%"),
        ([bar(0.97, (0.955, 0.98))], "95%"),
        ([bar(0.97, (0.955, 0.98)), bar(0.4)], "0%"),
        ([bar(0.99, (0.95, 1.0))], "90%"),
        ([bar(0.999, None, 0.85)], "80%"),
        ([bar(NAN)], "0%"),
        ([bar(0.0, (0.0, 0.1))], "0%"),
    ],
)
def test_the_axis_starts_where_all_can_be_seen(shares: list[Share], start: str) -> None:
    assert f"% of images, axis from {start}; dashed: lower bound" in texts(read(share_bars(shares)))


def test_whiskers_are_the_interval_and_the_dashes_the_bound() -> None:
    root = read(share_bars([bar(0.6, (0.5, 0.8), 0.9)]))
    (rect,) = of_class(root, "bar")
    left, width = float(rect.attrib["x"]), float(rect.attrib["width"])
    whole = width / 0.6
    across, low, high = of_class(root, "whisker")
    assert [float(across.attrib[key]) for key in ("x1", "x2")] == pytest.approx(
        [left + 0.5 * whole, left + 0.8 * whole], abs=0.1
    )
    assert (low.attrib["x1"], high.attrib["x1"]) == (across.attrib["x1"], across.attrib["x2"])
    (dashes,) = of_class(root, "bound")
    assert float(dashes.attrib["x1"]) == pytest.approx(left + 0.9 * whole, abs=0.1)
    assert "60.00% (50.00 to 80.00%)" in texts(root)


@pytest.mark.parametrize("shares", [[], [bar(NAN, (NAN, NAN), 1.0)], [bar(NAN)], [bar(INF)]])
def test_what_is_no_number_has_no_bar(shares: list[Share]) -> None:
    root = read(share_bars(shares))
    assert of_class(root, "bar") == of_class(root, "whisker") == []
    assert len([words for words in texts(root) if words == "top-1 agreement"]) == len(shares)


def test_the_colour_says_which_model() -> None:
    root = read(share_bars([bar(0.9), Share("top-1 accuracy, reference", 0.8, None, None, "reference")]))
    assert [element.attrib["class"] for element in of_class(root, "bar")] == ["bar candidate", "bar reference"]


# Blocks


def with_sqnr(values: Sequence[float], budget: float = 50.0) -> Drill:
    """The first blocks of a drill with other values."""
    drill = made.drill(80.0, 0.5, budget)
    blocks = tuple(
        block.model_copy(update={"sqnr_db": value, "within": value >= budget})
        for block, value in zip(drill.blocks, values, strict=False)
    )
    first = next((block.name for block in blocks if not block.within), None)
    return drill.model_copy(update={"blocks": blocks, "first_over": first, "min_sqnr_db": budget})


def marks(root: Element) -> list[Element]:
    """The marks of blocks, which all have a title; those of keys have none."""
    return [element for element in of_class(root, "mark") if element.find("title") is not None]


def place(mark: Element) -> tuple[float, float]:
    x, y = NUMBERS.findall(mark.attrib["transform"])
    return float(x), float(y)


def test_every_block_is_marked_and_named_in_order() -> None:
    root = read(sqnr_plot(made.proven().drill or with_sqnr([])))
    names = list(made.block_names())
    assert [(mark.findtext("title") or "").split(":")[0] for mark in marks(root)] == names
    assert [text for text in texts(root) if text in names] == names
    across = [place(mark)[0] for mark in marks(root)]
    assert across == sorted(set(across))
    assert {"SQNR, dB", "budget 100.0 dB, below this axis", "every block is within its budget"} <= set(texts(root))


def test_higher_is_better() -> None:
    best, middle, worst = (place(mark)[1] for mark in marks(read(sqnr_plot(with_sqnr([90, 70, 40])))))
    assert best < middle < worst
    assert (middle - best) / (worst - middle) == pytest.approx(20 / 30, abs=0.02)


def test_blocks_over_budget_are_marked_and_the_first_is_named() -> None:
    root = read(sqnr_plot(with_sqnr([90, 60, 40, 60, 30])))
    over = [(mark.findtext("title") or "").split(":")[0] for mark in marks(root) if mark in of_class(root, "over")]
    assert over == ["stage0.mlp0", "stage0.mlp1"]
    assert "first over budget: stage0.mlp0" in texts(root)
    (first,) = of_class(root, "first-over")
    assert float(first.attrib["x1"]) == pytest.approx(place(marks(root)[2])[0], abs=0.1)
    (budget,) = of_class(root, "bound")
    between = [place(mark)[1] for mark in marks(root)]
    assert between[1] < float(budget.attrib["y1"]) < between[2]


@pytest.mark.parametrize(
    ("values", "shapes", "lines"),
    [
        ([INF, 90, 80], [ARROW, "", ""], 1),
        ([90, NAN, 80], ["", CROSS, ""], 2),
        ([NAN, NAN], [CROSS, CROSS], 0),
        ([INF, INF], [ARROW, ARROW], 0),
        ([-INF, 90], ["", ""], 1),
        ([70, 70, 70], ["", "", ""], 1),
        ([], [], 0),
        ([55], [""], 1),
    ],
)
def test_what_is_not_finite_has_a_mark_of_its_own_and_breaks_the_line(
    values: list[float], shapes: list[str], lines: int
) -> None:
    root = read(sqnr_plot(with_sqnr(values)))
    found = [mark.attrib["d"] for mark in marks(root)]
    assert [shape if shape in (ARROW, CROSS) else "" for shape in found] == shapes
    assert len(list(root.iter("polyline"))) == lines
    assert ("no error (inf dB)" in texts(root)) == (ARROW in shapes)
    assert ("not a number" in texts(root)) == (CROSS in shapes)
    assert ("no blocks" in texts(root)) == (values == [])


def test_infinity_lies_at_the_top_and_nan_at_the_bottom() -> None:
    top, *between, bottom = (place(mark)[1] for mark in marks(read(sqnr_plot(with_sqnr([INF, 90, 60, NAN])))))
    assert top < min(between)
    assert max(between) < bottom


def test_a_comparison_has_a_line_and_a_key_a_drill() -> None:
    drills = {f"target {i}": made.drill(140.0 - 10 * i, 0.5, 50.0) for i in range(SERIES + 1)}
    root = read(sqnr_comparison(drills))
    assert [text for text in texts(root) if text in drills] == list(drills)
    lines = [line.attrib["class"] for line in root.iter("polyline")]
    assert lines == [f"series s{i % SERIES}" for i in range(SERIES + 1)]
    shapes = {(mark.attrib["d"], mark.attrib["class"]) for mark in marks(root)}
    assert len(shapes) == SERIES + 1  # the seventh has the first one's colour and another shape


def test_budgets_that_differ_are_all_drawn() -> None:
    root = read(sqnr_comparison({"fp32": with_sqnr([120, 110], 100.0), "fp16": with_sqnr([70, 60], 50.0)}))
    assert {"budget 50.0 dB", "budget 100.0 dB"} <= set(texts(root))
    assert len(of_class(read(sqnr_comparison({"a": with_sqnr([70]), "b": with_sqnr([60])})), "bound")) == 1


def test_blocks_that_one_lacks_keep_their_place() -> None:
    whole = made.drill(80.0, 0.5, 50.0)
    less = whole.model_copy(update={"blocks": (*whole.blocks[:3], *whole.blocks[5:])})
    root = read(sqnr_comparison({"less": less, "whole": whole}))
    names = list(made.block_names())
    assert [text for text in texts(root) if text in names] == names


def test_a_long_name_is_cut_in_the_plot_and_whole_in_its_title() -> None:
    drill = with_sqnr([70, 60])
    long = made.HOSTILE
    blocks = (drill.blocks[0].model_copy(update={"name": long}), drill.blocks[1])
    root = read(sqnr_plot(drill.model_copy(update={"blocks": blocks})))
    assert marks(root)[0].findtext("title") == f"{clean(long)}: 70.0 dB"
    assert [text for text in texts(root) if text.startswith("<script>") and text.endswith("…") and len(text) == 22]
