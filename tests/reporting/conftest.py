"""Pages as the tests of this room look at them: in words, and in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import overviews
from support.browser import chromium
from support.documents import Document


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release candidate with its records."""
    return overviews.release(tmp_path_factory.mktemp("candidate"))


@pytest.fixture(scope="module")
def whole(folder: Path) -> str:
    """The page of that folder, where a module has no other."""
    return overviews.drawn(folder)


@pytest.fixture(scope="module")
def document(whole: str) -> Document:
    """The module's page, taken apart."""
    return Document(whole)


@pytest.fixture(scope="module")
def file(whole: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module's page as a browser opens it."""
    chromium()
    written = tmp_path_factory.mktemp("page") / "report.html"
    written.write_text(whole, encoding="utf-8")
    return written
