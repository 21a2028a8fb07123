"""Measure samples of another program in place of a generator's."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset, load
from mulligan.data.registry import is_picture_folder
from mulligan.data.sources import load_unresized
from mulligan.errors import expanded


class SampleSource(Protocol):
    """What is measured: anything that draws samples by a seed, like `Generator` and `Fakes`."""

    spec: Any

    def sample(self, count: int, seed: int = 0) -> NDArray[Any]:
        """Draw samples in the data's own range."""

    def images(self, count: int, seed: int = 0) -> NDArray[Any]:
        """Draw pictures, uint8."""

    def labels(self, count: int, seed: int = 0) -> NDArray[np.int64] | None:
        """Return the classes that these samples were asked to be, or None."""


class Fakes:
    """Samples of another program, to be measured like a generator's: a seed chooses among those of `data`."""

    def __init__(self, data: Dataset):
        self.data = data
        picture = not data.is_points
        self.spec = SimpleNamespace(shape=data.shape, is_picture=picture, step=0, class_names=(), data=data.name)

    def __len__(self) -> int:
        return len(self.data)

    @classmethod
    def of(cls, source: str | Path) -> Self:
        """Read samples: the pictures of a folder in their own size, the same for all; or the arrays of a file.

        Raises
        ------
        ShapeError
            When the pictures have several sizes.
        DataError, ConfigError
            When there are none, or they cannot be read.
        """
        path = expanded(source)
        if not is_picture_folder(path):
            return cls(load(path))
        return cls(load_unresized(path))

    def sample(self, count: int, seed: int = 0) -> NDArray[Any]:
        """Choose samples by a seed."""
        return np.asarray(self.data.images[np.random.default_rng(seed).permutation(len(self))[:count]])

    images = sample

    def labels(self, count: int, seed: int = 0) -> None:
        """Return None, because no class was asked for."""
