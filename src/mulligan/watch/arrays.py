"""Read arrays of any framework as NumPy arrays, channels last, and find the range of the reals."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mulligan.diagnosis.statistics import squared_distances
from mulligan.errors import DataError, must_be
from mulligan.nn.memory import Array

CHANNELS = (1, 3, 4)
USUAL = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))
"""Ranges to which a range that was found is rounded."""


def as_numpy(x: Any) -> Array:
    """Return an array of any framework as float32, without its graph."""
    if hasattr(x, "detach"):  # a tensor, which may be on a GPU or bfloat16
        x = x.detach().cpu().float()
        with suppress(RuntimeError):  # torch.func wraps it, and only its list can be read
            return np.asarray(x, np.float32)
        x = x.tolist()
    bare = hasattr(x, "__dlpack__") and not hasattr(x, "__array__")
    return np.asarray(np.from_dlpack(x) if bare else x, np.float32)


def row_keys(x: Any) -> Array:
    """Return a number for each row, which only equal rows share."""
    rows = as_numpy(x).reshape(len(x), -1).astype(np.float64)
    keys: Array = (rows @ np.cos(np.arange(1, rows.shape[1] + 1))).astype(np.float32)
    return keys


@contextmanager
def calm() -> Iterator[None]:
    """Ignore warnings where the user has made errors of them: not one of them is about the user's own code."""
    are_errors = any(rule[0] == "error" for rule in warnings.filters)
    with warnings.catch_warnings(action="ignore") if are_errors else nullcontext():
        yield


class Layout(NamedTuple):
    """How samples lie in memory: as "NCHW", "NHWC" or "points", and the shape of one sample as Mulligan draws it."""

    name: str
    shape: tuple[int, ...]

    def samples(self, x: Any) -> Array:
        """Return samples of this layout as pictures with channels last, or as points."""
        found = as_numpy(x)
        if self.name == "NCHW":  # also a generator that draws them flat
            height, width, channels = self.shape
            found = found.reshape(len(found), channels, height, width).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(found.reshape(len(found), *self.shape))


def layout_of(shape: Sequence[int]) -> Layout:
    """Find the layout of samples from the shape of their array."""
    _, *sample = shape
    if len(sample) == 3 and sample[0] in CHANNELS and sample[2] not in CHANNELS:
        return Layout("NCHW", (*sample[1:], sample[0]))
    if len(sample) == 3 and sample[2] in CHANNELS:
        return Layout("NHWC", tuple(sample))
    if len(sample) == 2 and max(sample) < 4 * min(sample):  # else a series
        return Layout("NHWC", (*sample, 1))
    if len(sample) == 1 and sample[0] >= 64 and math.isqrt(sample[0]) ** 2 == sample[0]:
        return Layout("NHWC", (math.isqrt(sample[0]), math.isqrt(sample[0]), 1))
    if len(sample) in (1, 2):
        return Layout("points", (math.prod(sample),))
    raise DataError(must_be("reals", "pictures (NCHW or NHWC) or rows of numbers", tuple(shape)))


def range_of(x: NDArray[Any]) -> tuple[float, float]:
    """Return the range of samples, rounded to a usual one that it nearly fills."""
    low, high = float(x.min()), float(x.max())
    span = high - low
    near = (usual for usual in USUAL if abs(low - usual[0]) < 0.1 * span and abs(high - usual[1]) < 0.1 * span)
    return next(near, (low, high))


def class_match(known: Array, kinds: NDArray[Any], x: Array, classes: NDArray[Any]) -> float:
    """Return how much more often than by chance samples are nearest to the mean of their class among known ones."""
    each = np.unique(kinds)
    means = np.stack([known[kinds == kind].mean(axis=0).ravel() for kind in each])
    nearest = each[squared_distances(x.reshape(len(x), -1), means).argmin(axis=1)]
    return float((nearest == classes).mean()) - 1 / len(each)


def kinds_of(labels: Any) -> NDArray[Any]:
    """Return classes as numbers; they may be one-hot."""
    found = as_numpy(labels)
    return (found.argmax(axis=1) if found.ndim == 2 else found).astype(np.int64)
