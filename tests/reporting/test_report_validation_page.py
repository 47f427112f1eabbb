"""The page of validations: figures that a phone shows, one notation per column, folded tables, and its date."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, fromstring

import pytest
from support import validations as made
from support.browser import chromium, driven
from support.documents import Document

from levit_mobile.reporting.pages.validation import page
from levit_mobile.reporting.plots.validation import Share, share_bars
from levit_mobile.reporting.text import error, margin
from levit_mobile.validation.results import Validation

PHONE = 390
EXPONENT = re.compile(r"\d\.\de[+-]\d\d")


def table(html: str, name: str) -> Element:
    """The first table of that class."""
    (found, *_) = re.findall(rf'<table class="{name}\b.*?</table>', html, re.S)
    return fromstring(re.sub(r"<(img|br)\b([^>]*?)/?>", r"<\1\2/>", found))


def words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def column(html: str, name: str, label: str) -> list[str]:
    cells = table(html, name).iter("td")
    return [words(cell) for cell in cells if cell.get("data-label") == label]


def with_margins(*margins: float) -> Validation:
    flips = tuple(
        made.picture(number, 0.9, flip=True).model_copy(update={"reference_margin": size})
        for number, size in enumerate(margins)
    )
    return made.broken(worst=(), drill=None).model_copy(update={"flips": flips})


# The phone


@pytest.mark.parametrize("name", ["summary", "bounds", "blocks", "flips"])
def test_every_cell_has_its_heading_or_a_row_of_its_own(name: str) -> None:
    found = table(page([made.broken(), made.proven()], {}), name)
    heads = [words(head) for head in found.iter("th")]
    for row in found.findall("tbody/tr"):
        cells = row.findall("td")
        assert len(cells) == len(heads)
        for head, cell in zip(heads, cells, strict=True):
            label = cell.get("data-label")
            assert label == head or (head, label) == ("margin", "its margin") or label is None
        unlabelled = [head for head, cell in zip(heads, cells, strict=True) if "data-label" not in cell.attrib]
        assert set(unlabelled) <= {"verdict", "bundle", "block", "budget", "image", "bound", ""}


INSIDE = """
const box = (one) => one.getBoundingClientRect();
const seen = (one) => box(one).width > 0 && box(one).height > 0;
const right = page.documentElement.clientWidth + 0.5;
const outside = [...page.querySelectorAll("td, th, svg, svg text")]
  .filter((one) => seen(one) && (box(one).left < 0 || box(one).right > right));
const cut = [...page.querySelectorAll("svg text")].filter(seen).filter((one) => {
  const [text, plot] = [box(one), box(one.ownerSVGElement)];
  return text.left < plot.left - 1 || text.right > plot.right + 1 || text.bottom > plot.bottom + 1;
}).map((one) => one.textContent);
const scrolled = [...page.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1);
const cells = [...page.querySelectorAll(".summary tbody td, .bounds tbody td")].filter((one) => !seen(one));
return [[...outside.map((one) => one.textContent), ...cut], scrolled.length, cells.length];
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, PHONE, 600, 1280])
def test_every_figure_and_plot_is_inside_the_screen(width: int) -> None:
    chromium()
    html = page([made.proven(), made.broken(), made.not_run(), made.not_a_number()], {})
    assert driven(html, INSIDE, width=width) == [[], 0, 0]


LETTERS = """
const plots = [...page.querySelectorAll("figure svg")].filter((one) => one.getBoundingClientRect().width > 0);
const scales = plots.map((one) => one.getBoundingClientRect().width / one.viewBox.baseVal.width);
return [plots.length, Math.min(...scales), Math.max(...scales)];
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [PHONE, 800, 1280])
def test_one_of_each_plot_is_shown_and_its_letters_can_be_read(width: int) -> None:
    chromium()
    shown, least, most = driven(page([made.proven(), made.broken()], {}), LETTERS, width=width)
    assert shown == 1 + 2 * 3
    assert least >= 0.75  # of 12 px
    assert most <= 1.5


def test_a_narrow_plot_has_its_values_below_the_titles() -> None:
    shares = [Share("top-1 accuracy, reference", 0.968, (0.95, 0.98), None, "reference")] * 2
    for width, lines in ((480.0, 2), (360.0, 4)):
        rows = [text for text in fromstring(share_bars(shares, width)).iter("text") if text.get("class") != "tick"]
        assert len({text.attrib["y"] for text in rows if text.get("class") != "name"}) == lines


# Numbers


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([3.21, 8.3e-06], ["3.2e+00", "8.3e-06"]),
        ([3.21, 0.0421], ["3.21", "0.0421"]),
        ([0.5, 2000.0], ["5.0e-01", "2.0e+03"]),
        ([0.0, 8.3e-06], ["0", "8.3e-06"]),
        ([float("nan"), float("inf"), 0.5], ["NaN", "inf", "0.5"]),
    ],
)
def test_a_column_of_errors_has_one_notation(values: list[float], written: list[str]) -> None:
    assert [error(value, values) for value in values] == written


def test_a_column_of_margins_has_one_notation() -> None:
    assert [margin(value, (0.321, 2.3e-05)) for value in (0.321, 2.3e-05)] == ["3.2e-01", "2.3e-05"]
    assert [margin(value, (0.321, 2.5)) for value in (0.321, 2.5)] == ["0.321", "2.5"]
    found = column(page([with_margins(0.321, 2.3e-05)], {}), "flips", "its margin")
    assert all(EXPONENT.fullmatch(cell) for cell in found)


def test_the_summary_has_one_notation_for_all_errors() -> None:
    found = column(page([made.proven(), made.broken(), made.not_run()], {}), "summary", "max abs error")
    assert found == ["8.3e-06", "3.2e+00", "-"]
    assert column(page([made.broken()], {}), "summary", "max abs error") == ["3.21"]


def test_blocks_have_one_notation_for_all_errors() -> None:
    found = made.broken()
    assert found.drill
    sizes = [block.max_abs_error for block in found.drill.blocks]
    assert min(sizes) < 0.01 < max(sizes)
    assert all(EXPONENT.fullmatch(cell) for cell in column(page([found], {}), "blocks", "max abs error"))


# What folds


def test_blocks_that_are_all_within_their_budget_are_folded() -> None:
    document = Document(page([made.proven()], {}))
    assert document.all("details") == [{"class": "fold"}]
    html = page([made.proven()], {})
    assert "<summary>24 blocks, all within the budget of 100.0 dB; the lowest is head with 125.6 dB</summary>" in html
    assert len(table(html, "blocks").findall("tbody/tr")) == 24


@pytest.mark.parametrize("validation", [made.broken(), made.not_a_number()])
def test_blocks_over_their_budget_are_not_folded(validation: Validation) -> None:
    html = page([validation], {})
    assert Document(html).all("details") == []
    assert "OVER" in [words(cell) for cell in table(html, "blocks").iter("td")]


# Its date


def test_the_page_has_its_date() -> None:
    written = page([made.proven()], {}, written=datetime(2026, 1, 31, 12, 5, tzinfo=UTC))
    document = Document(written)
    assert "levit-mobile validate, page written 2026-01-31 12:05 UTC" in document.said("p")
    assert document.all("time") == [{"datetime": "2026-01-31T12:05:00+00:00"}]


def test_unless_told_the_date_is_today() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    ((attributes),) = Document(page([made.proven()], {})).all("time")
    assert before <= datetime.fromisoformat(attributes["datetime"]) <= datetime.now(UTC)
