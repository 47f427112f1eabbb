"""Markdown files outside of docs/ become pages, and links to them lead to those pages.

On GitHub a page links to `../conversion/README.md`. In the built site that file is the page `conversion`.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx

# The file in the repository -> the page that shows it; `index` stands in for the README and keeps its own text.
PAGES = {
    "README.md": "index",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "SECURITY.md": "security",
    "conversion/README.md": "conversion",
    "training/README.md": "training",
}
SHOWN = {page: file for file, page in PAGES.items() if page != "index"}
ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)((?:#[^)\s]*)?)(?=\))")


def read(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the page's text by that of the file it shows, and turn its links towards pages of the site."""
    file = SHOWN.get(page, f"docs/{page}.md")
    if page in SHOWN:
        app.env.note_dependency(str(ROOT / file))
        source[0] = (ROOT / file).read_text(encoding="utf-8")
    source[0] = LINK.sub(lambda link: turned(link[1], file, page) + link[2], source[0])


def turned(target: str, file: str, page: str) -> str:
    """A link that stands in `file`, as it must be written on `page`."""
    found = os.path.normpath(PurePosixPath(file).parent / target)
    if (ROOT / found).is_dir() and f"{found}/README.md" in PAGES:
        found = f"{found}/README.md"
    wanted = f"docs/{PAGES[found]}.md" if found in PAGES else found
    return os.path.relpath(wanted, PurePosixPath("docs", page).parent)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
