"""Cut sheets, pictures that hold many in a grid, into their tiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mulligan.data.sources.picture_file import opened, sound
from mulligan.data.sources.reading import Grid
from mulligan.errors import ConfigError

if TYPE_CHECKING:
    from PIL.Image import Image


def cut(path: Path, grid: Grid) -> tuple[list[Image], int]:
    """Return the tiles of a sheet, row by row, and the number of empty ones, which are left out."""
    sheet = sound(path, lambda: opened(path))
    if not _divides(grid, sheet.size):
        fitting = _fitting(grid, sheet.size)
        hint = f"Try {str(fitting)!r}." if fitting else "Look at the sheet: what are its tiles, spacing and margin?"
        raise ConfigError(
            f"tile must divide each sheet into whole tiles, got {grid} for {path.name} of {sheet.width}×{sheet.height} "
            f"pixels. {hint}"
        )
    cells = tiles(sheet, grid)
    full = [cell for cell in cells if not _is_empty(cell)]
    return full, len(cells) - len(full)


def tiles(sheet: Image, grid: Grid) -> list[Image]:
    """Return all whole tiles of a sheet, row by row, also empty ones."""
    columns, rows = (
        range(grid.margin, length - grid.margin - side + 1, side + grid.spacing)
        for side, length in zip(grid[:2], sheet.size)
    )
    return [sheet.crop((x, y, x + grid.width, y + grid.height)) for y in rows for x in columns]


def _divides(grid: Grid, size: tuple[int, int]) -> bool:
    """Return whether a sheet of this width and height consists of whole tiles."""
    spacing, inside = grid.spacing, [length - 2 * grid.margin for length in size]
    return all(length >= side and (length + spacing) % (side + spacing) == 0 for side, length in zip(grid[:2], inside))


def _fitting(grid: Grid, size: tuple[int, int]) -> Grid | None:
    """Return a grid that divides a sheet: the same tiles with spacing and margin, or somewhat smaller ones."""
    near = [
        max(each for each in range(1, min(side, length) + 1) if length % each == 0)
        for side, length in zip(grid[:2], size)
    ]
    tried = [grid._replace(spacing=spacing, margin=margin) for spacing in range(5) for margin in range(5)]
    tried += [Grid(*near)] if all(2 * each >= side for side, each in zip(grid[:2], near)) else []
    return next((each for each in tried if _divides(each, size)), None)


def _is_empty(cell: Image) -> bool:
    """Return whether all of a tile is one colour, or transparent."""
    extremes: Sequence[tuple[int, int]] = cell.getextrema()  # type: ignore[assignment]
    clear = cell.mode == "RGBA" and extremes[3][1] == 0
    return clear or all(low == high for low, high in extremes)
