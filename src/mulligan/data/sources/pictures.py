"""Load a folder of the user's pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset, Images
from mulligan.data.sources import picture_file, streamed
from mulligan.data.sources.arrays import DARK, check_light
from mulligan.data.sources.picture_file import ENDINGS, on_background, read_picture, with_channels
from mulligan.data.sources.reading import Grid, Reading, check_size
from mulligan.data.sources.recognition import decided, decided_in_memory, evenly
from mulligan.data.sources.sheets import cut
from mulligan.data.sources.streamed import StreamedPictures
from mulligan.errors import ConfigError, DataError, ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image

_NAMED = 3  # how many broken files a note names
_SPLITS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}
_UNKNOWN = {".heic": "HEIC", ".heif": "HEIC", ".avif": "AVIF", ".svg": "SVG", ".psd": "PSD", ".jxl": "JPEG XL"}


def load_pictures(folder: Path, reading: Reading, skip_broken: bool = False) -> Dataset:
    """Load all pictures of a folder, or open the folder when they are too many for memory.

    Each picture is turned upright (EXIF), resized to fit into size × size, and centred. Of an animation, the first
    frame is taken. When a tenth of the pictures have transparency, all get an alpha channel, and are centred on
    transparency; otherwise they are put on black. When no picture has colour or alpha, all become grey.

    Sub-folders are classes, in the order of their names. If `train` and `test` are the only sub-folders, they are the
    two splits instead. Linked folders count like others. Files without a picture's ending are left out.

    If the decoded pictures would take more than 256 MiB, batches read them from their files as needed
    (`StreamedPictures`). Then only the first bytes of each file are checked here, and 256 pictures decide about colour.

    Parameters
    ----------
    folder : Path
        The folder.
    reading : Reading
        Size, colour, transparency and resizing; with "auto" the pictures decide.
    skip_broken : bool
        Leave out files that cannot be read, and say so in the note. Otherwise they raise an error.

    Returns
    -------
    Dataset
        Pictures uint8 (n, size, size, 1, 3 or 4), ordered by path. `note` says what loading changed, `decided` how
        they were read.

    Raises
    ------
    ConfigError
        When pictures cannot be read so.
    DataError
        When a picture is broken, all are fully transparent, there are none, or they lie both beside and inside
        sub-folders.
    """
    loose, classes, others = _find(folder) if folder.is_dir() else ([folder], {}, {})
    if loose and classes:
        raise DataError(
            f"{folder}: pictures lie both beside ({loose[0].name}) and inside sub-folders ({next(iter(classes))}). "
            "Move them all into sub-folders, one per class, or all out of them."
        )
    if classes.keys() == {"train", "test"}:
        return _two_splits(folder, reading, skip_broken)
    unread = " and ".join(sorted({_UNKNOWN[ending] for ending in others if ending in _UNKNOWN}))
    if not loose and not classes:
        hint = f" Convert the {unread} files to JPEG or PNG." if unread else " Check the path."
        raise DataError(
            f"{folder}: the folder or its sub-folders must hold pictures ({', '.join(sorted(ENDINGS))}), got none."
            f"{hint}"
        )
    paths = loose or [path for found in classes.values() for path in found]
    numbers = np.repeat(np.arange(len(classes)), [len(found) for found in classes.values()]) if classes else None
    tiles = None if reading.grid is None else _cut_all(folder, paths, reading.grid, skip_broken)
    reading = decided(paths if tiles is None else tiles.cells, replace(reading, size=reading.side))
    size = reading.size
    many = tiles is None and len(paths) * size * size * 3 > streamed.IN_MEMORY
    if tiles is not None:
        broken, (images, _) = tiles.broken, _read_all(tiles.cells, reading, False)
    elif many:
        images, broken = _open_all(paths, reading, skip_broken, numbers)
    else:
        images, broken = _read_all(paths, reading, skip_broken)
    seen: NDArray[np.uint8] = images[: 1 if many else None]
    if many and seen.max() - seen.min() < DARK:  # too few to judge the others by
        seen = images[evenly(len(images))]
    unseen = int((~seen[..., 3].any(axis=(1, 2))).sum()) if reading.keeps_alpha and not many else 0
    if unseen == len(seen):
        raise DataError(
            f"{folder}: pictures must show something, but all {unseen} are fully transparent. Save them without an "
            "alpha channel, or with one that is 255 where there is something to see."
        )
    lighter = "Save them with white at 255, in files of 16 bits at 65,535: ones of 12 bits times 16."
    check_light(folder, "pixel", int(seen.min()), int(seen.max()), what=lighter)
    notes = [_resized_note(reading), {1: "grey", 3: "RGB", 4: "RGB with transparency"}[images.shape[3]]]
    if unseen:
        notes.append(f"{unseen} fully transparent")
    if len(seen) > 1 and (seen == seen[0]).all():
        notes.append(f"all {len(seen)} are the same picture")
    if tiles is not None:
        notes.insert(0, tiles.note)
    if many:
        notes[-1] += f", read from disk as needed ({streamed.IN_MEMORY >> 20} MiB stay in memory)"
    if others:
        left = sum(others.values())
        hint = f" (convert {unread} to JPEG or PNG)" if unread else ""
        notes.append(f"{left} other file{'s'[: left != 1]} left out{hint}")
    refused = tuple((_name(paths[i], folder), why) for i, why in broken.items())
    if refused:
        names = ", ".join(name for name, _ in refused[:_NAMED]) + (", …" if len(refused) > _NAMED else "")
        notes.append(f"{len(refused)} broken picture{'s'[: len(refused) != 1]} skipped: {names}")
    if classes and {name.lower() for name in classes} <= _SPLITS:
        largest = folder / max(classes, key=lambda name: len(classes[name]))
        notes.append(f"{', '.join(classes)} became classes: only train and test together, without others, are splits")
        notes.append(f"to use one part alone, give {largest}")
    labels = None if numbers is None else np.delete(numbers, list(broken)).astype(np.int64)
    labels = labels if labels is None or tiles is None else np.repeat(labels, tiles.counts)
    how = {"alpha": reading.alpha, "resize": reading.resize, "size": size}
    return Dataset(str(folder), images, labels, tuple(classes), note="; ".join(notes), refused=refused, decided=how)


class _Tiles(NamedTuple):
    """The tiles of all sheets, how many each has, the sheets that are broken, and a sentence on it."""

    cells: list[Image]
    counts: list[int]
    broken: dict[int, str]
    note: str


def _cut_all(folder: Path, paths: list[Path], grid: Grid, skip_broken: bool) -> _Tiles:
    """Cut sheets into tiles, without those that are empty."""
    found: list[tuple[list[Image], int]] = []
    broken = _broken(paths, lambda path: found.append(cut(path, grid)), skip_broken)
    cells, empty = [cell for full, _ in found for cell in full], sum(empty for _, empty in found)
    if not cells:
        raise DataError(f"{folder}: a tile of {grid} must hold a picture, got {empty} empty ones. Check the sheets.")
    left = f", {empty} empty one{'s'[: empty != 1]} left out" if empty else ""
    note = f"{len(found)} sheet{'s'[: len(found) != 1]} cut into {len(cells)} tiles of {grid.width}×{grid.height}{left}"
    return _Tiles(cells, [len(full) for full, _ in found], broken, note)


def _resized_note(reading: Reading) -> str:
    """Say how pictures were resized, and on what they lie."""
    ground = {"keep": "transparency"}.get(reading.alpha, reading.alpha)
    how = " as pixel art" if reading.resize == "pixels" else ""
    return f"resized to fit {reading.size}×{reading.size}{how}, centred on {ground}"


def load_unresized(folder: Path) -> Dataset:
    """Load all pictures of a folder and its sub-folders in their own size, which must be the same, without classes."""
    paths = _all_in(folder)
    sizes = [picture_file.check_header(path) for path in paths]
    other = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if other is not None:
        found = " and ".join("{1}×{0} ({2})".format(*sizes[i], _name(paths[i], folder)) for i in (0, other))
        raise ShapeError(f"{folder}: pictures must have one size, got {found}. Measuring never resizes pictures.")
    (width, height), side = sizes[0], max(sizes[0])
    top, left = (side - height) // 2, (side - width) // 2
    images, _ = _read_all(paths, decided(paths, Reading(alpha="auto", resize="smooth", size=side)), False)
    return Dataset(str(folder), images[:, top : top + height, left : left + width])


def read_as(path: Path, shape: tuple[int, ...], alpha: str = "black", resize: str = "smooth") -> NDArray[np.uint8]:
    """Read a picture, or those of a folder, fitted to a square `shape`: (n, side, side, channels)."""
    if len(shape) != 3:
        raise ShapeError(f"samples must be pictures, to fit others to them, got shape {shape}. Use another model.")
    if shape[0] != shape[1]:
        raise ShapeError(
            f"samples must be square pictures, to fit others to them, got shape {shape}. Try "
            "mulligan.output.generator.invert."
        )
    if not path.exists():
        raise DataError(f"picture must be a file or a folder, got {path}, which does not exist. Check the path.")
    paths = _all_in(path) if path.is_dir() else [path]
    reading = Reading(shape[0], alpha="keep" if shape[2] == 4 else alpha, resize=resize)
    return with_channels(np.stack([read_picture(each, reading) for each in paths]), shape[2])


def _all_in(folder: Path) -> list[Path]:
    loose, classes, _ = _find(folder)
    if not loose and not classes:
        raise DataError(f"{folder}: the folder must hold pictures ({', '.join(sorted(ENDINGS))}), got none.")
    return [*loose, *chain(*classes.values())]


def fitted(data: Dataset, reading: Reading) -> Dataset:
    """Resize and recolour pictures that are in memory, as `load_pictures` does with files; size 0 leaves their size.

    If nothing is asked for, the samples may be points.
    """
    check_size(reading.size)
    if reading.tile:
        raise ConfigError(f"tile must be left out for {data.name}, which is no picture or folder of pictures.")
    if data.is_points:
        if reading.size or reading.colour != "auto":
            raise DataError(
                f"{data.name}: samples must be pictures to have a size and colours, got points of {data.shape[0]} "
                "numbers. Leave data.size and data.colour out."
            )
        return data
    images, note, size = np.asarray(data.images), [data.note] if data.note else [], reading.size
    reading = decided_in_memory(images, reading)
    if data.shape[2] == 4 and not reading.keeps_alpha:
        images = on_background(images, reading.background)
        note.append(f"transparency put on {reading.alpha}")
    if size and data.shape[:2] != (size, size):
        images = picture_file.resized(images, reading)
        note.append(f"{data.shape[0]}×{data.shape[1]} {_resized_note(reading)}")
    channels = 4 if reading.keeps_alpha else {"auto": images.shape[3], "grey": 1, "rgb": 3}[reading.colour]
    if channels != images.shape[3]:
        note.append({1: "turned grey", 3: "grey as RGB", 4: "as RGB with transparency"}[channels])
        images = with_channels(images, channels)
    how = {"alpha": reading.alpha, "resize": reading.resize}
    test = None if data.test is None else fitted(data.test, reading)
    return replace(data, images=images, test=test, note="; ".join(note), decided=how)


def _two_splits(folder: Path, reading: Reading, skip_broken: bool) -> Dataset:
    """Load `train` and `test`, which must have the same classes. Both are read as `train` asks for, RGB if one is."""
    train = load_pictures(folder / "train", reading, skip_broken)
    reading = replace(reading, **train.decided)
    test = load_pictures(folder / "test", reading, skip_broken)
    if train.class_names != test.class_names:
        raise DataError(
            f"{folder}: train and test must have the same sub-folders, got {', '.join(train.class_names) or 'none'} "
            f"and {', '.join(test.class_names) or 'none'}."
        )
    if train.shape != test.shape:
        reading = replace(reading, colour="rgb")
        train, test = (load_pictures(folder / part, reading, skip_broken) for part in ("train", "test"))
    note = train.note if train.note == test.note else f"train: {train.note}; test: {test.note}"
    return replace(train, name=str(folder), test=test, note=note, refused=train.refused + test.refused)


def _name(path: Path, folder: Path) -> str:
    """Return a file's name inside the folder, with ? for each byte that is not text."""
    return str(path.relative_to(folder)).encode(errors="replace").decode()


def _find(folder: Path) -> tuple[list[Path], dict[str, list[Path]], dict[str, int]]:
    """Return the pictures in the folder itself, those of each sub-folder, and the number of other files by ending."""
    loose: list[Path] = []
    classes: dict[str, list[Path]] = {}
    others: dict[str, int] = {}
    entered: dict[str, set[Path]] = {}  # folders seen, for each sub-folder: a link may lead back to one
    try:
        for where, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
            inside = Path(where).relative_to(folder).parts
            folders[:] = [
                name
                for name in sorted(folders)
                if not name.startswith(".")
                and _leads_on(Path(where, name), entered.setdefault((*inside, name)[0], set()))
            ]
            for name in sorted(files):
                path = Path(where, name)
                ending = path.suffix.lower()
                if name.startswith("."):
                    continue
                if ending not in ENDINGS:
                    others[ending] = others.get(ending, 0) + 1
                elif inside:
                    classes.setdefault(inside[0], []).append(path)
                else:
                    loose.append(path)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error}). Check the path and its permissions.") from error
    return loose, classes, others


def _leads_on(folder: Path, entered: set[Path]) -> bool:
    """Return whether a folder, or a link's target, is new and does not contain itself; add it to `entered`."""
    real, around = folder.resolve(), folder.parent.resolve()
    new = real not in entered and not around.is_relative_to(real)
    entered.add(real)
    return new


def _raise(error: OSError) -> None:
    raise error


def _read_all(paths: Sequence[Path | Image], reading: Reading, skip_broken: bool) -> tuple[Images, dict[int, str]]:
    """Read pictures into one array, (n, size, size, 1, 3 or 4); also return the positions of skipped ones, and why."""
    images = np.empty((len(paths), reading.size, reading.size, 4 if reading.keeps_alpha else 3), np.uint8)
    rows = iter(images)

    def keep(path: Path | Image) -> None:
        picture = read_picture(path, reading)
        next(rows)[:] = picture

    broken = _broken(paths, keep, skip_broken)
    images = images[: len(paths) - len(broken)]
    if reading.keeps_alpha:
        return images, broken
    if reading.colour == "auto" and all(map(picture_file.is_grey, images)):
        return images[..., :1].copy(), broken
    return (with_channels(images, 1) if reading.colour == "grey" else images), broken


def _open_all(
    paths: list[Path], reading: Reading, skip_broken: bool, groups: NDArray[np.int64] | None
) -> tuple[Images, dict[int, str]]:
    """Like `_read_all`, but check only the first bytes of each file, and decode pictures when they are needed."""
    broken = _broken(paths, picture_file.check_header, skip_broken)
    sound = [path for i, path in enumerate(paths) if i not in broken]
    groups = None if groups is None else np.delete(groups, list(broken))
    colour, channels = reading.colour, 4 if reading.keeps_alpha else 3
    images = StreamedPictures(sound, reading, channels, groups=groups, skip_broken=skip_broken)
    if colour == "auto" and channels == 3:
        colour = "grey" if all(picture_file.is_grey(images[i]) for i in evenly(len(sound))) else "rgb"
    if colour == "grey":
        images = StreamedPictures(sound, reading, 1, groups=groups, skip_broken=skip_broken)
    return images, broken


def _broken(paths: Sequence[Any], read: Callable[[Any], object], skip_broken: bool) -> dict[int, str]:
    """Read each file; return the positions of those that are broken, and why. Raise if they may not be skipped."""
    broken: dict[int, str] = {}
    for i, path in enumerate(paths):
        try:
            read(path)
        except DataError as error:
            if not skip_broken:
                more = "Or train without it: --set data.skip_broken=true (skip_broken=True)."
                raise DataError(f"{error} {more}") from error.__cause__
            broken[i] = str(error.__cause__) or type(error.__cause__).__name__
    if len(broken) == len(paths):
        raise DataError(f"{paths[0].parent}: all {len(paths)} pictures are broken, {paths[0].name} the first.")
    return broken
