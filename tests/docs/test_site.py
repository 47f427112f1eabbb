"""The site as `make docs` builds it: without a warning, without a network, with every public name and option."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile
from support.markdown import ROOT, commands, pages

import levit_mobile

NO_NETWORK = "http://127.0.0.1:9"  # nothing listens there, so a request would fail
pytestmark = pytest.mark.slow


def command_of_make_docs(out: Path) -> list[str]:
    """The command line of the Makefile's target, with this interpreter and another folder for the pages."""
    recipe = re.search(r"^docs:.*\n\t\$\(BIN\)/python (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert recipe is not None
    words = recipe[1].split()
    assert words.pop() == "build/docs"
    return [sys.executable, *words, str(out)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, from one build."""
    out = tmp_path_factory.mktemp("site")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NO_NETWORK)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path_factory.mktemp("home")), **proxies}
    made = subprocess.run(command_of_make_docs(out), cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (made.returncode, made.stderr) == (0, "")
    return out


def shown(page: Path) -> str:
    """What a reader sees of a page, with one space between words."""
    body = re.sub(r"<(script|style).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", body)).split())


def test_warnings_end_the_build(tmp_path: Path) -> None:
    assert {"--fail-on-warning", "--nitpicky"} <= set(command_of_make_docs(tmp_path))


def test_every_page_of_docs_is_built(site: Path) -> None:
    expected = {page.removeprefix("docs/").removesuffix(".md") for page in pages() if page.startswith("docs/")}
    built = {file.relative_to(site).with_suffix("").as_posix() for file in site.rglob("*.html")}
    assert expected <= built


def test_every_public_name_is_on_the_api_page(site: Path) -> None:
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    documented = {
        name.removeprefix("levit_mobile.")
        for kind, items in inventory.data.items()
        if kind.startswith("py:")
        for name, item in items.items()
        if item.uri.startswith("api.html")
    }
    assert set(levit_mobile.__all__) <= documented


@pytest.mark.parametrize("command", tuple(commands()))
def test_a_page_shows_every_option_of_its_command(command: str, site: Path) -> None:
    words = shown(site / "commands" / f"{command}.html")
    for parameter in commands()[command].params:
        for option in parameter.opts:
            assert option in words


@pytest.mark.parametrize(("page", "schema"), [("contract", "contract"), ("timing-record", "timing")])
def test_a_page_shows_every_field_of_its_schema(page: str, schema: str, site: Path) -> None:
    form = json.loads((ROOT / "levit_mobile" / f"{schema}.schema.json").read_text(encoding="utf-8"))
    words = shown(site / f"{page}.html")
    for part in (form, *form["$defs"].values()):
        for name, field in part.get("properties", {}).items():
            meaning = " ".join(field["description"].partition(" Unit: ")[0].replace("`", "").split())
            assert f"{name} " in words
            assert meaning in words


def test_pages_fetch_nothing(site: Path) -> None:
    for page in site.rglob("*.html"):
        fetched = re.findall(
            r"<(?:script|img|iframe)[^>]* src=\"(https?:[^\"]+)|<link[^>]* href=\"(https?:[^\"]+)", page.read_text()
        )
        assert fetched == [], page.name


def test_links_to_files_outside_of_docs_lead_to_pages(site: Path) -> None:
    landing = (site / "conversion.html").read_text(encoding="utf-8")
    assert "What each recipe sets" in landing
    assert 'href="conversion.html' in (site / "arm64.html").read_text(encoding="utf-8")


def test_the_picture_of_the_flow_is_there(site: Path) -> None:
    source = (ROOT / "docs" / "images" / "flow.svg").read_bytes()
    assert (site / "_images" / "flow.svg").read_bytes() == source
