"""Labels of the user's own: what they may be, and which number each class has."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_MOST_CLASSES = 1000


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes of a data set.

    Attributes
    ----------
    values : array (K,)
        What stands for each class in the labels: whole numbers, words, or False and True.
    names : tuple of str
    """

    values: NDArray[Any]
    names: tuple[str, ...]

    @classmethod
    def found_in(cls, labels: NDArray[Any], name: str) -> Classes:
        """Take every different label for a class, in their sorted order; words that are numbers by their value.

        Raises
        ------
        DataError
            When they are more than 1000.
        """
        values = np.unique(labels)
        if len(values) > _MOST_CLASSES:
            raise DataError(
                f"{name}: {len(values)} different labels; {_MOST_CLASSES} at most are classes. Group them, or leave "
                "the labels out."
            )
        listed = values.tolist()
        with contextlib.suppress(ValueError):  # for words: they keep the order of the alphabet
            listed.sort(key=lambda value: (float(value), str(value)))
        return cls(np.array(listed, values.dtype), tuple(map(str, listed)))

    @classmethod
    def named(cls, names: ArrayLike, name: str) -> Classes:
        """Take the names of the classes 0 to K - 1, in their order.

        Raises
        ------
        DataError
            When they are no list of different words, 1 to 1000 of them.
        """
        words = _plain(np.asarray(names), name)
        if words.ndim != 1 or words.dtype.kind not in "buiU" or not 1 <= len(words) <= _MOST_CLASSES:
            raise DataError(
                f"{name}: the names of the classes are {words.dtype} of shape {words.shape}; a list of words, 1 to "
                f"{_MOST_CLASSES} of them, is needed. Give one name per class, that of label 0 first."
            )
        listed = tuple(map(str, words.tolist()))
        twice = [word for k, word in enumerate(listed) if word in listed[:k] or not word.strip()]
        if twice:
            raise DataError(f"{name}: {twice[0]!r} cannot name a class; names differ and are not empty. Rename it.")
        return cls(np.arange(len(listed)), listed)

    def number(self, labels: NDArray[Any], name: str) -> NDArray[np.int64]:
        """Turn labels into class numbers, 0 to K - 1.

        Parameters
        ----------
        labels : array (n,)
            What `label_values` gave. Where these or the classes are words, they are compared as text.
        name : str
            What errors call the data.

        Raises
        ------
        DataError
            When a label is of no class.
        """
        known = self.values
        if "U" in (known.dtype.kind, labels.dtype.kind):
            known, labels = np.array(self.names), labels.astype(str)
        order = np.argsort(known)
        numbers = order[np.minimum(np.searchsorted(known, labels, sorter=order), len(known) - 1)]
        unknown = labels[known[numbers] != labels]
        if len(unknown):
            some = ", ".join(map(str, known[:10])) + (", …" if len(known) > 10 else "")
            raise DataError(
                f"{name}: label {unknown[0]!s} is none of the {len(known)} classes ({some}). Correct the label, or "
                "the list of classes."
            )
        return numbers.astype(np.int64)


def label_values(labels: ArrayLike, n: int, name: str) -> NDArray[Any]:
    """Check labels and give them as (n,) whole numbers or words.

    Parameters
    ----------
    labels : array (n,), (n, 1) or one-hot (n, K)
    n : int
        How many samples there are.
    name : str
        What errors call the data.

    Raises
    ------
    DataError
        When they are neither whole numbers nor words, one is missing, or they are not one per sample.
    """
    labels = _plain(np.asarray(labels), name)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape[:1] != (n,):
        raise DataError(f"{name}: labels of shape {labels.shape} for {n} samples; one per sample is needed.")
    kind = labels.dtype.kind
    if labels.ndim == 2 and kind in "buif":
        if not (((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise DataError(
                f"{name}: labels of shape {labels.shape} are not one-hot (a single 1 a row). "
                "Give one number per sample."
            )
        return np.asarray(labels.argmax(axis=1))
    if labels.ndim != 1 or kind not in "buifU" or (kind == "f" and not (labels == np.rint(labels)).all()):
        raise DataError(
            f"{name}: labels are {labels.dtype} of shape {labels.shape}; whole numbers or words, one per sample, are "
            "needed. Number the classes from 0."
        )
    if kind == "f":
        if not (np.abs(labels.astype(np.float64)) < 2**53).all():
            raise DataError(f"{name}: labels beyond 2^53 are no class numbers. Number the classes from 0.")
        return labels.astype(np.int64)
    if kind == "U":
        missing = np.flatnonzero(np.char.strip(labels) == "")
        if len(missing):
            raise DataError(
                f"{name}: sample {missing[0]} (counted from 0) has no label, and {len(missing)} have none in all; "
                "every sample needs one. Fill them in, or leave those samples out."
            )
    return labels


def _plain(words: NDArray[Any], name: str) -> NDArray[Any]:
    """Give words as NumPy's own fixed-width text: they come as bytes and as objects, too (h5py, pandas)."""
    if words.dtype.kind == "S":
        try:
            return np.char.decode(words, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{name}: labels are bytes that are no UTF-8 ({error}). Save them as text.") from error
    is_text = words.dtype.kind == "T" or (
        words.dtype.kind == "O" and all(isinstance(word, str) for word in words.ravel())
    )
    return np.array(words.tolist(), str) if is_text else words
