"""Plots of blocks: lines of equal values are told apart, axes begin at the values, and legends fit the width."""

from __future__ import annotations

import itertools
import re
from xml.etree.ElementTree import Element, fromstring

import pytest
from support import validations as made

from levit_mobile.reporting.plots.axes import NARROW, responsive
from levit_mobile.reporting.plots.block_error import LINE, WIDTH, sqnr_comparison, sqnr_plot
from levit_mobile.reporting.plots.legend import LETTER, SAMPLE
from levit_mobile.validation.results import Drill

WIDTHS = (WIDTH, NARROW)
LONG = "levit_128s-coreml-fp16 on MIL reference, rounded as declared"


def with_budget(budget: float) -> Drill:
    """Blocks from 79 to 64 dB."""
    return made.drill(80.0, 0.6, 50.0).model_copy(update={"min_sqnr_db": budget})


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter("text")]


def moved(element: Element) -> tuple[float, float]:
    x, y = re.findall(r"-?[\d.]+", element.attrib["transform"])[:2]
    return float(x), float(y)


def block_marks(root: Element) -> list[Element]:
    return [path for path in root.iter("path") if path.find("title") is not None]


def block_names(root: Element) -> list[Element]:
    return [text for text in root.iter("text") if "rotate" in text.get("transform", "") and text.text != "SQNR, dB"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [2, 4, 9])
def test_drills_of_equal_values_have_separate_marks(width: float, count: int) -> None:
    same = made.drill(80.0, 0.5, 50.0)
    root = fromstring(sqnr_comparison({f"target {number}": same for number in range(count)}, width))
    marks = [mark for mark in block_marks(root) if (mark.findtext("title") or "").startswith("stem:")]
    places = [moved(mark) for mark in marks]
    assert len({x for x, _ in places}) == count
    assert len({y for _, y in places}) == 1
    others = [moved(mark) for mark in block_marks(root) if (mark.findtext("title") or "").startswith("stage0.attn0:")]
    assert max(x for x, _ in places) < min(x for x, _ in others)  # and none is beside its neighbour's


def test_a_line_that_covers_another_has_gaps() -> None:
    same = made.drill(80.0, 0.5, 50.0)
    lines = list(fromstring(sqnr_comparison({f"target {number}": same for number in range(5)})).iter("polyline"))
    dashes = [line.get("stroke-dasharray", "") for line in lines]
    assert dashes[0] == ""
    assert all(dashes[1:])
    assert len(set(dashes)) == 5


def test_marks_are_above_all_lines() -> None:
    root = fromstring(sqnr_comparison({"a": made.drill(80.0, 0.5, 50.0), "b": made.drill(79.0, 0.5, 50.0)}))
    kinds = [child.tag for child in root if child.tag == "polyline" or child.find("title") is not None]
    assert kinds == sorted(kinds, key=["polyline", "path"].index)


@pytest.mark.parametrize(
    ("budget", "said", "line"),
    [
        (60.0, "budget 60.0 dB", True),
        (75.0, "budget 75.0 dB", True),
        (10.0, "budget 10.0 dB, below this axis", False),
        (140.0, "budget 140.0 dB, above this axis", False),
    ],
)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_distant_budget_does_not_stretch_the_axis(width: float, budget: float, said: str, line: bool) -> None:
    root = fromstring(sqnr_plot(with_budget(budget), width))
    assert said in texts(root)
    assert any(one.get("class") == "bound" for one in root.iter("line")) == line
    heights = [moved(mark)[1] for mark in block_marks(root)]
    (floor,) = (float(one.attrib["y1"]) for one in root.iter("line") if one.get("class") == "axis")
    assert max(heights) - min(heights) > 140  # of 250 px
    assert max(heights) < floor


@pytest.mark.parametrize("width", WIDTHS)
def test_a_legend_of_long_names_fits_and_is_whole(width: float) -> None:
    drill = made.drill(80.0, 0.5, 50.0)
    names = [LONG, f"{LONG} again", "short", "brief", LONG.replace("levit_128s", "a_name_without_any_place_to_break")]
    root = fromstring(sqnr_comparison(dict.fromkeys(names, drill), width))
    keys = [text for text in root.iter("text") if not text.get("class") and "transform" not in text.attrib]
    assert "".join(text.text or "" for text in keys).replace(" ", "") == "".join(names).replace(" ", "")
    for text in keys:
        assert float(text.attrib["x"]) + LETTER * len(text.text or "") <= width
    places = [(float(text.attrib["x"]), float(text.attrib["y"]), len(text.text or "")) for text in keys]
    for (x, y, letters), (other, below, _) in itertools.pairwise(places):
        assert below > y or other >= x + LETTER * letters + SAMPLE
    highest = min(moved(mark)[1] for mark in block_marks(root))
    assert max(y for _, y, _ in places) < highest


@pytest.mark.parametrize("width", WIDTHS)
def test_names_of_blocks_stay_inside_and_apart(width: float) -> None:
    root = fromstring(sqnr_plot(made.drill(80.0, 0.5, 50.0), width))
    height = float(root.attrib["viewBox"].split()[3])
    names = block_names(root)
    assert [name.text for name in names] == list(made.block_names())
    for name in names:
        x, y = moved(name)
        slanted = "rotate(-45)" in name.attrib["transform"]
        long = 6.4 * len(name.text or "") * (0.7071 if slanted else 1)
        assert x - (long if slanted else 0) >= 0
        assert y + long <= height
    apart = moved(names[1])[0] - moved(names[0])[0]
    assert apart * (0.7071 if "rotate(-45)" in names[0].attrib["transform"] else 1) >= LINE - 1


def test_of_many_blocks_some_are_named() -> None:
    block = made.drill(80.0, 0.5, 50.0).blocks[0]
    blocks = tuple(block.model_copy(update={"name": f"stage{number}.attn"}) for number in range(100))
    drill = made.drill(80.0, 0.5, 50.0).model_copy(update={"blocks": blocks})
    root = fromstring(sqnr_plot(drill, NARROW))
    assert len(block_marks(root)) == 100
    places = [moved(name)[0] for name in block_names(root)]
    assert all(after - before >= LINE - 1 for before, after in itertools.pairwise(places))


def test_a_plot_is_drawn_for_screens_and_for_phones() -> None:
    both = fromstring(f"<div>{responsive(lambda width: sqnr_plot(with_budget(60.0), width), WIDTH)}</div>")
    boxes = {div.attrib["class"]: svg.attrib["viewBox"].split()[2] for div in both for svg in div}
    assert boxes == {"on-wide": "960", "on-narrow": "360"}
