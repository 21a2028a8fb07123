"""Draw samples as pictures, on a fixed scale of grey.

- `images`: grids, PNG, the terminal; read it first. `animations`: GIF, APNG, WebP. `svg`: axes of charts.
"""

from mulligan.output.pictures.animations import save_animation, save_walk
from mulligan.output.pictures.images import (
    SIDE,
    grid,
    pillow,
    png_bytes,
    points_picture,
    read_png,
    save_png,
    terminal_picture,
    to_uint8,
    wants_color,
)

__all__ = [
    "SIDE",
    "grid",
    "pillow",
    "png_bytes",
    "points_picture",
    "read_png",
    "save_animation",
    "save_png",
    "save_walk",
    "terminal_picture",
    "to_uint8",
    "wants_color",
]
