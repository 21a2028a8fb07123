"""Load the user's files of arrays: .npz, .npy, CSV and IDX."""

import csv
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset
from mulligan.data.sources.arrays import from_arrays
from mulligan.data.sources.idx import read_idx
from mulligan.doors.read import read_text
from mulligan.errors import DataError, TooLargeError
from mulligan.nn.workers.limits import check_size

_NAMES = {
    "images": ("images", "samples", "x", "data", "x_train", "train_images"),
    "labels": ("labels", "label", "y", "targets", "target", "y_train", "train_labels"),
    "test_images": ("test_images", "x_test"),
    "test_labels": ("test_labels", "y_test"),
}
"""The arrays of a `.npz`: each argument of `from_arrays`, and what it may be called."""
_LABEL_COLUMNS = ("label", "labels", "class", "target", "y")
_SMALLEST = 16  # a CSV row of fewer values is a point, not a picture


def load_numpy(path: Path) -> Dataset:
    """Load a `.npy` file, or a `.npz` file with the usual names or a single array."""
    try:
        with path.open("rb") as file:  # given a name, NumPy would leave a broken file open
            content = np.load(file, allow_pickle=False)
            arrays = {"images": content} if isinstance(content, np.ndarray) else _members(content, path)
    except TooLargeError:
        raise
    except Exception as error:  # NumPy and zipfile raise nearly everything on broken files
        raise DataError(
            f"{path}: cannot be read as NumPy's .npy or .npz ({str(error) or type(error).__name__}). Save it again "
            "with np.savez, words with astype(str): pickles are never loaded."
        ) from error
    if len(arrays) == 1:
        arrays = {"images": next(iter(arrays.values()))}
    for array in arrays.values():
        array.flags.writeable = False  # nobody else writes to it, so it need not be copied
    parts: dict[str, Any] = {}
    for part, names in _NAMES.items():
        present = [name for name in names if name in arrays]
        if len(present) > 1 or (part == "images" and not present):
            raise DataError(
                f"{path}: must hold one of {', '.join(names)}, got {', '.join(present or arrays) or 'none'}. Save it "
                "with np.savez(path, images=…, labels=…)."
            )
        parts[part] = arrays[present[0]] if present else None
    return from_arrays(name=str(path), **parts)


def _members(content: Any, path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a `.npz`; skip other files in it."""
    files = [each for each in content.zip.infolist() if re.fullmatch(r"(?!__MACOSX/).*\.npy", each.filename)]
    check_size(f"the arrays of {path}", sum(each.file_size for each in files))  # one byte may pack a thousand
    arrays = {each.filename.removesuffix(".npy"): content[each.filename] for each in files}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name}.npy is no array")
    return arrays


def load_idx(path: Path) -> Dataset:
    """Load an IDX file of pictures, with the labels beside it if there are any, or a folder of MNIST's four."""
    if not path.is_dir():
        return from_arrays(read_idx(path), _labels_beside(path), name=str(path))
    train, test = idx_in(path, "train"), idx_in(path, "t10k")
    assert train is not None  # or it is a folder of pictures
    held = (None, None) if test is None else (read_idx(test), _labels_beside(test))
    return from_arrays(read_idx(train), _labels_beside(train), held[0], held[1], str(path))


def _labels_beside(images: Path) -> NDArray[Any] | None:
    name, changes = re.subn(r"images([-.])idx3", r"labels\1idx1", images.name)
    plain = name.removesuffix(".gz")
    there = [images.with_name(each) for each in (name, plain, f"{plain}.gz") if changes]
    return next((read_idx(path) for path in there if path.is_file()), None)


def idx_in(folder: Path, prefix: str) -> Path | None:
    """Find MNIST's file of pictures in a folder, plain or gzipped."""
    names = [f"{prefix}-images{mark}idx3-ubyte{ending}" for mark in "-." for ending in (".gz", "")]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def load_csv(path: Path) -> Dataset:
    """Load a table of numbers, one sample per row, separated by commas, semicolons or tabs; labels may be words.

    Rows of s² bytes are pictures, others points. Labels are the column with such a heading; without a heading, the
    first of 1 + s² columns. They are classes as they are written: `7`, `007` and `7.0` are three.
    """
    lines = [line for line in re.split("[\r\n]", read_text(path, sys.maxsize)) if line.strip()]
    separator = max(",;\t", key="".join(lines[:1]).count)
    heading = _heading(lines[0], separator, path) if lines else []
    rows = lines[bool(heading) :]
    if not rows:
        raise DataError(f"{path}: must have a sample per row, got none. Check the file.")
    column = _label_column(heading, path)
    table, labels = _table(rows, separator, column, path)
    if heading and len(heading) != table.shape[1]:
        raise DataError(
            f"{path}: the heading must have {table.shape[1]} columns, as the rows have, got {len(heading)}. Repair it."
        )
    if column is None and _is_square(table.shape[1] - 1) and _are_bytes(table):
        if heading:
            raise DataError(
                f"{path}: there is one column more than a picture has, and none is headed {', '.join(_LABEL_COLUMNS)}. "
                "Head the column of labels label; if all columns are values, save a .npy of floats."
            )
        column, labels = 0, [row.split(separator, 1)[0].strip().strip('"') for row in rows]
    if column is None:
        return from_arrays(_as_pixels(table), name=str(path))
    words = np.array(labels)
    if all(map(_is_number, labels)) and not all(float(word).is_integer() for word in labels):
        words = words.astype(np.float64)  # which `from_arrays` refuses
    return from_arrays(_as_pixels(np.delete(table, column, axis=1)), words, name=str(path))


def _heading(first: str, separator: str, path: Path) -> list[str]:
    """Return the words of the first row in small letters; none if it is a sample. Raise if it may be either."""
    try:
        words = [word.strip().strip('"').lower() for word in next(csv.reader([first], delimiter=separator))]
    except csv.Error as error:
        raise DataError(f"{path}: the first row cannot be read ({error}). Save the table again.") from error
    numbers = [word for word in words if _is_number(word)]
    if numbers == words:
        return []
    if not words[0] or "id" in words:
        raise DataError(
            f"{path}: the column headed {words[0] and 'id'!r} seems to number the rows, and would be trained on. Save "
            "the table without it: in pandas with to_csv(path, index=False). If it holds values, rename it."
        )
    word = next(word for word in words if not _is_number(word))
    if numbers and not set(words) & set(_LABEL_COLUMNS):
        raise DataError(
            f"{path}: the first row must be a heading or a sample, got numbers ({numbers[0]}) and words ({word}). "
            "Write either. A column of labels may hold words if it is headed label."
        )
    return words


def _table(rows: list[str], separator: str, column: int | None, path: Path) -> tuple[NDArray[np.float32], list[str]]:
    """Read rows of numbers, and the texts of one column; the table has zeros in that column."""
    texts: list[str] = []

    def keep(text: str) -> float:
        texts.append(text.strip())
        return 0.0

    converters = None if column is None else {column: keep}
    options: Any = {"comments": None, "quotechar": '"', "ndmin": 2, "converters": converters}
    try:
        table = np.loadtxt(rows, np.float32, delimiter=separator, **options)
    except ValueError as error:
        raise DataError(
            f"{path}: not a table of numbers ({error}; rows counted from 0, without the heading). Every row must have "
            "as many numbers as the first, separated by commas, semicolons or tabs, with decimal points. One column, "
            "headed label, may hold words."
        ) from error
    if len(table) != len(rows) or any("\n" in text for text in texts):
        raise DataError(f"{path}: a row opens a quotation mark that it never closes. Close it, or double it.")
    return table, texts


def _label_column(heading: list[str], path: Path) -> int | None:
    """Find the column of labels by its heading."""
    columns = [i for i, word in enumerate(heading) if word in _LABEL_COLUMNS and not (word == "y" and "x" in heading)]
    if len(columns) > 1:
        raise DataError(
            f"{path}: one column must be the labels, got {', '.join(heading[i] for i in columns)}. Rename all but one."
        )
    return columns[0] if columns else None


def _as_pixels(values: NDArray[np.float32]) -> NDArray[Any]:
    """Return rows that are pictures as bytes, others as they are."""
    return values.astype(np.uint8) if _is_square(values.shape[1]) and _are_bytes(values) else values


def _is_square(count: int) -> bool:
    return count >= _SMALLEST and math.isqrt(count) ** 2 == count


def _are_bytes(values: NDArray[np.float32]) -> bool:
    return bool(((values >= 0) & (values <= 255) & (values == np.rint(values))).all())


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
