"""The page of a folder in Chromium: it fetches nothing, sorts, fits a phone, turns dark, and prints whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import overviews as made
from support.browser import chromium, complaints, driven, opened, printed, screenshot
from support.documents import Document

from levit_mobile.overview.join import join, rows
from levit_mobile.reporting.pages.overview import page
from levit_mobile.reporting.text import ms

pytestmark = pytest.mark.slow


def test_a_browser_asks_for_nothing_and_complains_of_nothing(file: Path) -> None:
    seen = opened(file)
    assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []
    assert Document(seen.dom).said("h1") == ["BROKEN"]
    assert complaints(file) == ()


def test_the_browser_would_have_complained(tmp_path: Path) -> None:
    chromium()
    loud = tmp_path / "loud.html"
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    loud.write_text(f"{policy}<script>document.title = 'ran'</script>", encoding="utf-8")
    (complaint,) = complaints(loud)
    assert "Content Security Policy" in complaint


MEDIAN, NOTES = 8, 10
CLICKS = """
const table = page.querySelector("table.sorts");
const button = table.tHead.rows[0].cells[%d].querySelector("button");
for (let click = 0; click < %d; click++) if (button) button.click();
const head = table.tHead.rows[0].cells[%d];
return [head.getAttribute("aria-sort"), [...table.tBodies[0].rows].map((row) => row.cells[%d].textContent.trim())];
"""


def clicked(html: str, column: int, clicks: int, **options: Any) -> tuple[str | None, list[str]]:
    state, cells = driven(html, CLICKS % (column, clicks, column, column), **options)
    return state, cells


def test_a_click_sorts_numbers_and_the_next_turns_them_round(folder: Path, whole: str) -> None:
    chromium()
    found = [row.timed.figures.inference for row in rows(made.joined(folder)) if row.timed]
    known = sorted(one.median_ms for one in found if one)
    medians = [ms(one, known) for one in known]
    assert clicked(whole, MEDIAN, 1) == ("ascending", [*medians, "NOT RUN"])
    assert clicked(whole, MEDIAN, 2) == ("descending", [*medians[::-1], "NOT RUN"])


def test_a_click_sorts_words(whole: str) -> None:
    chromium()
    state, verdicts = clicked(whole, 1, 1)
    assert state == "ascending"
    assert verdicts == ["BROKEN", "NOT RUN"] + ["PROVEN"] * 16


def test_without_scripts_all_of_it_is_shown(folder: Path, whole: str) -> None:
    chromium()
    state, medians = clicked(whole, MEDIAN, 1, scripts=False)
    found = [row.timed.figures.inference for row in rows(made.joined(folder)) if row.timed]
    known = [one.median_ms for one in found if one]
    assert (state, medians) == (None, [ms(one.median_ms, known) if one else "NOT RUN" for one in found])
    assert driven(whole, "return page.querySelectorAll('th button').length", scripts=False) == 0


def test_a_column_sorts_by_the_keyboard_and_tells_which(whole: str) -> None:
    chromium()
    script = """
    const heads = [...page.querySelector("table.sorts").tHead.rows[0].cells];
    heads[4].querySelector("button").click();
    heads[5].querySelector("button").click();
    const told = heads.filter((head) => head.hasAttribute("aria-sort")).length;
    return [told, heads.every((head) => head.querySelector("button").type === "button"), heads[0].textContent];
    """
    assert driven(whole, script) == [1, True, "artifact"]


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_nothing_runs_over_the_edge(whole: str, width: int) -> None:
    chromium()
    script = "return [page.documentElement.scrollWidth, page.documentElement.clientWidth]"
    assert driven(whole, script, width=width) == [width, width]


def test_hostile_words_do_nothing_in_a_browser(tmp_path: Path) -> None:
    chromium()
    found = made.hostile()
    (tmp_path / "page.html").write_text(page(found, join(found)), encoding="utf-8")
    seen = Document(opened(tmp_path / "page.html").dom)
    assert seen.said("title")[0].startswith("BROKEN")
    assert complaints(tmp_path / "page.html") == ()
    width = driven(page(found, join(found)), "return page.documentElement.scrollWidth", width=375)
    assert width == 375


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (500, True)])
def test_it_looks_like_something_in_light_and_dark(file: Path, tmp_path: Path, width: int, dark: bool) -> None:
    out = tmp_path / "page.png"
    screenshot(file, out, width=width, height=1600, dark=dark)
    with Image.open(out) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    brightness, counts = np.unique(pixels.sum(axis=2, dtype=int) // 3, return_counts=True)
    assert len(brightness) > 50
    ground = brightness[counts.argmax()]
    assert (ground < 64) if dark else (ground > 192)
    assert (pixels[:, -4:] == pixels[0, -1]).all()  # nothing runs over the edge


def pages(html: str, folder: Path) -> int:
    """Sheets of paper that it takes."""
    (folder / "page.html").write_text(html, encoding="utf-8")
    printed(folder / "page.html", folder / "page.pdf")
    return len(re.findall(rb"/Type\s*/Page\b", (folder / "page.pdf").read_bytes()))


def test_on_paper_details_are_open_with_and_without_scripts(whole: str, tmp_path: Path) -> None:
    chromium()
    closed, details = re.subn(r"(<details [^>]*) open>", r"\1>", whole)
    assert details == 9
    bare = re.sub("<script>.*</script>", "", closed, flags=re.S)
    empty = re.sub('<div class="inside">.*?</details>', "</details>", bare, flags=re.S)
    assert pages(closed, tmp_path) == pages(bare, tmp_path) == pages(whole, tmp_path)
    assert pages(bare, tmp_path) > pages(empty, tmp_path) + 3
