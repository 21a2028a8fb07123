"""The optimisers' page in one animation: all of them, on both landscapes.

    cd docs/book; python -m experiments.landscape_pictures ../images/optimisers.gif

What leaves the view leaves the picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.landscapes import LANDSCAPES, Landscape, race
from mulligan.nn.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from PIL.ImageDraw import ImageDraw

Point = tuple[float, float]

_FAMILIES: dict[str, str] = {
    "sgd": "#0b3c8c",
    "momentum": "#1f77d0",
    "nesterov": "#00a8e8",
    "adagrad": "#0a5c2f",
    "adadelta": "#2a9d3f",
    "rmsprop": "#7bc043",
    "adam": "#c1121f",
    "adamax": "#e85d04",
    "nadam": "#d6306f",
    "amsgrad": "#8c1c13",
}
"""Blue: one rate for all weights. Green: rates from squares. Red to magenta: Adam's family."""
COLOURS = {name: _FAMILIES.get(name, f"#{0x555555 + 0x202020 * (k % 4):06x}") for k, name in enumerate(OPTIMIZERS)}
"""Of each optimiser; a grey for one that belongs to no family yet."""

_SHADES = np.array([[250, 247, 240], [74, 96, 120]], np.float64)  # high ground, low ground
_INK, _GOAL = "#222222", "#ffffff"
_FINE = 2  # drawn at twice the size and halved, for smooth lines


def to_pixels(landscape: Landscape, path: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """Return where points (n, 2) lie on a picture of width × height pixels, row 0 on top; float64 (n, 2)."""
    low, high = np.array([landscape.x, landscape.y]).T
    scaled = (path - low) / (high - low)
    return np.stack([scaled[:, 0] * width, (1 - scaled[:, 1]) * height], axis=1)


def background(landscape: Landscape, width: int, height: int) -> NDArray[np.uint8]:
    """Return the landscape seen from above, uint8 (height, width, 3).

    Bands of equal log(f − lowest + near), darker where it is low, with a line between two bands.
    """
    x = np.linspace(*landscape.x, 2 * width + 1)[1::2]
    y = np.linspace(*landscape.y, 2 * height + 1)[1::2][::-1]
    above = landscape.value(*np.meshgrid(x, y)) - landscape.lowest
    levels = np.log(above + landscape.near)
    bands = np.floor((levels - levels.min()) / (levels.max() - levels.min()) * 15.999)
    edge = np.zeros(bands.shape, bool)
    edge[:, 1:] |= bands[:, 1:] != bands[:, :-1]
    edge[1:] |= bands[1:] != bands[:-1]
    share = (1 - bands / 15)[..., None]
    colours = _SHADES[0] * (1 - share) + _SHADES[1] * share
    colours[edge] -= 14
    picture: NDArray[np.uint8] = np.rint(colours.clip(0, 255)).astype(np.uint8)
    return picture


def frames(stride: int = 3, last: int = 201, panel: tuple[int, int] = (400, 312)) -> Iterator[NDArray[np.uint8]]:
    """Draw all optimisers on both landscapes side by side, frame by frame.

    Parameters
    ----------
    stride : int
        Training steps from one frame to the next.
    last : int
        The last step that is shown.
    panel : tuple of int
        Width and height of each landscape in pixels.

    Yields
    ------
    uint8 (height, width, 3)
    """
    width, height, gap, head, foot = panel[0] * _FINE, panel[1] * _FINE, 8 * _FINE, 24 * _FINE, 66 * _FINE
    grounds = {name: _image(background(landscape, width, height)) for name, landscape in LANDSCAPES.items()}
    for step in range(0, last + 1, stride):
        sheet, draw = _canvas(2 * width + 3 * gap, head + height + foot)
        for i, (name, landscape) in enumerate(LANDSCAPES.items()):
            picture = grounds[name].copy()
            for each, way in race(name).items():
                draw_way(picture, landscape, way.path[: step + 1], COLOURS[each])
            left = gap + i * (width + gap)
            sheet.paste(picture, (left, head))
            _write(draw, (left, 4 * _FINE), ("Beale's function", "A saddle between steep walls")[i], 13)
        _write(draw, (2 * width + 2 * gap, 4 * _FINE), f"step {step}", 13, anchor="ra")
        for i, (each, colour) in enumerate(COLOURS.items()):
            x, y = gap + i // 3 * (2 * width + gap) // 5, head + height + (6 + i % 3 * 19) * _FINE
            draw.ellipse((x, y + 3 * _FINE, x + 9 * _FINE, y + 12 * _FINE), fill=colour)
            rates = " and ".join(f"{race(name)[each].lr:g}" for name in LANDSCAPES)
            _write(draw, (x + 14 * _FINE, y), f"{each} {rates}", 11)
        yield _halved(sheet)


def save_small(path: Path, pictures: list[Any]) -> None:
    """Write an animation in the colours of its last frame, and of each frame only what has changed."""
    from PIL import Image

    colours = pictures[-1].quantize(250)  # a few of 256 are left: "as before" is a colour too
    first, *others = [picture.quantize(palette=colours, dither=Image.Dither.NONE) for picture in pictures]
    first.save(path, save_all=True, append_images=others, duration=90, loop=0)


def _canvas(width: int, height: int) -> tuple[Any, ImageDraw]:
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", (width, height), "#ffffff")
    return sheet, ImageDraw.Draw(sheet)


def _image(array: NDArray[np.uint8]) -> Any:
    from PIL import Image

    return Image.fromarray(array)


def _halved(sheet: Any) -> NDArray[np.uint8]:
    halved: NDArray[np.uint8] = np.asarray(sheet.reduce(_FINE))
    return halved


def _write(draw: ImageDraw, where: Point, text: str, size: int, anchor: str = "la") -> None:
    from PIL import ImageFont

    draw.text(where, text, fill=_INK, font=ImageFont.load_default(size * _FINE), anchor=anchor)


def draw_way(picture: Any, landscape: Landscape, path: NDArray[np.float64], colour: str) -> None:
    """Draw the start, the minima, the way so far and its head."""
    from PIL import ImageDraw

    draw, unit = ImageDraw.Draw(picture), _FINE

    def disc(where: Iterable[float], radius: float, fill: str | None, outline: str | None) -> None:
        (x, y), r = where, radius * unit
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=outline, width=unit)

    finite = path[np.isfinite(path).all(axis=1)]
    line = [(float(x), float(y)) for x, y in to_pixels(landscape, finite, *picture.size).clip(-1e4, 1e4)]
    disc(line[0], 3, _INK, _INK)
    if len(line) > 1:
        draw.line(line, fill=colour, width=2 * unit, joint="curve")
    for minimum in to_pixels(landscape, np.array(landscape.minima), *picture.size):
        disc(minimum, 4, None, _GOAL)
        disc(minimum, 3, None, _INK)
    disc(line[-1], 5, colour, _GOAL)


def main() -> None:
    """Write the animation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the file")
    save_small(parser.parse_args().out, [_image(frame) for frame in frames()])


if __name__ == "__main__":
    main()
