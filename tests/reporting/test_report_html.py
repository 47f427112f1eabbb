"""The page shows every validation, holds all it shows, runs nothing and asks for nothing."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import validations as made
from support.browser import Opened, chromium, opened, screenshot
from support.documents import Document

from levit_mobile.images import digits
from levit_mobile.reporting.pages.validation import MOST_FLIPS, page
from levit_mobile.reporting.text import clean
from levit_mobile.reporting.verdicts import bounds, name
from levit_mobile.validation.results import Validation

pytestmark = pytest.mark.slow

SHOWN = ("digit-0001", "digit-0002", "digit-0062")
HOSTILE = clean(made.HOSTILE)


def png(picture: str) -> bytes:
    pixels, _ = digits.picture(digits.Split.HELD_OUT, int(picture.removeprefix("digit-")))
    out = io.BytesIO()
    Image.fromarray(pixels).resize((64, 64)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def whole() -> str:
    return page(made.everything(), {picture: png(picture) for picture in SHOWN})


def of(validation: Validation) -> Document:
    return Document(page([validation], {}))


# What it shows


def test_every_validation_has_a_section_and_a_row_that_leads_there(document: Document) -> None:
    sections = [attributes["id"] for attributes in document.all("section") if "validation" in attributes["class"]]
    assert [attributes["href"] for attributes in document.all("a")] == [f"#{anchor}" for anchor in sections]
    titles = [text for text in document.said("h2") if text.endswith(("PROVEN", "BROKEN", "NOT RUN"))]
    assert titles == [f"{clean(name(v))} {v.verdict.upper()}" for v in made.everything()]


@pytest.mark.parametrize(
    ("validations", "verdict"),
    [
        (made.everything(), "BROKEN"),
        ([made.proven(), made.not_run()], "NOT RUN"),
        ([made.proven()], "PROVEN"),
        ([], "NOT RUN"),
    ],
)
def test_the_banner_is_the_verdict_over_all(validations: list[Validation], verdict: str) -> None:
    document = Document(page(validations, {}))
    assert document.said("h1") == [verdict]
    assert document.said("title")[0].startswith(verdict)
    assert verdict.lower().replace(" ", "-") in document.all("header")[0]["class"]


def test_every_bound_stands_there_with_its_verdict() -> None:
    cells = of(made.broken()).said("td")
    for bound in bounds(made.broken()):
        at = cells.index(bound.expected)
        assert cells[at - 2 : at + 2] == [bound.title, bound.found, bound.expected, "FAIL"]
    assert of(made.proven()).said("td").count("pass") == len(bounds(made.proven()))


@pytest.mark.parametrize(
    "fact",
    [
        "500 of held-out digits, 1 skipped",
        "digit-0017: cannot be read as a picture",
        "ExecuTorch 1.4.1",
        "a9" * 32,
        "63.9 s, 1 process",
        "torch 2.13.0+cpu executorch 1.4.1",
        "levit_128s, executorch-fp16",
        "the error starts at shrink0.attn: its softmax overflows float16",
        "top-1 accuracy is 87.20%, expected at least 95.00%",
    ],
)
def test_what_was_compared_is_said(fact: str) -> None:
    assert fact in of(made.broken()).said("dd", "li")


def test_accuracy_is_said_in_a_sentence() -> None:
    (said,) = (line for line in of(made.broken()).said("p") if "McNemar" in line)
    assert said.startswith("500 images have a label, from the digits' own labels.")
    assert "Only the reference is right on 53 of them, only the artifact on 5." in said
    assert said.endswith("is <0.0001.")
    assert "McNemar" not in " ".join(of(made.proven()).said("p"))


@pytest.mark.parametrize(("flips", "rows", "more"), [(1, 1, 0), (MOST_FLIPS, MOST_FLIPS, 0), (60, MOST_FLIPS, 10)])
def test_flips_beyond_fifty_are_counted(flips: int, rows: int, more: int) -> None:
    said = of(made.broken(flips, worst=()))
    pictures = [text for text in said.said("td") if text.startswith("digit-")]
    assert pictures == [f"digit-{index:04d}" for index in range(2 + flips, 2 + flips - rows, -1)]
    assert f"Images with a different top class: {flips}" in said.said("h3")
    assert [text for text in said.said("p") if text.startswith("and ")] == ([f"and {more} more"] if more else [])


def test_worst_pictures_have_both_models_guesses() -> None:
    said = of(made.broken(drill=None, flips=0))
    assert said.said("h4") == [f"digit-{index:04d}" for index in range(1, 7)]
    assert said.said("h5") == ["reference", "artifact"] * 6
    fills = [attributes["style"] for attributes in said.all("span") if attributes.get("class") == "fill"]
    assert fills[:4] == ["width:50.00%", "width:25.00%", "width:12.50%", "width:51.00%"]
    assert "1 50.00%" in said.said("li")


@pytest.mark.parametrize("probability", [float("nan"), -1.0, 7.0, 0.0, 1.0])
def test_a_bar_never_leaves_its_track(probability: float) -> None:
    worst = made.picture(1, 0.1).model_copy(update={"reference": made.guesses("1", best=probability)})
    styles = [a["style"] for a in of(made.proven(worst=(worst,))).all("span") if "style" in a]
    assert all(0 <= float(style.removeprefix("width:").removesuffix("%")) <= 100 for style in styles)


def test_thumbnails_are_inside_and_missing_ones_left_out(document: Document) -> None:
    sources = [attributes["src"] for attributes in document.all("img")]
    assert len(sources) == 3  # two of the worst, one flip; the other pictures have none
    assert all(source.startswith("data:image/png;base64,iVBORw0KGgo") for source in sources)
    assert Document(page(made.everything(), {})).all("img") == []
    assert "digit-0003" in document.said("h4")


@pytest.mark.parametrize(
    ("validations", "plots"),
    [
        ([made.not_run()], 0),
        ([made.proven(drill=None)], 2),
        ([made.proven()], 3),
        ([made.proven(), made.broken()], 7),  # with one that compares both drills
        (made.everything(), 13),
    ],
)
def test_every_plot_is_there_and_has_words_for_who_cannot_see_it(validations: list[Validation], plots: int) -> None:
    document = Document(page(validations, {}))
    assert len(document.all("svg")) == len(document.said("desc")) == 2 * plots  # for screens and for phones
    assert all(document.said("desc"))
    assert {attributes["role"] for attributes in document.all("svg")} <= {"img"}


def test_what_broke_before_it_ran_has_a_section_too() -> None:
    crashed = made.not_run(verdict="broken", reasons=("the artifact ends its process",), artifact_sha256="")
    said = of(crashed)
    assert "the artifact ends its process" in said.said("li")
    assert said.said("h1") == ["BROKEN"]
    assert said.all("svg") == []


# What it is


def test_names_are_unique_and_every_label_has_its_words(document: Document) -> None:
    names = [value for key, value in document.attributes() if key == "id"]
    assert len(names) == len(set(names))
    assert {value for key, value in document.attributes() if key == "aria-labelledby"} <= set(names)


def test_nothing_is_fetched_and_nothing_runs(document: Document) -> None:
    tags = {tag for tag, _ in document.elements}
    assert not tags & {"script", "iframe", "object", "embed", "base", "form"}
    for key, value in document.attributes():
        assert not key.startswith("on")
        if key in ("src", "href", "srcset", "action", "data", "xlink:href"):
            assert value.startswith(("data:", "#")), value
    (styles,) = (text for tag, text in document.texts if tag == "style")
    assert not re.search(r"url\(|@import|@font-face", styles)
    policy = [attributes["content"] for attributes in document.all("meta") if "http-equiv" in attributes]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_hostile_words_are_words(document: Document, whole: str) -> None:
    assert HOSTILE in document.said("dd")
    assert f"{HOSTILE}.png" in document.said("h4")
    assert f"{HOSTILE} second line" in document.said("li")
    assert made.SCRIPT not in whole
    whole.encode("utf-8")
    assert not re.search("[\x00-\x08\x0e-\x1f\x7f]", whole)


# In a browser


@pytest.fixture(scope="module")
def in_browser(file: Path) -> Opened:
    return opened(file)


def test_a_browser_shows_every_validation(in_browser: Opened, document: Document) -> None:
    seen = Document(in_browser.dom)
    assert seen.said("h2", "h4", "td") == document.said("h2", "h4", "td")
    assert len(seen.all("svg")) == len(document.all("svg"))
    assert HOSTILE in seen.said("dd")


def test_a_browser_runs_nothing_of_it(in_browser: Opened) -> None:
    seen = Document(in_browser.dom)
    assert seen.said("title")[0].startswith("BROKEN")
    assert seen.all("script") == []
    assert all(attributes["src"].startswith("data:") for attributes in seen.all("img"))


def test_a_browser_asks_for_nothing(in_browser: Opened) -> None:
    assert [url for url in in_browser.requests if not url.startswith(("file:", "data:"))] == []


def test_the_browser_would_have_told(tmp_path: Path) -> None:
    chromium()
    loud = tmp_path / "loud.html"
    loud.write_text(f"<title>quiet</title><img src='http://pictures.example/1.png'>{made.SCRIPT}", encoding="utf-8")
    seen = opened(loud)
    assert "http://pictures.example/1.png" in seen.requests
    assert Document(seen.dom).said("title") == ["pwned"]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (500, True)])
def test_it_looks_like_something_in_light_and_dark(file: Path, tmp_path: Path, width: int, dark: bool) -> None:
    out = tmp_path / "page.png"
    screenshot(file, out, width=width, height=1600, dark=dark)
    with Image.open(out) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape == (1600, width, 3)
    brightness, counts = np.unique(pixels.sum(axis=2, dtype=int) // 3, return_counts=True)
    assert len(brightness) > 50
    ground = brightness[counts.argmax()]
    assert (ground < 64) if dark else (ground > 192)
    assert (pixels[:, -4:] == pixels[0, -1]).all()  # nothing runs over the edge
