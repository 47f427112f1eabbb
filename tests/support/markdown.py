"""The repository's Markdown: which pages there are, and their calls, code, tables, links and anchors."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import typer

from levit_mobile.cli import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.S | re.M)


@cache
def pages() -> tuple[str, ...]:
    """Every Markdown file that a reader is led to, relative to the root."""
    folders = (ROOT, *(folder for folder in (DOCS, ROOT / "conversion", ROOT / "training")))
    files = [*folders[0].glob("*.md"), *(file for folder in folders[1:] for file in folder.rglob("*.md"))]
    return tuple(sorted(file.relative_to(ROOT).as_posix() for file in files))


def text(page: str) -> str:
    """One page's text."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and content of every code block, directives included."""
    return [(found[1].strip(), found[2]) for found in FENCE.finditer(text(page))]


def prose(page: str) -> str:
    """The page without its code blocks and code spans."""
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", text(page)))


def calls(page: str) -> list[list[str]]:
    """Every `levit-mobile ...` line in the page's code blocks, split into words, without its comment."""
    lines = [line.strip() for _, block in blocks(page) for line in block.replace("\\\n", " ").splitlines()]
    lines = [line.removeprefix(".venv/bin/") for line in lines]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("levit-mobile ")]


def mentions(page: str) -> list[list[str]]:
    """Every code span that is a whole call, such as `levit-mobile bench --out`, split into words."""
    found: list[str] = re.findall(r"`levit-mobile ([^`\n]+)`", FENCE.sub("", text(page)))
    return [shlex.split(call) for call in found]


def links(page: str) -> list[str]:
    """The targets of all links and images that lead into this repository."""
    found: list[str] = re.findall(r"\]\((?!\w+:)([^)\s]+)\)", prose(page))
    return found


def anchors(page: str) -> set[str]:
    """The names that GitHub gives to the page's headings."""
    seen: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text(page)), re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        names.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return names


def rows(page: str) -> list[list[str]]:
    """The cells of every row of every table on the page."""
    lines = [line.strip() for line in text(page).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@cache
def commands() -> dict[str, Any]:
    """The command line's commands by name."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def known_options(command: str) -> set[str]:
    """Every spelling of every option of a command."""
    options = {word for one in commands()[command].params for word in (*one.opts, *one.secondary_opts)}
    return options | {"--help", "-h"}
