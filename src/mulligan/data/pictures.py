"""A folder of the user's own pictures."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.data.dataset import Dataset
from mulligan.errors import ConfigError, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

SIZES = (28, 32, 48, 64)
_ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"}
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # of Pillow's, none that runs another program
_NAMED = 3  # broken files that a note names


def load_pictures(folder: Path, size: int = 28, skip_broken: bool = False) -> Dataset:
    """Load all pictures of a folder.

    Each is turned upright (EXIF), laid on black where it is transparent, resized so that it just fits into
    size × size, and centred on black. Of animations, the first frame counts. When no picture has colour, all are grey.

    Sub-folders are classes, in the order of their names; `train` and `test`, when there is nothing else, are the two
    splits instead. Files that are no pictures by their ending are left out.

    Parameters
    ----------
    folder : Path
        The folder.
    size : int
        28, 32, 48 or 64.
    skip_broken : bool
        Leave out files that cannot be read, and say so in the note, rather than refuse.

    Returns
    -------
    Dataset
        Pictures uint8 (n, size, size, 1 or 3), ordered by path. `note` says what was done.

    Raises
    ------
    ConfigError
        When `size` is not allowed.
    DataError
        When a picture is broken, there are none, or pictures lie both beside and inside sub-folders.
    """
    if size not in SIZES:
        raise ConfigError(f"size is {size}; {', '.join(map(str, SIZES))} are allowed. Try 28.")
    loose, classes, others = _find(folder)
    if loose and classes:
        raise DataError(
            f"{folder}: pictures lie both beside ({loose[0].name}) and inside sub-folders ({next(iter(classes))}). "
            "Move them all into sub-folders, one per class, or all out of them."
        )
    if classes.keys() == {"train", "test"}:
        return _two_splits(folder, size, skip_broken)
    if not loose and not classes:
        raise DataError(
            f"{folder}: no pictures; files ending in {', '.join(sorted(_ENDINGS))} are looked for, here and in "
            "sub-folders. Check the path."
        )
    paths = loose or [path for found in classes.values() for path in found]
    numbers = np.repeat(np.arange(len(classes)), [len(found) for found in classes.values()])
    images, broken = _read_all(paths, size, skip_broken)
    note = f"resized to fit {size}×{size}, centred on black; {'grey' if images.shape[3] == 1 else 'RGB'}"
    if others:
        note += f"; {others} other files left out"
    if broken:
        names = ", ".join(str(paths[i].relative_to(folder)) for i in broken[:_NAMED])
        note += f"; {len(broken)} broken pictures skipped: {names}{', …' if len(broken) > _NAMED else ''}"
    if not classes:
        return Dataset(str(folder), images, note=note)
    labels = np.delete(numbers, broken).astype(np.int64)
    return Dataset(str(folder), images, labels, tuple(classes), note=note)


def _two_splits(folder: Path, size: int, skip_broken: bool) -> Dataset:
    """Load `train` and `test`, which must have the same classes; grey pictures become RGB when the others are."""
    train, test = (load_pictures(folder / part, size, skip_broken) for part in ("train", "test"))
    if train.class_names != test.class_names:
        raise DataError(
            f"{folder}: train has the classes {', '.join(train.class_names) or 'none'}, test has "
            f"{', '.join(test.class_names) or 'none'}. Both need the same sub-folders."
        )
    channels = max(train.shape[2], test.shape[2])
    train, test = (
        replace(part, images=np.broadcast_to(np.asarray(part.images), (len(part), size, size, channels)).copy())
        for part in (train, test)
    )
    return replace(train, name=str(folder), test=test)


def _find(folder: Path) -> tuple[list[Path], dict[str, list[Path]], int]:
    """Give the pictures right in the folder, those of each sub-folder, and the number of other files that show."""
    loose: list[Path] = []
    classes: dict[str, list[Path]] = {}
    others = 0
    try:
        for where, folders, files in os.walk(folder, onerror=_raise):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(where, name)
                inside = path.relative_to(folder).parts[:-1]
                if name.startswith("."):
                    continue
                if path.suffix.lower() not in _ENDINGS:
                    others += 1
                elif inside:
                    classes.setdefault(inside[0], []).append(path)
                else:
                    loose.append(path)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error}). Check the path and its permissions.") from error
    return loose, classes, others


def _raise(error: OSError) -> None:
    raise error


def _read_all(paths: list[Path], size: int, skip_broken: bool) -> tuple[NDArray[np.uint8], list[int]]:
    """Read pictures into one array, (n, size, size, 1 or 3); give also the positions of those that were skipped."""
    images = np.empty((len(paths), size, size, 3), np.uint8)
    broken: list[int] = []
    for i, path in enumerate(paths):
        try:
            images[i - len(broken)] = read_picture(path, size)
        except DataError:
            if not skip_broken:
                raise
            broken.append(i)
    if len(broken) == len(paths):
        raise DataError(f"{paths[0].parent}: all {len(paths)} pictures are broken, {paths[0].name} the first.")
    images = images[: len(paths) - len(broken)]
    grey = all((image == image[..., :1]).all() for image in images)
    return (images[..., :1].copy() if grey else images), broken


def read_picture(path: Path, size: int) -> NDArray[np.uint8]:
    """Read one picture, upright, on black, resized to fit and centred.

    Parameters
    ----------
    path : Path
        A PNG, JPEG, GIF, BMP, TIFF, WebP or PPM file.
    size : int
        Side of the square.

    Returns
    -------
    uint8 array (size, size, 3)

    Raises
    ------
    DataError
        When the file is missing, broken, of another format, of more than 89 million pixels, or of floats or 32-bit
        numbers, whose black and white are not known.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata are no concern here; a bomb is
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                image.draft(None, (4 * size, 4 * size))  # JPEG: decode at a fraction of the size, where that is enough
                kind = image.format  # what comes after has lost it
                rgb = _to_rgb(ImageOps.exif_transpose(image), kind)
                scale = size / max(rgb.size)
                fit = [max(1, round(side * scale)) for side in rgb.size]
                fitted = rgb.resize((fit[0], fit[1]), Image.Resampling.LANCZOS)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:  # Pillow raises nearly everything on broken files
        raise DataError(
            f"{path}: cannot be read as a picture ({error or type(error).__name__}). Repair or remove it, or load "
            "with skip_broken=True."
        ) from error
    square = np.zeros((size, size, 3), np.uint8)
    top, left = (size - fitted.height) // 2, (size - fitted.width) // 2
    square[top : top + fitted.height, left : left + fitted.width] = np.asarray(fitted)
    return square


def _to_rgb(image: Image, kind: str | None) -> Image:
    """Convert any mode to 8-bit RGB on black."""
    from PIL import Image as Pillow

    if image.mode.startswith("I;16") or (image.mode == "I" and kind in ("PNG", "PPM")):
        deep: NDArray[Any] = np.asarray(image).astype(np.float64)
        return Pillow.fromarray(np.rint(deep / 257.0).astype(np.uint8)).convert("RGB")  # 65535 / 257 = 255
    if image.mode in ("I", "F"):
        raise DataError(
            f"pictures of mode {image.mode} (32 bits a value) have no known black and white. Save it with 8 or 16 bits."
        )
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Pillow.alpha_composite(Pillow.new("RGBA", layer.size, (0, 0, 0, 255)), layer).convert("RGB")
    return image.convert("RGB")
