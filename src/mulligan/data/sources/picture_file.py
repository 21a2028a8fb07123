"""Read one picture file of any common format as size × size bytes; convert pictures that are in memory."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ConfigError, DataError, must_be

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

SIZES = (28, 32, 48, 64)
ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"}
COLOURS = ("auto", "grey", "rgb")
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # those of Pillow's formats that start no other program

_TO_BYTES = {"L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}  # factors from pixels of 2, 4 and 16 bits to Pillow's


def check_form(size: int, colour: str) -> None:
    """Raise ConfigError unless pictures can have this size and colour."""
    if size not in SIZES:
        raise ConfigError(must_be("size", f"one of {', '.join(map(str, SIZES))}", size, 28))
    if colour not in COLOURS:
        raise ConfigError(must_be("colour", f"one of {', '.join(COLOURS)}", colour, "'auto'"))


def read_picture(path: Path, size: int) -> NDArray[np.uint8]:
    """Read one picture, upright, on black, resized to fit and centred: (size, size, 3)."""
    try:
        with warnings.catch_warnings():
            _ignore_all_but_bombs()
            return decode(path, size)
    except Exception as error:  # Pillow raises nearly everything on broken files
        raise _unreadable(path, error) from error


def decode(path: Path, size: int) -> NDArray[np.uint8]:
    """Read one picture, with Pillow's own errors and warnings. For threads, which share warning filters."""
    from PIL import Image, ImageOps

    _check_is_file(path)
    with Image.open(path, formats=_FORMATS) as image:
        _put_key_in_bytes(image)
        image.draft(None, (4 * size, 4 * size))  # JPEG: decode at a fraction of the size if that is enough
        kind = image.format  # later steps lose it
        return _fit(_to_rgb(ImageOps.exif_transpose(image), kind), size)


def check_header(path: Path) -> tuple[int, int]:
    """Check a picture by the first bytes of its file; return its width and height. A cut file is not noticed."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            _ignore_all_but_bombs()
            _check_is_file(path)
            with Image.open(path, formats=_FORMATS) as image:
                return image.size
    except Exception as error:  # Pillow raises nearly everything on broken files
        raise _unreadable(path, error) from error


def _ignore_all_but_bombs() -> None:
    from PIL import Image

    warnings.simplefilter("ignore")  # odd metadata do not matter here; a bomb does
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _check_is_file(path: Path) -> None:
    """Raise for pipes and devices: opening one could block forever."""
    if path.exists() and not path.is_file():
        raise DataError("must be a file, got a pipe or a device. Remove it, or load with skip_broken=True.")


def _put_key_in_bytes(image: ImageFile) -> None:
    """Scale the colour that a PNG declares transparent as Pillow scales the pixels; Pillow forgets to."""
    key, unpacked = image.info.get("transparency"), image.tile[0].args if image.tile else None
    if key is None or unpacked not in _TO_BYTES:
        return
    factor = _TO_BYTES[unpacked]
    image.info["transparency"] = int(key * factor) if isinstance(key, int) else tuple(int(k * factor) for k in key)


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return DataError(f"{path}: {error}")
    return DataError(
        f"{path}: cannot be read as a picture ({str(error) or type(error).__name__}). Repair or remove it, or load "
        "with skip_broken=True (--set data.skip_broken=true)."
    )


def _fit(image: Image, size: int) -> NDArray[Any]:
    """Resize so that the picture just fits into the square, and centre it on black: (size, size) or (size, size, 3)."""
    from PIL import Image as Pillow

    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    fitted = np.asarray(image.resize((width, height), Pillow.Resampling.LANCZOS))
    square = np.zeros((size, size, *fitted.shape[2:]), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = fitted
    return square


def _to_rgb(image: Image, kind: str | None) -> Image:
    """Convert any mode to 8-bit RGB on black."""
    from PIL import Image as Pillow

    if image.mode.startswith("I;16") or (image.mode == "I" and kind in ("PNG", "PPM")):
        deep: NDArray[Any] = np.asarray(image).astype(np.float64)
        deep[deep == image.info.get("transparency")] = 0.0
        return Pillow.fromarray(np.rint(deep / 257.0).astype(np.uint8)).convert("RGB")  # 65535 / 257 = 255
    if image.mode in ("I", "F"):
        raise DataError(
            f"pictures must have 8 or 16 bits a value, got mode {image.mode} (32 bits). Save it with 8 or 16 bits."
        )
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Pillow.alpha_composite(Pillow.new("RGBA", layer.size, (0, 0, 0, 255)), layer).convert("RGB")
    return image.convert("RGB")


# ── pictures in memory ────────────────────────────────────────────────────────────────────────────────────────────────


def resized(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize pictures (n, H, W, C) to fit into size × size, centred on black, as `read_picture` does with files."""
    from PIL import Image

    made = np.empty((len(images), size, size, images.shape[3]), np.uint8)
    for picture, square in zip(images, made):
        square[:] = _fit(Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture), size).reshape(
            square.shape
        )
    return made


def is_grey(image: NDArray[np.uint8]) -> bool:
    """Return whether red, green and blue of a picture (…, 3) are the same everywhere."""
    return bool((image == image[..., :1]).all())


def with_channels(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Convert pictures (…, 1 or 3) to one channel, grey, or three.

    Grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in 16 bits as in Pillow. Grey pictures do not change.
    """
    if images.shape[-1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    grey = images.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)
    return ((grey + 0x8000) >> 16).astype(np.uint8)[..., None]
