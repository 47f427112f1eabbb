"""The input's height and width, which a checkpoint states only as numbers of entries of its bias tables."""

from __future__ import annotations

from collections.abc import Sequence

from levit_mobile.errors import CheckpointError
from levit_mobile.model.families.levit.trained import Cells, shrunk

Size = tuple[int, int]  # height, width in pixels

MOST_CELLS = 64  # along one edge: the index of a bias table grows with the square of the number of tokens


def fitting(entries: Sequence[int], patch_px: int) -> tuple[Size, ...]:
    """Every size whose grids have these numbers of cells, stage by stage; the most nearly square first."""
    sides = range(1, MOST_CELLS + 1)
    divisors = [rows for rows in sides if entries[0] % rows == 0 and entries[0] // rows <= MOST_CELLS]
    grids = [(rows, entries[0] // rows) for rows in divisors if _cells((rows, entries[0] // rows), entries)]
    grids.sort(key=lambda grid: abs(grid[0] - grid[1]))
    return tuple((rows * patch_px, columns * patch_px) for rows, columns in grids)


def _cells(grid: Cells, entries: Sequence[int]) -> bool:
    for count in entries:
        if grid[0] * grid[1] != count:
            return False
        grid = shrunk(grid)
    return True


def size_of(entries: Sequence[int], patch_px: int, asked: Size | None = None) -> Size:
    """The size that was asked for or is stated elsewhere, else the square. Raises CheckpointError for what cannot be.

    Args:
        entries: Number of entries of a bias table of each stage.
        patch_px: Pixels along one edge of a token of the first stage.
        asked: Height and width in pixels.
    """
    found = fitting(entries, patch_px)
    listed = ", ".join(f"{height}x{width}" for height, width in found)
    if not found:
        raise CheckpointError(
            f"the attention bias tables have {' '.join(map(str, entries))} entries, expected those of an input of "
            f"multiples of {patch_px} px, up to {MOST_CELLS * patch_px} px",
            fault="other-levit",
        )
    if asked is not None and asked not in found:
        raise CheckpointError(
            f"the input size is {asked[0]}x{asked[1]}, expected {listed}, which the attention bias tables fit",
            fault="variant",
        )
    if asked is None and found[0][0] != found[0][1]:
        raise CheckpointError(
            f"the attention bias tables fit several input sizes ({listed}): choose one with --side HEIGHTxWIDTH",
            fault="variant",
        )
    return asked or found[0]
