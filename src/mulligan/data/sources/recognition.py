"""Decide from the pictures of a folder how to read them: size, whether to keep transparency, and how to resize."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mulligan.data.sources.picture_file import LARGE, check_header, opened, sound
from mulligan.data.sources.reading import SIZES, Reading
from mulligan.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

LOOKED_AT = 256
"""How many pictures, evenly spaced, decide for all."""
TRANSPARENT = 0.1
"""Transparency is kept if this share of the pictures has a transparent pixel."""
_PIXEL_ART = 0.75  # share of the pictures; of 257 drawn flags, half have few colours
_COLOURS, _SIDE = 64, 128  # most colours and longest side of pixel art; larger drawings in few colours are smoothed
_FIT = 0.9  # share of the pictures that fit into the chosen size as they are, or all are made smaller
_CHOSEN, _CHOSEN_ART = 32, 48  # largest size that is chosen; a step at 48 takes twice as long as one at 32


def evenly(count: int) -> NDArray[np.intp]:
    """Choose the pictures that are looked at."""
    return np.unique(np.linspace(0, count - 1, LOOKED_AT).astype(np.intp))


def decide(sources: Sequence[Path | Image], reading: Reading) -> Reading:
    """Decide what is "auto" in `alpha` and `resize`, and the size if none is given. Broken files are left out."""
    if "auto" not in (reading.alpha, reading.resize) and reading.size:
        return reading
    looks = [look for i in evenly(len(sources)) if (look := _look_at(sources[i])) is not None]
    reading = _by_shares(reading, [look.uses_alpha for look in looks], [look.art for look in looks])
    return reading if reading.size else replace(reading, size=_size(sorted(look.side for look in looks), reading))


def _size(sides: list[int], reading: Reading) -> int:
    """Choose the smallest size that nearly all pictures fit into, or 32 if they are larger."""
    side = sides[int(_FIT * (len(sides) - 1))] if sides else _CHOSEN
    if side > (_CHOSEN_ART if reading.resize == "pixels" else _CHOSEN):
        side = _CHOSEN
    return min(size for size in SIZES if size >= side)


def decide_in_memory(images: NDArray[np.uint8], reading: Reading) -> Reading:
    """Do the same for pictures (n, H, W, C)."""
    some = images[evenly(len(images))]
    uses = [some.shape[3] == 4 and bool((each[..., 3] < 255).any()) for each in some]
    return _by_shares(reading, uses, [is_pixel_art(each) for each in some])


def _by_shares(reading: Reading, uses: list[bool], art: list[bool]) -> Reading:
    alpha, resize = reading.alpha, reading.resize
    if alpha == "auto":
        keeps = reading.colour != "grey" and sum(uses) >= max(1, TRANSPARENT * len(uses))
        alpha = "keep" if keeps else "black"
    if resize == "auto":
        resize = "pixels" if sum(art) >= max(1, _PIXEL_ART * len(art)) else "smooth"
    return replace(reading, alpha=alpha, resize=resize)


class _Look(NamedTuple):
    """What one picture says: whether it has transparent pixels, whether it is pixel art, and its longest side."""

    uses_alpha: bool
    art: bool
    side: int


def _look_at(source: Path | Image) -> _Look | None:
    """Look at one picture; None if it is broken. Pixel art that was enlarged has the side that it had before."""

    def read() -> _Look:
        size = check_header(source) if isinstance(source, Path) else source.size
        if isinstance(source, Path) and (source.suffix.lower() in (".jpg", ".jpeg") or math.prod(size) > LARGE):
            return _Look(False, False, max(size))
        pixels = np.asarray(opened(source) if isinstance(source, Path) else source)
        alpha, art = pixels.shape[2] == 4 and bool((pixels[..., 3] < 255).any()), is_pixel_art(pixels)
        return _Look(alpha, art, max(pixels.shape[:2]) // (_enlarged(pixels) if art else 1))

    try:
        return sound(source, read)
    except DataError:
        return None


def is_pixel_art(pixels: NDArray[np.uint8]) -> bool:
    """Return whether a picture (H, W, C) is small, or enlarged by a whole factor, and has several, but few colours."""
    height, width, _ = pixels.shape
    factor = _enlarged(pixels)
    if max(height, width) > _SIDE * factor:
        return False
    colours = pixels[::factor, ::factor].reshape(-1, pixels.shape[2])
    seen = colours[colours[:, 3] > 0] if colours.shape[1] == 4 else colours
    packed = seen.astype(np.uint32) @ (1 << np.arange(0, 8 * seen.shape[1], 8, dtype=np.uint32))
    return 2 <= len(np.unique(packed)) + (len(seen) < len(colours)) <= min(_COLOURS, len(seen) // 3)


def _enlarged(pixels: NDArray[Any]) -> int:
    """Return the largest whole factor by which a picture may have been enlarged."""
    return math.gcd(_factor(pixels), _factor(pixels.swapaxes(0, 1)))


def _factor(pixels: NDArray[Any]) -> int:
    """Return the largest whole factor by which rows may have been repeated."""
    changes = np.flatnonzero((pixels[1:] != pixels[:-1]).any(axis=(1, 2))) + 1
    return int(np.gcd.reduce([*changes, len(pixels)]))
