"""Every link within the repository leads to a file and to a heading that exist."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from support.markdown import ROOT, anchors, blocks, links, pages

NAMED = ("README.md", "CHANGELOG.md", "conversion/README.md", "training/README.md", "docs/index.md")


def test_the_pages_are_found() -> None:
    assert set(NAMED) <= set(pages())
    assert len(links("README.md")) >= 30


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: str) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        place = (ROOT / PurePosixPath(page).parent / path).resolve() if path else ROOT / page
        assert place.exists(), link
        assert place.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(place.relative_to(ROOT).as_posix()), link


def test_every_page_of_docs_is_in_a_list_of_contents() -> None:
    listed = {"index"}
    for page in (page for page in pages() if page.startswith("docs/")):
        folder = PurePosixPath(page).parent.relative_to("docs")
        entries = [content for language, content in blocks(page) if language == "{toctree}"]
        listed |= {str(folder / line) for content in entries for line in content.splitlines() if line[:1] not in ":"}
    assert listed == {page.removeprefix("docs/").removesuffix(".md") for page in pages() if page.startswith("docs/")}


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## Exit codes", "exit-codes"),
        ("# `a_b`: c, d", "a_b-c-d"),
        ("### [x](y.md) z", "x-z"),
        ("## One\n## One", "one-1"),
    ],
)
def test_anchors_are_githubs(heading: str, anchor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.markdown.text", lambda _: heading)
    assert anchor in anchors("any.md")
