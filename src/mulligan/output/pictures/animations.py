"""Write animations at a fixed scale of intensity: GIF, APNG and WebP, with the frames' exact grey levels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.doors.signature import PROGRAM, XMP
from mulligan.doors.write import atomic_write
from mulligan.errors import ConfigError, ShapeError
from mulligan.output.pictures.images import pillow

if TYPE_CHECKING:
    pass

ANIMATIONS = {".gif": "GIF", ".png": "PNG", ".apng": "PNG", ".webp": "WEBP"}


def save_animation(path: str | Path, frames: Iterable[NDArray[np.uint8]], duration: int = 80) -> None:
    """Write frames as an animation in an endless loop; the file's ending chooses the format.

    Grey frames keep their exact levels in all formats. Colour frames keep their exact colours and their transparency in
    APNG and WebP (lossless). GIF has 256 colours a frame, and a pixel is transparent or not: below half of alpha it is.
    Equal frames in a row may be stored as one longer frame.

    Parameters
    ----------
    path : str or Path
        Ends in .gif, .png, .apng or .webp; written whole or not at all.
    frames : iterable of uint8 arrays (H, W) or (H, W, 1, 3 or 4)
        All of one shape.
    duration : int
        Milliseconds per frame, at least 20, because browsers slow down faster animations. GIF counts in steps of 10.
    """
    from PIL.PngImagePlugin import PngInfo

    path = Path(path)
    kind = ANIMATIONS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"an animation must end in {', '.join(ANIMATIONS)}, got {path.name}. Try {path.stem}.gif.")
    images = [pillow(frame) for frame in frames]
    if not images:
        raise ShapeError("an animation must have at least one frame, got none. Let the run take samples first.")
    shapes = {(image.mode, *image.size) for image in images}
    if len(shapes) > 1:
        raise ShapeError(f"all frames must have one shape, got {sorted(shapes)}. Use the same grid for each.")
    options: dict[str, Any] = {"duration": duration, "loop": 0}  # endless
    if kind == "PNG":
        options["pnginfo"] = info = PngInfo()
        info.add_text("Software", PROGRAM)
    elif kind == "GIF":
        options |= {"comment": PROGRAM.encode(), "disposal": 2}  # each frame replaces the one before
        for image in images:
            if image.mode == "RGBA":  # a pixel is seen or not
                image.putalpha(image.getchannel("A").point(lambda alpha: 255 * (alpha >= 128)))
    elif kind == "WEBP":
        options |= {"lossless": True, "exact": True, "minimize_size": False, "xmp": XMP}

    def write(file: IO[bytes]) -> None:
        images[0].save(file, format=kind, save_all=True, append_images=images[1:], **options)

    atomic_write(path, write)


def save_walk(path: str | Path, frames: NDArray[np.uint8]) -> None:
    """Write a walk's pictures forth and back, each end once, so that the loop has no seam; see `save_animation`."""
    save_animation(path, [*frames, *frames[-2:0:-1]], duration=40)
