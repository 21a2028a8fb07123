"""Load a folder of the user's pictures, and decide from them how to read them: size, transparency, resizing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset
from mulligan.data.sources import picture_file
from mulligan.data.sources.arrays import check_light
from mulligan.data.sources.picture_file import ENDINGS, on_background, read_picture, with_channels
from mulligan.data.sources.reading import SIZES, Reading, check_size
from mulligan.doors.write import atomic_write
from mulligan.errors import DataError, RunError, ShapeError

IN_MEMORY = 1 << 28
"""Decoded pictures of more bytes are kept in a file."""
BROKEN = 0.05
"""Largest share of broken pictures that are left out; more are an error."""
LOOKED_AT = 256
"""How many pictures, evenly spaced, decide for all."""
TRANSPARENT = 0.1
"""Transparency is kept if this share of the pictures has a transparent pixel."""
_PIXEL_ART = 0.75  # share of the pictures; of 257 drawn flags, half have few colours
_COLOURS, _SIDE = 64, 128  # most colours and longest side of pixel art; larger drawings in few colours are smoothed
_FIT = 0.9  # share of the pictures that fit into the chosen size as they are, or all are made smaller
_CHOSEN, _CHOSEN_ART = 32, 48  # largest size that is chosen; a step at 48 takes twice as long as one at 32
_LOG = logging.getLogger(__name__)
_NAMED = 3  # how many broken files a note names
_SPLITS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}
_UNKNOWN = {".heic": "HEIC", ".heif": "HEIC", ".avif": "AVIF", ".svg": "SVG", ".psd": "PSD", ".jxl": "JPEG XL"}


def load_pictures(folder: Path, reading: Reading) -> Dataset:
    """Load all pictures of a folder.

    Each picture is turned upright (EXIF), resized to fit into size × size, and centred. Of an animation, the first
    frame is taken. When a tenth of the pictures have transparency, all get an alpha channel, and are centred on
    transparency; otherwise they are put on black. When no picture has colour or alpha, all become grey.

    Sub-folders are classes, in the order of their names; `train` and `test` alone are splits. Linked folders count like
    others. Files without a picture's ending are left out, and broken pictures, up to one in twenty.

    If the decoded pictures take more than 256 MiB, they are written once into a file of the user's cache folder, which
    is mapped into memory, and 256 pictures decide about colour.
    """
    loose, classes, unread = _find(folder)
    if loose and classes:
        raise DataError(
            f"{folder}: pictures lie both beside ({loose[0].name}) and inside sub-folders ({next(iter(classes))}). "
            "Move them all into sub-folders, one per class, or all out of them."
        )
    if classes.keys() == {"train", "test"}:
        return _two_splits(folder, reading)
    paths = _all_of(folder, loose, classes, unread)
    labels = np.repeat(np.arange(len(classes)), [len(inside) for inside in classes.values()]) if classes else None
    reading, note = decide(paths, reading), ""
    if len(paths) * reading.size**2 * 3 > IN_MEMORY:
        images, broken, note = _read_once(paths, reading)
    else:
        images, broken = _read_all(paths, reading)
    shown = images if images.nbytes <= IN_MEMORY else images[evenly(len(images))]
    lighter = "Save them with white at 255, in files of 16 bits at 65,535: ones of 12 bits times 16."
    check_light(folder, "pixel", int(shown.min()), int(shown.max()), what=lighter)
    colours = {1: "grey", 3: "RGB", 4: "RGB with transparency"}[images.shape[3]]
    notes = [*([note] if note else []), _resized_note(reading), colours]
    if len(shown) > 1 and (shown == shown[0]).all():
        notes.append(f"all {len(shown)} are the same picture")
    if unread:
        notes.append(f"{unread} files left out: convert them to JPEG or PNG")
    if broken:
        names = ", ".join(_name(paths[i], folder) for i in list(broken)[:_NAMED]) + ", …" * (len(broken) > _NAMED)
        notes.append(f"{len(broken)} broken picture{'s'[: len(broken) != 1]} left out: {names}")
        _LOG.warning("%s: %s", folder, notes[-1])
    if classes and {name.lower() for name in classes} <= _SPLITS:
        notes.append(f"{', '.join(classes)} became classes: only train and test together, without others, are splits")
    if labels is not None:
        labels = np.delete(labels, list(broken)).astype(np.int64)
    how = {"alpha": reading.alpha, "resize": reading.resize, "size": reading.size}
    return Dataset(str(folder), images, labels, tuple(classes), note="; ".join(notes), decided=how)


def _all_of(folder: Path, loose: list[Path], classes: dict[str, list[Path]], unread: str) -> list[Path]:
    """Return the pictures of a folder and its sub-folders; raise if there are none."""
    paths = [*loose, *chain(*classes.values())]
    if not paths:
        hint = f"Convert the {unread} files to JPEG or PNG." if unread else "Check the path."
        kinds = ", ".join(sorted(ENDINGS))
        raise DataError(f"{folder}: the folder or its sub-folders must hold pictures ({kinds}), got none. {hint}")
    return paths


def _resized_note(reading: Reading) -> str:
    """Say how pictures were resized, and on what they lie."""
    ground = "transparency" if reading.keeps_alpha else reading.alpha
    how = " as pixel art" if reading.resize == "pixels" else ""
    return f"resized to fit {reading.size}×{reading.size}{how}, centred on {ground}"


def load_unresized(folder: Path) -> Dataset:
    """Load all pictures of a folder and its sub-folders in their own size, which must be the same, without classes."""
    paths = _all_of(folder, *_find(folder))
    sizes = [picture_file.check_header(path) for path in paths]
    other = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if other is not None:
        both = " and ".join("{1}×{0} ({2})".format(*sizes[i], _name(paths[i], folder)) for i in (0, other))
        raise ShapeError(f"{folder}: pictures must have one size, got {both}. Measuring never resizes pictures.")
    (width, height), side = sizes[0], max(sizes[0])
    top, left = (side - height) // 2, (side - width) // 2
    images, _ = _read_all(paths, decide(paths, Reading(side, resize="smooth")))
    return Dataset(str(folder), images[:, top : top + height, left : left + width])


def fit_pictures(data: Dataset, reading: Reading) -> Dataset:
    """Resize and recolour pictures that are in memory, as `load_pictures` does with files; size 0 leaves their size.

    If nothing is asked for, the samples may be points.
    """
    check_size(reading.size)
    if data.is_points:
        if reading.size or reading.colour != "auto":
            raise DataError(
                f"{data.name}: samples must be pictures to have a size and colours, got points of {data.shape[0]} "
                "numbers. Leave data.size and data.colour out."
            )
        return data
    images, note, size = np.asarray(data.images), [data.note] if data.note else [], reading.size
    reading = _by_shares(reading, [(_has_alpha(each), is_pixel_art(each)) for each in images[evenly(len(images))]])
    if data.shape[2] == 4 and not reading.keeps_alpha:
        images = on_background(images, reading.background)
        note.append(f"transparency put on {reading.alpha}")
    if size and data.shape[:2] != (size, size):
        images = picture_file.resize(images, reading)
        note.append(f"{data.shape[0]}×{data.shape[1]} {_resized_note(reading)}")
    channels = 4 if reading.keeps_alpha else {"auto": images.shape[3], "grey": 1, "rgb": 3}[reading.colour]
    if channels != images.shape[3]:
        note.append({1: "turned grey", 3: "grey as RGB", 4: "as RGB with transparency"}[channels])
        images = with_channels(images, channels)
    how = {"alpha": reading.alpha, "resize": reading.resize}
    test = None if data.test is None else fit_pictures(data.test, reading)
    return replace(data, images=images, test=test, note="; ".join(note), decided=how)


def _two_splits(folder: Path, reading: Reading) -> Dataset:
    """Load `train` and `test`, which must have the same classes. Both are read as `train` asks for, RGB if one is."""
    train = load_pictures(folder / "train", reading)
    reading = replace(reading, **train.decided)
    test = load_pictures(folder / "test", reading)
    if train.class_names != test.class_names:
        raise DataError(
            f"{folder}: train and test must have the same sub-folders, got {', '.join(train.class_names) or 'none'} "
            f"and {', '.join(test.class_names) or 'none'}."
        )
    if train.shape != test.shape:
        reading = replace(reading, colour="rgb")
        train, test = (load_pictures(folder / part, reading) for part in ("train", "test"))
    note = train.note if train.note == test.note else f"train: {train.note}; test: {test.note}"
    return replace(train, name=str(folder), test=test, note=note)


def _name(path: Path, folder: Path) -> str:
    """Return a file's name inside the folder, with ? for each byte that is not text."""
    return str(path.relative_to(folder)).encode(errors="replace").decode()


def _find(folder: Path) -> tuple[list[Path], dict[str, list[Path]], str]:
    """Return the pictures in the folder itself, those of each sub-folder, and the kinds that are not read."""
    loose: list[Path] = []
    classes: dict[str, list[Path]] = {}
    unread: set[str] = set()
    try:
        above = {str(folder): frozenset(map(_identify, folder.resolve().parents))}
        for where, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
            inside, around = Path(where).relative_to(folder).parts, above.pop(where) | {_identify(where)}
            paths = {name: os.path.join(where, name) for name in sorted(folders) if not name.startswith(".")}
            folders[:] = [name for name, path in paths.items() if _identify(path) not in around]  # no link leads back
            above |= {paths[name]: around for name in folders}
            for name in sorted(files):
                path = Path(where, name)
                ending = path.suffix.lower()
                if name.startswith(".") or ending not in ENDINGS:
                    unread |= {_UNKNOWN[ending]} if ending in _UNKNOWN else set()
                elif inside:
                    classes.setdefault(inside[0], []).append(path)
                else:
                    loose.append(path)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error}). Check the path and its permissions.") from error
    return loose, classes, " and ".join(sorted(unread))


def _identify(folder: str | Path) -> tuple[int, int]:
    """Return what two paths of one folder share."""
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _raise(error: OSError) -> None:
    raise error


def _read_all(sources: Sequence[Path], reading: Reading) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Read pictures into one array, (n, size, size, 1, 3 or 4); also return the positions of broken ones, and why."""
    images = np.empty((len(sources), reading.size, reading.size, 4 if reading.keeps_alpha else 3), np.uint8)
    broken = _read_into(images, sources, reading)
    images = images[: len(sources) - len(broken)]
    if reading.keeps_alpha:
        return images, broken
    if reading.colour == "auto" and all(map(picture_file.is_grey, images)):
        return images[..., :1].copy(), broken
    return (with_channels(images, 1) if reading.colour == "grey" else images), broken


def _read_once(paths: list[Path], reading: Reading) -> tuple[NDArray[np.uint8], dict[int, str], str]:
    """Keep pictures too many for memory in a mapped file of the cache, found by names, sizes, times and reading."""
    import platformdirs

    digest = hashlib.sha256(repr(reading).encode())
    for path in paths:
        status = path.stat()
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogatepass"))
    file = platformdirs.user_cache_path("mulligan") / "pictures" / f"{digest.hexdigest()[:32]}.npy"
    about = file.with_suffix(".json")
    if not (file.is_file() and about.is_file()):
        shape = (len(paths), reading.size, reading.size, _channels(paths, reading))
        part = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            broken = _read_into(np.lib.format.open_memmap(part, "w+", np.uint8, shape), paths, reading)
            atomic_write(about, json.dumps(broken).encode())
            os.replace(part, file)
        except (OSError, RunError) as error:
            raise DataError(
                f"{file.parent}: {math.prod(shape) >> 20:,} MiB of decoded pictures could not be written ({error}). "
                "Make room, or choose a smaller data.size or data.limit."
            ) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    broken = {int(i): why for i, why in json.loads(about.read_bytes()).items()}
    images: NDArray[np.uint8] = np.load(file, mmap_mode="r")
    return images[: len(paths) - len(broken)], broken, f"decoded once into {file}"


def _channels(paths: list[Path], reading: Reading) -> int:
    """Let some pictures decide how many channels all have."""
    if reading.keeps_alpha:
        return 4

    def is_grey(path: Path) -> bool:
        try:
            return picture_file.is_grey(read_picture(path, reading))
        except DataError:
            return True

    grey = reading.colour == "auto" and all(is_grey(paths[i]) for i in evenly(len(paths)))
    return 1 if grey or reading.colour == "grey" else 3


def _read_into(out: NDArray[np.uint8], paths: Sequence[Path], reading: Reading) -> dict[int, str]:
    """Read pictures into the first rows of `out`; return the positions of broken ones, a twentieth at most, and why."""
    rows, broken = iter(out), dict[int, str]()
    for i, path in enumerate(paths):
        try:
            picture = read_picture(path, reading)
        except DataError as error:
            broken[i] = str(error.__cause__) or type(error.__cause__).__name__
            if len(broken) > BROKEN * len(paths):
                more = f"{len(broken)} of {len(paths)} are broken, where one in twenty may be. " * (len(broken) > 1)
                raise DataError(f"{error} {more}".rstrip()) from error.__cause__
        else:
            next(rows)[:] = with_channels(picture, out.shape[3])
    return broken


def evenly(count: int) -> NDArray[np.intp]:
    """Choose the pictures that are looked at."""
    return np.unique(np.linspace(0, count - 1, LOOKED_AT).astype(np.intp))


def decide(sources: Sequence[Path], reading: Reading) -> Reading:
    """Decide what is "auto" in `alpha` and `resize`, and the size if none is given. Broken files are left out."""
    if "auto" not in (reading.alpha, reading.resize) and reading.size:
        return reading
    looks = [look for i in evenly(len(sources)) if (look := _look_at(sources[i])) is not None]
    reading = _by_shares(reading, [look[:2] for look in looks])
    return reading if reading.size else replace(reading, size=_size(sorted(side for *_, side in looks), reading))


def _size(sides: list[int], reading: Reading) -> int:
    """Choose the smallest size that nearly all pictures fit into, or 32 if they are larger."""
    side = sides[int(_FIT * (len(sides) - 1))] if sides else _CHOSEN
    if side > (_CHOSEN_ART if reading.resize == "pixels" else _CHOSEN):
        side = _CHOSEN
    return min(size for size in SIZES if size >= side)


def _by_shares(reading: Reading, looks: Sequence[tuple[bool, bool]]) -> Reading:
    """Decide by how many pictures have transparent pixels, and how many are pixel art."""
    clear, art = (sum(look[side] for look in looks) for side in (0, 1))
    alpha, resize = reading.alpha, reading.resize
    if alpha == "auto":
        keeps = reading.colour != "grey" and clear >= max(1, TRANSPARENT * len(looks))
        alpha = "keep" if keeps else "black"
    if resize == "auto":
        resize = "pixels" if art >= max(1, _PIXEL_ART * len(looks)) else "smooth"
    return replace(reading, alpha=alpha, resize=resize)


def _look_at(path: Path) -> tuple[bool, bool, int] | None:
    """Return whether a picture has transparency and is pixel art, and its side before it grew; None if broken."""

    def read() -> tuple[bool, bool, int]:
        size = picture_file.check_header(path)
        if math.prod(size) > picture_file.LARGE or path.suffix.lower() in (".jpg", ".jpeg"):
            return False, False, max(size)
        pixels = np.asarray(picture_file.open_picture(path))
        art = is_pixel_art(pixels)
        return _has_alpha(pixels), art, max(pixels.shape[:2]) // (_find_enlargement(pixels) if art else 1)

    try:
        return picture_file.try_to_read(path, read)
    except DataError:
        return None


def _has_alpha(pixels: NDArray[np.uint8]) -> bool:
    return pixels.shape[2] == 4 and bool((pixels[..., 3] < 255).any())


def is_pixel_art(pixels: NDArray[np.uint8]) -> bool:
    """Return whether a picture (H, W, C) is small, or enlarged by a whole factor, and has several, but few colours."""
    height, width, _ = pixels.shape
    factor = _find_enlargement(pixels)
    if max(height, width) > _SIDE * factor:
        return False
    colours = pixels[::factor, ::factor].reshape(-1, pixels.shape[2])
    seen = colours[colours[:, 3] != 0] if colours.shape[1] == 4 else colours
    packed = seen.astype(np.uint32) @ (1 << np.arange(0, 8 * seen.shape[1], 8, dtype=np.uint32))
    return 2 <= len(np.unique(packed)) + (len(seen) < len(colours)) <= min(_COLOURS, len(seen) // 3)


def _find_enlargement(pixels: NDArray[Any]) -> int:
    """Return the largest whole factor by which a picture may have been enlarged."""
    return math.gcd(_factor(pixels), _factor(pixels.swapaxes(0, 1)))


def _factor(pixels: NDArray[Any]) -> int:
    """Return the largest whole factor by which rows may have been repeated."""
    changes = np.flatnonzero((pixels[1:] != pixels[:-1]).any(axis=(1, 2))) + 1
    return int(np.gcd.reduce([*changes, len(pixels)]))
