"""Make a data set of the user's arrays, or raise an error if their meaning is not certain.

===============================================  ======================================================================
array                                            becomes
===============================================  ======================================================================
uint8 (n, H, W), (n, H, W, 1 or 3)               pictures, unchanged
(n, H, W, 4)                                     pictures with alpha, by which their colours are multiplied
(n, 1, 3 or 4, H, W)                             pictures, channel moved to the end
whole numbers 0 to 255 of any type               pictures; rows (n, s²) become s × s, those of floats from 8 × 8 on
floats in [0, 1] or [−1, 1], three or four axes  pictures, scaled to 0 … 255; values slightly below 0 become 0
bool                                             pictures, black and white
other floats (n, d)                              points, unchanged
lightest value below an eighth of white          error: nearly black, or white has another value
floats down to between −0.5 and −0.02            error: another scale than [0, 1] and [−1, 1]
three axes, H and W from 16 on, then 3 or 4      error: one picture in colour, or many that are 3 or 4 wide
===============================================  ======================================================================
"""

from __future__ import annotations

import contextlib
import logging
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mulligan.data.dataset import Dataset
from mulligan.data.sources.picture_file import premultiply
from mulligan.errors import DataError

UNNAMED = "array"
"""The name of a data set of arrays that has no other."""

DARK = 32
"""A largest value below this is probably the white of another scale (16 in scikit-learn's digits)."""
_LARGEST = np.finfo(np.float32).max
_MOST_CLASSES = 1000
_BLOCK = 4096
_LOG = logging.getLogger(__name__)
_BELOW = 0.02  # resizing and rounding bring floats of [0, 1] this far below 0
_HALF = 0.5  # floats in [−1, 1] nearly always go lower than −_HALF
_SMALLEST_IN_ROWS = 8  # from this side on, a row of whole floats is taken as a picture, not a point
_SMALLEST_IN_COLOUR = 16  # from these sides on, (H, W, 3) may be one picture in colour


def from_arrays(
    images: ArrayLike,
    labels: ArrayLike | None = None,
    test_images: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    name: str = UNNAMED,
) -> Dataset:
    """Make a data set from your own arrays: pictures or points, with or without labels.

    The data set copies them, so that a run's data cannot change. It does not copy uint8 pictures that are read-only
    (``array.flags.writeable = False``, or ``np.load(path, mmap_mode="r")``).

    Parameters
    ----------
    images : array (n, H, W), (n, H, W, C), (n, C, H, W) or (n, d)
        Pictures or points, of any type in the table above.
    labels : array (n,), (n, 1) or one-hot (n, K), optional
        Whole numbers, words or True/False: 1000 different ones at most. They are numbered in their sorted order.
    test_images, test_labels : arrays, optional
        Held-out samples of the same kind, with labels of the same classes. The number 3 and the word "3" are one label.
    name : str
        Name in errors and reports.

    Returns
    -------
    Dataset
        `note` says how the values were converted.

    Raises
    ------
    DataError
        When an array is of no kind in the table, its meaning is not certain, or arrays do not fit together.
    """
    pixels, note = _samples(as_array(images, name), name)
    words = None if labels is None else _words(labels, len(pixels), name)
    names, test = () if words is None else _order(words, name), None
    if test_images is not None:
        test_name = f"{name} (test)"
        held, held_note = _samples(as_array(test_images, test_name), test_name)
        if (held.shape[1:], held.dtype) != (pixels.shape[1:], pixels.dtype):
            raise DataError(
                f"{test_name}: samples must be {pixels.dtype} {pixels.shape[1:]}, as those to train on are, got "
                f"{held.dtype} {held.shape[1:]}. Convert both alike."
            )
        test = Dataset(test_name, held, note=held_note)
        if words is not None and test_labels is not None:
            numbers = _number(_words(test_labels, len(held), test_name), names, test_name)
            test = replace(test, labels=numbers, class_names=names)
    return Dataset(name, pixels, None if words is None else _number(words, names, name), names, test, note)


def as_array(values: ArrayLike, name: str) -> NDArray[Any]:
    """Convert a caller's argument to an array."""
    if np.ma.is_masked(values):
        raise DataError(f"{name}: no value must be masked, got masked ones. Fill them in (.filled(0)).")
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # uneven lists; torch's, with a gradient or on a GPU
        kind = type(values).__name__
        raise DataError(f"{name}: {kind} cannot be read as an array ({error}). Convert it to NumPy's.") from error


def _words(labels: ArrayLike, n: int, name: str) -> NDArray[Any]:
    """Return labels, (n,), (n, 1) or one-hot (n, K), as n words."""
    array = as_array(labels, name)
    if array.dtype.kind == "S":  # as h5py gives them
        array = np.char.decode(array, "utf-8")
    elif array.dtype.kind in "TO" and all(isinstance(word, str) for word in array.ravel()):  # as pandas gives them
        array = np.array(array.tolist(), str)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    kind = array.dtype.kind
    if array.ndim == 2 and kind in "buif" and (array.sum(axis=1) == 1).all() and np.isin(array, (0, 1)).all():
        array = array.argmax(axis=1)
    elif kind == "f" and (np.abs(array.astype(np.float64)) < 2**53).all() and _are_whole(array):
        array = array.astype(np.int64)
    if array.shape != (n,) or array.dtype.kind not in "buiU":
        raise DataError(
            f"{name}: labels must be one whole number or word for each of the {n} samples, or one-hot (one 1 in each "
            f"row), got {array.dtype} of shape {array.shape}. Number the classes from 0."
        )
    words = array.astype(str)
    if len(missing := np.flatnonzero(np.char.strip(words) == "")):
        raise DataError(
            f"{name}: every sample must have a label, got {len(missing)} without one, the first of them sample "
            f"{missing[0]}, counted from 0. Fill them in, or leave those samples out."
        )
    return words


def _order(words: NDArray[Any], name: str) -> tuple[str, ...]:
    """Make a class of each different label. Numbers are sorted by value, also if they are written as words."""
    names = np.unique(words).tolist()
    if len(names) > _MOST_CLASSES:
        raise DataError(
            f"{name}: labels must have at most {_MOST_CLASSES} different values, got {len(names)}. Group them, or "
            "leave the labels out."
        )
    with contextlib.suppress(ValueError):  # words keep alphabetical order
        names.sort(key=lambda value: (float(value), value))
    return tuple(names)


def _number(words: NDArray[Any], names: tuple[str, ...], name: str) -> NDArray[np.int64]:
    """Turn labels into class numbers, by the classes' names."""
    known = np.array(names)
    order = np.argsort(known)
    numbers = order[np.minimum(np.searchsorted(known, words, sorter=order), len(known) - 1)]
    if len(unknown := words[known[numbers] != words]):
        raise DataError(
            f"{name}: labels must be of the {len(known)} classes {', '.join(known[:10])}{', …' * (len(known) > 10)}, "
            f"got {unknown[0]!s}. Correct the label, or leave the sample out."
        )
    return numbers.astype(np.int64)


def _samples(array: NDArray[Any], name: str) -> tuple[NDArray[Any], str]:
    """Convert an array to uint8 pictures (n, H, W, C) or float32 points (n, d), with a note on how."""
    if array.dtype.kind not in "buif" or not 2 <= array.ndim <= 4 or array.size == 0:
        raise DataError(
            f"{name}: samples must be numbers, of pictures (n, H, W) or (n, H, W, C) or points (n, d), at least one of "
            f"them, got {array.dtype} of shape {array.shape}. Give the folder or file where these are names."
        )
    if array.dtype.kind == "f" and not all((np.abs(block) <= _LARGEST).all() for block in _blocks(array)):
        raise DataError(
            f"{name}: values must be finite in float32, got NaN, infinity or numbers above 3.4e38. Remove or replace "
            "those samples first."
        )
    if array.ndim == 2 and array.dtype.kind == "f" and not _are_pictures_in_rows(array):
        side = math.isqrt(array.shape[1])
        square = side >= 4 and side**2 == array.shape[1]
        hint = f"; if they are pictures, reshape them to (n, {side}, {side})" if square else ""
        return array.astype(np.float32), f"{array.shape[1]} numbers per sample, used as they are{hint}"
    shaped, moved = _picture_axes(array, name)
    pixels, scaled = _pixels(shaped, name)
    pixels = premultiply(pixels) if pixels.shape[3] == 4 else pixels
    return pixels, "; ".join(filter(None, (moved, scaled)))


def _are_pictures_in_rows(array: NDArray[Any]) -> bool:
    """Return whether rows of floats are square pictures in whole numbers up to 255, as in OpenML's MNIST."""
    side = math.isqrt(array.shape[1])
    if side < _SMALLEST_IN_ROWS or side**2 != array.shape[1] or array.min() < 0 or not DARK <= array.max() <= 255:
        return False
    return _are_whole(array)


def _are_whole(array: NDArray[Any]) -> bool:
    return all((block == np.rint(block)).all() for block in _blocks(array))


def _picture_axes(array: NDArray[Any], name: str) -> tuple[NDArray[Any], str]:
    """View an array as (n, H, W, C)."""
    if array.ndim == 2:
        side = math.isqrt(array.shape[1])
        if side < 2 or side**2 != array.shape[1]:
            raise DataError(
                f"{name}: rows of whole numbers must be square pictures, got rows of {array.shape[1]}. Reshape to "
                "(n, H, W) or (n, H, W, 3), or convert to float32 if they are points."
            )
        return array.reshape(-1, side, side, 1), f"rows of {array.shape[1]} seen as {side}×{side} pictures"
    if array.ndim == 3:
        n, height, width = array.shape
        if width in (3, 4) and min(n, height) >= _SMALLEST_IN_COLOUR:
            raise DataError(
                f"{name}: shape {array.shape} may be one picture of {n}×{height} with {width} channels, or {n} of "
                f"width {width}. Add a fourth axis: array[None] for one picture, array[..., None] for {n} grey ones."
            )
        return array[..., None], ""
    first, last = array.shape[1], array.shape[3]
    if last not in (1, 3) and (first in (1, 3) or (first == 4 and last != 4)):
        return np.moveaxis(array, 1, 3), "channels moved from the second to the last place"
    if last not in (1, 3, 4):
        raise DataError(
            f"{name}: the last or the second axis must be 1 (grey), 3 (RGB) or 4 (RGBA) channels, got shape "
            f"{array.shape}. Reshape to (n, H, W, C)."
        )
    return array, ""


def _pixels(array: NDArray[Any], name: str) -> tuple[NDArray[np.uint8], str]:
    """Convert values to bytes; raise if their meaning is not certain."""
    low, high = array.min(), array.max()
    kind = array.dtype.kind
    if kind == "b":
        check_light(name, "bool", 255 * bool(low), 255 * bool(high))
        return array.astype(np.uint8) * np.uint8(255), "False and True turned into 0 and 255"
    if kind == "f" and high <= 1.0 and (bottom := black_of(low)) is not None:
        check_light(name, array.dtype, low, high, bottom, 1.0)
        pixels = np.empty(array.shape, np.uint8)
        for source, target in zip(_blocks(array), _blocks(pixels)):
            scaled = (source.astype(np.float64) - bottom) * (255.0 / (1.0 - bottom))
            target[:] = np.rint(scaled, out=scaled).clip(0.0)
        if low < bottom:
            _LOG.warning(
                "%s: floats in [0, 1] but for some down to %.2g, which became black. Clip them first.", name, low
            )
        return pixels, f"floats in [{bottom:.0f}, 1] turned into 0 to 255"
    whole = kind in "ui" or _are_whole(array)
    if low < 0 or high > 255 or not whole:
        raise DataError(
            f"{name}: pictures must be whole numbers from 0 to 255, or floats in [0, 1] or [-1, 1], got {array.dtype} "
            f"values from {low} to {high}. Rescale them."
        )
    if high == 1:
        raise DataError(
            f"{name}: {array.dtype} values are all 0 or 1, which may mean nearly black (of 255) or black and white. "
            "Convert them to bool for black and white."
        )
    check_light(name, array.dtype, low, high)
    pixels = np.array(array, np.uint8, order="C", copy=True if array.flags.writeable else None)
    return pixels, "" if array.dtype == np.uint8 else f"{array.dtype} turned into uint8"


def black_of(low: float) -> float | None:
    """Return the value of black in floats up to 1, judged by the lowest: 0 or −1; None if not certain."""
    if low >= -_BELOW:
        return 0.0
    return -1.0 if -1.0 <= low < -_HALF else None


def check_light(
    name: object, kind: object, low: float, high: float, black: float = 0.0, white: float = 255.0, what: str = ""
) -> None:
    """Raise if all pictures are nearly black, so that white is probably another value; warn if all are one colour."""
    if black < high < black + (white - black) * DARK / 255:
        raise DataError(
            f"{name}: {kind} values from {low} to {high} are all nearly black if white is {white:.0f}. Is {high:g} "
            f"white? {what or 'Then divide by the value of white, into floats in [0, 1].'}"
        )
    if low == high and high in (black, white):
        _LOG.warning("%s: %s values are all %s: every picture is the same. Check how they were made.", name, kind, low)


def _blocks(array: NDArray[Any]) -> list[NDArray[Any]]:
    """View an array in pieces, so that no temporary is as large as the whole."""
    return [array[start : start + _BLOCK] for start in range(0, len(array), _BLOCK)]
