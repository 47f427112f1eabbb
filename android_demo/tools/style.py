"""Checks and mends the style of all Kotlin files, the build files included, with ktlint."""

from __future__ import annotations

from pathlib import Path

import consumer
import store
from catalogue import ROOT
from modules import BY_NAME, libraries
from processes import QUICK, java

KTLINT = "com.pinterest.ktlint.Main"
FOLDERS = *(f"{module.path}/src" for module in (*BY_NAME.values(), consumer.CONSUMER)), "tools/gradle_stubs"
PATTERNS = *(f"{folder}/**/*.kt" for folder in FOLDERS), "*.kts", "**/*.gradle.kts", "!build/**"


def check() -> None:
    """Check the style; the same files are checked once."""
    files = sorted(path for pattern in PATTERNS if not pattern.startswith("!") for path in ROOT.glob(pattern))

    def ktlint(out: Path) -> None:
        (out / "printed.txt").write_text(_ktlint(), encoding="utf-8")

    store.made("ktlint", [*map(str, files), *files, ROOT / ".editorconfig", *libraries("tool-ktlint")], ktlint)


def mend() -> None:
    """Write all files in the right style."""
    print(_ktlint("--format"), end="")


def _ktlint(*words: str) -> str:
    return java(libraries("tool-ktlint"), KTLINT, *words, "--relative", *PATTERNS, options=QUICK)
