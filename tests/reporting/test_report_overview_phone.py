"""The page of a folder on phones and wide screens: cards, columns of plots, the model's memory, and the date."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import overviews as made
from support.browser import chromium, driven
from support.documents import Document

from levit_mobile.overview.collect import FoundRun, Gathered
from levit_mobile.overview.join import join
from levit_mobile.reporting.pages.overview import page, panel_columns
from levit_mobile.reporting.text import ms
from levit_mobile.timing.record import Timing

RAM = re.compile(r'<td class="n" data-label="RAM MB" data-value="([^"]*)">(.*?)</td>', re.S)


def of(*timings: Timing, devices: int = 1, **options: Any) -> str:
    """The page of these timings, from so many phones."""
    phones = [made.PIXEL.model_copy(update={"model": f"Phone {number}"}) for number in range(devices)]
    runs = tuple(FoundRun(f"{one.model}.json", made.run(*timings, device=one)) for one in phones)
    gathered = Gathered(Path(), runs=runs)
    return page(gathered, join(gathered), **options)


# Memory


def test_memory_is_what_the_model_adds() -> None:
    memory = {"memory_before_bytes": (60_000_000,) * 3, "peak_memory_bytes": (90_000_000, 91_500_000, 95_000_000)}
    ((raw, cell),) = RAM.findall(of(made.timing(**memory)))
    assert raw == "31500000.0"
    assert re.sub("<.*?>", " ", cell).split() == ["31.5", "of", "91.5"]


def test_unknown_memory_of_the_model_is_not_that_of_the_process() -> None:
    ((raw, cell),) = RAM.findall(of(made.timing(memory_before_bytes=(), peak_memory_bytes=(90_000_000,) * 3)))
    assert raw == ""
    assert re.sub("<.*?>", " ", cell).split() == ["-", "of", "90.0"]


def test_the_page_explains_its_memory(document: Document) -> None:
    assert "RAM MB" in document.said("th")
    (line,) = (said for said in document.said("p") if "RAM MB is the model's share" in said)
    assert "Python" in line


# Numbers and dates


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.7, 18.7, 150.0], ["0.70", "18.70", "150.00"]),
        ([0.0421, 3.0], ["0.042", "3.000"]),
        ([12.3, 140.2], ["12.3", "140.2"]),
        ([140.2, 1503.7], ["140", "1504"]),
        ([0.0, 3.15], ["0.00", "3.15"]),
        ([1e-12], ["0.000000000"]),
    ],
)
def test_a_column_of_times_has_the_same_decimals(values: list[float], written: list[str]) -> None:
    assert [ms(value, values) for value in values] == written


@pytest.mark.parametrize("label", ["min", "median", "p90", "p99", "end to end", "load", "first run"])
def test_every_column_of_the_page_has_the_same_decimals(whole: str, label: str) -> None:
    cells = re.findall(rf'data-label="{label}" data-value="[^"]+">([\d.]+)</td>', whole)
    assert len(cells) > 10
    assert len({len(cell.partition(".")[2]) for cell in cells}) == 1


def test_the_page_has_its_date() -> None:
    document = Document(of(made.timing(), written=datetime(2026, 2, 1, 9, 30, tzinfo=UTC)))
    assert any(said.endswith(", page written 2026-02-01 09:30 UTC") for said in document.said("p"))
    assert document.all("time") == [{"datetime": "2026-02-01T09:30:00+00:00"}]


# The width


@pytest.mark.parametrize(("devices", "columns", "width"), [(1, 1, 960), (2, 2, 600), (3, 3, 400), (4, 2, 600)])
def test_plots_of_few_devices_are_wider(devices: int, columns: int, width: int) -> None:
    document = Document(of(made.timing(), devices=devices))
    assert panel_columns(devices) == columns
    panels = [one["class"] for one in document.all("div") if one.get("class", "").startswith("panels")]
    assert panels == [f"panels columns-{columns}"] * 2
    widths = [one["viewbox"].split()[2] for one in document.all("svg")][2:]  # behind both keys
    assert widths == [str(width), "360"] * devices * 2


def test_every_cell_of_a_row_has_its_heading(whole: str) -> None:
    tables = re.findall(r'<table class="[^"]*cards">(.*?)</table>', whole, re.S)
    assert len(tables) == 2 + 9 + 1
    for table in tables:
        heads = Document(table.partition("</thead>")[0] + "</thead>").said("th")
        for row in re.findall(r"<tr.*?</tr>", table.partition("<tbody>")[2], re.S):
            cells = re.findall(r"<t[dh]\b[^>]*>", row)
            labels = [re.search('data-label="([^"]*)"', cell) for cell in cells]
            pairs = list(zip(heads, labels, strict=True))
            assert all(label is None or label[1] == head for head, label in pairs)
            unlabelled = {head for head, label in pairs if label is None}
            assert unlabelled <= {"artifact", "notes", "evidence", "verdict", "package"}


SHOWN = """
const box = (one) => one.getBoundingClientRect();
const seen = (one) => box(one).width > 0 && box(one).height > 0;
const right = page.documentElement.clientWidth + 0.5;
const outside = [...page.querySelectorAll("td, th, svg, svg text")]
  .filter((one) => seen(one) && (box(one).left < 0 || box(one).right > right)).map((one) => one.textContent);
const cut = [...page.querySelectorAll("svg text")].filter(seen).filter((one) => {
  const [text, plot] = [box(one), box(one.ownerSVGElement)];
  return text.left < plot.left - 1 || text.right > plot.right + 1 || text.bottom > plot.bottom + 1;
}).map((one) => one.textContent);
const scrolled = [...page.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1).length;
const hidden = [...page.querySelectorAll("tbody td")].filter((one) => one.textContent.trim() && !seen(one)).length;
const plots = [...page.querySelectorAll("figure svg")].filter(seen);
const scales = plots.map((one) => box(one).width / one.viewBox.baseVal.width);
return [[...outside, ...cut], scrolled, hidden, plots.length, Math.min(...scales) >= 0.75, Math.max(...scales) <= 1.5];
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390, 800, 1024, 1280])
def test_every_figure_and_plot_is_inside_the_screen(whole: str, width: int) -> None:
    chromium()
    least = width > 320
    assert driven(whole, SHOWN, width=width) == [[], 0, 0, 1 + 4 * 2 + 1, least, True]


USED = """
const card = page.querySelector(".panels").getBoundingClientRect().width;
const plots = [...page.querySelectorAll(".panels svg")].filter((one) => one.getBoundingClientRect().width > 0);
return plots.map((one) => one.getBoundingClientRect().width / card);
"""


@pytest.mark.slow
@pytest.mark.parametrize(("devices", "share"), [(1, 0.99), (2, 0.48), (3, 0.31)])
def test_plots_use_the_width_of_the_screen(devices: int, share: float) -> None:
    chromium()
    assert all(found >= share for found in driven(of(made.timing(), devices=devices), USED, width=1280))


@pytest.mark.slow
def test_a_phone_can_sort_too(whole: str) -> None:
    chromium()
    script = """
    const table = page.querySelector("table.sorts");
    const buttons = [...table.tHead.querySelectorAll("button")];
    buttons[8].click();
    const shown = buttons.every((one) => one.getBoundingClientRect().width > 0);
    return [shown, buttons[8].textContent, table.tBodies[0].rows[0].querySelector("[data-label=median]").textContent];
    """
    assert driven(whole, script, width=390) == [True, "median", "0.70"]
