"""What a run left in a folder that it wrote to."""

from __future__ import annotations

from pathlib import Path


def contents(folder: Path) -> dict[str, str]:
    """Every file below the folder's parent: nothing may be left beside it."""
    root = folder.parent
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def names_in(folder: Path) -> list[str]:
    """Names of everything in it, in no order."""
    return [path.name for path in folder.iterdir()]
