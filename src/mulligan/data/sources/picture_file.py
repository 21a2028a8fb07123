"""Read one picture file of any common format as size × size bytes; convert pictures that are in memory.

Pictures with transparency have four channels: red, green and blue times alpha, and alpha. So what cannot be seen is 0
everywhere, and costs neither network nor metric anything.
"""

from __future__ import annotations

import logging
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mulligan.data.sources.reading import Grid, Reading
from mulligan.doors.read import check_regular
from mulligan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

Read = TypeVar("Read")
ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"}
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # those of Pillow's formats that start no other program

LARGE = 89_000_000
"""Pixels from which a picture is called large. Pillow refuses those of twice as many, which may be hostile."""
_LOG = logging.getLogger(__name__)


def read_picture(source: Path | Image, reading: Reading) -> NDArray[np.uint8]:
    """Read one picture or tile, upright, resized to fit and centred: (size, size, 3), or 4 if alpha is kept."""

    def read() -> NDArray[np.uint8]:
        image = open_picture(source, 4 * reading.size) if isinstance(source, Path) else source
        return _fit(_flat(image, reading), reading)

    return try_to_read(source, read)


def try_to_read(source: Path | Image, read: Callable[[], Read]) -> Read:
    """Return what `read` reads from a picture; raise DataError if it cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata do not matter here
            return read()
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    except Exception as error:  # Pillow raises nearly everything on broken files
        reason = str(error) or type(error).__name__
        raise DataError(f"{source}: cannot be read as a picture ({reason}). Repair or remove it.") from error


def open_picture(path: Path, draft: int = 0) -> Image:
    """Open a picture upright, as 8-bit RGB, or as RGBA if it may be transparent; a JPEG perhaps smaller."""
    from PIL import Image, ImageOps

    with Image.open(check_regular(path), formats=_FORMATS) as file:
        image: Any = file
        if draft:
            image.draft(None, (draft, draft))  # JPEG: decode at a fraction of the size if that is enough
        kind, pixels = image.format, math.prod(image.size)  # later steps lose the format
        if draft and pixels > LARGE:
            _LOG.warning("%s: %d million pixels, made smaller while it is read", path, pixels // 10**6)
            if image.mode in ("L", "RGB"):  # at once, or three copies of it would be in memory
                image = image.reduce(max(1, max(image.size) // draft))
        return _in_bytes(ImageOps.exif_transpose(image), kind)


def check_header(path: Path) -> tuple[int, int]:
    """Check a picture by the first bytes of its file; return its width and height. A cut file is not noticed."""
    from PIL import Image

    def read() -> tuple[int, int]:
        with Image.open(check_regular(path), formats=_FORMATS) as image:
            return image.size

    return try_to_read(path, read)


def _in_bytes(image: Image, kind: str | None) -> Image:
    """Convert any mode to 8-bit RGB, or RGBA if there is transparency."""
    from PIL import Image as Pillow

    if image.mode.startswith("I;16") or (image.mode == "I" and kind in ("PNG", "PPM")):
        image = Pillow.fromarray(np.rint(np.asarray(image) / 257.0).astype(np.uint8))  # 65535 / 257 = 255
    if image.mode in ("I", "F"):
        raise DataError(
            f"pictures must have 8 or 16 bits a value, got mode {image.mode} (32 bits). Save it with 8 or 16 bits."
        )
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _flat(image: Image, reading: Reading) -> Image:
    """Put a picture on the background (RGB), or multiply its colours by alpha (Pillow's RGBa)."""
    from PIL import Image as Pillow

    if reading.keeps_alpha:
        return image.convert("RGBA").convert("RGBa")
    if image.mode == "RGBA":
        ground = Pillow.new("RGBA", image.size, (*reading.background, 255))
        return Pillow.alpha_composite(ground, image).convert("RGB")
    return image


def _fit(image: Image, reading: Reading) -> NDArray[Any]:
    """Resize so that the picture just fits into the square, and centre it: (size, size) or (size, size, channels).

    Pixel art grows by a whole factor, so that all its pixels stay alike. It shrinks by the mean of those that fall
    together, because to leave some out would make noise of its thin lines.
    """
    from PIL import Image as Pillow

    size, largest = reading.size, max(image.size)
    scale, how = size / largest, Pillow.Resampling.LANCZOS
    if reading.resize == "pixels":
        how = Pillow.Resampling.NEAREST if largest <= size else Pillow.Resampling.BOX
        scale = size // largest or scale
    width, height = (max(1, round(side * scale)) for side in image.size)
    fitted = np.array(image.resize((width, height), how))
    if image.mode == "RGBa":
        np.minimum(fitted, fitted[..., 3:], out=fitted)  # Lanczos overshoots; no colour exceeds its alpha
    square = np.zeros((size, size, *fitted.shape[2:]), np.uint8)
    square[...] = reading.background if image.mode == "RGB" else 0
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = fitted
    return square


def resize(images: NDArray[np.uint8], reading: Reading) -> NDArray[np.uint8]:
    """Resize pictures (n, H, W, C) to fit into size × size, centred, as `read_picture` does with files."""
    from PIL import Image

    size = reading.size
    squares = np.empty((len(images), size, size, images.shape[3]), np.uint8)
    for picture, square in zip(images, squares):
        height, width, channels = picture.shape
        mode = {1: "L", 3: "RGB", 4: "RGBa"}[channels]
        image = Image.frombytes(mode, (width, height), picture.tobytes())
        square[:] = _fit(image, reading).reshape(square.shape)
    return squares


def premultiply(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Multiply the colours of pictures (…, 4) by their alpha, if one exceeds it: then they cannot be multiplied yet."""
    if (images <= images[..., 3:]).all():
        return images
    alpha = images[..., 3:].astype(np.uint16)
    colours = (images[..., :3] * alpha + np.uint16(127)) // np.uint16(255)
    return np.concatenate([colours.astype(np.uint8), images[..., 3:]], axis=-1)


def on_background(images: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Lay pictures (…, 4), their colours multiplied by alpha, on a colour: (…, 3)."""
    shows = np.uint16(255) - images[..., 3:]
    return (images[..., :3] + (shows * np.array(colour, np.uint16) + np.uint16(127)) // np.uint16(255)).astype(np.uint8)


def is_grey(image: NDArray[np.uint8]) -> bool:
    """Return whether red, green and blue of a picture (…, 3) are the same everywhere."""
    return bool((image == image[..., :1]).all())


def with_channels(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Convert pictures (…, 1 or 3) to one channel, grey, or three, or to four, opaque.

    Grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in 16 bits as in Pillow. Grey pictures do not change.
    """
    if images.shape[-1] == channels:
        return images
    if channels == 4:
        return np.concatenate([with_channels(images, 3), np.full_like(images[..., :1], 255)], axis=-1)
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    grey = images.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)
    return ((grey + 0x8000) >> 16).astype(np.uint8)[..., None]


def tiles(sheet: Image, grid: Grid) -> list[Image]:
    """Return all whole tiles of a sheet, row by row, also empty ones."""
    columns, rows = (
        range(grid.margin, length - grid.margin - side + 1, side + grid.spacing)
        for side, length in zip(grid[:2], sheet.size)
    )
    return [sheet.crop((x, y, x + grid.width, y + grid.height)) for y in rows for x in columns]
