"""Write pictures for games: few colours with hard edges, and all pictures in one file, with a JSON that tells where."""

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan import __version__
from mulligan.doors.write import write_json
from mulligan.output.pictures.images import save_png, straight

DURATION = 100  # milliseconds that an engine shows each picture of a sheet, as Aseprite does by default
_MANY = 1 << 20  # pixels from which a palette is made


def palette_of(images: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Return the colours of pictures (n, H, W, C), (k, 1 or 3): all, or `count` if there are more, by k-means."""
    from PIL import Image

    images = images[:: max(1, images.size // images.shape[-1] // _MANY)]
    pixels = straight(images)[..., :3][_seen(images)]
    distinct = np.unique(pixels.reshape(len(pixels), -1), axis=0)
    if len(distinct) <= count:
        return distinct
    rgb = np.ascontiguousarray(np.broadcast_to(pixels, (len(pixels), 3)))
    cut = Image.fromarray(rgb[None]).quantize(count, Image.Quantize.MAXCOVERAGE, kmeans=1)
    return np.array(cut.getpalette(), np.uint8).reshape(-1, 3)[:count, : distinct.shape[1]]


def snapped(images: NDArray[np.uint8], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give each pixel of pictures (n, H, W, C) the nearest of `colours`; below half of alpha it becomes transparent."""
    made, wanted = np.zeros_like(images), colours.astype(np.float32)
    for picture, plain, seen, out in zip(images, straight(images), _seen(images), made):
        pixels = plain[..., : colours.shape[1]].reshape(-1, colours.shape[1]).astype(np.float32)
        nearest = (np.square(wanted).sum(axis=1) - 2.0 * pixels @ wanted.T).argmin(axis=1)  # ‖x − c‖² without ‖x‖²
        out[..., : colours.shape[1]] = colours[nearest].reshape(*picture.shape[:2], -1) * seen[..., None]
        out[..., colours.shape[1] :] = 255 * seen[..., None]
    return made


def _seen(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels are more opaque than transparent, (n, H, W)."""
    return images[..., 3] >= 128 if images.shape[-1] == 4 else np.ones(images.shape[:-1], np.bool_)


def sheet_files(path: Path) -> list[Path]:
    """Return the files of a sheet: the PNG, and the JSON of the same name beside it."""
    return [path, path.parent / f"{path.stem}.json"]


def save_sheet(path: Path, images: NDArray[np.uint8], classes: Sequence[str] = ()) -> Path:
    """Write pictures (n, H, W, C) side by side into one PNG, and Aseprite's "array" JSON beside it; return its path.

    Game engines read it. Pictures are sorted by class, and each class becomes a tag, an animation.
    """
    order = sorted(range(len(images)), key=lambda i: classes[i] if classes else "")
    n, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(n))
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[:n] = images[order]
    sheet = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    tags: list[dict[str, Any]] = []
    for name, group in groupby(range(n), key=lambda place: classes[order[place]] if classes else ""):
        places = list(group)
        tags.append({"name": name, "from": places[0], "to": places[-1], "direction": "forward"})
    frames = [
        {
            "filename": f"{path.stem} {place}",
            "frame": {"x": place % columns * width, "y": place // columns * height, "w": width, "h": height},
            "rotated": False,
            "trimmed": False,
            "spriteSourceSize": {"x": 0, "y": 0, "w": width, "h": height},
            "sourceSize": {"w": width, "h": height},
            "duration": DURATION,
        }
        for place in range(n)
    ]
    meta = {
        "app": "Mulligan",
        "version": __version__,
        "image": path.name,
        "format": "I8" if images.shape[3] == 1 else "RGBA8888",
        "size": {"w": sheet.shape[1], "h": sheet.shape[0]},
        "scale": "1",
        "frameTags": tags if classes else [],
    }
    save_png(path, sheet)
    write_json(beside := sheet_files(path)[1], {"frames": frames, "meta": meta})
    return beside
