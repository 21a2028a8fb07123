"""Check the user's labels, and number their classes."""

import contextlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mulligan.errors import DataError

_MOST_CLASSES = 1000


@dataclass(frozen=True, eq=False)
class ClassNames:
    """Names of a data set's classes, and their values in the labels: whole numbers, words, or False and True."""

    values: NDArray[Any]
    names: tuple[str, ...]

    @classmethod
    def of(cls, labels: NDArray[Any], name: str) -> Self:
        """Make a class of each different label. Numbers are sorted by value, also if they are written as words."""
        values = np.unique(labels)
        if len(values) > _MOST_CLASSES:
            raise DataError(
                f"{name}: labels must have at most {_MOST_CLASSES} different values, got {len(values)}. Group them, or "
                "leave the labels out."
            )
        listed = values.tolist()
        with contextlib.suppress(ValueError):  # words keep alphabetical order
            listed.sort(key=lambda value: (float(value), str(value)))
        return cls(np.array(listed, values.dtype), tuple(map(str, listed)))

    @classmethod
    def named(cls, names: ArrayLike, name: str) -> Self:
        """Make the classes 0 to K - 1 from a list of their names."""
        words = _plain(np.asarray(names))
        if words.ndim != 1 or words.dtype.kind not in "buiU" or not 1 <= len(words) <= _MOST_CLASSES:
            raise DataError(
                f"{name}: class names must be a list of 1 to {_MOST_CLASSES} words, got {words.dtype} of shape "
                f"{words.shape}. Give one name for each class, that of label 0 first."
            )
        listed = tuple(map(str, words.tolist()))
        twice = [word for k, word in enumerate(listed) if word in listed[:k] or not word.strip()]
        if twice:
            raise DataError(f"{name}: class names must differ and not be empty, got {twice[0]!r}. Rename that class.")
        return cls(np.arange(len(listed)), listed)

    def number(self, labels: NDArray[Any], name: str) -> NDArray[np.int64]:
        """Turn labels, as `label_values` returns them, into class numbers. Numbers and words are compared as text."""
        known = self.values
        if "U" in (known.dtype.kind, labels.dtype.kind):
            known, labels = np.array(self.names), labels.astype(str)
        order = np.argsort(known)
        numbers = order[np.minimum(np.searchsorted(known, labels, sorter=order), len(known) - 1)]
        unknown = labels[known[numbers] != labels]
        if len(unknown):
            some = ", ".join(map(str, known[:10])) + (", …" if len(known) > 10 else "")
            raise DataError(
                f"{name}: labels must be of the {len(known)} classes {some}, got {unknown[0]!s}. Correct the label, or "
                "the list of classes."
            )
        return numbers.astype(np.int64)


def label_values(labels: ArrayLike, n: int, name: str) -> NDArray[Any]:
    """Check labels, (n,), (n, 1) or one-hot (n, K), and return them as n whole numbers or words."""
    labels = _plain(np.asarray(labels))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape[:1] != (n,):
        raise DataError(f"{name}: labels must be one for each of the {n} samples, got shape {labels.shape}.")
    kind = labels.dtype.kind
    if labels.ndim == 2 and kind in "buif":
        if not (((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise DataError(
                f"{name}: labels of several columns must be one-hot (one 1 in each row), got shape {labels.shape} with "
                "other rows. Give one number for each sample."
            )
        return np.asarray(labels.argmax(axis=1))
    if labels.ndim != 1 or kind not in "buifU" or (kind == "f" and not _are_whole(labels.astype(np.float64))):
        raise DataError(
            f"{name}: labels must be whole numbers or words, one for each sample, got {labels.dtype} of shape "
            f"{labels.shape}. Number the classes from 0."
        )
    if kind == "f":
        return labels.astype(np.int64)
    if kind == "U":
        missing = np.flatnonzero(np.char.strip(labels) == "")
        if len(missing):
            raise DataError(
                f"{name}: every sample must have a label, got {len(missing)} without one, the first of them sample "
                f"{missing[0]}, counted from 0. Fill them in, or leave those samples out."
            )
    return labels


def _are_whole(labels: NDArray[np.float64]) -> bool:
    return bool(((labels == np.rint(labels)) & (np.abs(labels) < 2**53)).all())


def _plain(words: NDArray[Any]) -> NDArray[Any]:
    """Turn words into NumPy's fixed-width text. h5py gives bytes, pandas gives objects."""
    if words.dtype.kind == "S":
        return np.char.decode(words, "utf-8")
    is_text = words.dtype.kind == "T" or (
        words.dtype.kind == "O" and all(isinstance(word, str) for word in words.ravel())
    )
    return np.array(words.tolist(), str) if is_text else words
