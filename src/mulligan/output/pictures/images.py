"""Draw pictures at a fixed scale of intensity: black is always `low` and white is always `high`.

Pictures of four channels hold red, green and blue times alpha, and alpha, everywhere in Mulligan. In files colours are
not multiplied: `pillow` divides them (`straight`), and `read_png` multiplies them again.

Contrast is never stretched. A generator whose pixels all lie within 1e-5 of grey is shown as grey; with stretched
contrast, an untrained network was once mistaken for one that draws digits.
"""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from mulligan.doors.write import PROGRAM, atomic_write
from mulligan.errors import CheckpointError, ConfigError, ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image

_SHADES = " .:-=+*#%@"
_GAP = 32  # grey level of a grid's lines: dark, but light enough to show where a picture ends
_BOARD = 153, 102  # grey levels of the squares behind a transparent picture in a terminal
_WIDEST = 80  # columns of a plain terminal
SIDE = 192  # height and width in pixels of a picture of points
_MARGIN = 0.25  # of the range, on every side of such a picture, where early points lie
ANIMATIONS = {".gif": "GIF", ".png": "PNG", ".apng": "PNG"}
"""The formats of animations by the file's ending."""


def to_uint8(images: NDArray[np.floating[Any]], low: float = -1.0, high: float = 1.0) -> NDArray[np.uint8]:
    """Turn network output into bytes of the same shape: round(255 · (x − low) / (high − low)), clipped to 0 … 255.

    The inverse of `mulligan.data.scale`, exactly, for the same `low` and `high`, the values of black and white. In
    pictures (n, H, W, 4) no colour exceeds alpha, by which it is multiplied. Raises `ShapeError` for NaN.
    """
    levels = (images - low) * (255.0 / (high - low))
    if np.isnan(levels).any():
        raise ShapeError("pixels must be numbers, got NaN, which has no grey level. Find the step at which it arose.")
    pixels: NDArray[np.uint8] = np.rint(levels.clip(0.0, 255.0)).astype(np.uint8)
    if pixels.ndim == 4 and pixels.shape[3] == 4:
        np.minimum(pixels, pixels[..., 3:], out=pixels)
    return pixels


def grid(images: NDArray[np.uint8], columns: int | None = None, pad: int = 2) -> NDArray[np.uint8]:
    """Lay pictures out in rows, in order: (rows·(H + pad) + pad, columns·(W + pad) + pad, C), uint8.

    Parameters
    ----------
    images : uint8 array (n, H, W, C) or (n, H, W)
        C = 1, 3 or 4.
    columns : int, optional
        Pictures per row; by default the grid is square.
    pad : int
        Width in pixels of the dark grey lines between and around the pictures. Empty places have their grey.
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3, 4) or len(images) == 0:
        raise ShapeError(
            f"images must be uint8 (n, H, W, 1, 3 or 4), n ≥ 1, got {images.dtype} {images.shape}. Try to_uint8 first."
        )
    n, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, channels), _GAP, np.uint8)
    sheet[..., 3:] = 255
    for i, image in enumerate(images):
        top, left = pad + i // columns * (height + pad), pad + i % columns * (width + pad)
        sheet[top : top + height, left : left + width] = image
    return sheet


def points_picture(points: NDArray[np.floating[Any]], low: float, high: float) -> NDArray[np.uint8]:
    """Draw points as white dots on black, or the histogram of one coordinate. The frame is wider than the data."""
    picture = np.zeros((SIDE, SIDE), np.uint8)
    margin = _MARGIN * (high - low) or 1.0
    cells = np.floor((points[:, :2] - (low - margin)) * (SIDE / (high - low + 2 * margin)))
    cells = cells[((cells >= 0) & (cells < SIDE)).all(axis=1)].astype(np.intp)
    if points.shape[1] == 1:
        heights = np.bincount(cells[:, 0] // 4, minlength=SIDE // 4) / len(points) * (4 * SIDE)
        rows = np.arange(SIDE)[:, None]
        picture[rows >= SIDE - np.repeat(heights, 4)[None, :]] = 255
    else:
        picture[SIDE - 1 - cells[:, 1], cells[:, 0]] = 255
    return picture


def straight(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Divide the colours of pictures (…, 4) by their alpha, as files hold them; `read_png` multiplies them again."""
    if images.shape[-1] != 4:
        return images
    alpha = images[..., 3:].astype(np.uint16)
    colours = (images[..., :3] * np.uint16(255) + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([(colours * (alpha > 0)).clip(0, 255).astype(np.uint8), images[..., 3:]], axis=-1)


def pillow(array: NDArray[np.uint8]) -> Image:
    """Return a Pillow image: uint8 (H, W) or (H, W, 1) grey, (H, W, 3) RGB, (H, W, 4) RGBA with `straight` colours."""
    from PIL import Image

    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    return Image.fromarray(np.ascontiguousarray(array if array.ndim == 2 else straight(array)))


def save_png(path: str | Path, array: NDArray[np.uint8], metadata: Mapping[str, str] | None = None) -> None:
    """Write one picture, uint8 (H, W) or (H, W, 1, 3 or 4), as PNG, whole or not at all.

    The same values give the same bytes. `metadata` is text stored in the file, for `PIL.Image.open(path).text`.
    """
    from PIL.PngImagePlugin import PngInfo

    image, info = pillow(array), PngInfo()
    info.add_text("Software", PROGRAM)
    for key, value in (metadata or {}).items():
        info.add_itxt(key, value)
    atomic_write(path, lambda file: image.save(file, format="PNG", pnginfo=info))


def png_bytes(array: NDArray[np.uint8], *, quickly: bool = False) -> bytes:
    """Return one picture as PNG: as small as possible, or `quickly` for a picture that is shown only once."""
    buffer = io.BytesIO()
    options = {"compress_level": 3} if quickly else {"optimize": True}
    pillow(array).save(buffer, format="PNG", **options)
    return buffer.getvalue()


def read_png(path: Path | IO[bytes]) -> NDArray[np.uint8]:
    """Read a picture that `save_png` or `png_bytes` wrote."""
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return np.asarray(picture.convert("RGBa") if picture.mode == "RGBA" else picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a picture, because it was changed after it was written. Restore it, or delete "
            "it: the run does not need it."
        ) from error


def save_animation(path: str | Path, frames: Iterable[NDArray[np.uint8]], duration: int = 80) -> None:
    """Write frames as an animation in an endless loop; the file's ending chooses the format.

    Grey frames keep their exact levels in all formats. Colour frames keep their exact colours and their transparency in
    APNG. GIF has 256 colours a frame, and a pixel is transparent or not: below half of alpha it is.
    Equal frames in a row may be stored as one longer frame. All are uint8 of one shape, (H, W) or (H, W, 1, 3 or 4).
    `duration` is milliseconds per frame, at least 20, because browsers slow down faster animations.
    """
    from PIL.PngImagePlugin import PngInfo

    path = Path(path)
    kind = ANIMATIONS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"an animation must end in {', '.join(ANIMATIONS)}, got {path.name}. Try {path.stem}.gif.")
    images = [pillow(frame) for frame in frames]
    options: dict[str, Any] = {"duration": duration, "loop": 0}  # endless
    if kind == "PNG":
        options["pnginfo"] = info = PngInfo()
        info.add_text("Software", PROGRAM)
    elif kind == "GIF":
        options |= {"comment": PROGRAM.encode(), "disposal": 2}  # each frame replaces the one before
        for image in images:
            if image.mode == "RGBA":  # a pixel is seen or not
                image.putalpha(image.getchannel("A").point(lambda alpha: 255 * (alpha >= 128)))

    def write(file: IO[bytes]) -> None:
        images[0].save(file, format=kind, save_all=True, append_images=images[1:], **options)

    atomic_write(path, write)


def save_walk(path: str | Path, frames: NDArray[np.uint8]) -> None:
    """Write a walk's pictures forth and back, each end once, so that the loop has no seam; see `save_animation`."""
    save_animation(path, [*frames, *frames[-2:0:-1]], duration=40)


def terminal_picture(image: NDArray[np.uint8], color: bool) -> str:
    """Draw one picture as text: "▀" for two pixels in 24-bit `color`, or ten shades of ASCII, two letters a pixel."""
    height, width = image.shape[:2]
    if image.shape[2:] == (4,):
        rows, columns = np.indices((height, width)) // 4
        board = np.where((rows + columns) % 2, *_BOARD) * color
        image = (image[..., :3] + (255 - image[..., 3:]) / 255 * board[..., None]).clip(0, 255).astype(np.uint8)
    rgb = np.asarray(pillow(image).convert("RGB"))
    if height % 2 and (color or 2 * width > _WIDEST):
        rgb = np.concatenate([rgb, np.zeros_like(rgb[:1])])
    if color:
        return "".join(
            "".join("\x1b[38;2;{};{};{};48;2;{};{};{}m▀".format(*top, *bottom) for top, bottom in zip(upper, lower))
            + "\x1b[0m\n"
            for upper, lower in zip(rgb[0::2].tolist(), rgb[1::2].tolist())
        )
    light = rgb @ np.array([299, 587, 114])  # ITU-R BT.601 luma in thousandths, exact in whole numbers
    if 2 * width > _WIDEST:
        light = (light[0::2] + light[1::2]) // 2
    repeat = 2 if 2 * width <= _WIDEST else 1
    shades = light * len(_SHADES) // 256_000
    return "".join("".join(_SHADES[s] * repeat for s in row).rstrip() + "\n" for row in shades.tolist())


def wants_color(stream: TextIO) -> bool:
    """Return whether a picture on `stream` may use colours and "▀": a terminal that can, and no NO_COLOR."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    if os.environ.get("TERM_PROGRAM") == "Apple_Terminal" and not os.environ.get("COLORTERM"):
        return False  # before macOS 26 it reads a colour's numbers as commands
    if sys.platform == "win32" and not {"WT_SESSION", "TERM", "ANSICON"} & os.environ.keys():
        return False  # an old console, which prints colours as letters
    try:
        "▀".encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
