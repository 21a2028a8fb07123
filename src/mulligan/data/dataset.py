"""The class of all data sets: pictures or points with labels; and `scale`, from stored bytes to network input."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DataError, as_whole


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Pictures or points with their labels. Raises `DataError` when arrays have a wrong kind or do not fit together."""

    name: str
    """The registry name, or the path that it was read from."""
    images: NDArray[Any]
    """Pictures, uint8 (n, H, W, C) with C = 1, 3 or 4 and values 0 to 255; or points, float32 (n, d). Four channels
    are red, green and blue times alpha, and alpha: what cannot be seen is 0. Arrays of the built-in sets are
    read-only, because all who load them share them."""
    labels: NDArray[np.int64] | None = None
    """(n,): one class number per sample, 0 to `classes` - 1."""
    class_names: tuple[str, ...] = ()
    """One name per class; empty without labels."""
    test: Dataset | None = None
    """The held-out samples, of the same kind."""
    note: str = ""
    """A sentence on what loading changed; empty if nothing."""
    decided: dict[str, Any] = field(default_factory=dict)
    """How pictures of your own were read where that was left to them: "alpha", "resize", and "size" for a folder. A run
    writes it into its configuration."""

    def __post_init__(self) -> None:
        kind, shape = str(self.images.dtype), self.images.shape
        pictures = kind == "uint8" and len(shape) == 4 and shape[3] in (1, 3, 4)
        if not (pictures or (kind == "float32" and len(shape) == 2)) or not len(self.images):
            raise DataError(
                f"{self.name}: samples must be uint8 pictures (n, H, W, C), of 1 channel (grey), 3 (RGB) or 4 (with "
                f"alpha), or float32 points (n, d), at least one, got {kind} of shape {shape}. Try "
                "mulligan.data.from_arrays, which converts them."
            )
        for name in (self.name, *self.class_names):
            if name.encode(errors="replace").decode() != name:  # configuration, weights and report store names as text
                raise DataError(f"{self.name!a}: names must be UTF-8, got {name!a}. Rename the folder, file or class.")
        if self.labels is None:
            return
        low, high = (int(self.labels.min()), int(self.labels.max())) if self.labels.size else (0, 0)
        if self.labels.shape != (len(self.images),) or low < 0 or high >= self.classes:
            raise DataError(
                f"{self.name}: labels must be one for each of the {len(self.images)} samples, from 0 to "
                f"{self.classes - 1} for {self.classes} classes, got {low} to {high} of shape {self.labels.shape}. "
                "Check that both come from the same file."
            )

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        size = "×".join(map(str, self.shape))
        parts = [f"{len(self)} × {size} {self.images.dtype}"]
        parts += [f"{self.classes} classes"] if self.labels is not None else ["no labels"]
        parts += [f"{len(self.test)} held out"] if self.test is not None else []
        return f"Dataset({self.name!r}: {', '.join(parts)})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample: (H, W, C) or (d,)."""
        return tuple(self.images.shape[1:])

    @property
    def classes(self) -> int:
        """Number of classes; 0 without labels."""
        return len(self.class_names)

    @property
    def is_points(self) -> bool:
        """Whether the samples are float32 points rather than pictures."""
        return len(self.shape) == 1

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value: (0, 255) for pictures, the extremes of the samples for points."""
        if not self.is_points:
            return 0.0, 255.0
        points = np.asarray(self.images)
        return float(points.min()), float(points.max())

    def limited(self, count: int) -> Dataset:
        """Choose `count` samples at random, whatever the seed of a run, in their order, with all of `test`.

        Each class gives its share, at least one sample as far as `count` allows. A larger `count` adds samples.
        """
        count = as_whole("count", count, 1, sys.maxsize)
        mixed = np.random.default_rng(0).permutation(len(self))
        if self.labels is not None:  # the first ones of all classes, and then each class as often as it is large
            labels, turn = self.labels[mixed], np.empty(len(self))
            for label in np.unique(labels):
                turn[labels == label] = np.linspace(0, 1, (labels == label).sum(), endpoint=False)
            mixed = mixed[np.argsort(turn, kind="stable")]
        return self._of(np.sort(mixed[:count]))

    def draw(self, count: int, seed: int = 0) -> Dataset:
        """Choose `count` samples at random, the same ones for a seed, with all of `test`; all of them if no more.

        Use it for held-out samples, as ``data.test.draw(1000)``: the first ones may all be of one class or one writer.
        """
        count = as_whole("count", count, 1, sys.maxsize)
        if count >= len(self):
            return self
        return self._of(np.random.default_rng(seed).permutation(len(self))[:count])

    def _of(self, rows: Any) -> Dataset:
        return replace(self, images=self.images[rows], labels=None if self.labels is None else self.labels[rows])

    def take(self, indices: NDArray[np.intp], out: NDArray[Any]) -> NDArray[Any]:
        """Copy samples by number, 0 to n - 1 (not checked), into `out`, a buffer of their own dtype and shape."""
        # mode="raise" would make NumPy fill a hidden second buffer first; the sampler's indices are in range.
        self.images.take(indices, axis=0, out=out, mode="clip")
        return out


def scale(
    batch: NDArray[np.uint8], out: NDArray[np.floating[Any]], low: float = -1.0, high: float = 1.0
) -> NDArray[np.floating[Any]]:
    """Turn stored bytes into network input, in place: out = batch · (high − low) / 255 + low.

    In this order of operations the ends are exact: 0 becomes `low` and 255 becomes `high`. `out` has as many elements
    in the same order, such as (b, 784) for (b, 28, 28, 1).
    """
    np.copyto(out, batch.reshape(out.shape))
    out *= high - low
    out /= 255.0
    out += low
    return out


def scale_samples(samples: NDArray[Any], low: float = -1.0, high: float = 1.0) -> NDArray[np.float32]:
    """Return stored samples as network input of the same shape, float32: pictures by `scale`, points as they are."""
    if samples.dtype != np.uint8:
        return np.asarray(samples, np.float32)
    out = np.empty(samples.shape, np.float32)
    scale(samples, out, low, high)
    return out
