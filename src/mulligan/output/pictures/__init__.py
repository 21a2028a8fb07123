"""Draw samples as pictures, on a fixed scale of grey.

- `images`: grids, PNG, animations, the terminal; read it first. `charts`: curves as SVG.
"""

from mulligan.output.pictures.images import ANIMATIONS as ANIMATIONS
from mulligan.output.pictures.images import SIDE as SIDE
from mulligan.output.pictures.images import grid as grid
from mulligan.output.pictures.images import pillow as pillow
from mulligan.output.pictures.images import png_bytes as png_bytes
from mulligan.output.pictures.images import points_picture as points_picture
from mulligan.output.pictures.images import read_png as read_png
from mulligan.output.pictures.images import save_animation as save_animation
from mulligan.output.pictures.images import save_png as save_png
from mulligan.output.pictures.images import save_walk as save_walk
from mulligan.output.pictures.images import straight as straight
from mulligan.output.pictures.images import terminal_picture as terminal_picture
from mulligan.output.pictures.images import to_uint8 as to_uint8
from mulligan.output.pictures.images import wants_color as wants_color
